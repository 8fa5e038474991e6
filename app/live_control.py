"""LiveControl: what the window's buttons do. Asking and looking never wait; a worker does what takes time."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from app import requests
from app.camera_list import CameraList, title_of
from app.camera_memory import Adjustable, remember, remembered_address, with_mode
from app.compare_rigs import compare_rigs
from app.jobs import Worker
from app.paths import fresh_folder
from app.presenters.live import Look, Trail
from app.presenters.window import Notice
from app.rig_files import last_rig, rig_in_use, rig_of_file
from app.settings import Settings, rig_file, save_settings
from calibration.report import CalibrationReport
from calibration.rig import Rig, save_rig
from calibration.skeleton import load_skeleton
from engine.capture.address import without_password
from engine.capture.cameras import LiveSource, camera_sources
from engine.errors import EngineError
from engine.inference.estimator import Estimator
from engine.live import Live, LiveOptions
from engine.live_state import CameraPhase, CameraState, LiveResult, LiveState
from engine.mailbox import ClosedError, NothingYetError
from engine.session import SessionFacts

logger = logging.getLogger(__name__)

CLOSE_S = 1.9
STATE_EVERY_S = 0.1  # figures that a person reads need not change at screen rate
SKELETON = "blazepose_33"  # until the network says its own
AT_REST = "Press Start to see this camera."
BUSY = "The last thing you asked for is not done yet; ask again in a moment."


class LiveControl:
    """The live program behind a window.

    Parameters
    ----------
    settings
        As remembered.
    store
        The file that gets the settings whenever they change; None keeps them to this run.
    make_estimator
        Loads the network for so many views.
    on_session
        Gets the folder of each recording that ended; called in the worker's thread.

    Attributes
    ----------
    live
        The cameras at work; None while they rest.
    """

    def __init__(
        self,
        settings: Settings,
        store: Path | None,
        make_estimator: Callable[[int], Estimator],
        on_session: Callable[[Path], None] = lambda _path: None,
    ) -> None:
        self.live: Live | None = None
        self._settings, self._store = settings, store
        self._make_estimator, self._on_session = make_estimator, on_session
        self._lock = threading.Lock()  # around the settings, which window and worker change
        self._worker = Worker(self.tell)
        self._cameras = CameraList()
        self._record_path: Path | None = None
        self._notices: tuple[Notice, ...] = ()
        self._dismissed: frozenset[str] = frozenset()
        self._record_at_s: float | None = None
        self._hands_seen = 0
        self._state, self._state_s = LiveState(), 0.0
        self._result: LiveResult | None = None
        self._trail = Trail(load_skeleton(SKELETON))
        self._skeleton = load_skeleton(SKELETON)
        self._title = ""

    def ask(self, request: requests.Request) -> None:
        """Do what a person asked for, as soon as possible; never waits.

        Parameters
        ----------
        request
        """
        match request:
            case requests.SetHandsFree(on):
                self._change(hands_free=on)
            case requests.SetCountdown(seconds):
                self._change(countdown_s=seconds)
            case requests.DismissNotice():
                self._dismiss()
            case requests.Record():
                self._record_at_s = time.monotonic() + self._settings.countdown_s
            case requests.StopRecording():
                self._record_at_s = None
                self._do(self._stop_recording)
            case requests.Reconnect(name) if self.live is not None:
                self.live.reconnect(name)
            case requests.Calibrate() if self.live is not None:
                self.live.calibrate_anew()
            case _:
                self._do(partial(self._serve, request))

    def start(self, addresses: tuple[str, ...] = ()) -> None:
        """Start the cameras, these or the remembered ones; never waits."""
        if addresses:
            self._settings = replace(self._settings, cameras=addresses)
        self._do(self._start)

    def use_rig(self, path: Path) -> None:
        """Use the rig of a file, once it agrees with what the cameras see; never waits."""
        self._do(partial(self._open_rig, path))

    def record_to(self, path: Path) -> None:
        """Record into this folder as soon as the cameras run."""
        self._record_path = path

    def tell(self, sentence: str) -> None:
        """Let a person read a sentence."""
        logger.info("told: %s", sentence)
        self._notices = (*self._notices, Notice(sentence))[-8:]

    def look(self) -> tuple[LiveState, LiveResult | None, Look]:
        """Return all that the window shows; never waits. Called at screen rate, which also moves countdowns on."""
        self._tick()
        live = self.live
        if live is not None:
            self._renew(live)
        countdown_s = self._record_at_s - time.monotonic() if self._record_at_s is not None else None
        look = Look(
            skeleton=self._skeleton,
            trail=self._trail,
            title=self._title,
            running=live is not None,
            countdown_s=countdown_s,
            stature_m=self._settings.stature_m,
            countdown_setting_s=self._settings.countdown_s,
            hands_free=self._settings.hands_free,
            notice=self._notices[-1] if self._notices else None,
            devices=self._cameras.shown(),
            settings=self._cameras.settings,
        )
        return self._state, self._result, look

    @property
    def settings(self) -> Settings:
        """What is remembered."""
        return self._settings

    def remember(self, **changes: Any) -> None:
        """Change settings and keep them, for instance the window's place."""
        self._change(**changes)

    def close(self) -> bool:
        """End everything; say whether all of it did in time."""
        self._record_at_s = None
        live, self.live = self.live, None
        idle = self._worker.close(CLOSE_S / 2)
        ended = live.close() if live is not None else True
        if self._store is not None:
            save_settings(self._settings, self._store)
        return idle and ended

    def _do(self, work: Callable[[], None]) -> None:
        """Give the worker something to do."""
        if not self._worker.do(work):
            self.tell(BUSY)

    def _serve(self, request: requests.Request) -> None:
        """Do what takes time. Runs in the worker's thread."""
        match request:
            case requests.Start():
                self._start()
            case requests.Stop():
                self._stop()
            case requests.AddCamera(address):
                self._add(address)
            case requests.RemoveCamera(name):
                self._remove(name)
            case requests.LookForCameras():
                self._cameras.look()
            case requests.SetMode(name, mode):
                self._set_mode(name, mode)
            case requests.SetControl(name, control, value):
                self._set_controls(name, lambda source: {control: source.set_control(control, value)})
            case requests.LockControls(name):
                self._set_controls(name, lambda source: source.lock())
            case requests.SetStature(metres):
                self._change(stature_m=metres)
                if self.live is not None:
                    self.live.set_stature(metres)
            case requests.OpenRig(path):
                self._open_rig(path)
            case requests.SaveRig(path):
                self._save_rig(path)
            case requests.CompareRig(path):
                self._compare_rig(path)

    def _start(self, sources: tuple[LiveSource, ...] | None = None) -> None:
        """Open the cameras and begin; those that are remembered where none are given."""
        if self.live is not None or not self._settings.cameras:
            return
        sources = self._sources(self._settings.cameras) if sources is None else sources
        live = Live(sources, self._make_estimator, LiveOptions(self._settings.stature_m), self._keep_rig)
        self._title = title_of(sources)
        self.live = live
        try:
            live.start()
        except BaseException:
            self.live = None
            self._rest()
            raise
        self._skeleton = live.skeleton or self._skeleton
        self._trail, self._hands_seen = Trail(self._skeleton), 0
        rig = last_rig(self._settings.rig, live.names)
        if rig is not None:
            live.use_rig(rig, "from last time")
        if self._record_path is not None:
            self._start_recording(self._record_path)
            self._record_path = None
        self._cameras.read(live, self._address_of)

    def _stop(self) -> None:
        """Close the cameras; what is being recorded is finished first."""
        live = self.live
        if live is None:
            return
        self._stop_recording()
        cameras, self.live = live.state().cameras, None
        self._rest(cameras)
        if not live.close():
            self.tell("A camera did not answer when it was stopped. Unplug it if it does not start again.")

    def _rest(self, cameras: tuple[CameraState, ...] = ()) -> None:
        """Show the cameras as they are while nothing runs."""
        self._result = None
        resting = (CameraState(one.name, one.address, CameraPhase.ENDED, AT_REST) for one in cameras)
        self._state = LiveState(cameras=tuple(resting))

    def _add(self, address: str) -> None:
        """Add a camera, or everything that an address names, and start."""
        self._change_cameras("add", (*self._settings.cameras, address), start=True)

    def _remove(self, name: str) -> None:
        """Remove a camera; a studio or a session goes as a whole."""
        gone = self._address_of(name)
        self._change_cameras("remove", tuple(one for one in self._settings.cameras if one != gone))

    def _change_cameras(self, what: str, addresses: tuple[str, ...], *, start: bool = False) -> None:
        """Go on with other cameras than before; what is wrong with them is said before anything is touched."""
        if self.live is not None and self.live.state().recording is not None:
            raise EngineError(f"A recording runs. Stop it to {what} a camera.")
        start = start or self.live is not None
        sources = self._sources(addresses) if start else ()
        self._change(cameras=addresses)
        self._stop()
        if start:
            self._start(sources)
        else:
            known = [without_password(address) for address in addresses]
            self._rest(tuple(state for state in self._state.cameras if state.address in known))

    def _sources(self, addresses: tuple[str, ...]) -> tuple[LiveSource, ...]:
        """Make the sources of addresses, set as the last time."""
        return camera_sources([remembered_address(address, self._settings) for address in addresses])

    def _set_mode(self, name: str, mode: str) -> None:
        """Let a camera send other images."""
        old = self._address_of(name)
        new = with_mode(old, mode)
        self._change_cameras("change", tuple(new if one == old else one for one in self._settings.cameras))

    def _set_controls(self, name: str, change: Callable[[Adjustable], dict[str, float]]) -> None:
        """Change what a camera does, and remember it for this mode."""
        live = self.live
        if live is None:
            raise EngineError("The cameras rest. Press Start, then change their settings.")
        source = live.camera(name).source
        if isinstance(source, Adjustable):
            values = change(source)
            self._change(controls=remember(self._settings, self._address_of(name), values).controls)
        self._cameras.read(live, self._address_of)

    def _open_rig(self, path: Path) -> None:
        """Use the rig of a file."""
        live = self._running("to open a rig")
        live.use_rig(rig_of_file(path, live), path.name)
        self._change(rig=str(path.absolute()))

    def _save_rig(self, path: Path) -> None:
        """Write the rig to a file."""
        save_rig(rig_in_use(self._running("to have a rig")), path)
        self.tell(f"The rig was saved as '{path}'.")

    def _compare_rig(self, path: Path) -> None:
        """Say how another rig differs from the one in use."""
        live = self._running("to compare rigs")
        self.tell(compare_rigs(rig_in_use(live), rig_of_file(path, live)))

    def _keep_rig(self, rig: Rig, _report: CalibrationReport) -> None:
        """Keep a new rig for the next time. Runs in a thread of the calibration."""

        def keep() -> None:
            """Write it."""
            save_rig(rig, rig_file())
            self._change(rig=str(rig_file()))

        if self._store is not None:
            self._do(keep)

    def _start_recording(self, path: Path | None = None) -> None:
        """Begin a new session, in a folder of its own where none is given."""
        live = self._running("to record")
        if path is None:
            folder = self._settings.folder()
            folder.mkdir(parents=True, exist_ok=True)
            path = fresh_folder(folder, datetime.now())
        facts = SessionFacts(
            configuration={"live": True}, model={"name": self._settings.model}, stature_m=self._settings.stature_m
        )
        live.start_recording(path, facts)

    def _stop_recording(self) -> None:
        """End the session, and say where it is and what it lost."""
        live = self.live
        done = live.stop_recording() if live is not None else None
        if done is None:
            return
        self.tell(" ".join((f"Recorded {done.seconds:.0f} s to '{done.path}'.", done.sentence)).strip())
        self._on_session(Path(done.path))

    def _running(self, purpose: str) -> Live:
        """Return the cameras at work."""
        if self.live is None:
            raise EngineError(f"The cameras rest. Press Start {purpose}.")
        return self.live

    def _address_of(self, name: str) -> str:
        """Find which remembered address a camera came from."""
        states = self.live.state().cameras if self.live is not None else self._state.cameras
        shown = next((state.address for state in states if state.name == name), "")
        for address in self._settings.cameras:
            if shown in (without_password(address), without_password(remembered_address(address, self._settings))):
                return address
        raise EngineError(f"There is no camera '{name}'.")

    def _tick(self) -> None:
        """Move on what time moves: countdown, raised hands, takes that end by themselves."""
        live = self.live
        if self._record_at_s is not None and time.monotonic() >= self._record_at_s:
            self._record_at_s = None
            self._do(self._start_recording)
        if live is None:
            return
        if live.hands_raised != self._hands_seen:
            self._hands_seen = live.hands_raised
            if self._settings.hands_free:
                self.ask(requests.StopRecording() if self._state.recording is not None else requests.Record())
        if live.recording_ended:
            self._do(self._stop_recording)

    def _renew(self, live: Live) -> None:
        """Take the newest result, and now and then the state."""
        try:
            self._result = live.newest.take(0)
            self._trail.put(self._result)
        except (NothingYetError, ClosedError):
            pass
        now_s = time.monotonic()
        if now_s - self._state_s >= STATE_EVERY_S:
            self._state_s = now_s
            state = live.state()
            if self.live is live:  # else it was stopped meanwhile
                self._state = replace(state, notices=tuple(n for n in state.notices if n not in self._dismissed))

    def _dismiss(self) -> None:
        """Take the sentence away that is shown."""
        if self._notices:
            self._notices = self._notices[:-1]
        else:
            self._dismissed |= frozenset(self._state.notices[-1:])

    def _change(self, **changes: Any) -> None:
        """Change settings, and keep them."""
        with self._lock:
            self._settings = replace(self._settings, **changes)
        if self._store is not None:
            store = self._store
            self._do(lambda: save_settings(self._settings, store))
