"""Player: opens a session and fetches its instants in a thread of its own, newest request first.

The window requests an instant and takes what is ready, each without waiting; the bridge calls it at
screen rate. Two mailboxes of one item stand between: a slow side sees fewer instants, and nothing
can pile up.
"""

import logging
import threading
from collections.abc import Sequence
from pathlib import Path

from app.control.jobs import message_from_error
from app.control.limits import SESSION_LIMITS
from app.presenters.player import (
    Moment,
    PlayerSession,
    PlayerState,
    describe_playback,
    present_moment,
    present_opening,
    present_problem,
)
from engine.mailbox import ClosedError, Latest
from engine.offline.repair_sessions import repair_sessions
from engine.session.playback import Playback

logger = logging.getLogger(__name__)

# Up to so many instants later, a missing image is a gap in the playback, not a jump.
MAX_GAP_INSTANTS = 4


class Player:
    """A session in the player.

    Parameters
    ----------
    path
        Of the session; it is opened in the background.
    models
        Names of the pose models there are, for tracking again.
    close_s
        How long `close` waits.
    """

    def __init__(
        self,
        path: Path,
        models: Sequence[str] = (),
        close_s: float = SESSION_LIMITS.player_close_s,
    ) -> None:
        self._close_s = close_s
        self.path, self._models = Path(path), tuple(models)
        self._requested: Latest[int] = Latest()
        self._ready: Latest[PlayerState] = Latest()
        self._ready.put(present_opening(self.path))
        self._thread = threading.Thread(target=self._run, name="player", daemon=True)
        self._thread.start()

    def seek(self, instant: int) -> None:
        """Ask for an instant; an earlier request that was not begun is dropped; never waits.

        Parameters
        ----------
        instant
            0-based; one beyond the end is the last.
        """
        self._requested.put(instant)

    def take(self) -> PlayerState | None:
        """Take what is ready; None where there is nothing new. Never waits."""
        return self._ready.take_now()

    def close(self) -> bool:
        """Stop and release the files; say whether it was done in time. May be called twice."""
        self._requested.discard()
        self._thread.join(self._close_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        """Open the session and serve requests until the end. Runs in its own thread."""
        try:
            with repair_and_open(self.path) as playback:
                session = describe_playback(playback, self._models)
                self._serve_requests(playback, session)
        except Exception as error:  # whatever it was, the window says so and goes on
            self._ready.put(present_problem(message_from_error(error)))

    def _serve_requests(self, playback: Playback, session: PlayerSession) -> None:
        """Show the first instant, then each that is requested."""
        instant, last = 0, -1
        while True:
            self._ready.put(
                present_moment(
                    session,
                    load_moment(playback, instant, follows=0 <= instant - last <= MAX_GAP_INSTANTS),
                )
            )
            last = instant
            try:
                instant = min(max(self._requested.take(), 0), session.count - 1)
            except ClosedError:
                return


def repair_and_open(path: Path) -> Playback:
    """Open a session to play it; repair it first if it was not finished.

    Raises
    ------
    SessionError
        If it cannot be read at all.
    """
    repair_sessions([path])
    return Playback.open(path)


def load_moment(playback: Playback, instant: int, *, follows: bool = False) -> Moment:
    """Fetch everything that a session holds of an instant.

    Parameters
    ----------
    playback
    instant
    follows
        Whether it is shown right after the instant before it.
    """
    return Moment(
        playback.frameset(instant), playback.poses_2d(instant), playback.poses_3d(instant), follows
    )
