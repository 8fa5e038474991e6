"""How far a joint found by a network may lie from the truth: the noise model of every solver."""

# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false

import numpy as np
from scipy.ndimage import median_filter

from calibration.evidence.observations import Observations
from calibration.geometry.arrays import F64
from calibration.skeleton import Skeleton, strip_side

# A joint's error grows with the size of the person in the image (share of the torso's length; in
# the studio against exact truth 2.1 % for a joint in plain view, on real video rather 3 %,
# view-dependent definition included).
SIGMA_OF_TORSO = 0.025
MIN_SIGMA_PX = 1.0
GATE_SIGMAS = 4.0
# Error of each kind of joint in plain view relative to that (three studio seeds, BlazePose, all
# views).
SIGMA_FACTOR = {
    "shoulder": 1.0,
    "elbow": 0.9,
    "wrist": 0.9,
    "hip": 1.3,
    "knee": 1.0,
    "ankle": 0.9,
    "heel": 1.5,
    "foot_index": 1.2,
    "nose": 1.5,
    "eye": 1.5,
    "ear": 1.5,
    "mouth": 1.5,
    "pinky": 1.5,
    "index": 1.5,
    "thumb": 1.5,
}
# How the error grows as the network's confidence falls (same measurement: limbs, median by
# confidence).
CONFIDENCE_KNOTS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 1.0)
CONFIDENCE_FACTORS = (6.0, 3.5, 2.3, 1.8, 1.5, 1.25, 1.1, 1.0)
DEFAULT_FACTOR = 1.5
# The torso's length by other lengths, for a person who bends or faces away (proportions of Drillis
# & Contini 1966).
TORSO_OF_SHOULDERS, TORSO_OF_LEG = 1.35, 0.58


def estimate_sigma_px(observations: Observations, min_confidence: float) -> F64:
    """Estimate the standard deviation of every observed joint.

    Parameters
    ----------
    observations
    min_confidence
        Joints below it count as not seen.

    Returns
    -------
    sigma : (T, V, J), px, one standard deviation per axis
        Infinite where a joint was not seen.
    """
    factor = list_sigma_factors(observations.skeleton)
    torso = measure_torso_px(observations)
    doubt = np.interp(observations.confidence, CONFIDENCE_KNOTS, CONFIDENCE_FACTORS)
    sigma = np.maximum(SIGMA_OF_TORSO * torso[..., None], MIN_SIGMA_PX) * factor * doubt
    seen = observations.seen & (observations.confidence >= min_confidence)
    return np.where(seen & np.isfinite(sigma), sigma, np.inf)


def list_sigma_factors(skeleton: Skeleton) -> F64:
    """List how much larger each joint's error is than a shoulder's.

    Returns
    -------
    factor : (J,)
    """
    return np.array([_look_up_factor(joint) for joint in skeleton.joints])


def compute_gate_px(sigma: F64) -> F64:
    """Compute how far a view may be from a joint's image and still carry it.

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
    return np.maximum(GATE_SIGMAS * largest, MIN_SIGMA_PX)


def measure_torso_px(observations: Observations) -> F64:
    """Measure how large the person is in each image.

    Returns
    -------
    torso : (T, V), px
        Length of the torso were it parallel to the image; NaN where no person was seen.
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
    # the largest: a length seen at an angle only ever appears shorter
    stacked = np.stack(lengths)
    seen = np.isfinite(stacked).any(0)
    size = np.where(seen, np.max(np.where(np.isfinite(stacked), stacked, -np.inf), axis=0), np.nan)
    return np.stack([_remove_spikes(size[:, v]) for v in range(size.shape[1])], 1)


def _remove_spikes(size: F64) -> F64:
    """Remove the spikes from one view's sizes: a running median over 15 images."""
    rows = np.flatnonzero(np.isfinite(size))
    steady = np.full(len(size), np.nan)
    if len(rows):
        steady[rows] = median_filter(size[rows], size=min(15, len(rows)), mode="nearest")
    return steady


def _look_up_factor(joint: str) -> float:
    """Look up a joint's factor by its name without the side."""
    bare = strip_side(joint)
    for part, factor in SIGMA_FACTOR.items():
        if bare == part or bare.startswith(part + "_"):
            return factor
    return DEFAULT_FACTOR
