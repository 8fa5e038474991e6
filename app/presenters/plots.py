"""Plots of the last minute: latency by stage, rates, sync error, reprojection error."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import nan

import numpy as np

from calibration.geometry.arrays import F64
from calibration.geometry.projection import project
from calibration.rig import Camera, Rig
from engine.capture.state import CameraPhase
from engine.live.state import LiveResult, LiveState
from engine.poses import PoseSet2D, PoseSet3D

HISTORY_S = 60.0
SAMPLE_INTERVAL_S = 0.25
STAGE_LABELS = {
    "gather": "wait for all cameras",
    "estimate": "find the joints",
    "associate": "match people",
    "reconstruct": "reconstruct in 3D",
    "smooth": "smooth",
    "in all": "total",
}


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One line of a plot.

    Parameters
    ----------
    label
    at_s : (N,), s
        Relative to now, rising to 0.
    value : (N,)
        NaN where unknown.
    """

    label: str
    at_s: F64
    value: F64


@dataclass(frozen=True, slots=True, eq=False)
class Plot:
    """One plot: title, unit and curves."""

    title: str
    unit: str
    curves: tuple[Curve, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PlotsCard:
    """All plots."""

    plots: tuple[Plot, ...]


@dataclass(frozen=True, slots=True)
class _Sample:
    """The figures of one instant, by curve."""

    at_ns: int
    latency_ms: dict[str, float]
    rates_hz: dict[str, float]
    skew_ms: dict[str, float]
    error_px: float


class PlotHistory:
    """Keeps the last minute at four samples a second."""

    def __init__(self) -> None:
        self._samples: deque[_Sample] = deque(maxlen=round(HISTORY_S / SAMPLE_INTERVAL_S) + 1)

    def put(self, at_ns: int, state: LiveState, result: LiveResult | None) -> bool:
        """Add a sample, unless the last one is too recent.

        Parameters
        ----------
        at_ns
            On the host's clock.
        state
        result
            The newest; None where there is none.

        Returns
        -------
        taken
            False where the last sample is less than a quarter of a second old.
        """
        if self._samples and at_ns - self._samples[-1].at_ns < SAMPLE_INTERVAL_S * 1e9:
            return False
        cameras = [camera for camera in state.cameras if camera.phase is not CameraPhase.OPENING]
        rates = {camera.name: camera.rate_fps for camera in cameras}
        rates |= {"all cameras": state.framesets_hz, "poses": state.pose_hz}
        error = nan
        if result is not None and result.rig is not None:
            error = measure_reprojection_error_px(result.rig, result.poses_2d, result.poses_3d)
        latency = {
            STAGE_LABELS.get(stage.name, stage.name): stage.median_ms for stage in state.latency
        }
        skew = {camera.name: camera.skew_ms for camera in cameras}
        self._samples.append(_Sample(at_ns, latency, rates, skew, error))
        return True

    def samples(self) -> tuple[_Sample, ...]:
        """Return what is kept, oldest first."""
        return tuple(self._samples)


def present_plots(history: PlotHistory) -> PlotsCard:
    """Describe the plots of the last minute."""
    samples = history.samples()
    now_ns = samples[-1].at_ns if samples else 0
    samples = tuple(sample for sample in samples if now_ns - sample.at_ns <= HISTORY_S * 1e9)
    at_s = np.array([(sample.at_ns - now_ns) * 1e-9 for sample in samples])

    def collect_curves(values: Callable[[_Sample], dict[str, float]]) -> tuple[Curve, ...]:
        """Collect one curve for each name that has a value."""
        found = [values(sample) for sample in samples]
        names = dict.fromkeys(name for moment in found for name in moment)
        return tuple(
            Curve(name, at_s, np.array([moment.get(name, nan) for moment in found]))
            for name in names
        )

    return PlotsCard(
        (
            Plot("Latency by stage", "ms", collect_curves(lambda sample: sample.latency_ms)),
            Plot(
                "Frame and pose rates", "per second", collect_curves(lambda sample: sample.rates_hz)
            ),
            Plot("Sync error of the cameras", "ms", collect_curves(lambda sample: sample.skew_ms)),
            Plot(
                "Reprojection error",
                "px",
                collect_curves(lambda sample: {"median": sample.error_px}),
            ),
        )
    )


def measure_reprojection_error_px(rig: Rig, poses_2d: PoseSet2D, poses_3d: PoseSet3D) -> float:
    """Measure the reprojection error of the skeletons.

    Parameters
    ----------
    rig
    poses_2d
        Associated: a person has the same track id as in `poses_3d`.
    poses_3d

    Returns
    -------
    error
        Median over joints and views, px, of joints measured by several cameras; NaN where there
        are none.
    """
    errors: list[F64] = []
    for pose in poses_3d.people:
        # One camera's guess fits that camera in any case.
        xyz = np.where(pose.guessed[:, None], np.nan, pose.xyz)
        for camera, people in zip(rig, poses_2d.poses_by_view):
            errors.extend(
                _measure_distances_px(
                    xyz, (p.xy for p in people if p.track_id == pose.track_id), camera
                )
            )
    found = np.concatenate(errors) if errors else np.empty(0)
    found = found[np.isfinite(found)]
    return float(np.median(found)) if len(found) else nan


def _measure_distances_px(xyz: F64, seen_xy: Iterable[F64], camera: Camera) -> list[F64]:
    """Measure the distance of each joint from where it was seen, px."""
    return [np.linalg.norm(project(xyz, camera) - xy, axis=-1) for xy in seen_xy]
