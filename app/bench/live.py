"""What the live program costs beside the pose model: real window, real threads, cameras of a film.

Processor time does not depend on what else runs on the machine; the longest gap between events
does, so the machine's load is printed with it. Recording is switched on and off in turns, and its
cost is the difference between neighbouring turns: the speed of a machine drifts by more than that
from minute to minute. Where images are compressed for recording, the encoder alone is measured in
the same turns.
"""

import math
import os
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from PyQt6.QtWidgets import QApplication

from app.bench.film import JPEG, RAW, Film, PrecomputedEstimator, register_film
from app.bench.window_monitor import ResourceUsage, WindowMonitor
from app.control.controller import dispatch
from app.control.live import LiveControl
from app.control.sessions import SessionControl
from app.requests import Record, StopRecording
from app.settings import DEFAULT_MODEL, Settings
from app.views.live.plots import import_pyqtgraph
from app.window.application import Application
from app.window.snapshot import get_application, get_offscreen_application
from calibration.geometry.arrays import U8
from calibration.geometry.fast_instant import load_compiler
from calibration.rig import Rig, save_rig
from engine.errors import EngineError
from engine.inference.estimator import Estimator, create_estimator
from engine.live.state import LiveState
from engine.session.camera_recorder import JPEG_QUALITY
from engine.session.library import Library
from engine.session.state import RecordingState
from engine.studio.address import parse_address
from engine.studio.scene import Studio

STUDIO = "studio:walk?cameras=4&seed=1&seconds=600"
_TRUST_TIMEOUT_S = 90.0  # until the rig must be trusted
SETTLE_S = 3.0
TURNS = 4  # without and with recording
_RECORDING_TIMEOUT_S = 10.0  # for a recording to begin or to end
_LONG_GAP_S = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class BenchCase:
    """What is measured.

    Parameters
    ----------
    title
    address
        Of the cameras.
    make_estimator
    rig
        Used from the start; None measures without one.
    records
        Whether it records, every other turn.
    images_to_compress : for each of V cameras T of (H, W, 3), uint8
        Images that are compressed while it records.
    """

    title: str
    address: str
    make_estimator: Callable[[int], Estimator]
    rig: Rig | None = None
    records: bool = False
    images_to_compress: tuple[tuple[U8, ...], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class BenchResult:
    """What was measured.

    Parameters
    ----------
    idle, busy : (turns,)
        Without and with recording.
    event_gaps_s, startup_gaps_s
        Between two ticks of the window's event loop: during the measurement, and before it.
    state
        At the end.
    recorded, lost
        Numbers of images.
    encoder_ms
        Time of the JPEG encoder alone per image; NaN where nothing is compressed.
    """

    idle: tuple[ResourceUsage, ...]
    busy: tuple[ResourceUsage, ...]
    event_gaps_s: tuple[float, ...]
    startup_gaps_s: tuple[float, ...]
    state: LiveState
    recorded: int = 0
    lost: int = 0
    encoder_ms: float = math.nan

    @property
    def cores(self) -> float:
        """Cores used without recording."""
        return float(np.mean([one.cores for one in self.idle]))

    @property
    def added_cores(self) -> tuple[float, ...]:
        """Cores that recording adds, turn by turn."""
        return tuple(
            after.cores - before.cores for before, after in zip(self.idle, self.busy, strict=False)
        )

    @property
    def recorder_cores(self) -> float:
        """Cores used by the recorders' own threads while recording."""
        return _average_by_name([one.by_thread for one in self.busy]).get("record", math.nan)

    @property
    def by_thread(self) -> dict[str, float]:
        """Cores by name of the thread, without recording."""
        return _average_by_name([one.by_thread for one in self.idle])

    @property
    def paints_hz(self) -> dict[str, float]:
        """Paints per second, by widget."""
        return _average_by_name([one.paints_hz for one in (*self.idle, *self.busy)])


def list_cases(film: Film) -> tuple[BenchCase, ...]:
    """List what is measured: three set-ups with the film, then studio and pose model at work."""

    def make_precomputed(_view_count: int) -> Estimator:
        """Make an estimator that knows the film."""
        return PrecomputedEstimator(film)

    register_film(film)
    make_default = partial(create_estimator, DEFAULT_MODEL)
    truth = Studio(parse_address(STUDIO)).rig
    return (
        BenchCase(
            "raw images, no pose model",
            RAW,
            make_precomputed,
            film.rig,
            records=True,
            images_to_compress=film.images_bgr,
        ),
        BenchCase("JPEG images, no pose model", JPEG, make_precomputed, film.rig, records=True),
        BenchCase("raw images, with the pose model", RAW, make_default, film.rig),
        BenchCase("studio, with the pose model", STUDIO, make_default, truth),
    )


def get_screen_application() -> QApplication:
    """Start Qt, on the screen if there is one; keep it, or it restarts for each measurement."""
    on_screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return get_application() if on_screen else get_offscreen_application()


def measure(case: BenchCase, seconds: float, settle_s: float = SETTLE_S) -> BenchResult:
    """Run the live program in its window for a while.

    Parameters
    ----------
    case
    seconds
        To measure once the rig is trusted; if it records, as long again with recording.
    settle_s
        To wait before, and after recording is switched on or off.

    Raises
    ------
    EngineError
        If the rig is not trusted, or a recording does not begin or end.
    """
    qt_application = get_screen_application()
    with tempfile.TemporaryDirectory() as folder:
        app = _build_application(case, Path(folder))
        monitor = WindowMonitor(app.window)
        app.window.show()
        app.control.start((case.address,))
        try:
            if case.rig is not None:
                _wait_until_trusted(app.control, case.rig, Path(folder), monitor)
            monitor.wait(settle_s)
            monitor.begin()
            result = _measure_turns(app.control, monitor, case, seconds, settle_s)
        finally:
            monitor.close()
            app.close()
            app.window.close()
            app.window.deleteLater()
            qt_application.processEvents()
    return result


def describe(result: BenchResult) -> str:
    """Format the figures, one a line."""
    state = result.state
    gaps_ms = 1000 * np.array(result.event_gaps_s)
    threads = sorted(result.by_thread.items(), key=lambda one: -one[1])
    stages = (f"{one.name} {one.median_ms:.1f}/{one.p95_ms:.1f}" for one in state.latency)
    start_ms = 1000 * max(result.startup_gaps_s, default=0.0)
    lines = [
        f"{result.cores:.3f} cores; "
        + ", ".join(f"{name} {cores:.3f}" for name, cores in threads if cores >= 0.0005),
        "paints per second: "
        + ", ".join(f"{name} {rate:.1f}" for name, rate in result.paints_hz.items()),
        f"gaps between events: {gaps_ms.max(initial=0):.0f} ms at most, 99 % under "
        f"{np.percentile(gaps_ms, 99) if len(gaps_ms) else 0:.0f} ms, "
        f"{int((gaps_ms > 1000 * _LONG_GAP_S).sum())} "
        f"longer than 100 ms; {start_ms:.0f} ms during start-up; load {os.getloadavg()[0]:.1f}",
        (
            f"framesets {state.framesets_hz:.1f}, poses {state.pose_hz:.1f} per second, "
            f"{state.skipped} skipped"
        ),
        "median/95 % in ms: " + ", ".join(stages),
    ]
    if result.added_cores:
        added = result.added_cores
        own, encoder_ms = result.recorder_cores, result.encoder_ms
        parts = [f"{min(added):.3f} to {max(added):.3f} in {len(added)} turns"]
        parts += [f"recorder threads {own:.3f}"] * math.isfinite(own)
        parts += [f"encoder alone {encoder_ms:.2f} ms per image"] * math.isfinite(encoder_ms)
        counts = f"{result.recorded} images, {result.lost} lost"
        lines.insert(
            1, f"recording adds {np.median(added):.3f} cores ({'; '.join(parts)}); {counts}"
        )
    return "\n".join(f"           {line}" for line in lines)


def _build_application(case: BenchCase, folder: Path) -> Application:
    """Make the application as the user starts it, except for the cameras."""
    import_pyqtgraph()
    load_compiler()
    settings = Settings(stature_m=1.75, sessions=str(folder), countdown_s=0)
    control = LiveControl(settings, None, case.make_estimator)
    sessions = SessionControl(Library(folder / "library.db", [folder]), (), control.notify)
    return Application(control, sessions)


def _measure_turns(
    control: LiveControl, monitor: WindowMonitor, case: BenchCase, seconds: float, settle_s: float
) -> BenchResult:
    """Measure once, or in turns without and with recording."""
    if not case.records:
        idle = (monitor.measure(seconds),)
        return BenchResult(
            idle, (), tuple(monitor.event_gaps_s), monitor.startup_gaps_s, control.snapshot()[0]
        )
    turns: list[tuple[ResourceUsage, ResourceUsage]] = []
    states: list[RecordingState] = []
    encoder_ms_by_turn: list[float] = []
    for _ in range(TURNS):
        idle_turn = monitor.measure(seconds / TURNS)
        dispatch(control.handlers, Record())
        _wait_until(monitor, lambda: control.snapshot()[0].recording is not None, "begin")
        monitor.wait(settle_s)
        turns.append((idle_turn, monitor.measure(seconds / TURNS)))
        recording = control.snapshot()[0].recording
        if recording is not None:
            states.append(recording)
        dispatch(control.handlers, StopRecording())
        _wait_until(monitor, lambda: control.snapshot()[0].recording is None, "end")
        monitor.wait(settle_s)
        encoder_ms_by_turn.append(_measure_encoder_ms(case.images_to_compress, monitor))
    idle, busy = zip(*turns)
    recorded = sum(one.frames for one in states)
    lost = sum(one.lost for one in states)
    gaps_s = tuple(monitor.event_gaps_s)
    encoder_ms = float(np.median(encoder_ms_by_turn))
    return BenchResult(
        idle,
        busy,
        gaps_s,
        monitor.startup_gaps_s,
        control.snapshot()[0],
        recorded,
        lost,
        encoder_ms,
    )


def _measure_encoder_ms(film: tuple[tuple[U8, ...], ...], monitor: WindowMonitor) -> float:
    """Measure the time to compress an image while the window runs; NaN without images."""
    images = [image for camera in film for image in camera]
    durations_ms: list[float] = []

    def encode() -> None:
        """Compress each image once."""
        start_s = time.thread_time()
        for image in images:
            cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        durations_ms.append(1000 * (time.thread_time() - start_s) / len(images))

    if not images:
        return math.nan
    thread = threading.Thread(target=encode, daemon=True)
    thread.start()
    monitor.wait(_RECORDING_TIMEOUT_S, lambda: not thread.is_alive())
    thread.join()
    return durations_ms[0]


def _average_by_name(many: list[dict[str, float]]) -> dict[str, float]:
    """Average by name; a missing value counts as 0."""
    names = dict.fromkeys(name for one in many for name in one)
    return {name: float(np.mean([one.get(name, 0.0) for one in many])) for name in names}


def _wait_until(monitor: WindowMonitor, done: Callable[[], bool], event: str) -> None:
    """Wait for a recording to begin or end."""
    monitor.wait(_RECORDING_TIMEOUT_S, done)
    if not done():
        raise EngineError(
            f"Nothing was measured: the recording did not {event} within "
            f"{_RECORDING_TIMEOUT_S:.0f} s."
        )


def _wait_until_trusted(
    control: LiveControl, rig: Rig, folder: Path, monitor: WindowMonitor
) -> None:
    """Load a rig, and wait until it has been checked against what the cameras see."""
    save_rig(rig, folder / "rig.toml")
    control.use_rig(folder / "rig.toml")
    monitor.wait(_TRUST_TIMEOUT_S, lambda: _is_trusted(control))
    if not _is_trusted(control):
        notice = control.snapshot()[2].notice
        reason = notice.text if notice is not None else ""
        raise EngineError(
            (
                f"The rig was not confirmed within {_TRUST_TIMEOUT_S:.0f} s; the measurement was "
                f"stopped. {reason}"
            ).strip()
        )


def _is_trusted(control: LiveControl) -> bool:
    """Whether the loaded rig is in use."""
    live = control.live
    return live is not None and live.state().calibration.rig is not None
