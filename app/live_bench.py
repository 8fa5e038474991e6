"""What the live program costs beside the network: the real window fed by the real threads, cameras that play a film.

Processor time says what it costs, whatever else runs on the machine; the longest time without an event served does
not, so the machine's load stands beside it. Recording is switched on and off in turns, and what it adds is the
difference between neighbours: a machine's speed drifts by more from minute to minute. Where images are compressed
for it, the encoder alone is measured in the same turns.
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

from app.application import Application
from app.filmed import JPEG, RAW, Film, KnownPoses, offer
from app.live_control import LiveControl
from app.options import DEFAULT_MODEL
from app.requests import Record, StopRecording
from app.session_control import SessionControl
from app.settings import Settings
from app.snapshot import application, offscreen_application
from app.views.plots import import_curves
from app.window_watch import Spent, WindowWatch
from calibration.geometry.arrays import U8
from calibration.geometry.fast_instant import wake_compiler
from calibration.rig import Rig, save_rig
from engine.errors import EngineError
from engine.inference.estimator import Estimator, create_estimator
from engine.library import Library
from engine.live_state import LiveState, RecordingState
from engine.record_camera import JPEG_QUALITY
from engine.studio.address import parse_address
from engine.studio.scene import Studio

STUDIO = "studio:walk?cameras=4&seed=1&seconds=600"
_READY_S = 90.0  # for so long the rig may take until it is trusted
SETTLE_S = 3.0
TURNS = 4  # without and with recording
_BEGUN_S = 10.0  # for so long a recording may take to begin or to end
_LONG_S = 0.1


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
    compresses : for each of V cameras T of (H, W, 3), uint8
        The images that are compressed when it records.
    """

    title: str
    address: str
    make_estimator: Callable[[int], Estimator]
    rig: Rig | None = None
    records: bool = False
    compresses: tuple[tuple[U8, ...], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """What was measured.

    Parameters
    ----------
    idle, busy : (turns,)
        While it did not record, and while it did.
    beats_s, start_beats_s
        Between two beats of the window's event loop: in the time that was measured, and from the start until then.
    state
        At the end.
    recorded, lost
        Images.
    encoder_ms
        That the JPEG encoder alone takes for an image; NaN where nothing is compressed.
    """

    idle: tuple[Spent, ...]
    busy: tuple[Spent, ...]
    beats_s: tuple[float, ...]
    start_beats_s: tuple[float, ...]
    state: LiveState
    recorded: int = 0
    lost: int = 0
    encoder_ms: float = math.nan

    @property
    def cores(self) -> float:
        """Used while it does not record."""
        return float(np.mean([one.cores for one in self.idle]))

    @property
    def added_cores(self) -> tuple[float, ...]:
        """Used by recording, turn by turn."""
        return tuple(after.cores - before.cores for before, after in zip(self.idle, self.busy, strict=False))

    @property
    def recorder_cores(self) -> float:
        """Used by the recorders' own threads, while it records."""
        return _mean_by_name([one.by_thread for one in self.busy]).get("record", math.nan)

    @property
    def by_thread(self) -> dict[str, float]:
        """Cores by name of the thread, while it does not record."""
        return _mean_by_name([one.by_thread for one in self.idle])

    @property
    def paints_hz(self) -> dict[str, float]:
        """Paints per second by what was painted."""
        return _mean_by_name([one.paints_hz for one in (*self.idle, *self.busy)])


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
        Setup("raw images, no network", RAW, known, film.rig, records=True, compresses=film.images_bgr),
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
        watch = WindowWatch(app.window)
        app.window.show()
        app.control.start((setup.address,))
        try:
            if setup.rig is not None:
                _trust(app.control, setup.rig, Path(folder), watch)
            watch.wait(settle_s)
            watch.begin()
            figures = _measured(app.control, watch, setup, seconds, settle_s)
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
        own, alone_ms = figures.recorder_cores, figures.encoder_ms
        words = [f"{min(added):.3f} to {max(added):.3f} in {len(added)} turns"]
        words += [f"its own threads {own:.3f}"] * math.isfinite(own)
        words += [f"the encoder alone {alone_ms:.2f} ms an image"] * math.isfinite(alone_ms)
        told = f"{figures.recorded} images, {figures.lost} lost"
        lines.insert(1, f"recording adds {np.median(added):.3f} cores ({'; '.join(words)}); {told}")
    return "\n".join(f"           {line}" for line in lines)


def _prepared(setup: Setup, folder: Path) -> Application:
    """Make the application as a person starts it, but for the cameras."""
    import_curves()
    wake_compiler()
    settings = Settings(stature_m=1.75, sessions=str(folder), countdown_s=0)
    control = LiveControl(settings, None, setup.make_estimator)
    sessions = SessionControl(Library(folder / "library.db", [folder]), (), control.tell)
    return Application(control, sessions)


def _measured(control: LiveControl, watch: WindowWatch, setup: Setup, seconds: float, settle_s: float) -> Figures:
    """Measure it as it runs, or in turns without and with recording."""
    if not setup.records:
        idle = (watch.measure(seconds),)
        return Figures(idle, (), tuple(watch.beats_s), watch.start_beats_s, control.look()[0])
    turns: list[tuple[Spent, Spent]] = []
    states: list[RecordingState] = []
    alone_ms: list[float] = []
    for _ in range(TURNS):
        idle_turn = watch.measure(seconds / TURNS)
        control.ask(Record())
        _wait_until(watch, lambda: control.look()[0].recording is not None, "begin")
        watch.wait(settle_s)
        turns.append((idle_turn, watch.measure(seconds / TURNS)))
        recording = control.look()[0].recording
        if recording is not None:
            states.append(recording)
        control.ask(StopRecording())
        _wait_until(watch, lambda: control.look()[0].recording is None, "end")
        watch.wait(settle_s)
        alone_ms.append(_encoder_ms(setup.compresses, watch))
    idle, busy = zip(*turns)
    recorded, lost = sum(one.frames for one in states), sum(one.lost for one in states)
    beats_s, alone = tuple(watch.beats_s), float(np.median(alone_ms))
    return Figures(idle, busy, beats_s, watch.start_beats_s, control.look()[0], recorded, lost, alone)


def _encoder_ms(film: tuple[tuple[U8, ...], ...], watch: WindowWatch) -> float:
    """Measure what compressing an image takes while the window lives; NaN where there is none."""
    images = [image for camera in film for image in camera]
    found: list[float] = []

    def encode() -> None:
        """Compress each image once."""
        start_s = time.thread_time()
        for image in images:
            cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        found.append(1000 * (time.thread_time() - start_s) / len(images))

    if not images:
        return math.nan
    thread = threading.Thread(target=encode, daemon=True)
    thread.start()
    watch.wait(_BEGUN_S, lambda: not thread.is_alive())
    thread.join()
    return found[0]


def _mean_by_name(many: list[dict[str, float]]) -> dict[str, float]:
    """Average what has the same name; what is missing counts as 0."""
    names = dict.fromkeys(name for one in many for name in one)
    return {name: float(np.mean([one.get(name, 0.0) for one in many])) for name in names}


def _wait_until(watch: WindowWatch, done: Callable[[], bool], what: str) -> None:
    """Wait for a recording to begin or end."""
    watch.wait(_BEGUN_S, done)
    if not done():
        raise EngineError(f"The recording did not {what} within {_BEGUN_S:.0f} s, so nothing is measured.")


def _trust(control: LiveControl, rig: Rig, folder: Path, watch: WindowWatch) -> None:
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
