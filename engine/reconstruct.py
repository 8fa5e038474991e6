"""Reconstruct: from a person's joints in the views to the room, in metres, with their errors."""

from collections.abc import Sequence

import numpy as np

from calibration.geometry.arrays import F64, I64
from calibration.geometry.triangulation import Triangulated, triangulate_robust
from calibration.noise import gate_px, sigma_px
from calibration.observations import Observations
from calibration.rig import Rig
from calibration.timing import at_common_time
from engine.poses import Pose3D, PoseSet3D

LEAST_CONFIDENCE = 0.3
LEAST_JOINTS = 4  # fewer than these are no person


def reconstruct_take(observations: Observations, rig: Rig) -> list[PoseSet3D]:
    """Reconstruct one person over a whole take.

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
    offsets = np.array([rig.time_offset_ns.get(name, 0) for name in observations.views], np.int64)
    common = at_common_time(observations, offsets)
    return poses_from(common, triangulate_observations(common, rig), range(len(common.time_ns)))


def triangulate_observations(common: Observations, rig: Rig) -> Triangulated:
    """Triangulate all joints of all framesets.

    Parameters
    ----------
    common
        At common times.
    rig

    Returns
    -------
    triangulated
        N runs over framesets, then joints.
    """
    sigma = sigma_px(common, LEAST_CONFIDENCE)
    V = len(common.views)
    xy = np.moveaxis(common.xy, 1, 0).reshape(V, -1, 2)
    spread = np.moveaxis(sigma, 1, 0).reshape(V, -1)
    return triangulate_robust(xy, spread, rig.cameras, gate_px=gate_px(spread))


def poses_from(common: Observations, solved: Triangulated, indices: Sequence[int]) -> list[PoseSet3D]:
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
        Person 0, or nobody.
    """
    T, V, J = common.confidence.shape
    xyz, covariance = solved.xyz.reshape(T, J, 3), solved.covariance.reshape(T, J, 3, 3)
    used = solved.used.reshape(V, T, J)
    views = used.sum(0)
    confidence = _confidence(common, solved).reshape(T, J)
    found = np.isfinite(xyz).all(-1).sum(-1)
    sets = []
    for t, index in enumerate(indices):
        person = Pose3D(0, xyz[t], confidence[t], covariance[t], np.asarray(views[t], np.int64))
        sets.append(PoseSet3D(index, int(common.time_ns[t]), (person,) if found[t] >= LEAST_JOINTS else ()))
    return sets


def _confidence(common: Observations, solved: Triangulated) -> F64:
    """Mean confidence of the views that carry a joint, less where they disagree, (N,)."""
    V = len(common.views)
    seen = np.moveaxis(common.confidence, 1, 0).reshape(V, -1)
    spread = np.moveaxis(sigma_px(common, LEAST_CONFIDENCE), 1, 0).reshape(V, -1)
    count: I64 = np.maximum(solved.used.sum(0), 1)
    mean = np.where(solved.used, seen, 0.0).sum(0) / count
    squared = np.where(solved.used, (np.nan_to_num(solved.error_px) / spread) ** 2, 0.0).sum(0) / count
    return np.where(solved.used.any(0), mean * np.exp(-squared / 16), 0.0)
