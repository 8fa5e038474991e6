"""Metres: how large the scene is, from the stature of the person in it."""

from dataclasses import dataclass

import numpy as np

from calibration.errors import ScaleUnknownError
from calibration.geometry.arrays import F64

# The way from shoulder to ankle by hip and knee, as a share of stature. It does not depend on posture, and a detector
# that puts the hip too low lengthens the trunk by what it takes from the thigh.
CHAIN_OF_STATURE = 0.755
STATURE_SIGMA_PERCENT = 2.0  # how much that share differs between people
POPULATION_STATURE_M, POPULATION_SIGMA_PERCENT = 1.69, 5.0
LEAST_FRAMES = 10


@dataclass(frozen=True, slots=True)
class Scale:
    """Metres per unit of the scene, and where they come from.

    Parameters
    ----------
    metres_per_unit
    source
        In words.
    sigma_percent
        One standard deviation.
    stature_m
        As given, or the population's mean.
    """

    metres_per_unit: float
    source: str
    sigma_percent: float
    stature_m: float


def estimate_scale(xyz: F64, joints: tuple[str, ...], stature_m: float | None) -> Scale:
    """Find the metres in a scene from the stature of its person.

    Parameters
    ----------
    xyz : (T, J, 3), units of the scene
        NaN where missing.
    joints : J names
    stature_m
        None takes the population's mean, and says so.

    Returns
    -------
    scale

    Raises
    ------
    ScaleUnknownError
        If the person's body was never seen from shoulder to ankle.
    """
    chain = _chain(xyz, joints)
    if np.isfinite(chain).sum() < LEAST_FRAMES:
        raise ScaleUnknownError(
            "The person was never seen from shoulders to ankles, so nothing tells how large the scene is."
            " Step back until the whole body is in at least two views."
        )
    stature = POPULATION_STATURE_M if stature_m is None else stature_m
    metres = CHAIN_OF_STATURE * stature / float(np.nanmedian(chain))
    if stature_m is None:
        source = f"the mean stature of people ({POPULATION_STATURE_M} m), because none was given"
        return Scale(metres, source, POPULATION_SIGMA_PERCENT, stature)
    return Scale(metres, f"the person's stature ({stature:.2f} m)", STATURE_SIGMA_PERCENT, stature)


def _chain(xyz: F64, joints: tuple[str, ...]) -> F64:
    """Length from the middle of the shoulders by hips and knees to the ankles in every frame, (T,)."""

    def joint(name: str) -> F64:
        return xyz[:, joints.index(name)]

    middle = (joint("left_shoulder") + joint("right_shoulder") - joint("left_hip") - joint("right_hip")) / 2
    length = np.linalg.norm(middle, axis=-1)
    for side in ("left", "right"):
        for upper, lower in (("hip", "knee"), ("knee", "ankle")):
            length = length + np.linalg.norm(joint(f"{side}_{upper}") - joint(f"{side}_{lower}"), axis=-1) / 2
    return length
