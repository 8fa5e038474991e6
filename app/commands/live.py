"""`epipole live`: the cameras, the skeleton, the calibration and the recording, in a window or without one."""

import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from app.display import is_headless
from app.matching import rig_for_views
from app.mend import mend_sessions
from app.outcome import Places, tell, write_calibration
from app.paths import demand_writable, free_name, fresh_folder
from app.presenters.live import Look, Trail, present_live
from app.progress import Progress
from app.serving import lifter_by
from app.settings import Settings, load_settings, settings_file
from calibration.report import CalibrationReport
from calibration.rig import Rig, load_rig
from calibration.skeleton import load_skeleton
from engine.capture.address import without_password
from engine.capture.cameras import camera_sources
from engine.coach import ONE_CAMERA, ONE_CAMERA_GUESSED
from engine.errors import CameraError
from engine.inference.estimator import create_estimator
from engine.live import Live, LiveOptions
from engine.live_state import CameraPhase, CameraState, LiveResult, LiveState, RecordingState
from engine.mailbox import ClosedError, NothingYetError
from engine.session import Session, SessionFacts, demand_new, is_session

DONE, FAILED = 0, 1
# How long a first image is waited for; a camera that says no all the time is believed earlier.
FIRST_IMAGE_S, SAYS_NO_S = 15.0, 5.0
LOOK_EVERY_S = 0.1


def run(options: Namespace) -> int:
    """Watch live cameras.

    Parameters
    ----------
    options
        `sources`, `rig`, `stature`, `person`, `model`, `lift`, `record`, `headless`, `seconds`, `out`.

    Returns
    -------
    code
        0.

    Raises
    ------
    EngineError
        If no camera sends images, the model is missing, or the disk refuses.
    KeyboardInterrupt
        If Ctrl-C ended it; everything is written all the same.
    """
    _tell_of_sessions(options.sources)
    if is_headless(asked=options.headless):
        return run_headless(options)
    if options.record is not None:
        demand_new(options.record)
    from app.application import show_live  # Qt is loaded by those who draw

    settings, sentence = load_settings(settings_file())
    return show_live(options, settings, sentence)


def _tell_of_sessions(sources: Sequence[str]) -> None:
    """Set right the sessions among the sources, and say what is missing of them."""
    told = mend_sessions(sources)
    for path in map(Path, sources):
        if is_session(path):
            tell(remark for remark in Session.open(path).remarks if remark not in told)


def run_headless(options: Namespace) -> int:
    """Watch live cameras without a screen, record them, and draw the window at the end.

    Parameters
    ----------
    options

    Returns
    -------
    code
        0.
    """
    if not options.sources:
        raise CameraError("", "No camera was named. Give some, for instance: epipole live usb:0 usb:1 --headless")
    folder = options.out or fresh_folder(Path.cwd(), datetime.now())
    rig = load_rig(options.rig) if options.rig is not None else None
    session = options.record or free_name(folder / "session")
    demand_new(session)
    demand_writable(folder / "rig.toml")
    print(f"Everything goes to {folder}", flush=True)
    keeper = _Keeper(
        Places(folder / "rig.toml", folder / "report.json"), ", ".join(map(without_password, options.sources))
    )
    estimator = partial(create_estimator, options.model)
    lifter = lifter_by(lambda: Settings(lift=options.lift, person=options.person))
    live = Live(camera_sources(options.sources), estimator, LiveOptions(options.stature), keeper.put, lifter)
    try:
        live.start()
        _begin(live, rig, options)
        live.start_recording(session, _facts(options))
        take = _watch(live, options.seconds)
    finally:
        live.close()
    _draw(options, live, take, folder / "window.png")
    take.tell()
    keeper.tell()
    if take.interrupted:
        raise KeyboardInterrupt
    return FAILED if take.broke_off else DONE


def _begin(live: Live, rig: Rig | None, options: Namespace) -> None:
    """Wait for the cameras, say what is odd about them, and give them their rig."""
    tell(state.sentence for state in wait_for_images(lambda: live.state().cameras) if state.sentence)
    if len(live.names) == 1:
        lift = live.state().lift
        tell([ONE_CAMERA_GUESSED] if lift.network else [ONE_CAMERA, *filter(None, [lift.sentence])])
    if rig is not None:
        _use_rig(live, rig, options.rig)


def _facts(options: Namespace) -> SessionFacts:
    """Say what the session is about."""
    settings = {"stature_m": options.stature} if options.stature else {}
    return SessionFacts((), settings, {"name": options.model}, options.stature, options.person)


@dataclass(frozen=True, slots=True, eq=False)
class _Take:
    """What came of a take: how everything was at its end, and the result that shows most."""

    state: LiveState
    recorded: RecordingState | None
    result: LiveResult | None
    interrupted: bool  # by Ctrl-C
    broke_off: bool  # the recording, by itself

    def tell(self) -> None:
        """Say where the session is, and what was lost."""
        if self.recorded is not None:
            words = f"Session {self.recorded.path}, {self.recorded.seconds:.0f} s. {self.recorded.sentence}"
            print(words.rstrip(), flush=True)
            tell(losses(self.state.cameras, self.recorded.lost))


class _Keeper:
    """Writes each rig of the live calibration, and its report, as they come.

    Parameters
    ----------
    places
    subject
        What is calibrated, for the report's page.
    """

    def __init__(self, places: Places, subject: str) -> None:
        self._places, self._subject = places, subject
        self.verdict = ""

    def put(self, rig: Rig, report: CalibrationReport) -> None:
        """Write a rig and its report."""
        write_calibration(report, rig, self._places, self._subject)
        self.verdict = report.verdict

    def tell(self) -> None:
        """Say what came of the calibration."""
        if self.verdict:
            print(f"Rig     {self._places.rig} ({self.verdict})\nReport  {self._places.page}")


def wait_for_images(cameras: Callable[[], tuple[CameraState, ...]]) -> tuple[CameraState, ...]:
    """Wait until every camera has sent an image, or has had its time.

    Parameters
    ----------
    cameras
        Tells how they are.

    Returns
    -------
    states
        How they are now.

    Raises
    ------
    CameraError
        If none of them sends anything.
    """
    begun_s, states = time.monotonic(), cameras()
    while (waited_s := time.monotonic() - begun_s) < FIRST_IMAGE_S:
        settled = (CameraPhase.ENDED,) if waited_s < SAYS_NO_S else (CameraPhase.ENDED, CameraPhase.LOST)
        if all(state.frames or state.phase in settled for state in states):
            break
        time.sleep(LOOK_EVERY_S / 2)
        states = cameras()
    if not any(state.frames for state in states):
        raise _no_images(states)
    return states


def _no_images(states: Sequence[CameraState]) -> CameraError:
    """Say that no camera sends anything, and why, as far as one of them says so."""
    first = next((state for state in states if state.sentence), states[0])
    words = first.sentence or f"Camera '{first.name}' sent no image within {FIRST_IMAGE_S:.0f} s. Check its cable."
    others = f" None of the {len(states)} cameras sends images." if len(states) > 1 else ""
    return CameraError(first.name, words + others)


def losses(states: Sequence[CameraState], lost: int) -> list[str]:
    """Say what the cameras and the disk lost.

    Parameters
    ----------
    states
        How the cameras are at the end.
    lost
        How many images the disk was too slow for.

    Returns
    -------
    sentences
    """
    remarks = [f"Camera '{state.name}': {state.dropped} images never came." for state in states if state.dropped]
    remarks += [f"Camera '{s.name}' was gone {s.reconnected} times and came back." for s in states if s.reconnected]
    remarks += [f"Camera '{s.name}' sent nothing: its part of the session is empty." for s in states if not s.frames]
    if lost:
        remarks.append(f"The disk was too slow for {lost} images; the session says which.")
    return remarks


def _use_rig(live: Live, rig: Rig, path: Path) -> None:
    """Use the rig of a file, once it agrees with what the cameras see."""
    sizes = [state.size_wh for state in live.state().cameras]
    missing = [name for name, size in zip(live.names, sizes) if size is None]
    if missing:
        raise CameraError(
            missing[0], f"Camera '{missing[0]}' sends no image, so that '{path}' cannot be used. Check it."
        )
    live.use_rig(rig_for_views(rig, live.names, [size for size in sizes if size], path), path.name)


def _watch(live: Live, seconds: float | None) -> _Take:
    """Follow the take to its end, which Ctrl-C may be, and finish the recording."""
    best, interrupted = _Best(), False
    try:
        with Progress("Live", round(seconds) if seconds else None, "seconds") as progress:
            _follow(live, seconds, best, progress)
    except KeyboardInterrupt:
        interrupted = True
    if live.error is not None:
        raise live.error
    broke_off, recorded = live.recording_ended, live.stop_recording()
    return _Take(live.state(), recorded, best.result, interrupted, broke_off)


class _Best:
    """The result that shows most; of the good ones, a late one."""

    def __init__(self) -> None:
        self.result: LiveResult | None = None
        self._worth = -1.0

    def put(self, result: LiveResult) -> None:
        """Keep it if it is good."""
        worth = _worth(result)
        if worth >= 0.98 * self._worth:
            self.result, self._worth = result, max(worth, self._worth)


def _follow(live: Live, seconds: float | None, best: _Best, progress: Progress) -> None:
    """Take results until the end, and say how the calibration goes."""
    begun_s, told, ended = time.monotonic(), "", False
    while (seconds is None or time.monotonic() - begun_s < seconds) and not live.over:
        try:
            best.put(live.newest.take(LOOK_EVERY_S))
        except (NothingYetError, ClosedError):
            continue
        state = live.state()
        if live.recording_ended and not ended and state.recording is not None:
            ended = True
            print(f"\n  {state.recording.sentence}", flush=True)
        words = f"{state.calibration.headline}. {state.calibration.instruction}"
        if words != told and state.calibration.headline:
            print(f"\n  {words}", flush=True)
            told = words
        progress(int(time.monotonic() - begun_s))


def _worth(result: LiveResult) -> float:
    """How much a result shows."""
    seen = sum(float(pose.confidence.sum()) for people in result.poses_2d.views for pose in people[:1])
    return seen + 4 * sum(float(pose.confidence.sum()) for pose in result.poses_3d.people)


def _draw(options: Namespace, live: Live, take: _Take, path: Path) -> None:
    """Draw the window as it would look."""
    try:
        from app import snapshot
    except ImportError as error:
        print(f"The window cannot be drawn: {error}. 'epipole doctor' says what is missing; all else is complete.")
        return
    skeleton = live.skeleton or load_skeleton("blazepose_33")
    trail = Trail(skeleton)
    if take.result is not None:
        trail.put(take.result)
    look = Look(skeleton, trail, ", ".join(live.names), running=True, stature_m=options.stature, person=options.person)
    snapshot.draw_window(present_live(take.state, take.result, look), path)
    print(f"Window  {path}")
