"""What the live program costs beside the network: the real window fed by the real threads, cameras that play a film.

Processor time says what it costs, whatever else runs on the machine; the longest time without an event served does
not, so the machine's load stands beside it. Recording is switched on and off in turns, and what it adds is the
difference between neighbours: a machine's speed drifts by more from minute to minute.
"""

import logging
import os
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from PyQt6.QtCore import QEvent, QEventLoop, QObject, Qt, QTimer
from PyQt6.QtWidgets import QApplication, QWidget

from app.application import Application
from app.filmed import JPEG, RAW, Film, KnownPoses, offer
from app.live_control import LiveControl
from app.options import DEFAULT_MODEL
from app.requests import Record, StopRecording
from app.session_control import SessionControl
from app.settings import Settings
from app.snapshot import application, offscreen_application
from app.views.camera_grid import CameraGrid
from app.views.plots import import_curves
from app.views.room_3d import Room3D
from calibration.geometry.fast_instant import wake_compiler
from calibration.rig import Rig, save_rig
from engine.errors import EngineError
from engine.inference.estimator import Estimator, create_estimator
from engine.library import Library
from engine.live_state import LiveState
from engine.studio.address import parse_address
from engine.studio.scene import Studio

STUDIO = "studio:walk?cameras=4&seed=1&seconds=600"
_BEAT_MS = 10
_READY_S = 90.0  # for so long the rig may take until it is trusted
SETTLE_S = 3.0
TURNS = 4  # without and with recording
_BEGUN_S = 10.0  # for so long a recording may take to begin or to end
_LONG_S = 0.1
_OTHERS = "native threads, ended ones"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Setup:
    """What is measured.

    Parameters
    ----------
    title
        In words.
    address
        Of the cameras.
    make_estimator
    rig
        That is given to it, and measured with; None measures without one.
    records
        Whether it records, in turns.
    """

    title: str
    address: str
    make_estimator: Callable[[int], Estimator]
    rig: Rig | None = None
    records: bool = False


@dataclass(slots=True, eq=False)
class Figures:
    """What was measured; times in seconds, costs in cores.

    Parameters
    ----------
    cores
        Of this process, while it does not record.
    by_thread
        The same by name of the thread.
    added_cores : TURNS
        By recording, turn by turn; empty where nothing was recorded.
    recorded, lost
        Images.
    beats_s, start_beats_s
        Between two beats of the window's event loop: in the time that was measured, and from the start until then.
    paints_hz
        By what was painted.
    state
        At the end.
    """

    cores: float = 0.0
    by_thread: dict[str, float] = field(default_factory=dict)
    added_cores: tuple[float, ...] = ()
    recorded: int = 0
    lost: int = 0
    beats_s: tuple[float, ...] = ()
    start_beats_s: tuple[float, ...] = ()
    paints_hz: dict[str, float] = field(default_factory=dict)
    state: LiveState = field(default_factory=LiveState)


def setups(film: Film) -> tuple[Setup, ...]:
    """List what is measured of a film, and last all of it with the studio and the network at work.

    Parameters
    ----------
    film

    Returns
    -------
    setups
    """

    def known(_views: int) -> Estimator:
        """Make a network that knows the film."""
        return KnownPoses(film)

    offer(film)
    network = partial(create_estimator, DEFAULT_MODEL)
    truth = Studio(parse_address(STUDIO)).rig
    return (
        Setup("raw images, no network", RAW, known, film.rig, records=True),
        Setup("JPEG images, no network", JPEG, known, film.rig, records=True),
        Setup("raw images, the network at work", RAW, network, film.rig),
        Setup("studio and network at work", STUDIO, network, truth),
    )


def screen() -> QApplication:
    """Start Qt on the screen, or without one where there is none; hold it, or it starts anew for each measurement."""
    on_screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return application() if on_screen else offscreen_application()


def measure(setup: Setup, seconds: float, settle_s: float = SETTLE_S) -> Figures:
    """Run the live program in its window for a while.

    Parameters
    ----------
    setup
    seconds
        That are measured, after the rig is trusted; where it records, so many without and so many with recording.
    settle_s
        That pass before, and after recording was switched on or off.

    Returns
    -------
    figures

    Raises
    ------
    EngineError
        If the rig is not trusted, or a recording does not begin or end.
    """
    running = screen()
    with tempfile.TemporaryDirectory() as folder:
        app = _prepared(setup, Path(folder))
        watch = _Watch(app.window)
        app.window.show()
        app.control.start((setup.address,))
        try:
            if setup.rig is not None:
                _trust(app.control, setup.rig, Path(folder), watch)
            watch.wait(settle_s)
            watch.begin()
            figures = _measure_turns(app.control, watch, seconds, settle_s) if setup.records else watch.measure(seconds)
            figures.state = app.control.look()[0]
        finally:
            watch.close()
            app.close()
            app.window.close()
            app.window.deleteLater()
            running.processEvents()
    return figures


def describe(figures: Figures) -> str:
    """Write figures down, a line each.

    Parameters
    ----------
    figures

    Returns
    -------
    text
    """
    state, beats_ms = figures.state, 1000 * np.array(figures.beats_s)
    threads = sorted(figures.by_thread.items(), key=lambda one: -one[1])
    stages = (f"{one.name} {one.median_ms:.1f}/{one.p95_ms:.1f}" for one in state.latency)
    start_ms = 1000 * max(figures.start_beats_s, default=0.0)
    lines = [
        f"{figures.cores:.3f} cores; " + ", ".join(f"{name} {cores:.3f}" for name, cores in threads if cores >= 0.0005),
        "painted per second: " + ", ".join(f"{name} {rate:.1f}" for name, rate in figures.paints_hz.items()),
        f"without an event: {beats_ms.max(initial=0):.0f} ms at most, 99 % under "
        f"{np.percentile(beats_ms, 99) if len(beats_ms) else 0:.0f} ms, {int((beats_ms > 1000 * _LONG_S).sum())} "
        f"longer than 100 ms; {start_ms:.0f} ms while it started; load {os.getloadavg()[0]:.1f}",
        f"framesets {state.framesets_hz:.1f}, poses {state.pose_hz:.1f} per second, {state.skipped} skipped",
        "median/95 % in ms: " + ", ".join(stages),
    ]
    if figures.added_cores:
        added = figures.added_cores
        lines.insert(
            1,
            f"recording adds {np.median(added):.3f} cores ({min(added):.3f} to {max(added):.3f} in {len(added)} "
            f"turns); {figures.recorded} images, {figures.lost} lost",
        )
    return "\n".join(f"           {line}" for line in lines)


def _prepared(setup: Setup, folder: Path) -> Application:
    """Make the application as a person starts it, but for the cameras."""
    import_curves()
    wake_compiler()
    settings = Settings(stature_m=1.75, sessions=str(folder), countdown_s=0)
    control = LiveControl(settings, None, setup.make_estimator)
    sessions = SessionControl(Library(folder / "library.db", [folder]), (), control.tell)
    return Application(control, sessions)


def _measure_turns(control: LiveControl, watch: "_Watch", seconds: float, settle_s: float) -> Figures:
    """Measure it without and with recording in turns."""
    idle, busy, recorded, lost = [], [], 0, 0
    for _ in range(TURNS):
        idle.append(watch.measure(seconds / TURNS))
        control.ask(Record())
        _wait_until(watch, lambda: control.look()[0].recording is not None, "begin")
        watch.wait(settle_s)
        busy.append(watch.measure(seconds / TURNS))
        state = control.look()[0]
        if state.recording is not None:
            recorded, lost = recorded + state.recording.frames, lost + state.recording.lost
        control.ask(StopRecording())
        _wait_until(watch, lambda: control.look()[0].recording is None, "end")
        watch.wait(settle_s)
    return Figures(
        cores=float(np.mean([one.cores for one in idle])),
        by_thread=_mean_by_name([one.by_thread for one in idle]),
        added_cores=tuple(after.cores - before.cores for before, after in zip(idle, busy, strict=True)),
        recorded=recorded,
        lost=lost,
        beats_s=tuple(watch.beats_s),
        start_beats_s=idle[0].start_beats_s,
        paints_hz=_mean_by_name([one.paints_hz for one in (*idle, *busy)]),
    )


def _mean_by_name(many: list[dict[str, float]]) -> dict[str, float]:
    """Average what has the same name; what is missing counts as 0."""
    names = dict.fromkeys(name for one in many for name in one)
    return {name: float(np.mean([one.get(name, 0.0) for one in many])) for name in names}


def _wait_until(watch: "_Watch", done: Callable[[], bool], what: str) -> None:
    """Wait for a recording to begin or end."""
    watch.wait(_BEGUN_S, done)
    if not done():
        raise EngineError(f"The recording did not {what} within {_BEGUN_S:.0f} s, so nothing is measured.")


def _trust(control: LiveControl, rig: Rig, folder: Path, watch: "_Watch") -> None:
    """Give a rig, and wait until it was compared with what the cameras see."""
    save_rig(rig, folder / "rig.toml")
    control.use_rig(folder / "rig.toml")
    watch.wait(_READY_S, lambda: _is_trusted(control))
    if not _is_trusted(control):
        notice = control.look()[2].notice
        told = notice.text if notice is not None else ""
        raise EngineError(f"The rig was not trusted within {_READY_S:.0f} s, so nothing is measured. {told}".strip())


def _is_trusted(control: LiveControl) -> bool:
    """Whether the rig that was given is in use."""
    live = control.live
    return live is not None and live.state().calibration.rig is not None


class _Watch(QObject):
    """Counts a window's paints and the beats of its event loop."""

    def __init__(self, window: QWidget) -> None:
        super().__init__()
        self._paints: Counter[str] = Counter()
        self.beats_s: list[float] = []
        self._last_s = time.perf_counter()
        self._start_beats_s: tuple[float, ...] = ()
        self._names: dict[QObject, str] = {}
        for name, kind in (("cameras", CameraGrid), ("room", Room3D)):
            for widget in window.findChildren(kind):
                self._names[widget] = name
                widget.installEventFilter(self)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._timer.start(_BEAT_MS)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Count a paint."""
        if watched is not None and event is not None and event.type() == QEvent.Type.Paint:
            self._paints[self._names[watched]] += 1
        return False

    def wait(self, seconds: float, done: Callable[[], bool] = lambda: False) -> None:
        """Let the window live until something is done, or for so long."""
        loop, end_s = QEventLoop(), time.perf_counter() + seconds
        look = QTimer()
        look.timeout.connect(lambda: loop.quit() if time.perf_counter() >= end_s or done() else None)
        look.start(100)
        loop.exec()
        look.stop()

    def begin(self) -> None:
        """From now on it counts; what came before was the start."""
        self._start_beats_s, self.beats_s = tuple(self.beats_s), []

    def measure(self, seconds: float) -> Figures:
        """Measure for so long; the beats are those since `begin`."""
        self._paints.clear()
        threads, cpu_s, start_s = _thread_cpu_s(), time.process_time(), time.perf_counter()
        self.wait(seconds)
        passed_s = time.perf_counter() - start_s
        cores = (time.process_time() - cpu_s) / passed_s
        now = _thread_cpu_s()
        by_thread: defaultdict[str, float] = defaultdict(float)
        for (name, number), spent_s in now.items():
            by_thread[name] += (spent_s - threads.get((name, number), 0.0)) / passed_s
        by_thread[_OTHERS] = cores - sum(by_thread.values()) if by_thread else 0.0
        paints = {name: self._paints[name] / passed_s for name in dict.fromkeys(self._names.values())}
        return Figures(
            cores, dict(by_thread), beats_s=tuple(self.beats_s), start_beats_s=self._start_beats_s, paints_hz=paints
        )

    def close(self) -> None:
        """Count no more."""
        self._timer.stop()
        for widget in self._names:
            widget.removeEventFilter(self)

    def _beat(self) -> None:
        """Note that the event loop is served."""
        now_s = time.perf_counter()
        self.beats_s.append(now_s - self._last_s)
        self._last_s = now_s


def _thread_cpu_s() -> dict[tuple[str, int], float]:
    """Read what each thread of Python has used, by name and number; empty where the system does not tell."""
    used = {}
    for thread in threading.enumerate():
        try:
            told = Path(f"/proc/self/task/{thread.native_id}/schedstat").read_text().split()
        except OSError:  # it has just ended, or this is not Linux
            continue
        used[thread.name.partition(" ")[0], thread.native_id or 0] = int(told[0]) / 1e9
    return used
