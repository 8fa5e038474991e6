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
        Never runs backwards; only differences mean something.

    Notes
    -----
    On Linux this is CLOCK_MONOTONIC, on which cameras stamp the start of their exposure; elsewhere
    the finest counter.
    """
    return time.monotonic_ns() if sys.platform == "linux" else time.perf_counter_ns()


def time_until_tick_s(period_s: float) -> float:
    """Tell how long it is to the next tick of a clock that all threads share, so that they wake up
    together.

    Parameters
    ----------
    period_s
        From tick to tick.

    Returns
    -------
    left_s
        Above 0, at most the period.
    """
    return period_s - time.monotonic() % period_s


def measure_utc_offset_ns() -> int:
    """Measure what to add to the host's clock to get Unix time.

    Returns
    -------
    offset_ns
        Good to about a microsecond at the moment of the call; a session stores it once.
    """
    before = host_ns()
    unix = time.time_ns()
    after = host_ns()
    return unix - (before + after) // 2


def ns_from_ticks(ticks: int, tick_s: Fraction) -> int:
    """Turn a container's time stamp into nanoseconds, to the nearest one.

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
