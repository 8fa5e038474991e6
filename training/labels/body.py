"""What a recording shows of its body: bones of constant length, and joints that cannot jump."""

from dataclasses import dataclass

import numpy as np

from calibration.evidence.evidence import BONE_SIGMA, DEFAULT_BONE_SIGMA
from calibration.geometry.arrays import F64, I64
from calibration.skeleton import Skeleton, strip_side

TRUNK_DIAGONALS = (("left_shoulder", "right_hip"), ("right_shoulder", "left_hip"))
TRUNK_DIAGONAL_SIGMA = 0.06
"""Expected deviation of the diagonals, as a share of their length: spines bend and twist a little.

Without them the two shoulders can lean forward together, as a network errs that sees them from the
side.
"""
TRUNK_JOINTS = ("shoulder", "elbow", "hip")
"""Joints that move with the mass of the trunk, or with that of the upper arm on it."""


@dataclass(frozen=True, slots=True, eq=False)
class Bones:
    """Bones whose length stays.

    Parameters
    ----------
    ends : (B, 2)
        Joints.
    length_m : (B,)
        Median over the recording, of both sides of the body together; NaN where never seen.
    sigma_m : (B,)
        Expected deviation of triangulated joints from it.
    """

    ends: I64
    length_m: F64
    sigma_m: F64


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """What holds a body together while it moves.

    Parameters
    ----------
    bones
        With the diagonals of the trunk.
    acceleration_m_s2 : (J,)
        One standard deviation per axis.
    """

    bones: Bones
    acceleration_m_s2: F64


def measure_bones(xyz: F64, skeleton: Skeleton) -> Bones:
    """Measure a person's bones over a recording.

    Parameters
    ----------
    xyz : (T, J, 3), m
    skeleton

    Returns
    -------
    bones
        Those of the skeleton; left and right share a length.
    """
    kinds = [(strip_side(a), strip_side(b)) for a, b in skeleton.bones]
    length_m = _measure_median_lengths(xyz, skeleton.bone_indices, kinds)
    share = [BONE_SIGMA.get((a, b), BONE_SIGMA.get((b, a), DEFAULT_BONE_SIGMA)) for a, b in kinds]
    return Bones(skeleton.bone_indices, length_m, np.array(share) * length_m)


def add_trunk_diagonals(bones: Bones, xyz: F64, skeleton: Skeleton) -> Bones:
    """Add the diagonals of the trunk to bones.

    Parameters
    ----------
    bones
    xyz : (T, J, 3), m
    skeleton

    Returns
    -------
    bones
        The same where the skeleton has no trunk.
    """
    if not {joint for pair in TRUNK_DIAGONALS for joint in pair} <= set(skeleton.joints):
        return bones
    ends = np.array([skeleton.indices(pair) for pair in TRUNK_DIAGONALS])
    length_m = _measure_median_lengths(xyz, ends, [("shoulder", "hip")] * len(ends))
    return Bones(
        np.concatenate([bones.ends, ends]),
        np.append(bones.length_m, length_m),
        np.append(bones.sigma_m, TRUNK_DIAGONAL_SIGMA * length_m),
    )


def _measure_median_lengths(xyz: F64, ends: I64, kinds: list[tuple[str, str]]) -> F64:
    """Median length of every bone over a recording, both sides together, (B,)."""
    lengths = np.linalg.norm(xyz[:, ends[:, 0]] - xyz[:, ends[:, 1]], axis=-1)
    median = np.full(len(ends), np.nan)
    for kind in set(kinds):
        twins = [b for b, other in enumerate(kinds) if other == kind]
        measured = lengths[:, twins][np.isfinite(lengths[:, twins])]
        if len(measured):
            median[twins] = np.median(measured)
    return median
