"""`epipole live`: cameras, skeleton, calibration and recording, with or without a window."""

import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from app.cli.display import is_headless
from app.cli.progress import Progress
from app.control.monocular_models import make_monocular_loader
from app.exit_codes import DONE, FAILED
from app.paths import choose_new_folder, require_writable
from app.presenters.live import LiveContext, Trail, present_live
from app.presenters.recording import score_content
from app.report.calibration_output import CalibrationPaths, print_messages, write_calibration
from app.settings import Settings, load_settings, settings_file
from calibration.judge.report import CalibrationReport
from calibration.rig import Rig, load_rig
from calibration.skeleton import load_skeleton
from engine.address import strip_credentials
from engine.capture.state import CameraPhase, CameraState
from engine.disk import find_free_path
from engine.errors import CameraError
from engine.inference.estimator import create_estimator
from engine.live.cameras import make_camera_sources
from engine.live.coach import ONE_CAMERA, ONE_CAMERA_GUESSED
from engine.live.live import Live, LiveOptions
from engine.live.state import LiveResult, LiveState
from engine.mailbox import ClosedError, EmptyError
from engine.offline.match_rig import match_rig
from engine.offline.repair_sessions import repair_sessions
from engine.session.session import Session, SessionFacts, is_session, require_new_folder
from engine.session.state import RecordingState

POLL_INTERVAL_S = 0.1


def run(options: Namespace) -> int:
    """Run live cameras.

    Parameters
    ----------
    options
        `sources`, `rig`, `stature`, `person`, `model`, `lift`, `record`, `headless`, `seconds`,
        `out`.

    Returns
    -------
    code
        0.

    Raises
    ------
    EngineError
        If no camera sends images, the model is missing, or the disk refuses.
    KeyboardInterrupt
        If Ctrl-C ended it; everything is written nevertheless.
    """
    _repair_source_sessions(options.sources)
    if is_headless(requested=options.headless):
        return run_headless(options)
    if options.record is not None:
        require_new_folder(options.record)
    from app.window.application import show_live  # only the window needs Qt

    settings, message = load_settings(settings_file())
    return show_live(options, settings, message)


def _repair_source_sessions(sources: Sequence[str]) -> None:
    """Repair the sessions among the sources, and report what is missing in them."""
    reported = repair_sessions(sources)
    print_messages(reported)
    for path in map(Path, sources):
        if is_session(path):
            print_messages(
                remark for remark in Session.open(path).remarks if remark not in reported
            )


def run_headless(options: Namespace) -> int:
    """Run live cameras without a screen, record them, and draw the window at the end.

    Returns
    -------
    code
        0.
    """
    if not options.sources:
        raise CameraError(
            "", "No camera was given. For instance: epipole live usb:0 usb:1 --headless"
        )
    folder = options.out or choose_new_folder(Path.cwd(), datetime.now())
    rig = load_rig(options.rig) if options.rig is not None else None
    session = options.record or find_free_path(folder / "session")
    require_new_folder(session)
    require_writable(folder / "rig.toml")
    print(f"Output  {folder}", flush=True)
    rig_writer = _RigWriter(
        CalibrationPaths(folder / "rig.toml", folder / "report.json"),
        ", ".join(map(strip_credentials, options.sources)),
    )
    estimator = partial(create_estimator, options.model)
    make_monocular_model = make_monocular_loader(
        lambda: Settings(lift=options.lift, person=options.person)
    )
    live = Live(
        make_camera_sources(options.sources),
        estimator,
        LiveOptions(options.stature),
        rig_writer.put,
        make_monocular_model,
    )
    try:
        live.start()
        _prepare_live(live, rig, options)
        live.start_recording(session, _build_facts(options))
        outcome = _follow_to_end(live, options.seconds)
    finally:
        live.close()
    _draw(options, live, outcome, folder / "window.png")
    outcome.print_summary()
    rig_writer.print_summary()
    if outcome.interrupted:
        raise KeyboardInterrupt
    return FAILED if outcome.aborted else DONE


def _prepare_live(live: Live, rig: Rig | None, options: Namespace) -> None:
    """Wait for the cameras, print what is odd about them, and load their rig."""
    print_messages(
        state.message for state in wait_for_images(lambda: live.state().cameras) if state.message
    )
    if len(live.names) == 1:
        monocular = live.state().monocular
        print_messages(
            [ONE_CAMERA_GUESSED]
            if monocular.model
            else [ONE_CAMERA, *filter(None, [monocular.message])]
        )
    if rig is not None:
        _use_rig(live, rig, options.rig)


def _build_facts(options: Namespace) -> SessionFacts:
    """Collect the facts of the session."""
    settings = {"stature_m": options.stature} if options.stature else {}
    return SessionFacts((), settings, {"name": options.model}, options.stature, options.person)


@dataclass(frozen=True, slots=True, eq=False)
class _LiveOutcome:
    """The outcome of a run: the final state, and the result that shows most."""

    state: LiveState
    recorded: RecordingState | None
    result: LiveResult | None
    interrupted: bool  # by Ctrl-C
    aborted: bool  # the recording, by itself

    def print_summary(self) -> None:
        """Print where the session is, and what was lost."""
        if self.recorded is not None:
            message = (
                f"Session {self.recorded.path}, {self.recorded.seconds:.0f} s. "
                f"{self.recorded.message}"
            )
            print(message.rstrip(), flush=True)
            print_messages(describe_losses(self.state.cameras, self.recorded.lost))


class _RigWriter:
    """Writes each rig of the live calibration with its report.

    Parameters
    ----------
    paths
    subject
        What is calibrated, for the report's page.
    """

    def __init__(self, paths: CalibrationPaths, subject: str) -> None:
        self._paths, self._subject = paths, subject
        self.verdict = ""

    def put(self, rig: Rig, report: CalibrationReport) -> None:
        """Write a rig and its report."""
        write_calibration(report, rig, self._paths, self._subject)
        self.verdict = report.verdict

    def print_summary(self) -> None:
        """Print the outcome of the calibration."""
        if self.verdict:
            print(f"Rig     {self._paths.rig} ({self.verdict})\nReport  {self._paths.page}")


@dataclass(frozen=True, slots=True)
class ImageTimeouts:
    """How long a first image is waited for, and a camera that only reports errors."""

    first_image_s: float = 15.0
    lost_camera_s: float = 5.0


def wait_for_images(
    cameras: Callable[[], tuple[CameraState, ...]], timeouts: ImageTimeouts = ImageTimeouts()
) -> tuple[CameraState, ...]:
    """Wait until every camera has sent an image or has timed out.

    Parameters
    ----------
    cameras
        Returns their present states.
    timeouts

    Returns
    -------
    states
        At the end of the wait.

    Raises
    ------
    CameraError
        If none of them sends anything.
    """
    start_s, states = time.monotonic(), cameras()
    while (waited_s := time.monotonic() - start_s) < timeouts.first_image_s:
        settled = (
            (CameraPhase.ENDED,)
            if waited_s < timeouts.lost_camera_s
            else (CameraPhase.ENDED, CameraPhase.LOST)
        )
        if all(state.frames or state.phase in settled for state in states):
            break
        time.sleep(POLL_INTERVAL_S / 2)
        states = cameras()
    if not any(state.frames for state in states):
        raise _build_no_images_error(states, timeouts)
    return states


def _build_no_images_error(states: Sequence[CameraState], timeouts: ImageTimeouts) -> CameraError:
    """Build the error that no camera sends images, with the first reason known."""
    first = next((state for state in states if state.message), states[0])
    message = first.message or (
        f"Camera '{first.name}' sent no image within {timeouts.first_image_s:.0f} s. Check its "
        "cable or its network."
    )
    others = f" None of the {len(states)} cameras sends images." if len(states) > 1 else ""
    return CameraError(first.name, message + others)


def describe_losses(states: Sequence[CameraState], lost: int) -> list[str]:
    """Describe what the cameras and the disk lost.

    Parameters
    ----------
    states
        Of the cameras at the end.
    lost
        Number of images the disk was too slow for.
    """
    remarks = [
        f"Camera '{state.name}': {state.dropped} images were lost."
        for state in states
        if state.dropped
    ]
    remarks += [
        f"Camera '{s.name}' was disconnected {s.reconnect_count} times and came back."
        for s in states
        if s.reconnect_count
    ]
    remarks += [
        f"Camera '{s.name}' sent no image; its part of the session is empty."
        for s in states
        if not s.frames
    ]
    if lost:
        remarks.append(f"The disk was too slow for {lost} images; the session lists them.")
    return remarks


def _use_rig(live: Live, rig: Rig, path: Path) -> None:
    """Use the rig of a file, once it agrees with what the cameras see."""
    sizes = [state.size_wh for state in live.state().cameras]
    missing = [name for name, size in zip(live.names, sizes) if size is None]
    if missing:
        raise CameraError(
            missing[0],
            f"Camera '{missing[0]}' sends no image, so '{path}' cannot be used. Check the camera.",
        )
    live.use_rig(match_rig(rig, live.names, [size for size in sizes if size], path), path.name)


def _follow_to_end(live: Live, seconds: float | None) -> _LiveOutcome:
    """Run to the end or to Ctrl-C, and finish the recording."""
    best, interrupted = _BestResult(), False
    try:
        with Progress("Live", round(seconds) if seconds else None, "seconds") as progress:
            _follow(live, seconds, best, progress)
    except KeyboardInterrupt:
        interrupted = True
    if live.error is not None:
        raise live.error
    aborted, recorded = live.recording_ended, live.stop_recording()
    return _LiveOutcome(live.state(), recorded, best.result, interrupted, aborted)


class _BestResult:
    """The result that shows most; of equally good ones, the latest."""

    def __init__(self) -> None:
        self.result: LiveResult | None = None
        self._score = -1.0

    def put(self, result: LiveResult) -> None:
        """Keep it if it is good."""
        score = score_content(result.poses_2d, result.poses_3d)
        if score >= 0.98 * self._score:
            self.result, self._score = result, max(score, self._score)


def _follow(live: Live, seconds: float | None, best: _BestResult, progress: Progress) -> None:
    """Collect results until the end, and print the progress of the calibration."""
    start_s = time.monotonic()
    printed = ""
    ended = False
    while (seconds is None or time.monotonic() - start_s < seconds) and not live.over:
        try:
            best.put(live.newest.take(POLL_INTERVAL_S))
        except (EmptyError, ClosedError):
            continue
        state = live.state()
        if live.recording_ended and not ended and state.recording is not None:
            ended = True
            print(f"\n  {state.recording.message}", flush=True)
        message = f"{state.calibration.headline}. {state.calibration.instruction}"
        if message != printed and state.calibration.headline:
            print(f"\n  {message}", flush=True)
            printed = message
        progress(int(time.monotonic() - start_s))


def _draw(options: Namespace, live: Live, outcome: _LiveOutcome, path: Path) -> None:
    """Draw the window as a picture."""
    try:
        from app.window import snapshot
    except ImportError as error:
        print(
            f"The window could not be drawn: {error}. Run 'epipole doctor' to see what is missing; "
            "everything else is complete."
        )
        return
    skeleton = live.skeleton or load_skeleton("blazepose_33")
    trail = Trail(skeleton)
    if outcome.result is not None:
        trail.put(outcome.result)
    context = LiveContext(
        skeleton,
        trail,
        ", ".join(live.names),
        running=True,
        stature_m=options.stature,
        person=options.person,
    )
    snapshot.draw_window(present_live(outcome.state, outcome.result, context), path)
    print(f"Window  {path}")
