"""Draft: a posture in the making, as differences from the stance of a person of 1.75 m."""

from dataclasses import dataclass, field

import numpy as np

from calibration.geometry.arrays import F64
from engine.studio.body.anatomy import SIGNS, Anatomy
from engine.studio.body.posture import Posture

FOOT_APART_M = 0.085
FOOT_BACK_M = 0.02
FOOT_OUT_DEG = 5.0
"""The ankles of the reference person's relaxed stance, from the middle of the hips."""
STANDING_STRETCH = 0.993
ARM_ABDUCTION_DEG = 9.0
ARM_FLEXION_DEG = 2.0
ELBOW_DEG = 12.0

_HEEL_M, _TOE_M = np.array([0.062, -0.19])
"""Ends of the sole behind (+) and before the ankle."""
_BALL_M = -0.16
"""What stays in place while the heel rises."""


@dataclass(slots=True)
class Draft:
    """A posture in the making: every array starts at the relaxed stance and is edited in place.

    Parameters
    ----------
    count
        T, the number of instants.
    pelvis_m : (T, 3)
        Away from its place over the feet.
    foot_m : (T, 2, 3)
        Away from its place in the stance; z lifts it from the floor.
    foot_deg : (T, 2, 2)
        Pitch (toes up) and heading, away from the stance.
    pelvis_deg, spine_deg, neck_deg, arm_deg, elbow_deg, knee_out_deg
        As in `Posture`.
    """

    count: int
    pelvis_m: F64 = field(init=False)
    foot_m: F64 = field(init=False)
    foot_deg: F64 = field(init=False)
    pelvis_deg: F64 = field(init=False)
    spine_deg: F64 = field(init=False)
    neck_deg: F64 = field(init=False)
    arm_deg: F64 = field(init=False)
    elbow_deg: F64 = field(init=False)
    knee_out_deg: F64 = field(init=False)

    def __post_init__(self) -> None:
        """Stand still."""
        count = self.count
        for name in ("pelvis_m", "pelvis_deg", "spine_deg", "neck_deg"):
            setattr(self, name, np.zeros((count, 3)))
        self.foot_m = np.zeros((count, 2, 3))
        self.foot_deg = np.zeros((count, 2, 2))
        self.arm_deg = np.tile([ARM_ABDUCTION_DEG, ARM_FLEXION_DEG, 0.0], (count, 2, 1))
        self.elbow_deg = np.full((count, 2), ELBOW_DEG)
        self.knee_out_deg = np.zeros((count, 2))

    def mirror(self) -> "Draft":
        """Return the same with left and right exchanged."""
        other = Draft(self.count)
        flip = np.array([-1.0, 1.0, 1.0])
        other.pelvis_m = self.pelvis_m * flip
        other.foot_m = self.foot_m[:, ::-1] * flip
        for name in ("pelvis_deg", "spine_deg", "neck_deg"):
            setattr(other, name, getattr(self, name) * np.array([1.0, -1.0, -1.0]))
        other.foot_deg = self.foot_deg[:, ::-1] * np.array([1.0, -1.0])
        other.arm_deg = self.arm_deg[:, ::-1]
        other.elbow_deg = self.elbow_deg[:, ::-1]
        other.knee_out_deg = self.knee_out_deg[:, ::-1]
        return other

    def posture(self, anatomy: Anatomy) -> Posture:
        """Return the posture of a person at the origin who faces -y."""
        scale = anatomy.scale
        stance = np.stack([SIGNS * FOOT_APART_M, np.full(2, FOOT_BACK_M), np.zeros(2)], -1)
        foot_deg = self.foot_deg + np.stack([np.zeros(2), SIGNS * FOOT_OUT_DEG], -1)
        pelvis = self.pelvis_m * scale
        pelvis[:, 2] += standing_height_m(anatomy)
        return Posture(
            pelvis_m=pelvis,
            pelvis_deg=self.pelvis_deg,
            spine_deg=self.spine_deg,
            neck_deg=self.neck_deg,
            arm_deg=self.arm_deg,
            elbow_deg=self.elbow_deg,
            ankle_m=place_ankle(scale * (self.foot_m + stance), foot_deg, anatomy),
            foot_deg=foot_deg,
            knee_out_deg=self.knee_out_deg,
        )


def standing_height_m(anatomy: Anatomy) -> float:
    """Return the height of the hip joints in a relaxed stance."""
    return anatomy.ankle_height_m + STANDING_STRETCH * (anatomy.thigh_m + anatomy.shank_m)


def place_ankle(foot_m: F64, foot_deg: F64, anatomy: Anatomy) -> F64:
    """Find the ankle of a foot that rolls on its ball and never sinks into the floor.

    Parameters
    ----------
    foot_m : (..., 3), m
        Where the ankle's ground point would be with a flat foot; z is the clearance under the sole.
    foot_deg : (..., 2)
        Pitch (toes up) and heading.
    anatomy

    Returns
    -------
    ankle : (..., 3), m
    """
    pitch = np.deg2rad(foot_deg[..., 0])
    heading = np.deg2rad(foot_deg[..., 1])
    forward = np.stack([np.sin(heading), -np.cos(heading)], -1)
    height, ball = anatomy.ankle_height_m, -_BALL_M * anatomy.scale
    # in the foot's sagittal plane, a point f before and h under the ankle rises to f sin(pitch) - h
    # cos(pitch)
    ends = -np.array([_HEEL_M, _TOE_M]) * anatomy.scale
    lowest = np.min(ends * np.sin(pitch)[..., None], -1) - height * np.cos(pitch)
    ankle = np.empty(np.shape(foot_m))
    behind_ball = ball * np.cos(pitch) + height * np.sin(pitch)
    ankle[..., :2] = foot_m[..., :2] + forward * (ball - behind_ball)[..., None]
    ankle[..., 2] = foot_m[..., 2] - lowest
    return ankle
