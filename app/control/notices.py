"""Notices: messages for a person, shown one at a time until each was dismissed."""

import logging
import time
from collections.abc import Callable, Sequence
from math import inf

from app.presenters.severity import Severity
from app.presenters.window import Notice

logger = logging.getLogger(__name__)

MAX_NOTICES = 8
# Good news disappears by itself; what needs an action stays until it is dismissed.
GOOD_NEWS_S = 12.0


class Notices:
    """Messages for the window. Any thread may add one.

    Parameters
    ----------
    clock
        Monotonic time, s.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._shown: tuple[tuple[Notice, float], ...] = ()  # and when it disappears, s
        self._persistent: tuple[str, ...] = ()
        self._dismissed: frozenset[str] = frozenset()

    def add(self, message: str, severity: Severity = Severity.WARNING) -> None:
        """Show a message; one that is there already comes to the front.

        Parameters
        ----------
        message
        severity
            GOOD for what went well: it need not be dismissed.
        """
        logger.info("notice: %s", message)
        leaves_s = self._clock() + GOOD_NEWS_S if severity is Severity.GOOD else inf
        others = tuple(entry for entry in self._list_current() if entry[0].text != message)
        self._shown = (*others, (Notice(message, severity), leaves_s))[-MAX_NOTICES:]

    def get_current(self) -> Notice | None:
        """Return the message to show now."""
        current = self._list_current()
        return current[-1][0] if current else None

    def set_persistent(self, messages: Sequence[str]) -> None:
        """Note the messages that hold for a while, as they are now.

        Parameters
        ----------
        messages
            One that was dismissed, disappears and comes back is shown again.
        """
        self._persistent = tuple(messages)
        self._dismissed &= frozenset(messages)

    def get_persistent(self) -> tuple[str, ...]:
        """Return the messages that hold now and were not dismissed."""
        return tuple(message for message in self._persistent if message not in self._dismissed)

    def dismiss(self) -> None:
        """Remove the message that is shown: the newest, or else the last that holds for a while."""
        current = self._list_current()
        if current:
            self._shown = current[:-1]
        else:
            self._dismissed |= frozenset(self.get_persistent()[-1:])

    def _list_current(self) -> tuple[tuple[Notice, float], ...]:
        """List the messages whose time has not passed."""
        now_s = self._clock()
        return tuple(entry for entry in self._shown if entry[1] > now_s)
