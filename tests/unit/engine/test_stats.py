import math

import pytest

from engine.stats import CAPACITY, Rate, StageTimes

S = 1_000_000_000
MS = 1_000_000


class Clock:
    now_ns = 5 * S

    def __call__(self) -> int:
        return self.now_ns


def test_a_stage_that_never_ran_has_no_times():
    (time,) = StageTimes(("estimate",)).summarize()
    assert time.name == "estimate"
    assert math.isnan(time.median_ms)
    assert math.isnan(time.p95_ms)


def test_stages_are_summed_up_in_their_order_by_median_and_95th_percentile():
    times = StageTimes(("a", "b"))
    for duration in range(101):
        times.put("b", duration * MS)
    first, second = times.summarize()
    assert (first.name, second.name) == ("a", "b")
    assert second.median_ms == pytest.approx(50)
    assert second.p95_ms == pytest.approx(95)


def test_what_is_older_than_ten_seconds_counts_no_more():
    clock = Clock()
    times = StageTimes(("a",), clock)
    times.put("a", 900 * MS)
    clock.now_ns += 11 * S
    times.put("a", 3 * MS)
    assert times.summarize()[0].median_ms == pytest.approx(3)


def test_times_do_not_grow():
    times = StageTimes(("a",))
    for _ in range(CAPACITY):
        times.put("a", 900 * MS)
    for _ in range(CAPACITY):
        times.put("a", MS)
    assert times.summarize()[0].p95_ms == pytest.approx(1)


def test_an_unknown_stage_is_refused():
    with pytest.raises(KeyError):
        StageTimes(("a",)).put("b", 1)


def test_a_rate_is_unknown_before_two_events():
    rate = Rate()
    rate.count()
    assert math.isnan(rate.per_second)


def test_a_rate_is_that_of_steady_events():
    clock = Clock()
    rate = Rate(clock)
    for _ in range(300):
        clock.now_ns += S // 25
        rate.count()
    assert rate.per_second == pytest.approx(25)


def test_a_rate_falls_to_nothing_when_nothing_comes():
    clock = Clock()
    rate = Rate(clock)
    for _ in range(100):
        clock.now_ns += S // 25
        rate.count()
    clock.now_ns += 2 * S
    assert 0 < rate.per_second < 13
    clock.now_ns += 2 * S
    assert rate.per_second == 0
