"""RealTimeSource: a video or the studio played as a live camera; late images are lost."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from engine.capture.source import FrameSource
from engine.capture.wrapped import WrappedSource
from engine.clock import NS_PER_S, host_ns
from engine.errors import CameraTimeoutError
from engine.frames import Frame

# Time for all sources to open before its first image is due.
LEAD_NS = 300_000_000
# An image that is later than this, in periods, is left out.
MAX_LATE_PERIODS = 1.0
# How long the sources of one studio wait for one of them to render; then they go on without it.
BARRIER_TIMEOUT_S = 0.5


@runtime_checkable
class SkippableSource(Protocol):
    """A source that renders its images, and can skip those that would be late."""

    def skip_to(self, number: int) -> None:
        """Continue with the image of this number, if it is ahead."""
        ...


class SharedStart:
    """The common start time of several sources, host clock: set when the first is opened.

    Parameters
    ----------
    clock_ns
        For tests.
    """

    def __init__(self, clock_ns: Callable[[], int] = host_ns) -> None:
        self.clock_ns = clock_ns
        self._lock = threading.Lock()
        self._start_ns: int | None = None

    def get_start_ns(self) -> int:
        """Return the start time, ns."""
        with self._lock:
            if self._start_ns is None:
                self._start_ns = self.clock_ns() + LEAD_NS
            return self._start_ns


class FrameBarrier:
    """Makes the cameras of one studio skip the same images when there is no time for all.

    If each skipped on its own, one might render the even and another the odd images, and no instant
    would be whole.

    Parameters
    ----------
    timeout_s
        How long the cameras wait for one that makes its image; then they go on without it.
    """

    def __init__(self, timeout_s: float = BARRIER_TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._changed = threading.Condition()
        self._number = -1
        self._members: set[object] = set()
        self._joined: set[object] = set()

    def join(self, member: object) -> None:
        """Add a camera."""
        with self._changed:
            self._members.add(member)
            self._changed.notify_all()

    def leave(self, member: object) -> None:
        """Stop waiting for a camera."""
        with self._changed:
            self._members.discard(member)
            if not self._members:
                self._joined.clear()  # the next to come starts with what is due then
            self._changed.notify_all()

    def next_frame_number(self, member: object, due: Callable[[int], int]) -> int:
        """Return which image a camera should render now.

        Parameters
        ----------
        member
        due
            Returns the newest image worth rendering, after a given number.

        Returns
        -------
        number
            The one that the others are rendering, or a new one once all have started it.
        """
        with self._changed:
            self._members.add(member)
            if member in self._joined:
                begun = self._changed.wait_for(
                    lambda: member not in self._joined or self._joined >= self._members,
                    self._timeout_s,
                )
                if not begun:
                    # absent cameras are not waited for; they may join again
                    self._members &= self._joined
                if member in self._joined:
                    self._advance_to(due(self._number))
            elif not self._joined:
                self._advance_to(due(self._number))
            self._joined.add(member)
            self._changed.notify_all()
            return self._number

    def _advance_to(self, number: int) -> None:
        """Advance to another image."""
        self._number = number
        self._joined.clear()


@dataclass(frozen=True, slots=True, eq=False)
class PlaybackGroup:
    """The state shared by sources that play together.

    Parameters
    ----------
    start
    barrier
        None for sources that cannot skip.
    """

    start: SharedStart
    barrier: FrameBarrier | None = None


class RealTimeSource(WrappedSource):
    """Plays an offline source at its own rate on the host's clock.

    Parameters
    ----------
    source
        The studio's camera or a video.
    group
        Shared by the sources that start together, so that their true clock offsets are kept.
    name
        The view's name; the source's own if None.
    origin_ns
        The source's time that is played first.

    Attributes
    ----------
    name, live
        `live` is True.

    Notes
    -----
    A frame's time is exact: the start plus the source's own time. Skipped images show as a gap in
    the sequence, as with a real camera; a studio does not even render them.
    """

    def __init__(
        self, source: FrameSource, group: PlaybackGroup, name: str | None = None, origin_ns: int = 0
    ) -> None:
        super().__init__(source)
        self.name = name if name is not None else source.name
        self.live = True
        self._group = group
        self._origin_ns = origin_ns
        self._closed = threading.Event()
        self._pending: Frame | None = None
        self._next_number: int | None = None

    def open(self) -> None:
        """Open the source; it plays from where the others are by now."""
        super().open()
        self._closed.clear()
        self._pending = self._next_number = None
        self._group.start.get_start_ns()
        if self._group.barrier is not None:
            self._group.barrier.join(self)

    def read(self, timeout_ms: int) -> Frame | None:
        """Return the next frame when it is due, or None at the end.

        Returns
        -------
        frame
            Its time is on the host's clock.

        Raises
        ------
        engine.errors.CameraTimeoutError
            If none is due within the time.
        """
        deadline_ns = self._read_clock_ns() + timeout_ms * 1_000_000
        if self._pending is None:
            self._pending = self._make_frame(deadline_ns)
            if self._pending is None:
                self._leave_barrier()
                return None
        self._wait_until(self._pending.timestamp_ns, deadline_ns)
        frame, self._pending = self._pending, None
        return frame

    def close(self) -> None:
        """Close the source; may be called twice, and while another thread reads."""
        self._closed.set()
        self._leave_barrier()
        super().close()

    def _make_frame(self, deadline_ns: int) -> Frame | None:
        """Make the source render the next image that is not too late."""
        source, period_ns = self._source, NS_PER_S / self.rate_fps
        if isinstance(source, SkippableSource) and self._group.barrier is not None:
            if self._next_number is None:
                self._next_number = self._group.barrier.next_frame_number(self, self._find_next_due)
            count = source.frame_count
            if count is None or self._next_number < count:
                self._wait_until(
                    self._group.start.get_start_ns() + round(self._next_number * period_ns),
                    deadline_ns,
                )
            source.skip_to(self._next_number)
            self._next_number = None
            frame = source.read(0)
            return None if frame is None else self._stamp_frame(frame)
        while (frame := source.read(0)) is not None:
            frame = self._stamp_frame(frame)
            if (
                self._read_clock_ns() - frame.timestamp_ns <= MAX_LATE_PERIODS * period_ns
                or self._closed.is_set()
            ):
                return frame
            if self._read_clock_ns() > deadline_ns:
                raise CameraTimeoutError(
                    self.name, f"'{self.name}' cannot be decoded as fast as it is played."
                )
        return None

    def _find_next_due(self, after: int) -> int:
        """Return the first image after a number that is not too late."""
        period_ns = NS_PER_S / self.rate_fps
        behind = (self._read_clock_ns() - self._group.start.get_start_ns()) / period_ns
        return after + 1 if behind - (after + 1) <= MAX_LATE_PERIODS else int(behind)

    def _stamp_frame(self, frame: Frame) -> Frame:
        """Give a frame its time on the host's clock, and the view's name."""
        time_ns = frame.timestamp_ns - self._origin_ns + self._group.start.get_start_ns()
        return replace(frame, camera=self.name, timestamp_ns=time_ns)

    def _wait_until(self, time_ns: int, deadline_ns: int) -> None:
        """Wait for a time, but not beyond the deadline."""
        while (left_ns := time_ns - self._read_clock_ns()) > 0 and not self._closed.is_set():
            if self._read_clock_ns() >= deadline_ns:
                raise CameraTimeoutError(
                    self.name, f"The next image of '{self.name}' is not due yet."
                )
            self._closed.wait(min(left_ns, max(deadline_ns - self._read_clock_ns(), 0)) / NS_PER_S)

    def _leave_barrier(self) -> None:
        """Make the others of the studio go on without this one."""
        if self._group.barrier is not None:
            self._group.barrier.leave(self)

    def _read_clock_ns(self) -> int:
        """Read the clock."""
        return self._group.start.clock_ns()
