"""Anatomy: the joints of a person who stands with the arms a little away from the body.

Body frame: origin on the floor, x to the person's left, y backwards, z up; metres. Lengths are
fractions of the stature as Drillis and Contini tabulate them (in Winter, Biomechanics and Motor
Control of Human Movement), but for the arm: upper arm 0.167 and forearm 0.155 are where models
put the elbow of real people; 0.186 and 0.146 moved it by 25 mm.
"""

from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F64

SIDES = ("left", "right")
SIGNS = np.array([1.0, -1.0])
"""x of the body frame grows to the person's left."""

UPPER_ARM = 0.167
FOREARM = 0.155
THIGH = 0.243
SHANK = 0.243
ARM_REST_RAD, LEG_REST_RAD = np.deg2rad(38.0), np.deg2rad(7.0)
REFERENCE_STATURE_M = 1.75
"""The stature in which the tables of shapes and motions are written."""

_TRUNK = {
    "pelvis": (0.0, 0.0, 0.527),
    "spine": (0.0, 0.0057, 0.590),
    "chest": (0.0, 0.0069, 0.680),
    "neck": (0.0, 0.0069, 0.850),
    "head": (0.0, 0.0046, 0.900),
}
_LIMBS = ("clavicle", "shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe")

JOINTS = tuple(_TRUNK) + tuple(f"{side}_{limb}" for side in SIDES for limb in _LIMBS)
INDEX = {name: index for index, name in enumerate(JOINTS)}


@dataclass(frozen=True, slots=True, eq=False)
class Anatomy:
    """The joints of one person at rest.

    Parameters
    ----------
    stature_m
        Height of the crown above the floor.
    rest : (21, 3), m, body frame
        In the order of `JOINTS`.
    """

    stature_m: float
    rest: F64

    @property
    def scale(self) -> float:
        """Metres of this person per metre of the reference person."""
        return self.stature_m / REFERENCE_STATURE_M

    @property
    def thigh_m(self) -> float:
        """Length from hip to knee."""
        return THIGH * self.stature_m

    @property
    def shank_m(self) -> float:
        """Length from knee to ankle."""
        return SHANK * self.stature_m

    @property
    def ankle_height_m(self) -> float:
        """Height of the ankle joint over a flat sole."""
        return float(self.rest[INDEX["left_ankle"], 2])

    def joint(self, name: str) -> F64:
        """Return one joint at rest, (3,), m, body frame."""
        return self.rest[INDEX[name]]

    def direction(self, start: str, end: str) -> F64:
        """Return the unit vector from one joint at rest to another, (3,)."""
        vector = self.joint(end) - self.joint(start)
        return vector / np.linalg.norm(vector)


def build_anatomy(stature_m: float) -> Anatomy:
    """Lay out the joints of a person of some stature, m, at rest in the body frame."""
    rest = {name: np.array(fractions) for name, fractions in _TRUNK.items()}
    for side, sign in zip(SIDES, SIGNS):
        arm = np.array([sign * np.sin(ARM_REST_RAD), 0.0, -np.cos(ARM_REST_RAD)])
        leg = np.array([sign * np.sin(LEG_REST_RAD), 0.0, -np.cos(LEG_REST_RAD)])
        rest[f"{side}_clavicle"] = np.array([sign * 0.016, 0.0029, 0.822])
        rest[f"{side}_shoulder"] = np.array([sign * 0.104, 0.0057, 0.810])
        rest[f"{side}_elbow"] = rest[f"{side}_shoulder"] + UPPER_ARM * arm
        rest[f"{side}_wrist"] = rest[f"{side}_elbow"] + FOREARM * arm
        rest[f"{side}_hip"] = np.array([sign * 0.052, 0.0, 0.527])
        rest[f"{side}_knee"] = rest[f"{side}_hip"] + THIGH * leg
        rest[f"{side}_ankle"] = rest[f"{side}_knee"] + SHANK * leg
        rest[f"{side}_toe"] = rest[f"{side}_ankle"] + np.array([0.0, -0.085, -0.026])
    return Anatomy(stature_m, stature_m * np.stack([rest[name] for name in JOINTS]))
