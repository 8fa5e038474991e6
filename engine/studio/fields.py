"""Signed distance fields: the shapes that a body is joined from.

Negative inside, metres, points (N, 3) in the body frame.
"""

import numpy as np

from calibration.geometry.arrays import F64, I64


def smooth_union(one: F64, other: F64, radius_m: float) -> F64:
    """Join two fields with a fillet of some radius.

    Parameters
    ----------
    one, other : (N,), m
    radius_m

    Returns
    -------
    field : (N,), m
    """
    share = np.clip(0.5 + 0.5 * (other - one) / radius_m, 0, 1)
    return other * (1 - share) + one * share - radius_m * share * (1 - share)


def ellipsoid(points: F64, centre: F64, radii: F64) -> F64:
    """Return the approximate distance to an ellipsoid with axes along the frame.

    Parameters
    ----------
    points : (N, 3), m
    centre, radii : (3,), m

    Returns
    -------
    field : (N,), m
        Exact on the surface, right to first order near it.
    """
    unit = (points - centre) / radii
    norm = np.sqrt((unit * unit).sum(-1)) + 1e-9
    return (norm - 1) * norm / (np.sqrt(((unit / radii) ** 2).sum(-1)) + 1e-9)


def capsule(points: F64, ends: F64, radii: tuple[float, float]) -> F64:
    """Return the distance to a rounded stick whose radius may change along it.

    Parameters
    ----------
    points : (N, 3), m
    ends : (2, 3), m
    radii : m
        At the two ends.

    Returns
    -------
    field : (N,), m
    """
    axis = ends[1] - ends[0]
    share = np.clip((points - ends[0]) @ axis / (axis @ axis), 0, 1)
    return np.linalg.norm(points - ends[0] - share[:, None] * axis, axis=-1) - (
        radii[0] + (radii[1] - radii[0]) * share
    )


def loft(points: F64, frame: F64, stations: F64, exponent: float = 2.0) -> F64:
    """Return the approximate distance to a tube of superelliptic cross-sections.

    Parameters
    ----------
    points : (N, 3), m
    frame : (4, 3)
        Origin, then the unit vectors along, across and deep.
    stations : (S, 4), m
        Along the axis; shift in depth; half widths across and deep. Rounded caps at both ends.
    exponent
        2 an ellipse, more a rounded box.

    Returns
    -------
    field : (N,), m
    """
    origin, along, across, deep = frame
    away = points - origin
    position = away @ along
    inside = np.clip(position, stations[0, 0], stations[-1, 0])
    shift, half_across, half_deep = (
        np.interp(inside, stations[:, 0], stations[:, i]) for i in (1, 2, 3)
    )
    thinnest = np.minimum(half_across, half_deep)
    x = np.abs(away @ across) / half_across
    y = np.abs(away @ deep - shift) / half_deep
    section = (x**exponent + y**exponent) ** (1 / exponent)
    beyond = np.abs(position - inside) / thinnest
    return (np.sqrt(section**2 + beyond**2) - 1) * thinnest


def value_noise(points: F64, seed: int) -> F64:
    """Return smooth noise of unit grain.

    Parameters
    ----------
    points : (N, 3)
        In grains.
    seed

    Returns
    -------
    noise : (N,), 0 to 1
    """
    corner = np.floor(points).astype(np.int64)
    share = points - corner
    share = share * share * (3 - 2 * share)
    total = np.zeros(len(points))
    for offset in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(offset, share, 1 - share), axis=-1)
        total += weight * _hash_cells(corner + offset, seed)
    return total


def _hash_cells(cell: I64, seed: int) -> F64:
    """Scramble integer cells, (N, 3), into numbers from 0 to 1."""
    mixed = (cell @ np.array([374761393, 668265263, 2147483647]) + seed * 144665) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 13)) * 1274126177) & 0xFFFFFFFF
    return ((mixed ^ (mixed >> 16)) & 0xFFFF) / 65535.0
