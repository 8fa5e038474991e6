"""Topology: the joints of one skeleton from those of another, and the constant offsets that remain between them."""

from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F64
from calibration.skeleton import Skeleton

MIDDLES = {
    "pelvis": {"left_hip": 0.5, "right_hip": 0.5},
    "thorax": {"left_shoulder": 0.5, "right_shoulder": 0.5},
    "spine": {"left_hip": 0.25, "right_hip": 0.25, "left_shoulder": 0.25, "right_shoulder": 0.25},
    "upper_neck": {"left_shoulder": 0.25, "right_shoulder": 0.25, "left_ear": 0.25, "right_ear": 0.25},
    "head_top": {"left_shoulder": -0.3, "right_shoulder": -0.3, "left_ear": 0.8, "right_ear": 0.8},
}
"""Joints as weighted means of others. In Drillis and Contini's fractions of the stature shoulders lie at 0.81, ears at
0.93 and the crown at 1: the crown is 0.6 of the way from shoulders to ears beyond the ears, the base of the skull half
way. The spine is half way from pelvis to thorax."""

LEAST_TRUNK_M = 0.1
"""A trunk or a pair of hips shorter than this gives no direction."""


@dataclass(frozen=True, slots=True, eq=False)
class JointMap:
    """How the joints of one skeleton are made of another's.

    Parameters
    ----------
    source, target
    weight : (J target, J source)
        Each row sums to 1, so that a moved body gives moved joints.
    """

    source: Skeleton
    target: Skeleton
    weight: F64

    def points(self, points: F64) -> F64:
        """Make the target's joints.

        Parameters
        ----------
        points : (..., J source, 2 or 3)

        Returns
        -------
        points : (..., J target, 2 or 3)
            NaN where a joint that is needed is missing.
        """
        return self._summed(points, self.weight)

    def covariance(self, covariance: F64) -> F64:
        """Make the target's covariances, as if the errors of two joints had nothing to do with each other.

        Parameters
        ----------
        covariance : (..., J source, 3, 3), m²

        Returns
        -------
        covariance : (..., J target, 3, 3), m²
        """
        flat = covariance.reshape(*covariance.shape[:-2], -1)
        return self._summed(flat, self.weight**2).reshape(*covariance.shape[:-3], -1, *covariance.shape[-2:])

    def confidence(self, confidence: F64) -> F64:
        """Make the target's confidences: that of the least certain joint that is needed, (..., J)."""
        needed = self.weight != 0
        return np.where(needed, confidence[..., None, :], np.inf).min(-1)

    def _summed(self, values: F64, weight: F64) -> F64:
        """Sum the needed rows of (..., J source, C); what is not needed may be missing."""
        summed = np.einsum("ts,...sc->...tc", weight, np.nan_to_num(values))
        missing = np.einsum("ts,...sc->...tc", (weight != 0).astype(float), np.isnan(values).astype(float)) > 0
        return np.where(missing, np.nan, summed)


def map_joints(source: Skeleton, target: Skeleton) -> JointMap:
    """Find how to make the joints of one skeleton of another's.

    Parameters
    ----------
    source, target
        Joints of the same name are the same; the rest are `MIDDLES`.

    Returns
    -------
    joint_map

    Raises
    ------
    ValueError
        If the source has not what a joint of the target is made of.
    """
    weight = np.zeros((len(target.joints), len(source.joints)))
    for row, joint in enumerate(target.joints):
        recipe = {joint: 1.0} if joint in source.joints else MIDDLES.get(joint, {})
        missing = sorted(set(recipe) - set(source.joints))
        if missing or not recipe:
            wanted = f": {', '.join(missing)} missing" if missing else ""
            raise ValueError(f"Skeleton '{source.name}' cannot give '{joint}' of '{target.name}'{wanted}.")
        weight[row, source.indices(recipe)] = list(recipe.values())
    return JointMap(source, target, weight)


def body_frames(xyz: F64, skeleton: Skeleton) -> F64:
    """Return the frame of each body: x to its left, y backwards, z from pelvis to thorax.

    Parameters
    ----------
    xyz : (N, J, 3), m, any frame
    skeleton
        With pelvis, thorax and both hips.

    Returns
    -------
    room_from_body : (N, 3, 3)
        Rotations; NaN where the trunk is missing, or too short to have a direction.
    """
    up = xyz[:, skeleton.index("thorax")] - xyz[:, skeleton.index("pelvis")]
    left = xyz[:, skeleton.index("left_hip")] - xyz[:, skeleton.index("right_hip")]
    backwards = np.cross(up, left)
    area = np.linalg.norm(backwards, axis=-1, keepdims=True)
    up_length = np.linalg.norm(up, axis=-1, keepdims=True)
    good = (up_length > LEAST_TRUNK_M) & (area > LEAST_TRUNK_M**2)
    y = backwards / np.where(good, area, np.nan)
    z = up / np.where(good, up_length, np.nan)
    return np.stack([np.cross(y, z), y, z], -1)


def estimate_offsets(derived: F64, wanted: F64, skeleton: Skeleton) -> F64:
    """Find what to add, in the body's frame, to make one definition of the joints another.

    Parameters
    ----------
    derived, wanted : (N, J, 3), m, one frame
        The same bodies at the same instants, as `JointMap.points` gives them and as they should be.
    skeleton
        Of both.

    Returns
    -------
    offset : (J, 3), m, body frame
        Medians; 0 where a joint is never in both.
    """
    body_from_room = np.swapaxes(body_frames(derived, skeleton), 1, 2)
    difference = np.einsum("nab,njb->nja", body_from_room, wanted - derived)
    seen = np.isfinite(difference).all(-1).any(0)
    offset = np.zeros((len(skeleton.joints), 3))
    offset[seen] = np.nanmedian(difference[:, seen], axis=0)
    return offset


def add_offsets(derived: F64, offset_m: F64, skeleton: Skeleton) -> F64:
    """Move joints by constant offsets in each body's frame.

    Parameters
    ----------
    derived : (N, J, 3), m, any frame
    offset_m : (J, 3), body frame
        From `estimate_offsets`. A joint without offset stays as it is even where the trunk is missing.
    skeleton

    Returns
    -------
    xyz : (N, J, 3), m
    """
    moved = np.einsum("nab,jb->nja", body_frames(derived, skeleton), offset_m)
    return derived + np.where(np.any(offset_m != 0, -1)[:, None], moved, 0.0)
