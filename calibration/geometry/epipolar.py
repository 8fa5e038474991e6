"""Two views: the essential matrix and the distance of matches from their epipolar lines."""

import numpy as np

from calibration.geometry.arrays import F64
from calibration.geometry.transforms import skew


def essential_from_pose(rotation: F64, translation: F64) -> F64:
    """Build the essential matrix of a relative pose.

    Parameters
    ----------
    rotation : (3, 3), translation : (3,)
        ``x_second = rotation @ x_first + translation``.

    Returns
    -------
    essential : (3, 3)
        ``ray_second^T E ray_first = 0``.
    """
    return skew(translation / np.linalg.norm(translation)) @ rotation


def sampson_distance(first: F64, second: F64, essential: F64) -> F64:
    """Measure how far matches are from agreeing with an essential matrix.

    Parameters
    ----------
    first, second : (..., 2)
        Ideal rays ``x/z, y/z``.
    essential : (3, 3)

    Returns
    -------
    distance : (...)
        In units of the rays (multiply by the focal length for px); signed.

    Notes
    -----
    First-order geometric error (Hartley & Zisserman 11.9).
    """
    one = np.concatenate([first, np.ones((*first.shape[:-1], 1))], -1)
    two = np.concatenate([second, np.ones((*second.shape[:-1], 1))], -1)
    line_two, line_one = one @ essential.T, two @ essential
    norm = (line_two[..., :2] ** 2).sum(-1) + (line_one[..., :2] ** 2).sum(-1)
    return (two * line_two).sum(-1) / np.sqrt(np.maximum(norm, 1e-18))


def parallax_rad(xyz: F64, centre_one: F64, centre_two: F64) -> F64:
    """Measure the angle between the rays that meet in a point.

    Parameters
    ----------
    xyz : (..., 3), m
    centre_one, centre_two : (3,), m

    Returns
    -------
    angle : (...), rad
    """
    one, two = xyz - centre_one, xyz - centre_two
    sine = np.linalg.norm(np.cross(one, two), axis=-1)
    return np.arctan2(sine, (one * two).sum(-1))
