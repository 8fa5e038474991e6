"""Reconstruct: from a person's joints in the views to the room, in metres, with errors."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from calibration.evidence.noise import compute_gate_px, estimate_sigma_px
from calibration.evidence.observations import Observations
from calibration.evidence.timing import interpolate_to_common_time
from calibration.geometry.arrays import F64, I64
from calibration.geometry.fast_arrays import CameraArrays, pack_cameras, pack_noise
from calibration.geometry.fast_instant import solve_person, triangulate_robust_compiled
from calibration.geometry.triangulation import TriangulatedPoints
from calibration.rig import Rig
from calibration.skeleton import Skeleton
from engine.poses import MIN_CONFIDENCE, Pose3D, PoseSet2D, PoseSet3D, all_measured

MIN_JOINTS = 4  # a person has at least these
MAX_GAP_NS = 120_000_000  # no velocity is taken across a longer gap
NEVER_NS = -(2**62)


def reconstruct_observations(observations: Observations, rig: Rig) -> list[PoseSet3D]:
    """Reconstruct one person over a whole recording.

    Parameters
    ----------
    observations
        Sides repaired; each view with its own times.
    rig
        Its time offsets are applied: all views are interpolated to the framesets' times.

    Returns
    -------
    poses
        One set per frameset; empty where the person cannot be reconstructed.
    """
    offsets = np.array(
        [rig.time_offset_ns.get(name, 0) for name in observations.view_names], np.int64
    )
    common = interpolate_to_common_time(observations, offsets)
    return poses_from_triangulation(
        common, triangulate_observations(common, rig), range(len(common.time_ns))
    )


class Reconstruct:
    """Reconstruct the person of each frameset; a stage that remembers each view's last pose.

    Notes
    -----
    `reconstruct_observations` handles a whole recording and interpolates between images; this live
    stage has only the past, and moves each view's joints to the frameset's time with their last
    velocity, by half a period at most.
    """

    def __init__(self, skeleton: Skeleton) -> None:
        self._noise = pack_noise(skeleton, MIN_CONFIDENCE)
        self._joints = len(skeleton.joints)
        self._packed: tuple[Rig, CameraArrays] | None = None
        self._last_xy = np.empty((0, self._joints, 2))
        self._last_ns = np.empty(0, np.int64)

    def __call__(self, poses: PoseSet2D, rig: Rig | None) -> PoseSet3D:
        """Reconstruct one instant; no people without a rig whose cameras match the views."""
        nobody = PoseSet3D(poses.index, poses.timestamp_ns, ())
        if rig is None or len(rig) != len(poses.poses_by_view):
            return nobody
        xy, confidence = self._extrapolate(poses, rig)
        solved = solve_person(xy, confidence, self._pack_rig(rig), self._noise)
        if np.isfinite(solved.xyz[:, 0]).sum() < MIN_JOINTS:
            return nobody
        person = Pose3D(
            0,
            solved.xyz,
            solved.confidence,
            solved.covariance,
            solved.used.sum(1),
            all_measured(self._joints),
        )
        return replace(nobody, people=(person,))

    def _pack_rig(self, rig: Rig) -> CameraArrays:
        """Pack a rig into arrays, once."""
        if self._packed is None or self._packed[0] is not rig:
            self._packed = (rig, pack_cameras(rig.cameras))
        return self._packed[1]

    def _extrapolate(self, poses: PoseSet2D, rig: Rig) -> tuple[F64, F64]:
        """Move each view's joints (V, J, 2), px, with their velocity to the frameset's time."""
        V = len(rig)
        if len(self._last_ns) != V:
            self._last_xy = np.full((V, self._joints, 2), np.nan)
            self._last_ns = np.full(V, NEVER_NS)
        xy = np.full((V, self._joints, 2), np.nan)
        confidence = np.zeros((V, self._joints))
        own_ns, late_ns = self._last_ns.copy(), np.zeros(V)
        for v, (view, own) in enumerate(zip(poses.poses_by_view, poses.view_time_ns)):
            if view and own is not None:
                xy[v], confidence[v], own_ns[v] = view[0].xy, view[0].confidence, own
                late_ns[v] = poses.timestamp_ns - own - rig.time_offset_ns.get(rig[v].name, 0)
        passed_ns = own_ns - self._last_ns
        known = (passed_ns > 0) & (passed_ns < MAX_GAP_NS)
        share = np.where(known, np.clip(late_ns / np.maximum(passed_ns, 1), -0.5, 0.5), 0.0)
        step = share[:, None, None] * (xy - self._last_xy)
        fresh = own_ns != self._last_ns
        self._last_xy = np.where(fresh[:, None, None], xy, self._last_xy)
        self._last_ns = own_ns
        return xy + np.where(np.isfinite(step), step, 0.0), confidence


def triangulate_observations(common: Observations, rig: Rig) -> TriangulatedPoints:
    """Triangulate all joints of all framesets.

    Parameters
    ----------
    common
        At common times.
    rig

    Returns
    -------
    triangulated
        The N points run over framesets, then joints.
    """
    sigma = estimate_sigma_px(common, MIN_CONFIDENCE)
    V = len(common.view_names)
    xy = np.moveaxis(common.xy, 1, 0).reshape(V, -1, 2)
    spread = np.moveaxis(sigma, 1, 0).reshape(V, -1)
    return triangulate_robust_compiled(
        xy, spread, pack_cameras(rig.cameras), compute_gate_px(spread)
    )


def poses_from_triangulation(
    common: Observations, solved: TriangulatedPoints, indices: Sequence[int]
) -> list[PoseSet3D]:
    """Turn triangulated joints into poses.

    Parameters
    ----------
    common
    solved
        As `triangulate_observations` returns it.
    indices : T of them
        Of the framesets.

    Returns
    -------
    poses
        Track 0, or no people.
    """
    T, V, J = common.confidence.shape
    xyz = solved.xyz.reshape(T, J, 3)
    covariance = solved.covariance.reshape(T, J, 3, 3)
    used = solved.used.reshape(V, T, J)
    views = used.sum(0)
    confidence = _compute_confidence(common, solved).reshape(T, J)
    found = np.isfinite(xyz).all(-1).sum(-1)
    sets = []
    for t, index in enumerate(indices):
        view_count = np.asarray(views[t], np.int64)
        person = Pose3D(0, xyz[t], confidence[t], covariance[t], view_count, all_measured(J))
        sets.append(
            PoseSet3D(index, int(common.time_ns[t]), (person,) if found[t] >= MIN_JOINTS else ())
        )
    return sets


def _compute_confidence(common: Observations, solved: TriangulatedPoints) -> F64:
    """Average the confidence of the views that carry a joint, less where they disagree, (N,)."""
    V = len(common.view_names)
    seen = np.moveaxis(common.confidence, 1, 0).reshape(V, -1)
    spread = np.moveaxis(estimate_sigma_px(common, MIN_CONFIDENCE), 1, 0).reshape(V, -1)
    count: I64 = np.maximum(solved.used.sum(0), 1)
    mean = np.where(solved.used, seen, 0.0).sum(0) / count
    squared = (
        np.where(solved.used, (np.nan_to_num(solved.error_px) / spread) ** 2, 0.0).sum(0) / count
    )
    # views that disagree by four sigmas leave a third of the confidence (1 / e)
    return np.where(solved.used.any(0), mean * np.exp(-squared / 16), 0.0)
