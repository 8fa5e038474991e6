"""Where threads meet: `Latest` keeps the newest and counts its drops, `Bounded` keeps everything and makes wait."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class ClosedError(Exception):
    """The mailbox is closed and empty: nothing more will come."""


class EmptyError(Exception):
    """Nothing came within the time one was ready to wait."""


class _Mailbox(Generic[T]):
    """What both kinds share: waiting, the end of the stream, and the death of the sender."""

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
            None waits for ever.

        Returns
        -------
        item

        Raises
        ------
        ClosedError
            If the mailbox is closed and empty.
        EmptyError
            If nothing came within the time.
        BaseException
            What the sender died of (`poison`), after its last items.
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
        """Say that nothing more will come; what is inside can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def poison(self, error: BaseException) -> None:
        """Close, and hand this error to whoever takes after the last item."""
        with self._changed:
            self._poison = error
        self.close()

    def discard(self) -> None:
        """Close and throw away what is inside, so that a sender who waits goes home."""
        with self._changed:
            self._items.clear()
        self.close()


class Latest(_Mailbox[T]):
    """Holds the newest item, or the newest few; the oldest gives way to one more and is counted.

    For screens and live stages.

    Parameters
    ----------
    capacity
        How many it holds, at least 1.

    Attributes
    ----------
    dropped
        How many items nobody took before they had to give way.
    """

    def __init__(self, capacity: int = 1) -> None:
        super().__init__()
        self._capacity = capacity
        self.dropped = 0

    def put(self, item: T) -> None:
        """Leave an item; never waits. After `close` it is thrown away."""
        with self._changed:
            if self._closed:
                return
            self._items.append(item)
            while len(self._items) > self._capacity:
                self._items.popleft()
                self.dropped += 1
            self._changed.notify_all()


class Bounded(_Mailbox[T]):
    """Holds up to `capacity` items in their order and loses none.

    Parameters
    ----------
    capacity
        At least 1.
    weigh
        How much of the capacity an item takes, more than 0; 1 where not given. A single item always
        finds room.
    """

    def __init__(self, capacity: float, weigh: Callable[[T], float] | None = None) -> None:
        super().__init__()
        self._capacity = capacity
        self._weigh = weigh

    def put(self, item: T, timeout_s: float | None = None) -> bool:
        """Leave an item, waiting for room.

        Parameters
        ----------
        item
        timeout_s
            None waits for ever; 0 does not wait.

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
        """Leave an item if there is room now; say whether."""
        return self.put(item, timeout_s=0.0)

    def _has_room(self, item: T) -> bool:
        """Whether an item still fits."""
        if self._weigh is None or not self._items:
            return len(self._items) < self._capacity
        return sum(map(self._weigh, self._items)) + self._weigh(item) <= self._capacity
