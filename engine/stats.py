"""How long stages take and how often things happen; bounded, cheap, read from any thread."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np

from calibration.geometry.arrays import F64
from engine.clock import NS_PER_S, host_ns
from engine.pipeline import STAGES

# In the order in which a frameset meets them; the last one is from the image being taken to the
# pose being ready.
TIMED_STAGES = ("gather", *(stage.name for stage in STAGES), "in all")
WINDOW_NS = 10 * NS_PER_S
CAPACITY = 512  # 10 s at 50 per second; what comes faster is looked at over a shorter time
RATE_WINDOW_NS = 3 * NS_PER_S


@dataclass(frozen=True, slots=True)
class StageTime:
    """How long a stage takes, over the last seconds.

    Parameters
    ----------
    name
        In words for a person: ``gather``, ``estimate``, ``associate``, ``reconstruct``, ``smooth``,
        ``in all``.
    median_ms, p95_ms
        NaN before anything was measured.
    """

    name: str
    median_ms: float
    p95_ms: float


class StageTimes:
    """Durations of the stages over the last seconds.

    Each stage is written by one thread; any thread may read. There is no lock: a reader may see one
    duration in the place of an older one, which no median shows.

    Parameters
    ----------
    names
        The stages, in the order in which they are shown.
    clock_ns
        For tests.
    """

    def __init__(
        self, names: Sequence[str] = TIMED_STAGES, clock_ns: Callable[[], int] = host_ns
    ) -> None:
        self._rings = {name: _Ring() for name in names}
        self._clock_ns = clock_ns

    def put(self, name: str, duration_ns: int) -> None:
        """Record how long a stage just took.

        Raises
        ------
        KeyError
            If there is no such stage.
        """
        self._rings[name].put(self._clock_ns(), duration_ns)

    def summarize(self) -> tuple[StageTime, ...]:
        """Sum up the last 10 s.

        Returns
        -------
        times
            One for each stage, in their order; NaN where nothing was measured.
        """
        since_ns = self._clock_ns() - WINDOW_NS
        return tuple(
            _summarize_stage(name, ring.values_since(since_ns) / 1e6)
            for name, ring in self._rings.items()
        )


class Rate:
    """How often something happens, per second, over the last 3 s.

    One thread counts, any thread may read.

    Parameters
    ----------
    clock_ns
        For tests.
    """

    def __init__(self, clock_ns: Callable[[], int] = host_ns) -> None:
        self._ring = _Ring()
        self._clock_ns = clock_ns

    def count(self) -> None:
        """Record an event now."""
        now_ns = self._clock_ns()
        self._ring.put(now_ns, now_ns)

    @property
    def per_second(self) -> float:
        """The rate; NaN before two events, falling during silence, and 0 after 3 s of it."""
        if self._ring.count < 2:
            return nan
        now_ns = self._clock_ns()
        times_ns = self._ring.values_since(now_ns - RATE_WINDOW_NS)
        if len(times_ns) < 2:
            return 0.0
        first_ns, last_ns = times_ns.min(), times_ns.max()
        interval_ns = max((last_ns - first_ns) / (len(times_ns) - 1), 1.0)
        # before the next event is due, there is no silence
        silence_ns = max(0.0, now_ns - last_ns - 2 * interval_ns)
        return float((len(times_ns) - 1) * NS_PER_S / max(last_ns - first_ns + silence_ns, 1.0))


class _Ring:
    """The newest numbers and their times, in arrays of fixed size."""

    def __init__(self) -> None:
        self.count = 0
        self._time_ns = np.zeros(CAPACITY, np.int64)
        self._values = np.zeros(CAPACITY, np.int64)

    def put(self, time_ns: int, value: int) -> None:
        """Store a number in place of the oldest one."""
        place = self.count % CAPACITY
        self._values[place] = value
        self._time_ns[place] = time_ns
        self.count += 1  # last: a reader that comes in between does not see it yet

    def values_since(self, since_ns: int) -> F64:
        """Return the numbers that came after a time, in no order."""
        filled = min(self.count, CAPACITY)
        return self._values[:filled][self._time_ns[:filled] > since_ns].astype(np.float64)


def _summarize_stage(name: str, durations_ms: F64) -> StageTime:
    """Sum up one stage."""
    if not len(durations_ms):
        return StageTime(name, nan, nan)
    median, p95 = np.percentile(durations_ms, (50, 95))
    return StageTime(name, float(median), float(p95))
