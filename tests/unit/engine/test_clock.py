"""The host's clock in integer nanoseconds."""

import itertools
import time
from fractions import Fraction

import pytest

from engine.clock import host_ns, measure_utc_offset_ns, ns_from_ticks, time_until_tick_s


def test_the_clock_runs_forwards():
    moments = [host_ns() for _ in range(100)]
    assert all(a <= b for a, b in itertools.pairwise(moments))


def test_the_offset_leads_to_the_time_of_day():
    assert abs(host_ns() + measure_utc_offset_ns() - time.time_ns()) < 50_000_000


@pytest.mark.parametrize(("now_s", "left_s"), [(20.03, 0.07), (20.0999, 0.0001), (20.01, 0.09)])
def test_threads_that_wait_for_a_tick_wake_up_together(now_s, left_s, monkeypatch):
    monkeypatch.setattr("engine.clock.time.monotonic", lambda: now_s)
    assert time_until_tick_s(0.1) == pytest.approx(left_s, abs=1e-9)


def test_ticks_become_nanoseconds_to_the_nearest_one():
    assert ns_from_ticks(1, Fraction(1, 3)) == 333_333_333
    assert ns_from_ticks(2, Fraction(1, 3)) == 666_666_667
    assert ns_from_ticks(-1, Fraction(1, 3)) == -333_333_333


def test_a_year_of_ticks_is_exact():
    ticks = 90_000 * 3600 * 24 * 365
    assert ns_from_ticks(ticks, Fraction(1, 90_000)) == 3600 * 24 * 365 * 10**9
