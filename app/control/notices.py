"""Notices: the sentences that a person should read, one at a time, until each was dismissed."""

import logging
import time
from collections.abc import Callable, Sequence
from math import inf

from app.presenters.severity import Severity
from app.presenters.window import Notice

logger = logging.getLogger(__name__)

MAX_NOTICES = 8
GOOD_NEWS_S = (
    12.0  # good news leaves by itself; whatever wants something done stays until it was read
)


class Notices:
    """Sentences for the window. Any thread may tell one.

    Parameters
    ----------
    clock
        Seconds that pass evenly.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._shown: tuple[tuple[Notice, float], ...] = ()  # and when it leaves, s
        self._dismissed: frozenset[str] = frozenset()

    def add(self, message: str, severity: Severity = Severity.WARNING) -> None:
        """Let a person read a sentence; one that is there already comes to the front.

        Parameters
        ----------
        message
        severity
            GOOD for what went well: nobody needs to dismiss it.
        """
        logger.info("told: %s", message)
        leaves_s = self._clock() + GOOD_NEWS_S if severity is Severity.GOOD else inf
        others = tuple(entry for entry in self._shown if entry[0].text != message)
        self._shown = (*others, (Notice(message, severity), leaves_s))[-MAX_NOTICES:]

    def get_current(self) -> Notice | None:
        """Return what is to be read now."""
        now_s = self._clock()
        if any(leaves_s <= now_s for _, leaves_s in self._shown):
            self._shown = tuple(told for told in self._shown if told[1] > now_s)
        entry = self._shown
        return entry[-1][0] if entry else None

    def filter_dismissed(self, persistent: Sequence[str]) -> tuple[str, ...]:
        """Leave out what was dismissed of the sentences that hold for a while; once they end, they
        are new again.

        Parameters
        ----------
        persistent
            Those that hold now.

        Returns
        -------
        sentences
        """
        self._dismissed &= frozenset(persistent)
        return tuple(message for message in persistent if message not in self._dismissed)

    def dismiss(self, persistent: Sequence[str]) -> None:
        """Take the sentence away that is shown.

        Parameters
        ----------
        persistent
            As they are shown; the newest of them goes where nothing else was told.
        """
        if self._shown:
            self._shown = self._shown[:-1]
        else:
            self._dismissed |= frozenset(persistent[-1:])
