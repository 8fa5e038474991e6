"""The evidence for every joint of a recording: from each view, without each view, bones, motion.

All of it is arrays over the whole recording. Views come first, as in all geometry: V views, T
framesets, J joints.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from calibration.evidence.noise import compute_gate_px, estimate_sigma_px
from calibration.evidence.observations import Observations
from calibration.geometry.arrays import F64, I64, Mask
from calibration.geometry.epipolar import fundamental_from_cameras, sampson_distance_px
from calibration.geometry.fast_arrays import CameraArrays, pack_cameras
from calibration.geometry.fast_instant import triangulate_compiled, triangulate_robust_compiled
from calibration.geometry.projection import undistort_pixels
from calibration.geometry.triangulation import TriangulatedPoints
from calibration.rig import Rig
from training.labels.body import Bones, measure_bones
from training.labels.refinement import RefinementConfig, Sightings, estimate_body, refine_recording
from training.labels.sides import compute_side_factors

MIN_CONFIDENCE = 0.1  # below, a network's joint is a guess
SMOOTHING_S = 0.6  # a network's errors last for about so long
TINY = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class ViewEvidence:
    """What each view says of each joint.

    Parameters
    ----------
    xy : (V, T, J, 2), px of the original images, at the framesets' times
        NaN where missing.
    confidence : (V, T, J)
    sigma_px : (V, T, J)
        Expected error; infinite where not seen.
    carries : (V, T, J), bool
        Whether the view agrees with the others and carries the joint.
    residual_px : (V, T, J, 2), px, undistorted
        Image of the label less what was seen.
    depth_m : (V, T, J)
        Of the label in each camera.
    margin_px : (V, T, J)
        How far inside the image the joint was seen; negative outside.
    """

    xy: F64
    confidence: F64
    sigma_px: F64
    carries: Mask
    residual_px: F64
    depth_m: F64
    margin_px: F64


@dataclass(frozen=True, slots=True, eq=False)
class JointEvidence:
    """What is known of each joint, (T, J) unless said otherwise.

    Parameters
    ----------
    triangulated : (T, J, 3), m
        Before refinement; NaN where fewer than two views agree.
    covariance : (T, J, 3, 3), m^2
        Of that, as independent errors would have it.
    chi2, dof
        Of the views that carry it.
    leave_one_out_m, leave_one_out_view
        How far it moves at most without one of its views, and which; NaN and -1 where two views
        carry it.
    sampson_px : (T, J, 3)
        Least, median and largest distance of two views' points from fitting each other, before
        triangulation.
    angle_rad
        Largest angle between two rays that carry it, folded at 90 degrees.
    disagreement_m
        Weighted root mean square distance, at the joint, of all views' rays from the label.
    moved_m
        From triangulated to refined.
    bone_z, bone_share
        Deviation of the triangulated bone that fits best, in sigmas and as a share of its length: a
        joint is to blame when all its bones are wrong. NaN for joints without bones.
    bone_off_m
        Deviation of the bone that fits worst, steadied over 0.6 s; 0 for joints without bones.
    twin_m
        Distance from the same joint of the other side; NaN for joints without one.
    speed_m_s, refined_acceleration_m_s2
        Of the label.
    acceleration_m_s2
        As the views have it, before motion was made smooth.
    """

    triangulated: F64
    covariance: F64
    chi2: F64
    dof: I64
    leave_one_out_m: F64
    leave_one_out_view: I64
    sampson_px: F64
    angle_rad: F64
    disagreement_m: F64
    moved_m: F64
    bone_z: F64
    bone_share: F64
    bone_off_m: F64
    twin_m: F64
    speed_m_s: F64
    refined_acceleration_m_s2: F64
    acceleration_m_s2: F64


@dataclass(frozen=True, slots=True, eq=False)
class LabelEvidence:
    """A recording's joints in space, and all evidence on them.

    Parameters
    ----------
    xyz : (T, J, 3), m, world
        Refined.
    views
    joints
    bones
        The person's.
    """

    xyz: F64
    views: ViewEvidence
    joints: JointEvidence
    bones: Bones


def gather_label_evidence(
    common: Observations, rig: Rig, config: RefinementConfig
) -> LabelEvidence:
    """Triangulate and refine a recording, and measure all evidence for or against each joint.

    Parameters
    ----------
    common
        One person, sides repaired, all views at common times.
    rig
        Its cameras in the order of the views.
    config
    """
    T, V, J = common.confidence.shape
    xy = np.ascontiguousarray(np.moveaxis(common.xy, 1, 0))
    sigma = np.ascontiguousarray(np.moveaxis(estimate_sigma_px(common, MIN_CONFIDENCE), 1, 0))
    rays = undistort_pixels(xy, rig.cameras)
    sigma = np.where(np.isfinite(rays).all(-1), sigma, np.inf)
    cameras = pack_cameras(rig.cameras)
    flat_xy = xy.reshape(V, -1, 2)
    flat_sigma = np.ascontiguousarray(sigma.reshape(V, -1))
    gate = compute_gate_px(flat_sigma)
    first = triangulate_robust_compiled(flat_xy, flat_sigma, cameras, gate).xyz.reshape(T, J, 3)
    sigma = sigma * compute_side_factors(first, rig, common.skeleton)
    flat_sigma = np.ascontiguousarray(sigma.reshape(V, -1))
    solved = triangulate_robust_compiled(flat_xy, flat_sigma, cameras, gate)
    triangulated = solved.xyz.reshape(T, J, 3)
    bones = measure_bones(triangulated, common.skeleton)
    body = estimate_body(triangulated, common.skeleton, config)
    time_s = np.asarray((common.time_ns - common.time_ns[:1]) * 1e-9, float)
    xyz = refine_recording(
        triangulated, Sightings(np.nan_to_num(rays), 1 / sigma, time_s), rig, body, config
    )
    views = _gather_view_evidence(common, (rays, sigma, solved.used.reshape(V, T, J)), xyz, rig)
    joints = _gather_joint_evidence(common, solved, (xyz, views, bones), (rig, cameras))
    return LabelEvidence(xyz, views, joints, bones)


def _gather_view_evidence(
    common: Observations, seen: tuple[F64, F64, Mask], xyz: F64, rig: Rig
) -> ViewEvidence:
    """Compare the label with each view."""
    rays, sigma, carries = seen
    xy = np.moveaxis(common.xy, 1, 0)
    residual, depth = np.empty(rays.shape), np.empty(rays.shape[:3])
    for v, camera in enumerate(rig.cameras):
        local = xyz @ camera.R.T + camera.t
        depth[v] = local[..., 2]
        safe = np.where(np.abs(depth[v]) > TINY, depth[v], np.nan)
        residual[v] = (local[..., :2] / safe[..., None] - rays[v]) * camera.focal_px
    last = np.array(common.sizes_wh, float)[:, None, None] - 1
    margin = np.minimum(xy, last - xy).min(-1)
    confidence = np.moveaxis(common.confidence, 1, 0)
    return ViewEvidence(xy, confidence, sigma, carries, residual, depth, margin)


def _gather_joint_evidence(
    common: Observations,
    solved: TriangulatedPoints,
    label: tuple[F64, ViewEvidence, Bones],
    cameras: tuple[Rig, CameraArrays],
) -> JointEvidence:
    """Measure every joint."""
    xyz, views, bones = label
    T, J = xyz.shape[:2]
    rig, packed = cameras
    triangulated = solved.xyz.reshape(T, J, 3)
    time_s = np.asarray((common.time_ns - common.time_ns[:1]) * 1e-9, float)
    carried = solved.used
    ratio = np.where(
        carried, np.nan_to_num(solved.error_px) / views.sigma_px.reshape(carried.shape), 0.0
    )
    moved_out, worst = _measure_leave_one_out(views, packed)
    bone_z, bone_share, bone_off = _measure_bone_evidence(triangulated, bones, time_s)
    speed, refined_acceleration = _measure_motion(xyz, time_s)
    _, acceleration = _measure_motion(triangulated, time_s)
    mirror = common.skeleton.mirror
    twin = np.linalg.norm(xyz - xyz[:, mirror], axis=-1)
    return JointEvidence(
        triangulated=triangulated,
        covariance=solved.covariance.reshape(T, J, 3, 3),
        chi2=(ratio**2).sum(0).reshape(T, J),
        dof=np.maximum(2 * carried.sum(0).reshape(T, J) - 3, 0),
        leave_one_out_m=moved_out,
        leave_one_out_view=worst,
        sampson_px=_measure_sampson_px(views, rig),
        angle_rad=_find_max_angle(xyz, views.carries, rig),
        disagreement_m=_measure_disagreement(views, rig),
        moved_m=np.linalg.norm(xyz - triangulated, axis=-1),
        bone_z=bone_z,
        bone_share=bone_share,
        bone_off_m=bone_off,
        twin_m=np.where(mirror == np.arange(J), np.nan, twin),
        speed_m_s=speed,
        refined_acceleration_m_s2=refined_acceleration,
        acceleration_m_s2=acceleration,
    )


def _measure_leave_one_out(views: ViewEvidence, cameras: CameraArrays) -> tuple[F64, I64]:
    """Triangulate without each view in turn: how far joints move at most, and by which view."""
    V, T, J = views.carries.shape
    xy = np.ascontiguousarray(views.xy).reshape(V, -1, 2)
    carries = views.carries.reshape(V, -1)
    weight = np.where(carries, 1 / views.sigma_px.reshape(V, -1) ** 2, 0.0)
    together = triangulate_compiled(xy, weight, cameras)
    moved = np.full(carries.shape, -1.0)
    for v in range(V):
        others = weight.copy()
        others[v] = 0
        alone = triangulate_compiled(xy, others, cameras)
        can = carries[v] & (carries.sum(0) >= 3)
        moved[v] = np.where(can, np.linalg.norm(alone - together, axis=-1), -1.0)
    largest, worst = moved.max(0), moved.argmax(0)
    known = largest >= 0
    return np.where(known, largest, np.nan).reshape(T, J), np.where(known, worst, -1).reshape(T, J)


def _measure_sampson_px(views: ViewEvidence, rig: Rig) -> F64:
    """Measure how well two views' points fit each other: least, median, largest, (T, J, 3)."""
    rays = undistort_pixels(views.xy, rig.cameras)
    pixels = [
        ray @ camera.matrix[:2, :2].T + camera.matrix[:2, 2]
        for ray, camera in zip(rays, rig.cameras)
    ]
    seen = np.isfinite(views.sigma_px)
    distances = []
    for a, b in itertools.combinations(range(len(rig)), 2):
        F = fundamental_from_cameras(rig[a], rig[b])
        distances.append(
            np.where(seen[a] & seen[b], sampson_distance_px(pixels[a], pixels[b], F), np.nan)
        )
    stacked = np.sort(np.stack(distances), axis=0)  # missing ones last
    count = np.isfinite(stacked).sum(0)
    at = np.stack([np.zeros_like(count), np.maximum(count - 1, 0) // 2, np.maximum(count - 1, 0)])
    return np.moveaxis(np.take_along_axis(stacked, at, 0), 0, -1)


def _find_max_angle(xyz: F64, carries: Mask, rig: Rig) -> F64:
    """Largest angle between two rays that carry a joint, folded at 90 degrees, (T, J)."""
    towards = np.stack([xyz - camera.centre for camera in rig.cameras])
    towards /= np.maximum(np.linalg.norm(towards, axis=-1, keepdims=True), TINY)
    largest = np.zeros(xyz.shape[:2])
    for a, b in itertools.combinations(range(len(rig)), 2):
        cosine = np.abs((towards[a] * towards[b]).sum(-1))
        angle = np.arccos(np.clip(np.nan_to_num(cosine, nan=1.0), 0, 1))
        largest = np.maximum(largest, np.where(carries[a] & carries[b], angle, 0.0))
    return largest


def _measure_disagreement(views: ViewEvidence, rig: Rig) -> F64:
    """Weighted root mean square distance of the rays from the label, at its depth, (T, J), m."""
    seen = np.isfinite(views.sigma_px)
    focal = np.array([camera.focal_px for camera in rig.cameras])[:, None, None]
    off_m = np.linalg.norm(views.residual_px, axis=-1) * np.abs(views.depth_m) / focal
    seen &= np.isfinite(off_m)
    weight = np.where(seen, 1 / np.where(seen, views.sigma_px, 1.0) ** 2, 0.0)
    total = weight.sum(0)
    mean = np.where(seen, weight * np.nan_to_num(off_m) ** 2, 0.0).sum(0) / np.where(
        total > 0, total, np.nan
    )
    return np.sqrt(mean)


def _measure_bone_evidence(xyz: F64, bones: Bones, time_s: F64) -> tuple[F64, F64, F64]:
    """Compare bones with their usual lengths: the best in sigmas and as a share, the worst in m."""
    T, J = xyz.shape[:2]
    best_z = np.full((T, J), np.nan)
    best_share = np.full((T, J), np.nan)
    worst_m = np.zeros((T, J))
    for (a, b), length, sigma in zip(bones.ends, bones.length_m, bones.sigma_m):
        off = np.abs(np.linalg.norm(xyz[:, a] - xyz[:, b], axis=-1) - length)
        for joint in (a, b):
            best_z[:, joint] = np.fmin(best_z[:, joint], off / sigma)
            best_share[:, joint] = np.fmin(best_share[:, joint], off / length)
            worst_m[:, joint] = np.fmax(worst_m[:, joint], off)
    return (
        best_z,
        best_share,
        uniform_filter1d(worst_m, count_framesets(SMOOTHING_S, time_s), axis=0, mode="nearest"),
    )


def count_framesets(seconds: float, time_s: F64) -> int:
    """Count the framesets of a part of a recording.

    Parameters
    ----------
    seconds
    time_s : (T,)

    Returns
    -------
    framesets
        At the median period; at least 1.
    """
    period_s = float(np.median(np.diff(time_s))) if len(time_s) > 1 else seconds
    return max(1, round(seconds / max(period_s, 1e-3)))


def _measure_motion(xyz: F64, time_s: F64) -> tuple[F64, F64]:
    """Speed and acceleration of every joint, (T, J) each; NaN where neighbours are missing."""
    if len(time_s) < 3:
        return np.full(xyz.shape[:2], np.nan), np.full(xyz.shape[:2], np.nan)
    velocity = np.gradient(xyz, time_s, axis=0)
    return np.linalg.norm(velocity, axis=-1), np.linalg.norm(
        np.gradient(velocity, time_s, axis=0), axis=-1
    )
