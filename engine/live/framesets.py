"""LiveFramesets: groups the images of live cameras by instant; the newest whole set wins.

The instants are the images of the slowest live camera, on its own steady clock, as `synchronize.py`
does offline; where it lost images, the gap is filled in equal steps. Frames are grouped by when
they were *taken*: own time plus the camera's offset. A camera whose images arrive late (because of
the network or a decoder) delays the set by as much, and no more.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf, isfinite, nan
from statistics import median

from engine.capture.state import CameraState
from engine.capture.synchronize import MAX_DISTANCE_PERIODS, PAUSE_NS, SAME_RATE
from engine.clock import NS_PER_S, host_ns
from engine.errors import UnreadableSourceError
from engine.frames import Frame, FrameSet
from engine.live.lane import MAX_KEPT_FRAMES, MAX_KEPT_NS, Feed, Lane
from engine.stats import Rate

logger = logging.getLogger(__name__)

# A set is closed without a camera's image when that is late by this much more than usual.
OVERDUE_PERIODS = 1.5
RECHECK_S = 0.25  # a camera may have failed while no image came
SKEW_COUNT = 128


class LiveFramesets:
    """The framesets of live cameras: an iterator that waits for the newest set and skips others.

    Parameters
    ----------
    feeds : V of them
        In camera order. The caller starts and closes them. A feed delivers to one `LiveFramesets`:
        close the old one before making a new one.
    offset_ns : by camera name
        From a camera's own time to the common time (a rig's `time_offset_ns`); 0 where not given.
    clock_ns
        For tests.

    Attributes
    ----------
    skipped
        Instants skipped since the start, because the consumer was busy.
    """

    def __init__(
        self,
        feeds: Sequence[Feed],
        offset_ns: Mapping[str, int] | None = None,
        clock_ns: Callable[[], int] = host_ns,
    ) -> None:
        self.skipped = 0
        self._clock_ns = clock_ns
        self._lanes = [Lane(feed, (offset_ns or {}).get(feed.name, 0)) for feed in feeds]
        self._changed = threading.Condition()
        self._closed = False
        self._reference: Lane | None = None
        self._last: FrameSet | None = None
        self._rate = Rate(clock_ns)
        self._spreads_ms: deque[float] = deque(maxlen=SKEW_COUNT)
        for lane in self._lanes:
            lane.feed.deliver_to(lambda frame, lane=lane: self._receive(lane, frame))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the cameras."""
        return tuple(lane.feed.name for lane in self._lanes)

    @property
    def rate_hz(self) -> float:
        """Framesets delivered per second; NaN before that is known."""
        return self._rate.per_second

    @property
    def skew_ms(self) -> float:
        """Largest offset of an image from its instant, median of recent sets; NaN before any."""
        with self._changed:
            spreads = tuple(self._spreads_ms)
        return median(spreads) if spreads else nan

    def states(self) -> tuple[CameraState, ...]:
        """Return the cameras' states, with the skew and latency relative to the others."""
        with self._changed:
            known = [lane.lag_ns for lane in self._lanes if isfinite(lane.lag_ns)]
            own = [
                (lane.skew_ms, (lane.lag_ns - min(known)) / 1e6 if lane.lag_ns < inf else 0.0)
                for lane in self._lanes
            ]
            kept_ms = min((lane.span_ns for lane in self._lanes), default=MAX_KEPT_NS) / 1e6
        return tuple(
            replace(
                state,
                skew_ms=skew_ms,
                latency_ms=latency_ms,
                dropped=state.dropped + lane.damaged,
                message=state.message
                or (
                    _describe_late(state.name, latency_ms, kept_ms) if latency_ms > kept_ms else ""
                ),
            )
            for lane, (skew_ms, latency_ms) in zip(self._lanes, own)
            for state in (lane.feed.state(),)
        )

    def set_offsets(self, offset_ns: Mapping[str, int]) -> None:
        """Correct the cameras' clocks while they run.

        Parameters
        ----------
        offset_ns : by camera name
            As in the constructor; cameras that are not named keep theirs.
        """
        with self._changed:
            for lane in self._lanes:
                lane.set_offset(offset_ns.get(lane.feed.name, lane.offset_ns))
            self._changed.notify_all()

    def close(self) -> None:
        """End the iteration; may be called twice, from any thread."""
        for lane in self._lanes:
            lane.feed.deliver_to(None)
        with self._changed:
            self._closed = True
            for lane in self._lanes:
                lane.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[FrameSet]:
        """Wait for sets, each newer than the last one.

        Yields
        ------
        frameset
            Its index counts all instants, also skipped ones; None where a camera has no image.
        """
        while (frames := self._next()) is not None:
            yield frames

    def poll(self) -> FrameSet | None:
        """Take the newest set if there is one now; does not wait."""
        with self._changed:
            frames = None if self._closed else self._find_newest(self._clock_ns(), self._over)
        return None if frames is None else self._decode(frames)

    def _next(self) -> FrameSet | None:
        """Wait for the newest set; None at the end."""
        with self._changed:
            while not self._closed:
                over = self._over
                frames = self._find_newest(self._clock_ns(), over)
                if frames is not None:
                    break
                if over:
                    return None
                self._changed.wait(self._compute_wait_s())
            else:
                return None
        return self._decode(frames)

    def _decode(self, frames: FrameSet) -> FrameSet:
        """Decode in the reader's thread, and drop damaged images, which would fail a stage."""
        views = list(frames.frames)
        for lane, (v, frame) in zip(self._lanes, enumerate(views)):
            if frame is not None and frame.jpeg is not None:
                try:
                    _ = frame.image_bgr
                except UnreadableSourceError as error:
                    logger.debug("%s", error)
                    lane.damaged += 1
                    views[v] = None
        return replace(frames, frames=tuple(views))

    @property
    def _over(self) -> bool:
        """Whether all cameras have ended."""
        return all(lane.feed.ended for lane in self._lanes)

    def _receive(self, lane: Lane, frame: Frame) -> None:
        """Buffer a frame; called in the camera's thread."""
        with self._changed:
            if not self._closed:
                lane.put(frame, self._clock_ns())
                self._changed.notify_all()

    def _find_newest(self, now_ns: int, over: bool) -> FrameSet | None:
        """Return the newest whole set, else the newest one that cannot become whole."""
        # Cameras that sent nothing yet, or are silent, are not waited for: they would stop all
        # others.
        waited_for = [lane for lane in self._lanes if lane.feed.live and isfinite(lane.lag_ns)]
        reference = self._choose_reference(self._lanes if over else waited_for)
        if reference is None:
            return None
        reach_ns = MAX_DISTANCE_PERIODS * reference.feed.period_ns
        # Up to here an image that is still missing is overdue, even from the slowest link; such a
        # set is delivered incomplete. Later ones may still become whole.
        closed_until_ns = (
            inf
            if over
            else now_ns
            - _compute_max_wait_ns(waited_for)
            - OVERDUE_PERIODS * reference.feed.period_ns
        )
        # No set can be whole beyond the last image of the camera that is most behind.
        whole_until_ns = min((lane.newest_ns for lane in waited_for), default=-inf) + reach_ns
        incomplete = None
        # Newest first: the first whole set is delivered and older ones are skipped, so that latency
        # does not build up when the consumer is slow.
        for instant_ns in reversed(self._list_instants(reference, now_ns)):
            if instant_ns > max(closed_until_ns, whole_until_ns):
                continue
            views = [lane.find_nearest(instant_ns, reach_ns) for lane in self._lanes]
            if waited_for and all(
                lane.is_settled(instant_ns, views[self._lanes.index(lane)]) for lane in waited_for
            ):
                return self._emit(instant_ns, views, reference.feed.period_ns)
            if (
                incomplete is None
                and instant_ns < closed_until_ns
                and any(frame is not None for frame in views)
            ):
                incomplete = instant_ns, views
        return None if incomplete is None else self._emit(*incomplete, reference.feed.period_ns)

    def _choose_reference(self, lanes: Sequence[Lane]) -> Lane | None:
        """Follow the slowest camera; keep the current one until another is clearly slower."""
        known = [lane for lane in lanes if isfinite(lane.feed.period_ns)]
        if not known:
            return None
        slowest = max(known, key=lambda lane: lane.feed.period_ns)
        same_ns = slowest.feed.period_ns / (1 + SAME_RATE)
        if self._reference not in known or self._reference.feed.period_ns < same_ns:
            self._reference = slowest
        return self._reference

    def _list_instants(self, reference: Lane, now_ns: int) -> list[int]:
        """List the instants since the last set: the reference's images, gaps filled."""
        period_ns = reference.feed.period_ns
        before_ns = self._last.timestamp_ns if self._last is not None else None
        instants: list[int] = []
        for frame in reference.frames:
            time_ns = reference.time_ns(frame)
            if before_ns is not None:
                if time_ns < before_ns + period_ns / 2:
                    continue
                instants += _fill_gap(before_ns, time_ns, period_ns)
            instants.append(time_ns)
            before_ns = time_ns
        # And the instants that the reference should have sent by now.
        if before_ns is not None and isfinite(reference.lag_ns):
            overdue = (now_ns - reference.lag_ns - before_ns) / period_ns - OVERDUE_PERIODS
            instants += [
                before_ns + round(step * period_ns)
                for step in range(1, 1 + int(min(overdue, MAX_KEPT_FRAMES)))
            ]
        return instants[-MAX_KEPT_FRAMES:]

    def _emit(self, instant_ns: int, views: Sequence[Frame | None], period_ns: float) -> FrameSet:
        """Build the set, and drop older frames."""
        index = 0
        if self._last is not None:
            gap_ns = instant_ns - self._last.timestamp_ns
            steps = max(1, round(gap_ns / period_ns)) if gap_ns < PAUSE_NS else 1
            index = self._last.index + steps
            self.skipped += steps - 1
        for lane, frame in zip(self._lanes, views):
            lane.drop_until(instant_ns, frame)
        skews_ms = [
            abs(lane.skew_ms) for lane, frame in zip(self._lanes, views) if frame is not None
        ]
        self._spreads_ms.append(max(skews_ms))
        self._rate.count()
        self._last = FrameSet(index, instant_ns, tuple(views))
        return self._last

    def _compute_wait_s(self) -> float:
        """Return after how long to check again without a new image, s."""
        reference = self._reference
        period_s = reference.feed.period_ns / NS_PER_S if reference is not None else RECHECK_S
        return min(period_s, RECHECK_S)


def _compute_max_wait_ns(lanes: Sequence[Lane]) -> float:
    """Return the lag of the latest camera, limited to what the others' buffers can hold."""
    lag_ns = max((lane.lag_ns for lane in lanes), default=0.0)
    return min(lag_ns, 0.8 * min((lane.span_ns for lane in lanes), default=MAX_KEPT_NS))


def _describe_late(name: str, late_ms: float, kept_ms: float) -> str:
    """Say that a camera's images arrive after those of the others were dropped."""
    return (
        f"Camera '{name}' is {late_ms / 1000:.1f} s behind the others, and their images are "
        f"kept for {kept_ms / 1000:.1f} s only: it is not used for the skeleton. Lower its delay "
        "in its own settings, or use its MJPEG stream."
    )


def _fill_gap(before_ns: int, after_ns: float, period_ns: float) -> list[int]:
    """Divide a gap into equal steps of about a period; no steps if it is too long to count."""
    gap_ns = after_ns - before_ns
    if not period_ns < gap_ns < PAUSE_NS:
        return []
    steps = round(gap_ns / period_ns)
    return [before_ns + round(step * gap_ns / steps) for step in range(1, steps)]
