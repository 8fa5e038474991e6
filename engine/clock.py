"""One clock for the whole program: integer nanoseconds of this host."""

import sys
import time
from fractions import Fraction

NS_PER_S = 1_000_000_000


def host_ns() -> int:
    """Read the host's clock.

    Returns
    -------
    time_ns
        Never decreases; only differences are meaningful.

    Notes
    -----
    On Linux this is CLOCK_MONOTONIC, the clock of the driver's stamps of exposures; elsewhere the
    counter with the highest resolution.
    """
    return time.monotonic_ns() if sys.platform == "linux" else time.perf_counter_ns()


def time_until_tick_s(period_s: float) -> float:
    """Return the time to the next tick of a common clock, so that threads wake up together.

    Parameters
    ----------
    period_s
        Between ticks.

    Returns
    -------
    left_s
        Above 0, at most the period.
    """
    return period_s - time.monotonic() % period_s


def measure_utc_offset_ns() -> int:
    """Measure the offset from the host's clock to Unix time.

    Returns
    -------
    offset_ns
        Accurate to about a microsecond at the time of the call; a session stores it once.
    """
    before = host_ns()
    unix = time.time_ns()
    after = host_ns()
    return unix - (before + after) // 2


def ns_from_ticks(ticks: int, tick_s: Fraction) -> int:
    """Convert a container's time stamp to nanoseconds, rounded to the nearest.

    Parameters
    ----------
    ticks
        For instance a presentation time stamp.
    tick_s
        Length of a tick.

    Returns
    -------
    time_ns
        Exact up to half a nanosecond at any length (no float on the way).
    """
    numerator = ticks * tick_s.numerator * NS_PER_S
    return (2 * numerator + tick_s.denominator) // (2 * tick_s.denominator)
