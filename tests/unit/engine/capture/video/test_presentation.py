"""Times of frames from the stamps of a file, exact where there is a ledger."""

import itertools

import numpy as np

from engine.capture.video.presentation import IncreasingTimes, LedgerTimes
from engine.ledger import FrameTimes

PERIOD_NS = 40_000_000


def times_of(stamps, first=None):
    times = IncreasingTimes(first if first is not None else (stamps[0] or 0), PERIOD_NS)
    return [times.next_moment(stamp)[1] for stamp in stamps], times.repaired_count


def test_good_stamps_count_from_the_first():
    assert times_of([500, 40_000_500, 90_000_500]) == ([0, 40_000_000, 90_000_000], 0)


def test_missing_stamps_follow_at_the_usual_period():
    assert times_of([0, None, None, 3 * PERIOD_NS]) == (
        [0, PERIOD_NS, 2 * PERIOD_NS, 3 * PERIOD_NS],
        2,
    )


def test_a_repeated_stamp_lies_between_its_neighbours():
    assert times_of([0, PERIOD_NS, PERIOD_NS, 2 * PERIOD_NS]) == (
        [0, PERIOD_NS, PERIOD_NS * 3 // 2, 2 * PERIOD_NS],
        1,
    )


def test_a_file_that_counts_anew_goes_on_where_it_was():
    stamps = [0, PERIOD_NS, 2 * PERIOD_NS, 3 * PERIOD_NS, 0, PERIOD_NS, 2 * PERIOD_NS]
    times, repaired = times_of(stamps)
    assert times == [n * PERIOD_NS for n in range(7)]
    assert repaired == 1


def test_a_file_whose_stamps_stand_still_still_rises():
    times, repaired = times_of([0] * 20)
    assert all(a < b for a, b in itertools.pairwise(times))
    assert repaired == 19


def test_a_ledger_gives_exact_times_and_numbers():
    ledger = LedgerTimes(
        FrameTimes(
            np.array([4, 5, 7]),
            np.array([100_123_456, 140_123_456, 220_123_456]),
            100_123_456,
            25.0,
        )
    )
    assert ledger.next_moment(0) == (4, 100_123_456)
    assert ledger.next_moment(40_000_000) == (5, 140_123_456)
    assert ledger.next_moment(120_000_000) == (7, 220_123_456)
    assert ledger.next_moment(160_000_000) is None


def test_a_frame_that_the_ledger_does_not_know_is_not_used():
    ledger = LedgerTimes(FrameTimes(np.array([0, 1]), np.array([0, 80_000_000]), 0, 25.0))
    assert ledger.next_moment(0) == (0, 0)
    assert ledger.next_moment(40_000_000) is None
    assert ledger.next_moment(80_000_000) == (1, 80_000_000)
