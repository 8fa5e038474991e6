"""A first rig from pairs of views: the best pair, then the other cameras one by one."""

# poselib has no types
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import poselib

from calibration.geometry.arrays import F64, Mask
from calibration.geometry.transforms import rigid_transform
from calibration.geometry.triangulation import triangulate
from calibration.rig import Camera
from calibration.solve.pairs import (
    GATE_SIGMAS,
    PairPose,
    PinholeViews,
    estimate_pairs,
    hypothesize_pair,
    to_poselib_camera,
)

MAX_SEED_PAIRS = 3  # of the strongest pairs each starts a rig; the rig that explains most wins
MIN_POINTS = 12
TRUNCATION_SIGMAS = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class InitialRig:
    """Cameras at rough places, in units of the first pair's distance.

    Parameters
    ----------
    rotation : (V, 3, 3), translation : (V, 3)
    xyz : (N, 3)
        NaN where not seen by two views.
    cost
        Mean truncated squared reprojection error, in squared sigmas.
    placed : (V,)
        False where a camera could not be placed.
    """

    rotation: F64
    translation: F64
    xyz: F64
    cost: float
    placed: Mask


@dataclass(frozen=True, slots=True, eq=False)
class _Resection:
    """One camera placed by known points."""

    view: int
    rotation: F64
    translation: F64
    inliers: int


def bootstrap(views: PinholeViews, guesses: Sequence[PairPose] = ()) -> list[InitialRig]:
    """Place all cameras roughly, in several ways.

    Parameters
    ----------
    views
        With assumed focal lengths.
    guesses
        Relative poses to start from beside those that the joints' images suggest; the strongest
        first.

    Returns
    -------
    rigs
        Those with most cameras placed first, then those with the least cost; none where no pair
        agrees. Two views have no third that could contradict: all their hypotheses are returned.
    """
    if len(views.xy) == 2:
        pairs = hypothesize_pair(views, 0, 1)
    else:
        pairs = estimate_pairs(views)[:MAX_SEED_PAIRS]
    rigs = [_grow_rig(views, pair) for pair in (*pairs, *guesses[:1])]
    return sorted(rigs, key=lambda rig: (-int(rig.placed.sum()), rig.cost))


def _grow_rig(views: PinholeViews, pair: PairPose) -> InitialRig:
    """Start from one pair and add the camera that sees most known points, until none is left."""
    V = len(views.xy)
    rotation = np.tile(np.eye(3), (V, 1, 1))
    translation = np.zeros((V, 3))
    rotation[pair.second], translation[pair.second] = pair.rotation, pair.translation
    placed = np.zeros(V, bool)
    placed[[pair.first, pair.second]] = True
    xyz = _triangulate_placed(views, rotation, translation, placed)
    while not placed.all():
        poses = [_resect_camera(views, int(v), xyz) for v in np.flatnonzero(~placed)]
        found = [pose for pose in poses if pose is not None]
        if not found:
            break
        # one camera at a time, the surest first: its points make the next one surer
        best = max(found, key=lambda pose: pose.inliers)
        rotation[best.view], translation[best.view] = best.rotation, best.translation
        placed[best.view] = True
        xyz = _triangulate_placed(views, rotation, translation, placed)
    # all points again: the gate served only to place the cameras. The refinement weighs outliers
    # itself, and in the cost a dropped point would count as a gross error in every view
    xyz = _triangulate_placed(views, rotation, translation, placed, gated=False)
    return InitialRig(
        rotation, translation, xyz, _compute_cost(views, rotation, translation, xyz, placed), placed
    )


def _triangulate_placed(
    views: PinholeViews, rotation: F64, translation: F64, placed: Mask, gated: bool = True
) -> F64:
    """Triangulate from placed cameras; if gated, drop points that they disagree on."""
    cameras = [_build_camera(views, v, rotation, translation) for v in range(len(placed))]
    weight = np.where(placed[:, None] & views.seen, 1 / views.sigma**2, 0.0)
    xyz = triangulate(np.where(views.seen[..., None], views.xy, np.nan), weight, cameras)
    if gated:
        error, depth = _compute_errors(views, rotation, translation, xyz)
        bad = (weight > 0) & ((error > 2 * GATE_SIGMAS) | (depth <= 0) | ~np.isfinite(error))
        xyz[bad.any(0)] = np.nan
    return xyz


def _resect_camera(views: PinholeViews, v: int, xyz: F64) -> _Resection | None:
    """Place one camera by the known points that it sees (P3P LO-RANSAC)."""
    usable = views.seen[v] & np.isfinite(xyz).all(1)
    if usable.sum() < MIN_POINTS:
        return None
    # twice the gate of a pair: the points carry errors of the cameras placed so far
    gate = 2 * GATE_SIGMAS * float(np.median(views.sigma[v, usable]))
    pose, info = poselib.estimate_absolute_pose(
        views.xy[v, usable],
        xyz[usable],
        to_poselib_camera(views.focal[v], views.principal[v]),
        {"max_reproj_error": gate, "max_iterations": 2000, "seed": 0},
        {"loss_type": "CAUCHY", "loss_scale": gate / 2},
    )
    if info["num_inliers"] < MIN_POINTS:
        return None
    return _Resection(
        v, np.asarray(pose.R, float), np.asarray(pose.t, float), int(info["num_inliers"])
    )


def _compute_errors(
    views: PinholeViews, rotation: F64, translation: F64, xyz: F64
) -> tuple[F64, F64]:
    """Reprojection error in sigmas and depth of all points in all views, both (V, N)."""
    seen = np.einsum("vij,nj->vni", rotation, xyz) + translation[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        offset = seen[..., :2] / seen[..., 2:] - views.rays
        return np.linalg.norm(offset, axis=-1) * views.focal[:, None] / views.sigma, seen[..., 2]


def _compute_cost(
    views: PinholeViews, rotation: F64, translation: F64, xyz: F64, placed: Mask
) -> float:
    """Mean truncated squared error of the placed cameras, in squared sigmas."""
    error, depth = _compute_errors(views, rotation, translation, xyz)
    counted = views.seen & placed[:, None] & (views.seen[placed].sum(0) >= 2)
    truncated = np.where((depth > 0) & (error < TRUNCATION_SIGMAS), error, TRUNCATION_SIGMAS) ** 2
    return float(truncated[counted].mean()) if counted.any() else np.inf


def _build_camera(views: PinholeViews, v: int, rotation: F64, translation: F64) -> Camera:
    """Describe one placed view as an ideal camera."""
    matrix = np.diag([views.focal[v], views.focal[v], 1.0])
    matrix[:2, 2] = views.principal[v]
    return Camera(
        f"view {v}", (1, 1), matrix, cam_from_world=rigid_transform(rotation[v], translation[v])
    )
