"""MotionLog: the newest poses of a moving person, in arrays of fixed size, for calibration."""

from dataclasses import dataclass, replace

import numpy as np

from calibration.geometry.arrays import I64
from calibration.self_calibrate import Calibration, CalibrationOptions, Progress
from calibration.skeleton import Skeleton
from engine.offline.recording import calibrate_candidates
from engine.poses import Pose2D, PoseSet2D
from engine.reconstruction.people import NOBODY, Candidates

CAPACITY = 1500  # framesets: 90 s and more of motion
MAX_AGE_S = 600.0  # the cameras may have been elsewhere before
# More than 16 a second add nothing: `calibration.evidence.timing` interpolates over 120 ms.
MIN_STEP_NS = 60_000_000
MAX_PEOPLE = 2  # in a view, as many as the estimator follows
MAX_BACKSTEP_NS = 1_000_000_000  # times that step back by more are from another clock


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Arrays of a ring: (N,), (N, V), (N, V, C, J, 2), (N, V, C, J), (N, V, C), (N, V, C, J, 3)."""

    time_ns: I64
    view_time_ns: I64
    xy: np.ndarray
    confidence: np.ndarray
    track_id: np.ndarray
    own_xyz: np.ndarray


class MotionLog:
    """Keeps the newest pose sets; its memory does not grow.

    Parameters
    ----------
    skeleton, view_names
    sizes_wh : V of them, px
    capacity
        How many pose sets are kept.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        view_names: tuple[str, ...],
        sizes_wh: tuple[tuple[int, int], ...],
        capacity: int = CAPACITY,
    ) -> None:
        self._skeleton = skeleton
        self._view_names = view_names
        self._sizes_wh = sizes_wh
        N = capacity
        V = len(view_names)
        J = len(skeleton.joints)
        self._rows = _Rows(
            np.zeros(N, np.int64),
            np.zeros((N, V), np.int64),
            np.zeros((N, V, MAX_PEOPLE, J, 2), np.float32),
            np.zeros((N, V, MAX_PEOPLE, J), np.float32),
            np.full((N, V, MAX_PEOPLE), NOBODY, np.int32),
            np.zeros((N, V, MAX_PEOPLE, J, 3), np.float16),
        )
        self._count = 0  # rows ever written since `clear`

    def __len__(self) -> int:
        return min(self._count, len(self._rows.time_ns))

    def put(self, poses: PoseSet2D) -> bool:
        """Store an instant, unless the previous one is too near; return whether it was stored.

        Parameters
        ----------
        poses
            As the model found them, before association.
        """
        rows = self._rows
        if self._count:
            since_ns = poses.timestamp_ns - int(rows.time_ns[(self._count - 1) % len(rows.time_ns)])
            if since_ns < -MAX_BACKSTEP_NS:
                self.clear()
            elif since_ns < MIN_STEP_NS:
                return False
        at = self._count % len(rows.time_ns)
        rows.time_ns[at] = poses.timestamp_ns
        rows.xy[at], rows.confidence[at], rows.track_id[at] = np.nan, 0.0, NOBODY
        rows.own_xyz[at] = np.nan
        for v, (people, own_ns) in enumerate(zip(poses.poses_by_view, poses.view_time_ns)):
            rows.view_time_ns[at, v] = poses.timestamp_ns if own_ns is None else own_ns
            for c, pose in enumerate(_choose_surest(people)):
                rows.xy[at, v, c], rows.confidence[at, v, c], rows.track_id[at, v, c] = (
                    pose.xy,
                    pose.confidence,
                    pose.track_id,
                )
                if pose.own_xyz is not None:
                    rows.own_xyz[at, v, c] = pose.own_xyz
        self._count += 1
        return True

    def clear(self) -> None:
        """Forget everything."""
        self._count = 0

    def candidates(self, newest_s: float = MAX_AGE_S) -> Candidates:
        """Copy the stored poses.

        Parameters
        ----------
        newest_s
            Poses older than this, relative to the newest, are left out.

        Returns
        -------
        candidates
            Pixels and confidences as float32 and own poses, which are hints, as float16, to halve
            what a pipe has to carry.
        """
        N = len(self._rows.time_ns)
        order = np.arange(max(self._count - N, 0), self._count) % N
        times = self._rows.time_ns[order]
        if len(order):
            order = order[times >= times[-1] - int(newest_s * 1e9)]
        rows = self._rows
        own_xyz = rows.own_xyz[order]
        people = MAX_PEOPLE if (rows.track_id[order, :, 1:] != NOBODY).any() else 1
        return Candidates(
            self._skeleton,
            self._view_names,
            self._sizes_wh,
            rows.time_ns[order],
            rows.view_time_ns[order],
            rows.xy[order, :, :people],
            rows.confidence[order, :, :people],
            rows.track_id[order, :, :people],
            own_xyz[:, :, :people] if np.isfinite(own_xyz).any() else None,
        )


def calibrate_from_log(
    candidates: Candidates,
    options: CalibrationOptions,
    progress: Progress = lambda _step, _share: None,
) -> Calibration:
    """Calibrate from the candidates of a log, converted back to double precision.

    Parameters
    ----------
    candidates, options, progress
        As of `engine.offline.recording.calibrate_candidates`.
    """
    xy = candidates.xy.astype(np.float64)
    confidence = candidates.confidence.astype(np.float64)
    own_xyz = None if candidates.own_xyz is None else candidates.own_xyz.astype(np.float64)
    return calibrate_candidates(
        replace(candidates, xy=xy, confidence=confidence, own_xyz=own_xyz), options, progress
    )


def _choose_surest(people: tuple[Pose2D, ...]) -> tuple[Pose2D, ...]:
    """Choose the people to store: the most confident."""
    return (
        people
        if len(people) <= MAX_PEOPLE
        else tuple(sorted(people, key=lambda pose: -pose.score)[:MAX_PEOPLE])
    )
