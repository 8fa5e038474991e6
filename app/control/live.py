"""LiveControl: what the buttons of the live page do. Nothing waits: a worker does the slow work.

Its more than 400 lines are one small handler for each request of the live page, in one table.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from app import requests
from app.control.camera_memory import (
    Adjustable,
    apply_stored_controls,
    is_same_camera,
    store_controls,
    with_mode,
)
from app.control.cameras import (
    CameraList,
    add_opening_cameras,
    build_stopped_state,
    describe_sources,
)
from app.control.controller import Handlers
from app.control.jobs import Worker, message_from_error
from app.control.limits import LIVE_LIMITS, LiveLimits
from app.control.monocular_models import make_monocular_loader
from app.control.notices import Notices
from app.control.record import RecordControl
from app.control.rigs import RigControl, require_live
from app.errors import explain_os_error
from app.presenters.live import LiveContext, Trail
from app.presenters.severity import Severity
from app.settings import Settings, save_settings
from calibration.judge.report import CalibrationReport
from calibration.rig import Rig
from calibration.skeleton import load_skeleton
from engine.address import strip_credentials
from engine.errors import CameraError, EngineError
from engine.inference.estimator import Estimator
from engine.live.cameras import LiveSource, make_camera_sources
from engine.live.live import Live, LiveOptions
from engine.live.state import LiveResult, LiveState

logger = logging.getLogger(__name__)

# Figures that a person reads need not change at screen rate; a request's effect shows at once.
STATE_INTERVAL_S = 0.25
DEFAULT_SKELETON = "blazepose_33"  # until the model is loaded
BUSY = "The program is still busy with earlier requests. Try again in a moment."
HUNG = "A camera did not answer when it was stopped. Unplug it if it does not start again."
PLAYED_TO_END = "Everything was played to its end. Press Start to play it again."


class LiveControl:
    """The live program behind a window.

    Parameters
    ----------
    settings
        As remembered.
    store
        The file that gets the settings whenever they change; None keeps them to this run.
    make_estimator
        Loads the pose model for so many views.
    on_session_ended
        Gets the folder of each recording that ended; called in the worker's thread.
    limits

    Attributes
    ----------
    live
        The running cameras; None while they are stopped.
    handlers
        What handles each request.
    """

    def __init__(
        self,
        settings: Settings,
        store: Path | None,
        make_estimator: Callable[[int], Estimator],
        on_session_ended: Callable[[Path], None] = lambda _path: None,
        limits: LiveLimits = LIVE_LIMITS,
    ) -> None:
        self._limits = limits
        self.live: Live | None = None
        self._settings, self._store = settings, store
        self._make_estimator = make_estimator
        self._lock = threading.Lock()  # around the settings, which window and worker change
        self._notices = Notices()
        self._worker = Worker(self.notify)
        self._recorder = RecordControl(self._submit, self.notify, on_session_ended)
        self._rigs = RigControl(
            self._submit,
            self.notify,
            lambda path: self.update_settings(rig=path),
            keeps_new=store is not None,
        )
        self._cameras = CameraList()
        self._opening: tuple[str, ...] = ()  # addresses that the worker is about to open
        self._ended_live: Live | None = None  # whose end was reported
        self._state, self._state_s = LiveState(), 0.0
        self._result: LiveResult | None = None
        self._trail = Trail(load_skeleton(DEFAULT_SKELETON))
        self._skeleton = load_skeleton(DEFAULT_SKELETON)
        self._title, self._closing = "", False
        self.handlers = self._build_handlers()

    def start(
        self, addresses: tuple[str, ...] = (), sources: tuple[LiveSource, ...] | None = None
    ) -> None:
        """Start these cameras, or the remembered ones; `sources` if already made; never waits."""
        if addresses:
            with self._lock:
                self._settings = replace(self._settings, cameras=addresses)
        self._submit(partial(self._start, sources))

    def use_rig(self, path: Path) -> None:
        """Use the rig of a file once every camera sends images and agrees with it; never waits."""
        self._rigs.use_when_ready(path)

    def set_person(self, name: str) -> None:
        """Take this as the person in front of the cameras; never waits."""
        self._submit(partial(self._set_person, name))

    def record_to(self, path: Path) -> None:
        """Record into this folder as soon as the cameras run."""
        self._recorder.record_on_start(path)

    def notify(self, message: str, severity: Severity = Severity.WARNING) -> None:
        """Show a message."""
        self._notices.add(message, severity)

    def tick(self) -> None:
        """Start and stop what is due, and take the newest result; never waits.

        Called ten times a second or more: countdowns and raised hands act here.
        """
        live = self.live
        self._recorder.tick(live, self._settings)
        if live is not None:
            self._rigs.tick(live, sum(one.size_wh is not None for one in self._state.cameras))
            self._report_end(live)
            self._take_newest(live)

    def snapshot(self) -> tuple[LiveState, LiveResult | None, LiveContext]:
        """Return all that the window shows, as of the last `tick`; never waits, changes nothing."""
        live, opening = self.live, self._opening
        context = LiveContext(
            skeleton=self._skeleton,
            trail=self._trail,
            title=self._title,
            running=bool(opening) or (live is not None and not live.over),
            countdown_s=self._recorder.countdown_s,
            stature_m=self._settings.stature_m,
            person=self._settings.person,
            countdown_setting_s=self._settings.countdown_s,
            hands_free=self._settings.hands_free,
            notice=self._notices.get_current(),
            devices=self._cameras.present_devices(),
            settings=self._cameras.settings,
        )
        state = (
            add_opening_cameras(self._state, opening, is_first=live is None)
            if opening
            else self._state
        )
        return state, self._result if live is not None else None, context

    @property
    def calibration(self) -> tuple[Rig, CalibrationReport] | None:
        """The newest rig of the live calibration and its report, also after the cameras stopped."""
        return self._rigs.newest

    @property
    def settings(self) -> Settings:
        """What is remembered."""
        return self._settings

    def update_settings(self, **changes: Any) -> None:
        """Change settings and keep them, for instance the window's place."""
        with self._lock:
            self._settings = replace(self._settings, **changes)
        if self._store is not None:
            store = self._store
            self._submit(lambda: save_settings(self._settings, store))

    def close(self) -> bool:
        """End everything; return whether all of it ended in time."""
        self._closing = True
        self._recorder.cancel()
        idle = self._worker.close(self._limits.worker_close_s)
        live, self.live = self.live, None
        ended = live.close() if live is not None else True
        # A start that was under way ends with its cameras.
        idle = idle or self._worker.close(self._limits.worker_close_s)
        if self._store is not None:
            try:
                save_settings(self._settings, self._store)
            except OSError as error:  # the window is closed, and recordings are safe
                logger.warning("The settings were not kept: %s", explain_os_error(error))
        return idle and ended

    def _submit(self, work: Callable[[], object]) -> None:
        """Give the worker something to do."""

        def run() -> None:
            """Do it; afterwards nothing is being opened any more."""
            try:
                work()
            finally:
                self._opening, self._state_s = (), 0.0

        if not self._worker.submit(run):
            self.notify(BUSY)

    def _build_handlers(self) -> Handlers:
        """Build the table of requests; those that take time are done by the worker, in order."""

        def later(work: Callable[[Any], object]) -> Callable[[Any], None]:
            """Let the worker do it."""
            return lambda request: self._submit(partial(work, request))

        return {
            requests.SetHandsFree: lambda r: self.update_settings(hands_free=r.on),
            requests.SetCountdown: lambda r: self.update_settings(countdown_s=r.seconds),
            requests.DismissNotice: lambda _: self._notices.dismiss(),
            requests.Record: lambda _: self._recorder.start_countdown(
                self.live, self._settings.countdown_s
            ),
            requests.StopRecording: lambda _: self._stop_recording(),
            requests.Reconnect: lambda r: self._reconnect(r.name),
            requests.Calibrate: lambda _: self._recalibrate(),
            requests.SetPerson: lambda r: self.set_person(r.name),
            requests.Start: later(lambda _: self._start()),
            requests.Stop: later(lambda _: self._stop()),
            requests.AddCamera: later(lambda r: self._add_camera(r.address)),
            requests.RemoveCamera: later(lambda r: self._remove_camera(r.name)),
            requests.ScanCameras: later(lambda _: self._cameras.scan()),
            requests.SetMode: later(lambda r: self._set_mode(r.name, r.mode)),
            requests.SetControl: later(self._set_control),
            requests.LockControls: later(
                lambda r: self._set_controls(r.name, lambda source: source.lock())
            ),
            requests.SetStature: later(lambda r: self._set_stature(r.metres)),
            requests.OpenRig: later(lambda r: self._rigs.open(self.live, r.path)),
            requests.SaveRig: later(lambda r: self._rigs.save(self.live, r.path)),
            requests.CompareRig: later(lambda r: self._rigs.compare(self.live, r.path)),
        }

    def _stop_recording(self) -> None:
        """End the countdown, or the recording."""
        self._recorder.cancel()
        self._submit(lambda: self._recorder.stop_recording(self.live))

    def _reconnect(self, name: str) -> None:
        """Try a camera again now."""
        if self.live is not None:
            self.live.reconnect(name)

    def _recalibrate(self) -> None:
        """Forget the rig and calibrate again."""
        if self.live is not None:
            self.live.recalibrate()

    def _set_stature(self, metres: float | None) -> None:
        """Set the person's height."""
        self.update_settings(stature_m=metres)
        if self.live is not None:
            self.live.set_stature(metres)

    def _set_person(self, name: str) -> None:
        """Take this as the person in front of the cameras; their model is loaded."""
        self.update_settings(person=name)
        if self.live is not None:
            self.live.reload_monocular()

    def _set_control(self, request: requests.SetControl) -> None:
        """Set one control of a camera."""
        name, control, value = request.name, request.control, request.value
        self._set_controls(name, lambda source: {control: source.set_control(control, value)})

    def _start(self, sources: tuple[LiveSource, ...] | None = None) -> None:
        """Open the cameras and start; the remembered ones where none are given."""
        if self.live is not None and self.live.over:
            self._stop()
        if self.live is not None or not self._settings.cameras:
            return
        if sources is None:
            self._show_stopped()
            sources = self._open_sources(self._settings.cameras, self._settings.cameras)
        if self._closing:
            return
        make_monocular_model = make_monocular_loader(lambda: self._settings)
        options = LiveOptions(self._settings.stature_m, self._limits.cameras_close_s)
        live = Live(sources, self._make_estimator, options, self._rigs.store, make_monocular_model)
        self._title = describe_sources(sources)
        self.live, self._opening = live, ()
        try:
            live.start()
        except BaseException:
            self.live = None
            self._show_stopped([(source.name, source.address) for source in sources])
            raise
        if live.closed:
            return
        self._skeleton = live.skeleton or self._skeleton
        self._trail = Trail(self._skeleton)
        self._rigs.use_last(live, self._settings.rig)
        self._recorder.on_live_started(live, self._settings)
        self._cameras.read_settings(live, self._find_address)

    def _stop(self) -> None:
        """Close the cameras; what is being recorded is finished first."""
        live = self.live
        if live is None:
            return
        self._recorder.stop_recording(live)
        cameras, self.live = live.state().cameras, None
        self._show_stopped([(one.name, one.address) for one in cameras])
        if not live.close():
            self.notify(HUNG)

    def _show_stopped(self, cameras: Sequence[tuple[str, str]] = ()) -> None:
        """Show the cameras, by name and address, as they are while nothing runs."""
        self._result = None
        self._state = build_stopped_state(cameras)

    def _open_sources(
        self, addresses: tuple[str, ...], new: tuple[str, ...]
    ) -> tuple[LiveSource, ...]:
        """Make the sources of addresses, set as the last time; meanwhile show the new ones."""
        self._opening = tuple(dict.fromkeys(map(strip_credentials, new)))
        try:
            return make_camera_sources(
                [apply_stored_controls(address, self._settings) for address in addresses],
                network=self._limits.network,
            )
        except BaseException:
            # Shown as stopped, so that they can be removed or tried again.
            if self.live is None and not self._state.cameras:
                self._show_stopped(
                    [
                        (one, one)
                        for one in dict.fromkeys(map(strip_credentials, self._settings.cameras))
                    ]
                )
            raise

    def _add_camera(self, address: str) -> None:
        """Add a camera, or everything that an address names, and start."""
        if any(is_same_camera(address, known) for known in self._settings.cameras):
            raise CameraError(
                "",
                f"'{strip_credentials(address)}' is here already. Add each camera once.",
            )
        self._change_cameras("add", (*self._settings.cameras, address), start=True)

    def _remove_camera(self, name: str) -> None:
        """Remove a camera; a studio or a session goes as a whole."""
        removed_address = self._find_address(name)
        self._change_cameras(
            "remove", tuple(one for one in self._settings.cameras if one != removed_address)
        )

    def _change_cameras(
        self, action: str, addresses: tuple[str, ...], *, start: bool = False
    ) -> None:
        """Continue with other cameras; an error in them is raised before anything is changed."""
        if self.live is not None and self.live.is_recording:
            raise EngineError(f"A recording is running. Stop it to {action} a camera.")
        start = bool(addresses) and (start or self.live is not None)
        new = tuple(one for one in addresses if one not in self._settings.cameras)
        sources = self._open_sources(addresses, new) if start else ()
        self.update_settings(cameras=addresses)
        self._stop()
        if start:
            self._start(sources)
        else:
            known = [strip_credentials(address) for address in addresses]
            self._show_stopped(
                [(one.name, one.address) for one in self._state.cameras if one.address in known]
            )
            self._title = self._title if addresses else ""

    def _set_mode(self, name: str, mode: str) -> None:
        """Switch a camera to another mode."""
        old = self._find_address(name)
        new = with_mode(old, mode)
        self._change_cameras(
            "change", tuple(new if one == old else one for one in self._settings.cameras)
        )

    def _set_controls(self, name: str, change: Callable[[Adjustable], dict[str, float]]) -> None:
        """Change the controls of a camera, and remember them for this mode."""
        live = require_live(self.live, "to change a camera's settings")
        source = live.camera(name).source
        if isinstance(source, Adjustable):
            values = change(source)
            self.update_settings(
                controls=store_controls(self._settings, self._find_address(name), values).controls
            )
        self._cameras.read_settings(live, self._find_address)

    def _find_address(self, name: str) -> str:
        """Find which remembered address a camera came from."""
        states = self.live.state().cameras if self.live is not None else self._state.cameras
        shown_address = next((state.address for state in states if state.name == name), "")
        for address in self._settings.cameras:
            if shown_address in (
                strip_credentials(address),
                strip_credentials(apply_stored_controls(address, self._settings)),
            ):
                return address
        raise EngineError(f"There is no camera '{name}'.")

    def _report_end(self, live: Live) -> None:
        """Report cameras that have ended, once, and finish their recording."""
        if live.over and self.live is live and live is not self._ended_live:
            self._ended_live = live
            self.notify(
                message_from_error(live.error)
                if isinstance(live.error, Exception)
                else PLAYED_TO_END
            )
            self._submit(lambda: self._recorder.stop_recording(live))

    def _take_newest(self, live: Live) -> None:
        """Take the next result, and four times a second the state."""
        result = live.newest.take_now()
        if result is not None:
            self._result = result
            self._trail.put(result)
        now_s = time.monotonic()
        if now_s - self._state_s >= STATE_INTERVAL_S:
            self._state_s = now_s
            state = live.state()
            if self.live is live:  # else it was stopped meanwhile
                self._notices.set_persistent(state.notices)
                self._state = replace(state, notices=self._notices.get_persistent())
