"""RecordControl: when a recording of the live cameras begins and ends: a button, a countdown, raised hands."""

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from app.paths import fresh_folder
from app.presenters.tone import Tone
from app.settings import Settings
from engine.errors import EngineError
from engine.live import Live
from engine.session import SessionFacts

STOPPED = "The cameras rest. Press Start to record."


class RecordControl:
    """Begins and ends recordings.

    Parameters
    ----------
    do
        Gives the worker something to do.
    tell
        Lets a person read a sentence, in a tone (`LiveControl.tell`).
    on_session
        Gets the folder of each recording that ended; called in the worker's thread.
    """

    def __init__(
        self,
        do: Callable[[Callable[[], None]], None],
        tell: Callable[..., None],
        on_session: Callable[[Path], None],
    ) -> None:
        self._do, self._tell, self._on_session = do, tell, on_session
        self._begin_at_s: float | None = None
        self._hands: tuple[Live | None, int] = (None, 0)
        self._first: Path | None = None

    def first_into(self, path: Path) -> None:
        """Record into this folder as soon as the cameras run."""
        self._first = path

    @property
    def countdown_s(self) -> float | None:
        """What is left of the countdown; None while nobody counts."""
        at_s = self._begin_at_s
        return at_s - time.monotonic() if at_s is not None else None

    def ask(self, live: Live | None, seconds: float) -> None:
        """Begin a recording after so many seconds; never waits."""
        if live is None:
            self._tell(STOPPED)
        elif not live.is_recording:
            self._begin_at_s = time.monotonic() + seconds

    def cancel(self) -> None:
        """End the countdown."""
        self._begin_at_s = None

    def tick(self, live: Live | None, settings: Settings) -> None:
        """Move on what time moves: the countdown, raised hands, takes that end by themselves; never waits."""
        if live is None:
            self._begin_at_s = None
            return
        if self._begin_at_s is not None and time.monotonic() >= self._begin_at_s:
            self._begin_at_s = None
            self._do(lambda: self.begin(live, settings))
        known, seen = self._hands
        self._hands = live, live.hands_raised
        if known is live and live.hands_raised != seen and settings.hands_free:
            self._raised(live, settings)
        if live.recording_ended:
            self._do(lambda: self.end(live))

    def started(self, live: Live, settings: Settings) -> None:
        """Record what was asked for before the cameras ran. Runs in the worker's thread."""
        path, self._first = self._first, None
        if path is not None:
            self.begin(live, settings, path)

    def begin(self, live: Live, settings: Settings, path: Path | None = None) -> None:
        """Begin a new session, in a folder of its own where none is given. Runs in the worker's thread.

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
            return  # asked for twice, before the window could say that it runs
        if path is None:
            folder = settings.folder()
            folder.mkdir(parents=True, exist_ok=True)
            path = fresh_folder(folder, datetime.now())
        facts = SessionFacts((), {"live": True}, {"name": settings.model}, settings.stature_m, settings.person)
        live.start_recording(path, facts)

    def end(self, live: Live | None) -> None:
        """End the session, and say where it is and what it lost. Runs in the worker's thread."""
        done = live.stop_recording() if live is not None else None
        if done is None:
            return
        words = " ".join((f"Recorded {done.seconds:.0f} s to '{done.path}'. {done.sentence}".strip(), *done.silence))
        self._tell(words, Tone.CARE if done.sentence or done.lost or done.silent else Tone.GOOD)
        self._on_session(Path(done.path))

    def _raised(self, live: Live, settings: Settings) -> None:
        """Begin or end, whichever raised hands mean now."""
        if live.is_recording or self._begin_at_s is not None:
            self.cancel()
            self._do(lambda: self.end(live))
        else:
            self.ask(live, settings.countdown_s)
