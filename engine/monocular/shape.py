"""BodyShape: how a person seen by one camera is posed, before it is known how large they are."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from calibration.geometry.arrays import F64
from engine.poses import Pose2D


@dataclass(frozen=True, slots=True, eq=False)
class BodyShape:
    """A model's guess of a person's pose from one view; its size is open.

    The joints are the twelve limb joints, then both ears, where the skeleton has ears.

    Parameters
    ----------
    xyz : (L, 3), camera
        As if the root were 1 m away from the camera; NaN where the model has no joint.
    root : (3,), camera
        The middle of the hips in that shape.
    covariance : (L, 3, 3), m^2, camera
        Errors of the joints about the root, of a person of usual size.
    doubt : (L,), 1 to 3
        How much less sure a joint is than usual: it lowers its confidence.
    """

    xyz: F64
    root: F64
    covariance: F64
    doubt: F64


EstimateShape: TypeAlias = Callable[[int, Pose2D], BodyShape | None]
"""Estimates the shape of a person in a view; None where a model has nothing to look at."""
