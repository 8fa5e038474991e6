from dataclasses import replace

import numpy as np
import pytest

from calibration.errors import NotEnoughMotionError
from calibration.evidence.keyframes import (
    find_holdout,
    find_well_seen,
    select_holdout_rows,
    select_training_rows,
    spread_evenly,
)
from calibration.synthetic.synthetic import NO_NOISE, RigPlan
from tests.support.calibrations import make_scene


@pytest.fixture(scope="module")
def observations():
    return make_scene(RigPlan(cameras=2), "room", NO_NOISE, seed=0, seconds=20).seen.observations


def nobody_from(observations, first):
    xy, confidence = observations.xy.copy(), observations.confidence.copy()
    xy[first:, 1], confidence[first:, 1] = np.nan, 0
    return replace(observations, xy=xy, confidence=confidence)


def test_a_fifth_of_the_time_is_held_out_in_blocks(observations):
    out = find_holdout(observations.time_ns)
    assert out.mean() == pytest.approx(0.2, abs=0.03)
    assert np.abs(np.diff(out.astype(int))).sum() == 8  # four blocks of a second in 20 s


def test_a_short_take_holds_out_too():
    assert 0 < find_holdout(np.arange(100, dtype=np.int64) * 16_666_667).mean() < 0.5


def test_no_frameset_both_solves_and_judges(observations):
    assert not set(select_training_rows(observations, 1000)) & set(
        select_holdout_rows(observations, 1000)
    )


def test_no_more_framesets_are_used_than_asked_and_they_are_spread(observations):
    rows = select_training_rows(observations, 40)
    assert len(rows) == 40
    assert rows[0] < 5
    assert rows[-1] > 190
    assert np.diff(rows).max() < 20


def test_framesets_that_one_view_saw_do_not_count(observations):
    assert not find_well_seen(nobody_from(observations, 50))[50:].any()
    assert select_training_rows(nobody_from(observations, 50), 1000).max() < 50


def test_too_few_framesets_are_refused_with_their_number(observations):
    with pytest.raises(NotEnoughMotionError, match="two cameras at once in only 8 images"):
        select_training_rows(nobody_from(observations, 8), 100)


def test_where_nothing_was_held_out_the_rest_judges(observations):
    few = nobody_from(observations, 15)
    assert len(select_holdout_rows(few, 100)) > 0


@pytest.mark.parametrize(
    ("count", "most", "kept"), [(0, 5, 0), (1, 5, 1), (5, 5, 5), (50, 5, 5), (5, 1, 1)]
)
def test_rows_are_thinned_evenly(count, most, kept):
    rows = spread_evenly(np.arange(count), most)
    assert len(set(rows)) == kept
