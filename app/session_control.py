"""SessionControl: the recorded sessions behind the window: list, player, and long work on them in the background."""

import math
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from app import requests
from app.jobs import Job, JobCancelledError, JobPhase, sentence_of
from app.player import Player
from app.presenters.player import PlayerState
from app.presenters.sessions import SessionsState, present_sessions
from app.presenters.tone import Tone
from app.presenters.window import Job as JobCard
from app.track_again import track_again
from engine.export.exporters import export_session
from engine.library import Library
from engine.session import Session
from engine.session_summary import SessionSummary

CLOSING_S = 1.0
ONE_AT_A_TIME = "Something else is still at work. Wait for its end, or cancel it."


class SessionControl:
    """What the sessions' pages ask for; asking and looking never wait.

    Parameters
    ----------
    library
    models
        Names of the pose models there are.
    tell
        Lets a person read a sentence, in a tone (`LiveControl.tell`).
    """

    def __init__(self, library: Library, models: Sequence[str], tell: Callable[..., None]) -> None:
        self._library, self._models, self._tell = library, tuple(models), tell
        self._player: Player | None = None
        self._job: Job | None = None
        self._refresh: Job | None = None
        self._again = self._looking = self._looked = False
        self._lock = threading.Lock()
        self._news: SessionsState | None = present_sessions(None, models=self._models)

    def ask(self, request: requests.Request) -> bool:
        """Do what a person asked for; never waits.

        Parameters
        ----------
        request

        Returns
        -------
        mine
            False for what concerns something else.
        """
        match request:
            case requests.LookForSessions():
                self.look_for_sessions()
            case requests.OpenSession(path):
                self._open(path)
            case requests.ShowSessions():
                self._close_player()
            case requests.TrackAgain(path, model, rig):
                self._work(
                    f"Tracking '{path.name}' again",
                    lambda progress: track_again(path, model, rig, progress).path,
                    lambda new: self._done(f"'{path.name}' was tracked again: the result is '{new.name}'."),
                )
            case requests.ExportSession(path, format_name, out):
                self._work(
                    f"Exporting '{path.name}'",
                    lambda _progress: export_session(Session.open(path), format_name, out),
                    lambda _: self._tell(f"'{path.name}' was exported to '{out}'.", Tone.GOOD),
                )
            case requests.CancelJob() if self._job is not None:
                self._job.cancel()
            case _:
                return False
        return True

    def look_for_sessions(self) -> None:
        """List the sessions anew, in the background; what the index knows is shown at once."""
        with self._lock:
            self._again = True
            if self._looking:
                return
            self._looking = True
        self._refresh = Job("Looking for sessions", self._list)

    def sessions(self) -> SessionsState | None:
        """Return the list where it is new; None where it is not."""
        with self._lock:
            news, self._news = self._news, None
        return news

    def want(self, instant: int) -> None:
        """Ask the player for an instant."""
        if self._player is not None:
            self._player.want(instant)

    def moment(self) -> PlayerState | None:
        """Return what the player has ready where it is new."""
        return self._player.news() if self._player is not None else None

    @property
    def looked(self) -> bool:
        """Whether the folders were looked at to their end yet, so that an empty list is the truth."""
        return self._looked

    @property
    def playing(self) -> bool:
        """Whether a session is open in the player."""
        return self._player is not None

    def job(self) -> JobCard | None:
        """Return the work in the background; a failure is told once."""
        job = self._job
        if job is None:
            return None
        state = job.state()
        if state.phase is JobPhase.RUNNING:
            step = f": {state.step.lower()}" if state.step else ""
            return JobCard(f"{state.name}{step}", None if math.isnan(state.share) else state.share)
        self._job = None
        if state.phase is JobPhase.FAILED:
            self._tell(state.sentence)
        return None

    def close(self) -> None:
        """End everything; what does not end within a second is left behind."""
        jobs = [job for job in (self._job, self._refresh) if job is not None]
        for job in jobs:
            job.cancel()
        self._close_player()
        deadline_s = time.monotonic() + CLOSING_S
        for job in jobs:
            job.join(max(deadline_s - time.monotonic(), 0.0))

    def _open(self, path: Path) -> None:
        """Show a session in the player."""
        self._close_player()
        self._player = Player(path, self._models)

    def _close_player(self) -> None:
        """Let go of the session that is shown."""
        player, self._player = self._player, None
        if player is not None:
            player.close()

    def _work(self, name: str, work: Callable[[Callable[[str, float], None]], object], then: Callable) -> None:
        """Begin long work, where none is at work."""
        if self._job is not None:
            self._tell(ONE_AT_A_TIME)
        else:
            self._job = Job(name, work, then)

    def _done(self, sentence: str) -> None:
        """Say that there is a new session."""
        self._tell(sentence, Tone.GOOD)
        self.look_for_sessions()

    def _list(self, progress: Callable[[str, float], None]) -> None:
        """Show what is known, look at the folders, and show what there is. Runs in a job's thread."""
        try:
            known = self._library.sessions()
            self._show(known if known or self._looked else None)
            while self._wanted():
                found = self._library.refresh(progress)
                self._looked = True
                self._show(found)
        except BaseException as error:
            with self._lock:
                self._looking, self._looked = False, True
            if isinstance(error, JobCancelledError) or not isinstance(error, Exception):
                raise
            self._tell(sentence_of(error))

    def _wanted(self) -> bool:
        """Whether somebody asked for a look since the last one began; if not, none is under way any more."""
        with self._lock:
            wanted, self._again = self._again, False
            self._looking = wanted
        return wanted

    def _show(self, summaries: Sequence[SessionSummary] | None) -> None:
        """Leave a list for the window; None before there is one."""
        with self._lock:
            self._news = present_sessions(summaries, models=self._models, notices=self._library.remarks)
