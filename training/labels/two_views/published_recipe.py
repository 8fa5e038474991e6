"""The labels of Pose ResNet and EpipolarPose, as published.

Two views, their fundamental matrix from the joints, polynomial triangulation. This is the baseline
that `training.labels.pseudo_labels` is compared with.

What the papers leave open is chosen here: pixels are not rounded; the fundamental matrix is that of
all matches of the recording (least median of squares); metres come from the person's stature; a
joint counts as occluded below a confidence of 0.5; with more than two views every view is paired
with the first one, and the vector median of the pairs counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calibration.errors import ScaleUnknownError
from calibration.evidence.evidence import select_calibration_joints
from calibration.evidence.observations import Observations
from calibration.geometry.arrays import F64, Mask
from calibration.geometry.projection import pixels_from_rays, undistort_pixels
from calibration.rig import Camera
from calibration.world.scale import estimate_scale
from training.errors import TrainingError
from training.labels.two_views.epipolar import (
    MIN_MATCHES,
    essential_from_fundamental,
    estimate_fundamental_robust,
    select_pose_in_front,
    triangulate_optimal,
)

MIN_CONFIDENCE = 0.5
MAX_MATCHES = 3000  # for the fundamental matrix; more do not change it


@dataclass(frozen=True, slots=True, eq=False)
class EpipolarLabels:
    """Labels of the published recipe.

    Parameters
    ----------
    xyz : (T, J, 3), m, frame of the first view's camera
        NaN where a view is missing or the joint counts as occluded.
    pairs
        The two views of each pair.
    pair_xyz : (P, T, J, 3), m
        What each pair says.
    """

    xyz: F64
    pairs: tuple[tuple[str, str], ...]
    pair_xyz: F64


def label_by_two_views(
    common: Observations,
    cameras: Sequence[Camera],
    stature_m: float | None,
    view_indices: Sequence[int] = (0, 1),
) -> EpipolarLabels:
    """Label a take as the papers do.

    Parameters
    ----------
    common
        One person, all views at common times; left and right as the network saw them.
    cameras
        Their lenses are taken as known; where they stand is not used.
    stature_m
        None takes the population's mean.
    view_indices
        The first one is paired with each of the others.

    Raises
    ------
    TrainingError
        If there are fewer than two views, or two of them share too few joints.
    """
    if len(view_indices) < 2:
        raise TrainingError("Two-view labels need two cameras; only one was given.")
    rays = undistort_pixels(np.moveaxis(common.xy, 1, 0), cameras)
    clear = np.moveaxis(common.seen & (common.confidence >= MIN_CONFIDENCE), 1, 0)
    rays = np.where(clear[..., None], rays, np.nan)
    first = view_indices[0]
    found = [
        _label_pair(common, rays, cameras, (first, other), stature_m) for other in view_indices[1:]
    ]
    pairs = tuple(
        (common.view_names[first], common.view_names[other]) for other in view_indices[1:]
    )
    stacked = np.stack(found)
    return EpipolarLabels(vector_median(stacked), pairs, stacked)


def vector_median(points: F64) -> F64:
    """Choose of several points the one whose summed distance from the others is least.

    Parameters
    ----------
    points : (P, ..., 3)
        NaN where missing.

    Returns
    -------
    point : (..., 3)
        NaN where all are missing; of two, their mean.
    """
    known = np.isfinite(points).all(-1)
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    cost = np.where(known, np.nan_to_num(distance).sum(1), np.inf)
    chosen = np.take_along_axis(points, cost.argmin(0)[None, ..., None], 0)[0]
    count = np.expand_dims(known.sum(0), -1)
    mean = np.where(np.expand_dims(known, -1), points, 0.0).sum(0) / np.maximum(count, 1)
    return np.where(count == 0, np.nan, np.where(count == 2, mean, chosen))


def _label_pair(
    common: Observations,
    rays: F64,
    cameras: Sequence[Camera],
    pair: tuple[int, int],
    stature_m: float | None,
) -> F64:
    """Label a take from two views, (T, J, 3), m, frame of the first of them."""
    a, b = pair
    K_a, K_b = cameras[a].matrix, cameras[b].matrix
    joints = common.skeleton.indices(select_calibration_joints(common.skeleton))
    both: Mask = np.array(
        np.isfinite(rays[a]).all(-1) & np.isfinite(rays[b]).all(-1), bool, ndmin=2
    )
    of_body = np.zeros_like(both)
    of_body[:, joints] = both[:, joints]
    rows = np.flatnonzero(of_body.ravel())
    if len(rows) < 4 * MIN_MATCHES:
        raise TrainingError(
            f"The views '{common.view_names[a]}' and '{common.view_names[b]}' share only "
            f"{len(rows)} joints, too few to find how they stand to each other. Choose two views "
            "that see the person at the same time."
        )
    rows = rows[:: max(1, len(rows) // MAX_MATCHES)]
    ray_a, ray_b = rays[a].reshape(-1, 2), rays[b].reshape(-1, 2)
    F, inlier = estimate_fundamental_robust(
        pixels_from_rays(ray_a[rows], K_a), pixels_from_rays(ray_b[rows], K_b), seed=0
    )
    E = essential_from_fundamental(F, K_a, K_b)
    R, t = select_pose_in_front(E, ray_a[rows[inlier]], ray_b[rows[inlier]])
    xyz = triangulate_optimal(ray_a, ray_b, R, t)
    ahead = (xyz[:, 2] > 0) & ((xyz @ R.T + t)[:, 2] > 0)
    xyz = np.where(ahead[:, None], xyz, np.nan).reshape(*both.shape, 3)
    return xyz * _find_metres_per_unit(xyz, common, stature_m)


def _find_metres_per_unit(xyz: F64, common: Observations, stature_m: float | None) -> float:
    """Find the metres per unit of a pair's own scale."""
    joints = select_calibration_joints(common.skeleton)
    try:
        return estimate_scale(
            xyz[:, common.skeleton.indices(joints)], joints, stature_m
        ).metres_per_unit
    except ScaleUnknownError as error:
        raise TrainingError(str(error)) from error
