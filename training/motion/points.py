"""Points: what a file holds, in its own words, axes and unit; a motion is made of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F64
from training.motion.axes import Z_UP_FROM, find_up, is_mirrored, parse_up
from training.motion.motion import JOINTS, Motion, demand_limbs
from training.motion.names import find_joints
from training.motion.units import UNITS_M, find_unit, fits_a_person, parse_unit

MIRRORED = (
    "Knees bend and feet point to the back: left and right are probably exchanged in the file. "
    "Nothing was changed."
)


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Named points over time, as a file has them.

    Parameters
    ----------
    source
        The file, for messages.
    name
        Of the motion that is made of them.
    rate_fps
        Frames per second.
    names
        What the file calls them: N bones, each for the joint in which it begins.
    xyz : (T, N, 3)
        In the file's axes and unit.
    rest : (N, 3)
        The same with no rotation at all, where a file has a skeleton.
    unit_m
        Metres per unit as the file states it; None where it does not.
    up
        The upward axis as the file's format states it; None where it does not.
    remarks
        What its reader had to assume.
    """

    source: str
    name: str
    rate_fps: float
    names: tuple[str, ...]
    xyz: F64
    rest: F64 | None = None
    unit_m: float | None = None
    up: str | None = None
    remarks: tuple[str, ...] = ()


def make_motion(points: Points, *, up: str | None, unit: str | None) -> Motion:
    """Name, scale and turn the points of a file.

    Parameters
    ----------
    points
        As read.
    up
        Which axis is up (`Z_UP_FROM`); None finds it from the trunk.
    unit
        A key of `UNITS_M`; None takes the file's own, or finds it from the legs.

    Raises
    ------
    DatasetError
        If joints are missing, or unit or axis cannot be decided.
    """
    places = find_joints(points.names)
    demand_limbs(places, points.source, points.names)
    joints = tuple(name for name in JOINTS if name in places)
    xyz = points.xyz[:, [places[name] for name in joints]]
    by_name = {name: xyz[:, index] for index, name in enumerate(joints)}
    rest = None
    if points.rest is not None:
        rest = {name: points.rest[places[name]] for name in joints}

    unit_m, remarks = _choose_unit(points, by_name, unit)
    if up is not None:
        z_up_from_file = parse_up(up)
    else:
        z_up_from_file = Z_UP_FROM[points.up or find_up(by_name, rest, points.source)]
    if is_mirrored(by_name):
        remarks = (*remarks, MIRRORED)
    turned = (xyz @ (unit_m * z_up_from_file.T)).astype(np.float32)
    return Motion(points.name, points.rate_fps, joints, turned, (*points.remarks, *remarks))


def _choose_unit(
    points: Points, joints: Mapping[str, F64], unit: str | None
) -> tuple[float, tuple[str, ...]]:
    """Return metres per unit, and what to say about it."""
    if unit is not None:
        return parse_unit(unit), ()
    leg = _measure_leg(joints)
    if points.unit_m is not None and fits_a_person(leg, points.unit_m):
        return points.unit_m, ()
    found = find_unit(leg, points.source)
    if points.unit_m is not None:
        return UNITS_M[found], (
            f"By the file's own unit, thigh and shank are {leg * points.unit_m:.3g} m long "
            f"together; its numbers were taken as {found}.",
        )
    if found == "cmu":
        return UNITS_M[found], (
            f"Thigh and shank are {leg:.3g} long together: taken as CMU's unit of 1/0.45 inch.",
        )
    return UNITS_M[found], ()


def _measure_leg(joints: Mapping[str, F64]) -> float:
    """Return the median length of thigh and shank together, in the file's unit."""
    lengths = [
        np.linalg.norm(joints[f"{side}_{upper}"] - joints[f"{side}_{lower}"], axis=-1)
        for side in ("left", "right")
        for upper, lower in (("hip", "knee"), ("knee", "ankle"))
    ]
    return float(np.median(np.sum(lengths, 0)) / 2)
