"""Epipolar geometry of two cameras whose poses are known.

Convention: ``xy_b^T F xy_a = 0`` and ``x_b = R x_a + t``; all pixels are undistorted.
"""

import numpy as np

from calibration.geometry.arrays import F64
from calibration.geometry.transforms import skew
from calibration.rig import Camera

MIN_SLOPE = 1e-14  # keeps the distance finite where both points lie on their epipoles


def fundamental_from_cameras(a: Camera, b: Camera) -> F64:
    """Compute the fundamental matrix of two calibrated cameras.

    Returns
    -------
    F : (3, 3)
        For undistorted pixels, of norm 1; zero where both cameras stand at one place.

    Notes
    -----
    ``F = K_b^-T [t]x R K_a^-1`` (Hartley & Zisserman 9.2).
    """
    R = b.R @ a.R.T
    t = b.t - R @ a.t
    F = np.linalg.inv(b.matrix).T @ skew(t) @ R @ np.linalg.inv(a.matrix)
    norm = np.linalg.norm(F)
    return F / norm if norm > 0 else F


def sampson_distance_px(xy_a: F64, xy_b: F64, F: F64) -> F64:
    """Measure how far matches are from satisfying a fundamental matrix.

    Parameters
    ----------
    xy_a, xy_b : (..., 2), px, undistorted
    F : (3, 3)

    Returns
    -------
    distance : (...), px
        To first order, how far the two pixels together must move; NaN where one is missing.

    Notes
    -----
    The square root of Sampson's approximation (Hartley & Zisserman 11.4.3).
    """
    a, b = _to_homogeneous(xy_a), _to_homogeneous(xy_b)
    line_b, line_a = a @ F.T, b @ F
    slope = (line_b[..., :2] ** 2).sum(-1) + (line_a[..., :2] ** 2).sum(-1)
    return np.abs((b * line_b).sum(-1)) / np.sqrt(np.maximum(slope, MIN_SLOPE**2))


def _to_homogeneous(xy: F64) -> F64:
    """Append a one."""
    return np.asarray(np.concatenate([xy, np.ones((*xy.shape[:-1], 1))], -1), float)
