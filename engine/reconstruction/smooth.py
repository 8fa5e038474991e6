"""Smooth: less jitter in the joints, the same live and offline."""

from dataclasses import dataclass, replace

import numpy as np

from calibration.geometry.arrays import F64, I64
from engine.poses import Pose3D, PoseSet3D

NEVER_NS = -(2**62)


@dataclass(frozen=True, slots=True)
class SmoothConfig:
    """How strongly to smooth.

    Parameters
    ----------
    min_cutoff_hz
        For a joint at rest: lower smooths more and lags more.
    speed_gain
        How fast the cut-off rises with speed, Hz per m/s.
    speed_cutoff_hz
        For the estimate of the speed itself.
    forget_after_s
        A joint missing for longer starts again.
    """

    min_cutoff_hz: float = 1.5
    speed_gain: float = 4.0
    speed_cutoff_hz: float = 1.5
    forget_after_s: float = 0.25


@dataclass(slots=True, eq=False)
class _FilterState:
    """Filter state of one person: values, speeds and when each joint was last seen."""

    xyz: F64
    speed: F64
    seen_ns: I64


class Smooth:
    """A One-Euro filter per joint; a stage with memory.

    Notes
    -----
    Casiez, Roussel & Vogel (2012): a low-pass whose cut-off grows with speed, so that a
    joint at rest is steady and motion hardly lags. A missing joint stays missing.
    """

    def __init__(self, config: SmoothConfig = SmoothConfig()) -> None:
        self._config = config
        self._tracks: dict[int, _FilterState] = {}

    def __call__(self, poses: PoseSet3D) -> PoseSet3D:
        """Smooth the people of one instant; instants come in order of time."""
        return replace(
            poses,
            people=tuple(self._filter_pose(person, poses.timestamp_ns) for person in poses.people),
        )

    def _filter_pose(self, pose: Pose3D, now_ns: int) -> Pose3D:
        """Filter one person's joints."""
        track = self._tracks.get(pose.track_id)
        if track is None:
            track = _FilterState(
                np.full_like(pose.xyz, np.nan),
                np.zeros_like(pose.xyz),
                np.full(len(pose.xyz), NEVER_NS),
            )
            self._tracks[pose.track_id] = track
        elapsed_s = (now_ns - track.seen_ns) * 1e-9
        present = np.asarray(np.isfinite(pose.xyz).all(-1), bool)
        known = present & (elapsed_s > 0) & (elapsed_s <= self._config.forget_after_s)
        step_s = np.where(known, elapsed_s, 1.0)[:, None]
        speed = np.where(known[:, None], (pose.xyz - track.xyz) / step_s, 0.0)
        share = _compute_weight(self._config.speed_cutoff_hz, step_s)
        speed = np.where(known[:, None], track.speed + share * (speed - track.speed), 0.0)
        norm = np.linalg.norm(speed, axis=-1, keepdims=True)
        cutoff_hz = self._config.min_cutoff_hz + self._config.speed_gain * norm
        blended = track.xyz + _compute_weight(cutoff_hz, step_s) * (pose.xyz - track.xyz)
        xyz = np.where(known[:, None], blended, pose.xyz)
        track.xyz = np.where(present[..., None], xyz, track.xyz)
        track.speed = np.where(present[:, None], speed, track.speed)
        track.seen_ns = np.where(present, now_ns, track.seen_ns)
        return replace(pose, xyz=xyz)


def _compute_weight(cutoff_hz: F64 | float, step_s: F64) -> F64:
    """Compute the weight of the new value in a first-order low-pass."""
    return 1 / (1 + 1 / (2 * np.pi * cutoff_hz * step_s))
