"""SessionControl: the recorded sessions: their list, the player, and work in the background."""

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from app import requests
from app.control.controller import Handlers
from app.control.jobs import Job, JobPhase, Progress, Worker
from app.control.limits import SESSION_LIMITS, SessionLimits
from app.control.player import Player
from app.presenters.player import PlayerState
from app.presenters.sessions import SessionsState, present_sessions
from app.presenters.severity import Severity
from app.presenters.window import JobCard as JobCard
from engine.export.exporters import export_session
from engine.mailbox import Latest
from engine.offline.track import TrackOptions, track_again
from engine.session.library import Library
from engine.session.session import Session
from engine.session.summary import SessionSummary

JOB_RUNNING = "Another job is still running. Wait until it ends, or cancel it."


class SessionControl:
    """What the pages of sessions do; nothing waits.

    Parameters
    ----------
    library
    models
        Names of the pose models there are.
    notify
        Shows a message, with a severity (`LiveControl.notify`).
    limits

    Attributes
    ----------
    handlers
        What handles each request.
    """

    def __init__(
        self,
        library: Library,
        models: Sequence[str],
        notify: Callable[..., None],
        limits: SessionLimits = SESSION_LIMITS,
    ) -> None:
        self._limits = limits
        self._library = library
        self._models = tuple(models)
        self._notify = notify
        self._player: Player | None = None
        self._worker = Worker(notify, "worker sessions")
        self._scanner = Worker(notify, "worker scan")
        self._job: Job | None = None
        self._scan_waits = self._has_scanned = False
        self._news: Latest[SessionsState] = Latest()
        self._publish(None)
        self.handlers: Handlers = {
            requests.ScanSessions: lambda _: self.scan_sessions(),
            requests.TrackAgain: self._track_again,
            requests.ExportSession: self._export,
            requests.CancelJob: lambda _: self._cancel_job(),
        }

    def scan_sessions(self) -> None:
        """List the sessions again, in the background; the known ones are shown at once."""
        if not self._scan_waits:
            self._scan_waits = True
            self._scanner.start("Looking for sessions", self._scan)

    def tick(self) -> None:
        """Do nothing: all that happens here happens in the background."""

    def take_sessions(self) -> SessionsState | None:
        """Take the list if there is a new one; None if not."""
        return self._news.take_now()

    def open_player(self, path: Path) -> None:
        """Show a session in the player."""
        self.close_player()
        self._player = Player(path, self._models, self._limits.player_close_s)

    def close_player(self) -> None:
        """Close the session that is shown."""
        player, self._player = self._player, None
        if player is not None:
            player.close()

    def seek(self, instant: int) -> None:
        """Move the player to an instant."""
        if self._player is not None:
            self._player.seek(instant)

    def take_player(self) -> PlayerState | None:
        """Take what the player shows if it is new; None if not."""
        return self._player.take() if self._player is not None else None

    @property
    def has_scanned(self) -> bool:
        """Whether all folders were read yet, so that an empty list is the truth."""
        return self._has_scanned

    @property
    def is_playing(self) -> bool:
        """Whether a session is open in the player."""
        return self._player is not None

    @property
    def job_card(self) -> JobCard | None:
        """The work in the background as the window shows it; None where there is none."""
        state = self._job.state() if self._job is not None else None
        if state is None or state.phase is not JobPhase.RUNNING:
            return None
        step = f": {state.step.lower()}" if state.step else ""
        return JobCard(f"{state.name}{step}", None if math.isnan(state.share) else state.share)

    def close(self) -> bool:
        """End everything; what does not end within a second is left behind."""
        workers = (self._worker, self._scanner)
        for worker in workers:
            worker.cancel()
        self.close_player()
        deadline_s = time.monotonic() + self._limits.close_s
        return all([one.close(max(deadline_s - time.monotonic(), 0.0)) for one in workers])

    def _track_again(self, request: requests.TrackAgain) -> None:
        """Track a session again in the background."""
        name = request.path.name
        self._start_job(
            f"Tracking '{name}' again",
            lambda progress: (
                track_again(
                    request.path,
                    TrackOptions(request.model, request.rig),
                    lambda done: progress(done.step, done.share),
                ).path
            ),
            lambda new: self._on_tracked(
                f"'{name}' was tracked again: the result is '{new.name}'."
            ),
        )

    def _export(self, request: requests.ExportSession) -> None:
        """Export a session in the background."""
        path, out = request.path, request.out
        self._start_job(
            f"Exporting '{path.name}'",
            lambda _progress: export_session(Session.open(path), request.format_name, out),
            lambda _: self._notify(f"'{path.name}' was exported to '{out}'.", Severity.GOOD),
        )

    def _cancel_job(self) -> None:
        """Cancel the work in the background."""
        if self._job is not None:
            self._job.cancel()

    def _start_job(self, name: str, work: Callable[[Progress], object], on_done: Callable) -> None:
        """Start long work, where none is under way."""
        if self._job is not None and self._job.state().phase is JobPhase.RUNNING:
            self._notify(JOB_RUNNING)
        else:
            self._job = self._worker.start(name, work, on_done)

    def _on_tracked(self, message: str) -> None:
        """Report that there is a new session."""
        self._notify(message, Severity.GOOD)
        self.scan_sessions()

    def _scan(self, progress: Progress) -> None:
        """Show the known sessions, read the folders, and show all. Runs in the scanner's thread."""
        self._scan_waits = False
        found = self._library.list_sessions()
        self._publish(found if found or self._has_scanned else None)
        try:
            found = self._library.refresh(progress)
        finally:
            self._has_scanned = True
            self._publish(found)

    def _publish(self, summaries: Sequence[SessionSummary] | None) -> None:
        """Leave a list for the window; None before there is one."""
        notices = self._library.remarks if summaries is not None else ()
        self._news.put(present_sessions(summaries, models=self._models, notices=notices))
