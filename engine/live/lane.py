"""Lane: the buffered frames of one live camera, bounded by time, number and bytes."""

from collections import deque
from collections.abc import Callable
from math import inf, nan
from typing import Protocol

from engine.capture.state import CameraState
from engine.frames import Frame

# An IP camera may be 2 s behind; the others' frames are kept for it for that long.
MAX_KEPT_NS = 2_500_000_000
MAX_KEPT_FRAMES = 300
# Decoded frames are large: the limit is 35 of 1280x720, 1.2 s at 30 fps. JPEG frames never reach
# it.
MAX_KEPT_BYTES = 96_000_000
LAG_WEIGHT = 0.1  # weight of the newest image in the learned lag


class Feed(Protocol):
    """What framesets need of a camera; implemented by `engine.live.feed.CameraFeed`."""

    name: str

    @property
    def live(self) -> bool:
        """Whether it sends images now."""
        ...

    @property
    def ended(self) -> bool:
        """Whether it has ended for good."""
        ...

    @property
    def period_ns(self) -> float:
        """Time between two images, ns; NaN before it is known."""
        ...

    def deliver_to(self, listener: Callable[[Frame], object] | None) -> None:
        """Pass every frame to a listener from now on; None ends it."""
        ...

    def state(self) -> CameraState:
        """Return its state."""
        ...


class Lane:
    """The frames of one camera that may still become part of a set, oldest first."""

    def __init__(self, feed: Feed, offset_ns: int) -> None:
        self.feed, self.offset_ns = feed, offset_ns
        self.frames: deque[Frame] = deque()
        self.lag_ns = inf  # delay from taking an image to its arrival; inf before the first
        self.skew_ms = nan
        self.span_ns = MAX_KEPT_NS  # how long frames are kept: less where they are large
        self.damaged = 0  # images that could not be decoded
        self._bytes = 0

    @property
    def newest_ns(self) -> float:
        """Common time of the newest frame; minus infinity where there is none."""
        return self.time_ns(self.frames[-1]) if self.frames else -inf

    def time_ns(self, frame: Frame) -> int:
        """Return when a frame was taken, common time."""
        return frame.timestamp_ns + self.offset_ns

    def set_offset(self, offset_ns: int) -> None:
        """Correct the camera's clock."""
        self.lag_ns -= offset_ns - self.offset_ns
        self.offset_ns = offset_ns

    def put(self, frame: Frame, now_ns: int) -> None:
        """Buffer a frame, and measure how late it is; drop what is too old or too much.

        Parameters
        ----------
        frame
        now_ns
            When it arrived, on the host's clock.
        """
        lag_ns = now_ns - self.time_ns(frame)
        self.lag_ns = (
            lag_ns if self.lag_ns == inf else self.lag_ns + LAG_WEIGHT * (lag_ns - self.lag_ns)
        )
        self.frames.append(frame)
        self._bytes += _count_bytes(frame)
        heavy = self._bytes > MAX_KEPT_BYTES or len(self.frames) > MAX_KEPT_FRAMES
        while len(self.frames) > 1 and (
            self._bytes > MAX_KEPT_BYTES
            or len(self.frames) > MAX_KEPT_FRAMES
            or frame.timestamp_ns - self.frames[0].timestamp_ns > MAX_KEPT_NS
        ):
            self._drop_oldest()
        if heavy:
            self.span_ns = frame.timestamp_ns - self.frames[0].timestamp_ns

    def find_nearest(self, instant_ns: int, reach_ns: float) -> Frame | None:
        """Find the frame nearest to an instant; of two equally near ones the earlier.

        Parameters
        ----------
        instant_ns
            Common time.
        reach_ns
            A frame farther away does not count.
        """
        best, best_ns = None, reach_ns
        for frame in reversed(self.frames):
            distance_ns = self.time_ns(frame) - instant_ns
            if abs(distance_ns) <= best_ns:
                best, best_ns = frame, abs(distance_ns)
            if distance_ns < 0:
                break
        return best

    def is_settled(self, instant_ns: int, nearest: Frame | None) -> bool:
        """Return whether no frame nearer to an instant can be expected.

        Parameters
        ----------
        instant_ns
            Common time.
        nearest
            As `find_nearest` gives it.
        """
        if nearest is None:
            return False
        early_ns = instant_ns - self.time_ns(nearest)
        return early_ns <= self.feed.period_ns / 2 or nearest is not self.frames[-1]

    def drop_until(self, instant_ns: int, used: Frame | None) -> None:
        """Forget the frames up to an instant; a frame is in one set at most.

        Parameters
        ----------
        instant_ns
            Of the set, common time.
        used
            The frame in it; None where the camera has none.
        """
        if used is not None:
            self.skew_ms = (self.time_ns(used) - instant_ns) / 1e6
        until_ns = instant_ns if used is None else self.time_ns(used)
        while self.frames and self.time_ns(self.frames[0]) <= until_ns:
            self._drop_oldest()

    def clear(self) -> None:
        """Forget all frames."""
        self.frames.clear()
        self._bytes = 0

    def _drop_oldest(self) -> None:
        """Forget the oldest frame."""
        self._bytes -= _count_bytes(self.frames.popleft())


def _count_bytes(frame: Frame) -> int:
    """Return the size of a frame in memory; a compressed one is not decoded for it."""
    if frame.jpeg is not None:
        return len(frame.jpeg)
    return frame.image_bgr.nbytes
