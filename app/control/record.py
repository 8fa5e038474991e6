"""RecordControl: starts and ends recordings: by button, countdown or raised hands."""

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from app.paths import choose_new_folder
from app.presenters.severity import Severity
from app.settings import Settings
from engine.errors import EngineError
from engine.live.live import Live
from engine.session.session import SessionFacts

STOPPED = "The cameras are stopped. Press Start to record."


class RecordControl:
    """Starts and ends recordings.

    Parameters
    ----------
    submit
        Gives the worker something to do.
    notify
        Shows a message, with a severity (`LiveControl.notify`).
    on_session_ended
        Gets the folder of each recording that ended; called in the worker's thread.
    """

    def __init__(
        self,
        submit: Callable[[Callable[[], None]], None],
        notify: Callable[..., None],
        on_session_ended: Callable[[Path], None],
    ) -> None:
        self._submit = submit
        self._notify = notify
        self._on_session_ended = on_session_ended
        self._start_at_s: float | None = None
        self._hands_seen: tuple[Live | None, int] = (None, 0)
        self._path_on_start: Path | None = None

    def record_on_start(self, path: Path) -> None:
        """Record into this folder as soon as the cameras run."""
        self._path_on_start = path

    @property
    def countdown_s(self) -> float | None:
        """What is left of the countdown; None while none runs."""
        at_s = self._start_at_s
        return at_s - time.monotonic() if at_s is not None else None

    def start_countdown(self, live: Live | None, seconds: float) -> None:
        """Begin a recording after so many seconds; never waits."""
        if live is None:
            self._notify(STOPPED)
        elif not live.is_recording:
            self._start_at_s = time.monotonic() + seconds

    def cancel(self) -> None:
        """End the countdown."""
        self._start_at_s = None

    def tick(self, live: Live | None, settings: Settings) -> None:
        """Start and end what is due: countdown, raised hands, full disks; never waits."""
        if live is None:
            self._start_at_s = None
            return
        if self._start_at_s is not None and time.monotonic() >= self._start_at_s:
            self._start_at_s = None
            self._submit(lambda: self.start_recording(live, settings))
        known, seen = self._hands_seen
        self._hands_seen = live, live.hands_raised_count
        if known is live and live.hands_raised_count != seen and settings.hands_free:
            self._handle_raised_hands(live, settings)
        if live.recording_ended:
            self._submit(lambda: self.stop_recording(live))

    def on_live_started(self, live: Live, settings: Settings) -> None:
        """Start the recording that waits for the cameras. Runs in the worker's thread."""
        path, self._path_on_start = self._path_on_start, None
        if path is not None:
            self.start_recording(live, settings, path)

    def start_recording(self, live: Live, settings: Settings, path: Path | None = None) -> None:
        """Start a recording, in a new folder if none is given. Runs in the worker's thread.

        Raises
        ------
        EngineError
            If the cameras were stopped meanwhile, or the disk refuses.
        OSError
            If the folder of the sessions cannot be made.
        """
        if live.closed or live.over:
            raise EngineError(STOPPED)
        if live.is_recording:
            return  # requested twice before the window could show that it runs
        if path is None:
            folder = settings.sessions_folder()
            folder.mkdir(parents=True, exist_ok=True)
            path = choose_new_folder(folder, datetime.now())
        facts = SessionFacts(
            (), {"live": True}, {"name": settings.model}, settings.stature_m, settings.person
        )
        live.start_recording(path, facts)

    def stop_recording(self, live: Live | None) -> None:
        """End the recording, and report its path and losses. Runs in the worker's thread."""
        ending = live.stop_recording() if live is not None else None
        if ending is None:
            return
        message = " ".join(
            (
                f"Recorded {ending.seconds:.0f} s to '{ending.path}'. {ending.message}".strip(),
                *ending.silence_messages,
            )
        )
        self._notify(
            message,
            Severity.WARNING
            if ending.message or ending.lost or ending.silent_cameras
            else Severity.GOOD,
        )
        self._on_session_ended(Path(ending.path))

    def _handle_raised_hands(self, live: Live, settings: Settings) -> None:
        """Start or end a recording."""
        if live.is_recording or self._start_at_s is not None:
            self.cancel()
            self._submit(lambda: self.stop_recording(live))
        else:
            self.start_countdown(live, settings.countdown_s)
