"""How far a joint found by a network may lie from the truth: the noise model of every solver."""

import numpy as np
from scipy.ndimage import median_filter

from calibration.geometry.arrays import F64
from calibration.observations import Observations

# A joint's error grows with the size of the person in the image: 3 % of the torso's length (5 % mean against
# exact truth in the studio, 7.6 px at a 270 px torso on real video).
SIGMA_OF_TORSO = 0.03
SMALLEST_SIGMA_PX = 1.0
GATE_SIGMAS = 4.0
# Error of each kind of joint relative to that (METHODS 3.4.0; hips are defined loosely, faces drift from behind).
SIGMA_FACTOR = {
    "shoulder": 1.0, "elbow": 1.0, "wrist": 1.2, "hip": 1.5, "knee": 1.0, "ankle": 1.0, "heel": 1.4,
    "foot_index": 1.4, "nose": 2.0, "eye": 2.0, "ear": 2.0, "mouth": 2.0, "pinky": 2.0, "index": 2.0, "thumb": 2.0,
}  # fmt: skip
DEFAULT_FACTOR = 2.0
# What a length says of the torso's, for a person who bends or faces away (Drillis & Contini proportions).
TORSO_OF_SHOULDERS, TORSO_OF_LEG = 1.35, 0.58


def sigma_px(observations: Observations, least_confidence: float) -> F64:
    """Expect an error for every observed joint.

    Parameters
    ----------
    observations
    least_confidence
        Joints below it count as not seen.

    Returns
    -------
    sigma : (T, V, J), px, one standard deviation per axis
        Infinite where a joint was not seen.
    """
    factor = np.array([_factor(joint) for joint in observations.skeleton.joints])
    torso = torso_px(observations)
    sigma = np.maximum(SIGMA_OF_TORSO * torso[..., None], SMALLEST_SIGMA_PX) * factor
    seen = observations.seen & (observations.confidence >= least_confidence)
    return np.where(seen & np.isfinite(sigma), sigma, np.inf)


def gate_px(sigma: F64) -> F64:
    """Say how far a view may be from a joint's image and still carry it.

    Parameters
    ----------
    sigma : (V, N), px
        Infinite where a joint was not seen.

    Returns
    -------
    gate : (N,), px
        `GATE_SIGMAS` of the least certain view that saw it.
    """
    largest = np.where(np.isfinite(sigma), sigma, 0.0).max(0)
    return np.maximum(GATE_SIGMAS * largest, SMALLEST_SIGMA_PX)


def torso_px(observations: Observations) -> F64:
    """Measure how large the person is in each image.

    Parameters
    ----------
    observations

    Returns
    -------
    torso : (T, V), px
        Length of the torso were it parallel to the image; NaN where nobody was seen.
    """
    skeleton = observations.skeleton
    xy = np.where(observations.seen[..., None], observations.xy, np.nan)

    def joint(name: str) -> F64:
        return xy[:, :, skeleton.index(name)]

    shoulders = (joint("left_shoulder") + joint("right_shoulder")) / 2
    hips = (joint("left_hip") + joint("right_hip")) / 2
    width = np.linalg.norm(joint("left_shoulder") - joint("right_shoulder"), axis=-1)
    legs = [
        np.linalg.norm(joint(f"{side}_hip") - joint(f"{side}_knee"), axis=-1)
        + np.linalg.norm(joint(f"{side}_knee") - joint(f"{side}_ankle"), axis=-1)
        for side in ("left", "right")
    ]
    lengths = [np.linalg.norm(shoulders - hips, axis=-1), TORSO_OF_SHOULDERS * width]
    lengths += [TORSO_OF_LEG * leg for leg in legs]
    stacked = np.stack(lengths)
    seen = np.isfinite(stacked).any(0)
    size = np.where(seen, np.max(np.where(np.isfinite(stacked), stacked, -np.inf), axis=0), np.nan)
    return np.stack([_steadied(size[:, v]) for v in range(size.shape[1])], 1)


def _steadied(size: F64) -> F64:
    """Take the spikes out of one view's sizes: a running median over about a second of what was seen."""
    rows = np.flatnonzero(np.isfinite(size))
    steady = np.full(len(size), np.nan)
    if len(rows):
        steady[rows] = median_filter(size[rows], size=min(15, len(rows)), mode="nearest")
    return steady


def _factor(joint: str) -> float:
    """Look up a joint's factor by the part of its name that says what it is."""
    bare = joint.removeprefix("left_").removeprefix("right_")
    for part, factor in SIGMA_FACTOR.items():
        if bare == part or bare.startswith(part + "_"):
            return factor
    return DEFAULT_FACTOR
