"""Topology: the joints of one skeleton from those of another."""

from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F64
from calibration.skeleton import Skeleton

DERIVED_JOINTS = {
    "pelvis": {"left_hip": 0.5, "right_hip": 0.5},
    "thorax": {"left_shoulder": 0.5, "right_shoulder": 0.5},
    "spine": {"left_hip": 0.25, "right_hip": 0.25, "left_shoulder": 0.25, "right_shoulder": 0.25},
    "upper_neck": {
        "left_shoulder": 0.25,
        "right_shoulder": 0.25,
        "left_ear": 0.25,
        "right_ear": 0.25,
    },
    "head_top": {"left_shoulder": -0.3, "right_shoulder": -0.3, "left_ear": 0.8, "right_ear": 0.8},
}
"""Joints as weighted means of others.

In Drillis and Contini's (1966) fractions of the stature, shoulders are at 0.81, ears at 0.93 and
the crown at 1: the crown is 0.6 of the way from shoulders to ears beyond the ears, the base of the
skull half way. The spine is half way from pelvis to thorax.
"""


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
        return self._sum(points, self.weight)

    def covariance(self, covariance: F64) -> F64:
        """Make the target's covariances, as if the errors of two joints were independent.

        Parameters
        ----------
        covariance : (..., J source, 3, 3), m²

        Returns
        -------
        covariance : (..., J target, 3, 3), m²
        """
        flat = covariance.reshape(*covariance.shape[:-2], -1)
        return self._sum(flat, self.weight**2).reshape(
            *covariance.shape[:-3], -1, *covariance.shape[-2:]
        )

    def confidence(self, confidence: F64) -> F64:
        """Make the target's confidences: of the least certain joint that is needed, (..., J)."""
        needed = self.weight != 0
        return np.where(needed, confidence[..., None, :], np.inf).min(-1)

    def _sum(self, values: F64, weight: F64) -> F64:
        """Sum the needed rows of (..., J source, C); what is not needed may be missing."""
        summed = np.einsum("ts,...sc->...tc", weight, np.nan_to_num(values))
        missing = (
            np.einsum(
                "ts,...sc->...tc", (weight != 0).astype(float), np.isnan(values).astype(float)
            )
            > 0
        )
        return np.where(missing, np.nan, summed)


def map_joints(source: Skeleton, target: Skeleton) -> JointMap:
    """Find how to make the joints of one skeleton of another's.

    Parameters
    ----------
    source, target
        Joints of the same name are the same; the rest are `DERIVED_JOINTS`.

    Returns
    -------
    joint_map
        A joint of the same name is copied, whatever `DERIVED_JOINTS` says of it.

    Raises
    ------
    ValueError
        If the source lacks a joint that a joint of the target is made of.
    """
    weight = np.zeros((len(target.joints), len(source.joints)))
    for row, joint in enumerate(target.joints):
        recipe = {joint: 1.0} if joint in source.joints else DERIVED_JOINTS.get(joint, {})
        missing = sorted(set(recipe) - set(source.joints))
        if missing or not recipe:
            reason = f": {', '.join(missing)} missing" if missing else ""
            raise ValueError(
                f"Skeleton '{source.name}' cannot give '{joint}' of '{target.name}'{reason}."
            )
        weight[row, source.indices(recipe)] = list(recipe.values())
    return JointMap(source, target, weight)
