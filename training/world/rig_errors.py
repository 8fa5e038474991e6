"""How far a rig is from the true one, whatever world and scale it is in."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from calibration.geometry.arrays import F64
from calibration.geometry.transforms import nearest_rotation
from calibration.rig import Rig

LIMB_BONES = ((0, 2), (1, 3), (2, 4), (3, 5), (6, 8), (7, 9), (8, 10), (9, 11), (0, 1), (6, 7))
"""Pairs of `LIMBS` with a bone, or shoulders or hips, between them."""


@dataclass(frozen=True, slots=True)
class RigErrors:
    """How far a rig is from the true one.

    Parameters
    ----------
    rotation_deg
        The largest error of how one camera is turned against another.
    distance_percent
        The largest error, with its sign, of the distance between two cameras; NaN where the scale
        cannot be told.
    focal_low_percent, focal_high_percent
        The least and the largest error of a focal length, with their signs.
    """

    rotation_deg: float
    distance_percent: float
    focal_low_percent: float
    focal_high_percent: float


def measure_rig_errors(rig: Rig, truth: Rig, scale: float) -> RigErrors:
    """Compare a rig with the true one.

    Parameters
    ----------
    rig, truth
        Of the same cameras, two or more, in the same order; each in a world of its own.
    scale
        True metres per metre of the rig; NaN where unknown.
    """
    pairs = list(combinations(range(len(truth)), 2))
    focal = [100 * (a.focal_px / b.focal_px - 1) for a, b in zip(rig, truth)]
    lengths, true_lengths = (_measure_distances(cameras) for cameras in (rig, truth))
    distance = 100 * (scale * lengths / true_lengths - 1)
    return RigErrors(
        rotation_deg=max(_compare_rotation_deg(rig, truth, pair) for pair in pairs),
        distance_percent=float(distance[np.argmax(np.abs(distance))]),
        focal_low_percent=min(focal),
        focal_high_percent=max(focal),
    )


def find_true_axes(rig: Rig, truth: Rig) -> F64:
    """Find the rotation that carries the axes of a rig's world into the true ones, (3, 3).

    Notes
    -----
    The mean over the cameras, so that an error of one is shared out and not hidden.
    """
    turns = [true.R.T @ camera.R for camera, true in zip(rig, truth)]
    return nearest_rotation(np.mean(turns, 0))


def find_distance_scale(rig: Rig, truth: Rig) -> float:
    """Find the scale at which the distances between cameras agree best.

    Returns
    -------
    scale
        True metres per metre of the rig; NaN for two cameras, which agree at any distance.
    """
    lengths, true_lengths = (_measure_distances(cameras) for cameras in (rig, truth))
    if len(lengths) < 2:
        return float("nan")
    return float(lengths @ true_lengths / (lengths @ lengths))


def find_body_scale(limbs: F64, truth: F64) -> float:
    """Find the scale at which the person's bones are as long as the true ones.

    Parameters
    ----------
    limbs, truth : (T, 12, 3), m

    Returns
    -------
    scale
        True metres per metre; NaN where they have no bone in common.
    """
    a, b = np.transpose(LIMB_BONES)
    lengths, true_lengths = (
        np.linalg.norm(xyz[:, a] - xyz[:, b], axis=-1) for xyz in (limbs, truth)
    )
    both = np.isfinite(lengths + true_lengths) & (lengths > 0)
    return float(np.median(true_lengths[both] / lengths[both])) if both.any() else float("nan")


def _compare_rotation_deg(rig: Rig, truth: Rig, pair: tuple[int, int]) -> float:
    """Return the angle between how a pair of cameras is and should be turned."""
    a, b = pair
    turn = (rig[a].R @ rig[b].R.T).T @ (truth[a].R @ truth[b].R.T)
    # of small angles the sine is exact where the cosine is not
    sine = np.linalg.norm(
        [turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]]
    )
    return float(np.degrees(np.arctan2(sine / 2, (np.trace(turn) - 1) / 2)))


def _measure_distances(rig: Rig) -> F64:
    """Return the distances between all pairs of cameras, m."""
    pairs = combinations(rig.cameras, 2)
    return np.array([float(np.linalg.norm(a.centre - b.centre)) for a, b in pairs])
