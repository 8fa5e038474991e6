"""`epipole live`: the cameras, the skeleton, the calibration and the recording, in a window or without one."""

import time
from argparse import Namespace
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from app.display import is_headless
from app.matching import rig_for_views
from app.outcome import Places, tell, write_calibration
from app.paths import demand_writable, free_name, fresh_folder
from app.presenters.live import Look, Trail, present_live
from app.progress import Progress
from app.settings import load_settings, settings_file
from calibration.report import CalibrationReport
from calibration.rig import Rig, load_rig
from calibration.skeleton import load_skeleton
from engine.capture.address import without_password
from engine.capture.cameras import camera_sources
from engine.errors import CameraError
from engine.inference.estimator import create_estimator
from engine.live import Live, LiveOptions
from engine.live_state import CameraPhase, CameraState, LiveResult, LiveState
from engine.mailbox import ClosedError, NothingYetError
from engine.session import SessionFacts

DONE, REFUSED = 0, 3
FIRST_IMAGE_S = 15.0
LOOK_EVERY_S = 0.1


def run(options: Namespace) -> int:
    """Watch live cameras.

    Parameters
    ----------
    options
        `sources`, `rig`, `stature`, `model`, `record`, `headless`, `seconds`, `out`.

    Returns
    -------
    code
        0.

    Raises
    ------
    EngineError
        If no camera sends images, the model is missing, or the disk refuses.
    """
    if is_headless(asked=options.headless):
        return run_headless(options)
    from app.application import show_live  # Qt is loaded by those who draw

    settings, sentence = load_settings(settings_file())
    return show_live(options, settings, sentence)


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
    demand_writable(folder / "rig.toml")
    print(f"Everything goes to {folder}", flush=True)
    places = Places(folder / "rig.toml", folder / "report.json")
    keeper = _Keeper(places, ", ".join(options.sources))
    live = Live(
        camera_sources(options.sources),
        partial(create_estimator, options.model),
        LiveOptions(options.stature),
        keeper.put,
    )
    try:
        live.start()
        _wait_for_images(live)
        if options.rig is not None:
            _use_rig(live, options.rig)
        session = options.record or free_name(folder / "session")
        settings = {"stature_m": options.stature} if options.stature else {}
        live.start_recording(session, SessionFacts((), settings, {"name": options.model}, options.stature))
        result = _watch(live, options.seconds)
        recorded = live.stop_recording()
        state = live.state()
    finally:
        live.close()
    _draw(options, live, state, result, folder / "window.png")
    if recorded is not None:
        print(f"Session {recorded.path}, {recorded.seconds:.0f} s. {recorded.sentence}".rstrip(), flush=True)
    keeper.tell()
    return DONE


class _Keeper:
    """Writes each rig of the live calibration, and its report, as they come.

    Parameters
    ----------
    places
    subject
        What is calibrated, for the report's page.
    """

    def __init__(self, places: Places, subject: str) -> None:
        self._places, self._subject = places, without_password(subject)
        self.verdict = ""

    def put(self, rig: Rig, report: CalibrationReport) -> None:
        """Write a rig and its report."""
        write_calibration(report, rig, self._places, self._subject)
        self.verdict = report.verdict

    def tell(self) -> None:
        """Say what came of the calibration."""
        if self.verdict:
            print(f"Rig     {self._places.rig} ({self.verdict})\nReport  {self._places.page}")


def _wait_for_images(live: Live) -> None:
    """Wait until every camera has sent an image, or has had its time.

    Raises
    ------
    CameraError
        If none of them sends anything.
    """
    deadline_s = time.monotonic() + FIRST_IMAGE_S
    states = live.state().cameras
    while time.monotonic() < deadline_s and not all(s.frames or s.phase is CameraPhase.ENDED for s in states):
        time.sleep(LOOK_EVERY_S / 2)
        states = live.state().cameras
    if not any(state.frames for state in states):
        raise no_images(states)
    tell(state.sentence for state in states if state.sentence)


def no_images(states: Sequence[CameraState]) -> CameraError:
    """Say that no camera sends anything, and why, as far as one of them says so.

    Parameters
    ----------
    states

    Returns
    -------
    error
    """
    first = next((state for state in states if state.sentence), states[0])
    words = first.sentence or f"Camera '{first.name}' sent no image within {FIRST_IMAGE_S:.0f} s. Check its cable."
    others = f" None of the {len(states)} cameras sends images." if len(states) > 1 else ""
    return CameraError(first.name, words + others)


def _use_rig(live: Live, path: Path) -> None:
    """Use the rig of a file, once it agrees with what the cameras see."""
    sizes = [state.size_wh for state in live.state().cameras]
    missing = [name for name, size in zip(live.names, sizes) if size is None]
    if missing:
        raise CameraError(
            missing[0], f"Camera '{missing[0]}' sends no image, so that '{path}' cannot be used. Check it."
        )
    live.use_rig(rig_for_views(load_rig(path), live.names, [size for size in sizes if size], path), path.name)


def _watch(live: Live, seconds: float | None) -> LiveResult | None:
    """Follow the take to its end; return the result that shows most."""
    begun_s, best, best_worth, told = time.monotonic(), None, -1.0, ""
    with Progress("Live", round(seconds) if seconds else None, "seconds") as progress:
        while (seconds is None or time.monotonic() - begun_s < seconds) and not live.over:
            try:
                result = live.newest.take(LOOK_EVERY_S)
            except (NothingYetError, ClosedError):
                continue
            worth = _worth(result)
            if worth >= 0.98 * best_worth:  # of the good ones, a late one
                best, best_worth = result, max(worth, best_worth)
            state = live.state()
            words = f"{state.calibration.headline}. {state.calibration.instruction}"
            if words != told and state.calibration.headline:
                print(f"\n  {words}", flush=True)
                told = words
            progress(int(time.monotonic() - begun_s))
    if live.error is not None:
        raise live.error
    return best


def _worth(result: LiveResult) -> float:
    """How much a result shows."""
    seen = sum(float(pose.confidence.sum()) for people in result.poses_2d.views for pose in people[:1])
    return seen + 4 * sum(float(pose.confidence.sum()) for pose in result.poses_3d.people)


def _draw(options: Namespace, live: Live, state: LiveState, result: LiveResult | None, path: Path) -> None:
    """Draw the window as it would look."""
    try:
        from app import snapshot
    except ImportError as error:
        print(f"The window cannot be drawn: {error}. 'epipole doctor' says what is missing; all else is complete.")
        return
    skeleton = live.skeleton or load_skeleton("blazepose_33")
    trail = Trail(skeleton)
    if result is not None:
        trail.put(result)
    look = Look(skeleton, trail, ", ".join(live.names), running=True, stature_m=options.stature)
    snapshot.draw_window(present_live(state, result, look), path)
    print(f"Window  {path}")
