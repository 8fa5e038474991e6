"""From the frames of several sources to framesets: the images of one instant, by their times.

The clock of the framesets is the slowest source's: its frames are the instants, and where it lost
some, the gap is filled in equal steps. So four cameras of one rate give frameset i from their
frames i, at any length and with any drift, and a faster camera gives the image nearest to each
instant.
"""

from collections import deque
from collections.abc import Iterator, Sequence

from engine.capture.source import FrameSource
from engine.clock import NS_PER_S
from engine.frames import Frame, FrameSet

# A view's image may be this far from the instant, in periods of the framesets: half a period, and a
# tenth against flicker where a free-running camera is half a period off and its stamps jitter by
# 3 ms at 30 per second.
MAX_DISTANCE_PERIODS = 0.6
# When no source has an image for longer than this, the clock jumps instead of counting empty
# framesets.
PAUSE_NS = 10 * NS_PER_S
# Rates nearer to each other than this are one rate: 29.97 and 30 differ by twice as much.
SAME_RATE = 0.0005


class Framesets:
    """The framesets of sources that wait for their reader, in the order of time.

    Parameters
    ----------
    sources : V of them, open
        In camera order. They are read to their ends, once, and not closed.
    offset_ns : V of them
        What to add to a source's times to get the common time; 0 where not given.

    Attributes
    ----------
    rate_fps
        Framesets per second: that of the slowest source.
    count
        How many framesets will come, to within a few; None where a source does not know.
    remarks
        Messages on lengths, rates and sizes that differ.

    Raises
    ------
    ValueError
        If there is no source, or not one offset for each.
    """

    def __init__(
        self, sources: Sequence[FrameSource], offset_ns: Sequence[int] | None = None
    ) -> None:
        offset_ns = tuple(offset_ns) if offset_ns is not None else (0,) * len(sources)
        if not sources or len(offset_ns) != len(sources):
            raise ValueError(
                f"{len(sources)} sources and {len(offset_ns)} offsets make no framesets."
            )
        self._queues = [_Queue(source, offset) for source, offset in zip(sources, offset_ns)]
        self.rate_fps = min(source.rate_fps for source in sources)
        self.count = _estimate_count(self._queues, self.rate_fps)
        self.remarks = tuple(_describe_differences(sources))

    def __iter__(self) -> Iterator[FrameSet]:
        """Read the sources to their ends.

        Yields
        ------
        frameset
            Each frame is in one at most; a view without an image of the instant is None.
        """
        period_ns = round(NS_PER_S / self.rate_fps)
        reach_ns = round(MAX_DISTANCE_PERIODS * period_ns)
        slowest_first = sorted(self._queues, key=lambda queue: queue.source.rate_fps)
        instant_ns = _find_first_instant(slowest_first, period_ns)
        index = 0
        while instant_ns is not None:
            frames = tuple(queue.take_nearest(instant_ns, reach_ns) for queue in self._queues)
            yield FrameSet(index, instant_ns, frames)
            instant_ns = _find_next_instant(slowest_first, instant_ns, period_ns, reach_ns)
            index += 1


class _Queue:
    """The frames of one source that are still to come, in common time."""

    def __init__(self, source: FrameSource, offset_ns: int) -> None:
        self.source = source
        self._offset_ns = offset_ns
        self._ahead: deque[Frame] = deque()
        self._ended = False

    def time_ns(self, position: int) -> int | None:
        """Return the common time of a frame that is still to come; None beyond the end."""
        while len(self._ahead) <= position and not self._ended:
            frame = self.source.read(timeout_ms=1000)
            if frame is None:
                self._ended = True
            else:
                self._ahead.append(frame)
        return (
            self._ahead[position].timestamp_ns + self._offset_ns
            if position < len(self._ahead)
            else None
        )

    def find_first_after(self, instant_ns: int) -> int | None:
        """Return the time of the first frame after an instant."""
        position = 0
        while (time_ns := self.time_ns(position)) is not None and time_ns <= instant_ns:
            position += 1
        return time_ns

    def take_nearest(self, instant_ns: int, reach_ns: int) -> Frame | None:
        """Remove and return the frame nearest to an instant, if within reach; drop older ones."""
        while (time_ns := self.time_ns(0)) is not None:
            later_ns = self.time_ns(1)
            distance_ns = abs(time_ns - instant_ns)
            # a frame is nearest only if the one after it is not nearer; a tie gives the earlier one
            nearest = later_ns is None or abs(later_ns - instant_ns) >= distance_ns
            if nearest and distance_ns <= reach_ns:
                return self._ahead.popleft()
            if nearest and time_ns > instant_ns:
                return None
            self._ahead.popleft()
        return None


def _find_first_instant(slowest_first: Sequence[_Queue], period_ns: int) -> int | None:
    """Find the instant nearest to the first frame of all, in step with the slowest source."""
    heads = [time_ns for queue in slowest_first if (time_ns := queue.time_ns(0)) is not None]
    if not heads:
        return None
    # whole periods back from the slowest source, so that its frames lie on instants exactly
    return heads[0] - (heads[0] - min(heads) + period_ns // 2) // period_ns * period_ns


def _find_next_instant(
    slowest_first: Sequence[_Queue], instant_ns: int, period_ns: int, reach_ns: int
) -> int | None:
    """Find the next instant: the slowest source's next frame, or an equal step towards it."""
    late = [queue.find_first_after(instant_ns + reach_ns) for queue in slowest_first]
    heads = [time_ns for time_ns in late if time_ns is not None]
    if not heads:
        return None
    if min(heads) - instant_ns > PAUSE_NS:
        return min(heads)
    # the step follows the slowest source's real frames, not its nominal rate, whose error of 0.1 %
    # would shift the framesets by a frame every 33 s at 30 per second
    gap_ns = heads[0] - instant_ns
    steps = max(1, (gap_ns + period_ns // 2) // period_ns)
    return instant_ns + gap_ns // steps


def _estimate_count(queues: Sequence[_Queue], rate_fps: float) -> int | None:
    """Estimate how many framesets will come."""
    starts_s, ends_s = [], []
    for queue in queues:
        start_ns, frames = queue.time_ns(0), queue.source.frame_count
        if frames is None:
            return None
        if start_ns is not None:
            starts_s.append(start_ns / NS_PER_S)
            ends_s.append(starts_s[-1] + frames / queue.source.rate_fps)
    return round((max(ends_s) - min(starts_s)) * rate_fps) if starts_s else 0


def _describe_differences(sources: Sequence[FrameSource]) -> Iterator[str]:
    """Say how the sources differ."""
    rates = [source.rate_fps for source in sources]
    if max(rates) > min(rates) * (1 + SAME_RATE):
        rate_text = _group_texts(sources, [f"{rate:.5g}" for rate in rates])
        yield (
            f"The videos differ in frames per second ({rate_text}): there are {min(rates):.5g} "
            "framesets per second, and each view gives the image nearest in time."
        )
    lengths_s = [
        source.frame_count / source.rate_fps for source in sources if source.frame_count is not None
    ]
    if len(lengths_s) == len(sources) and max(lengths_s) - min(lengths_s) > 1.5 / min(rates):
        length_text = _group_texts(sources, [f"{length:.2f} s" for length in lengths_s])
        yield (
            f"The videos differ in length ({length_text}): where one has ended, the others go "
            "on without it."
        )
    if len({source.size_wh for source in sources}) > 1:
        size_text = _group_texts(
            sources, [f"{source.size_wh[0]}x{source.size_wh[1]}" for source in sources]
        )
        yield f"The videos differ in image size ({size_text}); each view keeps its own."


def _group_texts(sources: Sequence[FrameSource], texts: Sequence[str]) -> str:
    """Write what several sources share once: 'a, b 30; c 60'."""
    groups: dict[str, list[str]] = {}
    for source, text in zip(sources, texts):
        groups.setdefault(text, []).append(source.name)
    return "; ".join(f"{', '.join(names)} {text}" for text, names in groups.items())
