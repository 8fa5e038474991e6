"""Mailboxes between threads: `Latest` drops old items and counts them, `Bounded` makes wait."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class ClosedError(Exception):
    """The mailbox is closed and empty: nothing more will come."""


class EmptyError(Exception):
    """No item came within the timeout."""


class _Mailbox(Generic[T]):
    """Common to both kinds: waiting, the end of the stream, and errors of the sender."""

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._poison: BaseException | None = None

    def __len__(self) -> int:
        return len(self._items)

    def take(self, timeout_s: float | None = None) -> T:
        """Take the oldest item, waiting for one.

        Parameters
        ----------
        timeout_s
            None waits forever.

        Raises
        ------
        ClosedError
            If the mailbox is closed and empty.
        EmptyError
            If no item came within the time.
        BaseException
            The error of the sender (`poison`), after its last items.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._items or self._closed, timeout_s):
                raise EmptyError
            if self._items:
                self._changed.notify_all()
                return self._items.popleft()
            if self._poison is not None:
                raise self._poison
            raise ClosedError

    def take_now(self) -> T | None:
        """Take the oldest item without waiting; None where there is none, or no more will come."""
        try:
            return self.take(0.0)
        except (EmptyError, ClosedError):
            return None

    def close(self) -> None:
        """End the stream; items inside can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def poison(self, error: BaseException) -> None:
        """Close, and raise this error in `take` after the last item."""
        with self._changed:
            self._poison = error
        self.close()

    def discard(self) -> None:
        """Close and drop all items, so that a waiting sender returns."""
        with self._changed:
            self._items.clear()
        self.close()


class Latest(_Mailbox[T]):
    """Holds the newest items, and drops and counts older ones; for screens and live stages.

    Parameters
    ----------
    capacity
        How many it holds, at least 1.

    Attributes
    ----------
    dropped
        How many items were dropped before they were taken.
    """

    def __init__(self, capacity: int = 1) -> None:
        super().__init__()
        self._capacity = capacity
        self.dropped = 0

    def put(self, item: T) -> None:
        """Put an item; never waits. After `close` it is dropped."""
        with self._changed:
            if self._closed:
                return
            self._items.append(item)
            while len(self._items) > self._capacity:
                self._items.popleft()
                self.dropped += 1
            self._changed.notify_all()


class Bounded(_Mailbox[T]):
    """Holds up to `capacity` items in order and loses none.

    Parameters
    ----------
    capacity
        At least 1.
    weigh
        Returns the share of the capacity that an item takes, more than 0; 1 where not given. A
        single item always fits.
    """

    def __init__(self, capacity: float, weigh: Callable[[T], float] | None = None) -> None:
        super().__init__()
        self._capacity = capacity
        self._weigh = weigh

    def put(self, item: T, timeout_s: float | None = None) -> bool:
        """Put an item, and wait for room.

        Parameters
        ----------
        item
        timeout_s
            None waits forever; 0 does not wait.

        Returns
        -------
        taken
            False if there was no room within the time, or the mailbox is closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._has_room(item), timeout_s)
            if self._closed or not self._has_room(item):
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def offer(self, item: T) -> bool:
        """Put an item if there is room now; return whether there was."""
        return self.put(item, timeout_s=0.0)

    def _has_room(self, item: T) -> bool:
        """Return whether an item fits."""
        if self._weigh is None or not self._items:
            return len(self._items) < self._capacity
        return sum(map(self._weigh, self._items)) + self._weigh(item) <= self._capacity
