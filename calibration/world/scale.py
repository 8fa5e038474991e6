"""Metres: how large the scene is, from the stature of the person in it."""

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from calibration.errors import ScaleUnknownError
from calibration.evidence.evidence import PROPORTIONS, PROPORTIONS_STATURE_M
from calibration.geometry.arrays import F64
from calibration.judge.report import CalibrationReport
from calibration.rig import Rig

# The chain from shoulder to ankle by hip and knee, as a share of stature (Drillis & Contini 1966:
# 0.769, less 26 mm by which BlazePose puts the ankle too high). It does not depend on posture, and
# a detector that puts the hip too low lengthens the trunk by what it shortens the thigh.
CHAIN_OF_STATURE = 0.755
# Its parts, and other bones, as BlazePose sees them; the trunk, along its middle, is the rest.
_LIMB_SHARE = {bone: length / PROPORTIONS_STATURE_M for bone, (length, _) in PROPORTIONS.items()}
_LEG_SHARE = _LIMB_SHARE["hip", "knee"] + _LIMB_SHARE["knee", "ankle"]
SHARE_OF_STATURE = {
    "trunk": CHAIN_OF_STATURE - _LEG_SHARE,
    "thigh": _LIMB_SHARE["hip", "knee"],
    "shank": _LIMB_SHARE["knee", "ankle"],
    "upper arm": _LIMB_SHARE["shoulder", "elbow"],
    "forearm": _LIMB_SHARE["elbow", "wrist"],
    "shoulders": _LIMB_SHARE["shoulder", "shoulder"],
}
MIN_SHARE_OF_STATURE = 0.35  # of bones seen: an arm, or the shoulders with a forearm
PART_SIGMA_PERCENT = 3.0  # how much more the size of a part differs between people
STATURE_SIGMA_PERCENT = 2.0  # how much that share differs between people
POPULATION_STATURE_M, POPULATION_SIGMA_PERCENT = 1.69, 5.0
MIN_FRAMES = 10


@dataclass(frozen=True, slots=True)
class Scale:
    """Metres per unit of the scene, and where they come from.

    Parameters
    ----------
    metres_per_unit
    source
        For a person to read.
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
    """Estimate the scale of a scene from the stature of its person.

    Parameters
    ----------
    xyz : (T, J, 3), units of the scene
        NaN where missing.
    joints : J names
    stature_m
        None uses the population's mean, and `source` says so.

    Raises
    ------
    ScaleUnknownError
        If two cameras saw too little of the person.
    """
    lengths = _measure_lengths(xyz, joints)
    chain = lengths["trunk"] + lengths["thigh"] + lengths["shank"]
    if np.isfinite(chain):
        return _build_scale(CHAIN_OF_STATURE / chain, stature_m)
    # the part that is seen stands for the whole: a person at a table, or before a close camera
    seen = {bone: length for bone, length in lengths.items() if np.isfinite(length)}
    share = sum(SHARE_OF_STATURE[bone] for bone in seen)
    if share < MIN_SHARE_OF_STATURE:
        raise ScaleUnknownError(
            "Too little of the person was seen by two cameras at once, so the size of the scene is "
            "not known. Step back until the whole body, or all of the upper body, is in at least "
            "two views."
        )
    scale = _build_scale(share / sum(seen.values()), stature_m)
    sigma = float(np.hypot(scale.sigma_percent, PART_SIGMA_PERCENT))
    return replace(
        scale, source=f"{scale.source}, by the part of the body seen", sigma_percent=sigma
    )


def rescale_to_stature(
    rig: Rig, report: CalibrationReport, stature_m: float | None
) -> tuple[Rig, CalibrationReport]:
    """Rescale a solved rig to another stature; only lengths change.

    Parameters
    ----------
    rig, report
        As solved together.
    stature_m
        None uses the population's mean.

    Returns
    -------
    rig, report
        As if they had been solved with it, except that verdict, vertical and floor stay. Solved
        again, the vertical would differ by some tenths of a degree, because the tolerances of the
        floor are lengths.
    """
    scale = _build_scale(1.0, stature_m)
    factor = scale.stature_m / report.stature_m
    rescaled = rig.with_world(np.eye(4), factor)
    details = dict(report.details)
    for name in ("path_m", "camera_positions_m", "expected_bones_m"):
        if name in details:
            details[name] = _multiply_numbers(details[name], factor)
    if "position_covariance_m2" in details:
        details["position_covariance_m2"] = _multiply_numbers(
            details["position_covariance_m2"], factor**2, digits=10
        )
    cameras = tuple(
        replace(each, position_sigma_m=each.position_sigma_m * factor) for each in report.cameras
    )
    old_cm, new_cm = (
        100 * max(each.position_sigma_m for each in group) for group in (report.cameras, cameras)
    )
    return replace(rescaled, metadata={**rig.metadata, "scale_source": scale.source}), replace(
        report,
        cameras=cameras,
        bones=tuple(replace(bone, length_m=bone.length_m * factor) for bone in report.bones),
        reasons=tuple(
            reason.replace(f"positions to {old_cm:.1f} cm", f"positions to {new_cm:.1f} cm")
            for reason in report.reasons
        ),
        scale_source=scale.source,
        scale_sigma_percent=scale.sigma_percent,
        stature_m=scale.stature_m,
        details=details,
    )


def _build_scale(metres_per_metre_of_stature: float, stature_m: float | None) -> Scale:
    """Return the scale for a stature, and how sure it is."""
    if stature_m is None:
        source = f"the mean stature of people ({POPULATION_STATURE_M} m), because none was given"
        stature = POPULATION_STATURE_M
        sigma_percent = POPULATION_SIGMA_PERCENT
    else:
        source = f"the person's stature ({stature_m:.2f} m)"
        stature, sigma_percent = stature_m, STATURE_SIGMA_PERCENT
    return Scale(metres_per_metre_of_stature * stature, source, sigma_percent, stature)


def _multiply_numbers(values: Any, factor: float, digits: int = 4) -> Any:
    """Multiply the numbers in lists and tables."""
    if isinstance(values, dict):
        table = cast(dict[str, Any], values)
        return {key: _multiply_numbers(value, factor, digits) for key, value in table.items()}
    if isinstance(values, list):
        return [_multiply_numbers(value, factor, digits) for value in cast(list[Any], values)]
    return round(values * factor, digits)


def _measure_lengths(xyz: F64, joints: tuple[str, ...]) -> dict[str, float]:
    """Median length of each part of the body, over time and both sides; NaN where hardly seen."""
    T = len(xyz)

    def joint(name: str) -> F64:
        return xyz[:, joints.index(name)] if name in joints else np.full((T, 3), np.nan)

    def measure(*vectors: F64) -> float:
        length = np.linalg.norm(np.concatenate(vectors), axis=-1)
        seen = length[np.isfinite(length)]
        return float(np.median(seen)) if len(seen) >= MIN_FRAMES else float("nan")

    def limb(upper: str, lower: str) -> float:
        sides = ("left", "right")
        return measure(*(joint(f"{side}_{upper}") - joint(f"{side}_{lower}") for side in sides))

    shoulders, hips = (
        (joint(f"left_{part}") + joint(f"right_{part}")) / 2 for part in ("shoulder", "hip")
    )
    return {
        "trunk": measure(shoulders - hips),
        "thigh": limb("hip", "knee"),
        "shank": limb("knee", "ankle"),
        "upper arm": limb("shoulder", "elbow"),
        "forearm": limb("elbow", "wrist"),
        "shoulders": measure(joint("left_shoulder") - joint("right_shoulder")),
    }
