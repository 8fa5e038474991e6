"""Recordings of synthetic walkers: pose sets like a network's, optionally with other people."""

import numpy as np

from calibration.evidence.observations import Observations
from engine.offline.recording import PoseRecording
from engine.poses import Pose2D, PoseSet2D


def make_pose_sets(*people: Observations) -> tuple[PoseSet2D, ...]:
    """Put the observations of one or several people into pose sets; each is one track per view."""
    first, seen = people[0], [person.seen.any(-1) for person in people]
    sets = []
    for t, time_ns in enumerate(first.time_ns):
        views = []
        for v in range(len(first.view_names)):
            poses = [
                Pose2D(number, person.xy[t, v], person.confidence[t, v])
                for number, person in enumerate(people)
                if seen[number][t, v]
            ]
            views.append(tuple(poses))
        own = tuple(int(ns) for ns in first.view_time_ns[t])
        sets.append(PoseSet2D(t, int(time_ns), tuple(views), own))
    return tuple(sets)


def make_recording(*people: Observations) -> PoseRecording:
    """Make a take of one or several people."""
    first = people[0]
    return PoseRecording(make_pose_sets(*people), first.skeleton, first.view_names, first.sizes_wh)


def compute_error_mm(poses_3d, xyz, joints) -> np.ndarray:
    """Distance of reconstructed joints from true ones, mm, (T, J); NaN where missing."""
    found = np.full((len(xyz), xyz.shape[1], 3), np.nan)
    for poses in poses_3d:
        for person in poses.people:
            found[poses.index] = person.xyz
    return np.linalg.norm(found - xyz, axis=-1)[:, joints] * 1e3
