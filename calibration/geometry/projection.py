"""From the world to pixels and back to rays: pinhole projection with Brown-Conrady distortion."""

from collections.abc import Sequence

import numpy as np

from calibration.geometry.arrays import F64
from calibration.rig import Camera

UNDISTORT_ITERATIONS = 12


def project(xyz: F64, camera: Camera) -> F64:
    """Project points into a camera's image.

    Parameters
    ----------
    xyz : (..., 3), m, world
    camera

    Returns
    -------
    xy : (..., 2), px of the original (distorted) image
        NaN behind the camera.

    Notes
    -----
    ``x ~ K distort(R X + t)``, OpenCV's model.
    """
    seen = xyz @ camera.R.T + camera.t
    depth = np.where(seen[..., 2] > 1e-9, seen[..., 2], np.nan)
    return pixels_from_rays(
        distort(seen[..., :2] / depth[..., None], camera.distortion), camera.matrix
    )


def pixels_from_rays(rays: F64, matrix: F64) -> F64:
    """Apply the camera matrix.

    Parameters
    ----------
    rays : (..., 2)
        ``x/z, y/z`` in the camera frame.
    matrix : (3, 3), px

    Returns
    -------
    xy : (..., 2), px
    """
    return rays @ matrix[:2, :2].T + matrix[:2, 2]


def rays_from_pixels(xy: F64, matrix: F64) -> F64:
    """Remove the camera matrix.

    Parameters
    ----------
    xy : (..., 2), px
    matrix : (3, 3), px

    Returns
    -------
    rays : (..., 2)
        ``x/z, y/z`` in the camera frame.
    """
    return (xy - matrix[:2, 2]) @ np.linalg.inv(matrix[:2, :2]).T


def distort(rays: F64, distortion: F64) -> F64:
    """Distort ideal rays as the lens does.

    Parameters
    ----------
    rays : (..., 2)
    distortion : (5,)
        k1, k2, p1, p2, k3.

    Returns
    -------
    rays : (..., 2)
        As seen through the lens.
    """
    k1, k2, p1, p2, k3 = distortion
    x, y = rays[..., 0], rays[..., 1]
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    return np.stack(
        [
            x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
            y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
        ],
        -1,
    )


def undistort(rays: F64, distortion: F64) -> F64:
    """Undistort rays that a lens has bent.

    Parameters
    ----------
    rays : (..., 2)
        As seen through the lens.
    distortion : (5,)
        k1, k2, p1, p2, k3.

    Returns
    -------
    rays : (..., 2)
        Ideal; NaN where the lens model folds over and has no inverse.

    Notes
    -----
    Newton's method with the exact Jacobian, from the distorted ray: the usual fixed-point iteration
    converges slowly at strong k1.
    """
    if not np.any(distortion):
        return np.array(rays, float)
    ideal = np.array(rays, float)
    for _ in range(UNDISTORT_ITERATIONS):
        error = distort(ideal, distortion) - rays
        jacobian = distortion_jacobian(ideal, distortion)
        determinant = (
            jacobian[..., 0, 0] * jacobian[..., 1, 1] - jacobian[..., 0, 1] * jacobian[..., 1, 0]
        )
        safe = np.where(np.abs(determinant) > 1e-6, determinant, np.nan)
        ideal[..., 0] -= (
            jacobian[..., 1, 1] * error[..., 0] - jacobian[..., 0, 1] * error[..., 1]
        ) / safe
        ideal[..., 1] -= (
            jacobian[..., 0, 0] * error[..., 1] - jacobian[..., 1, 0] * error[..., 0]
        ) / safe
    residual = np.abs(distort(ideal, distortion) - rays).max(-1)
    jacobian = distortion_jacobian(ideal, distortion)
    determinant = (
        jacobian[..., 0, 0] * jacobian[..., 1, 1] - jacobian[..., 0, 1] * jacobian[..., 1, 0]
    )
    # beyond the radius at which the polynomial turns back, the Jacobian is no longer positive
    # definite: a solution found there is not the ray that the lens bent
    unfolded = (determinant > 0) & (jacobian[..., 0, 0] + jacobian[..., 1, 1] > 0)
    ideal[~((residual < 1e-6) & unfolded)] = np.nan
    return ideal


def distortion_jacobian(rays: F64, distortion: F64) -> F64:
    """Differentiate `distort` by the ray.

    Parameters
    ----------
    rays : (..., 2)
    distortion : (5,)

    Returns
    -------
    jacobian : (..., 2, 2)
    """
    k1, k2, p1, p2, k3 = distortion
    x, y = rays[..., 0], rays[..., 1]
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    slope = 2 * (k1 + r2 * (2 * k2 + 3 * k3 * r2))
    cross = x * y * slope + 2 * p1 * x + 2 * p2 * y
    jacobian = np.empty((*rays.shape, 2))
    jacobian[..., 0, 0] = radial + x * x * slope + 2 * p1 * y + 6 * p2 * x
    jacobian[..., 0, 1] = cross
    jacobian[..., 1, 0] = cross
    jacobian[..., 1, 1] = radial + y * y * slope + 6 * p1 * y + 2 * p2 * x
    return jacobian


def undistort_pixels(xy: F64, cameras: Sequence[Camera]) -> F64:
    """Turn each view's pixels into undistorted rays of its camera frame.

    Parameters
    ----------
    xy : (V, ..., 2), px of the original images
    cameras : V of them

    Returns
    -------
    rays : (V, ..., 2)
        Ideal ``x/z, y/z``.
    """
    return np.stack(
        [undistort(rays_from_pixels(xy[v], c.matrix), c.distortion) for v, c in enumerate(cameras)]
    )
