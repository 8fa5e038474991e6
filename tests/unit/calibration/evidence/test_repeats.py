from dataclasses import replace

import numpy as np
import pytest

from calibration.evidence.repeats import find_frozen_span
from calibration.synthetic.synthetic import NETWORK_NOISE, RigPlan
from tests.support.calibrations import make_scene


@pytest.fixture(scope="module")
def walk():
    return make_scene(RigPlan(cameras=2), "room", NETWORK_NOISE, seed=2, seconds=8).seen


def freeze(observations, v, first, last):
    """Let a view repeat the image of one frameset until another."""
    xy, confidence = observations.xy.copy(), observations.confidence.copy()
    xy[first : last + 1, v] = xy[first, v]
    confidence[first : last + 1, v] = confidence[first, v]
    return replace(observations, xy=xy, confidence=confidence)


def test_a_frozen_view_is_found_from_its_first_image_to_its_last(walk):
    frozen = freeze(walk.observations, 1, 30, 55)
    assert find_frozen_span(frozen, 1) == pytest.approx((3.0, 5.5))
    assert find_frozen_span(frozen, 0) is None


def test_a_short_halt_is_none(walk):
    assert find_frozen_span(freeze(walk.observations, 1, 30, 38), 1) is None


def test_a_person_who_stands_still_for_all_views_is_none(walk):
    both = freeze(freeze(walk.observations, 0, 30, 60), 1, 30, 60)
    assert find_frozen_span(both, 1) is None


def test_one_image_in_several_framesets_is_none(walk):
    frozen = freeze(walk.observations, 1, 30, 55)
    times = frozen.view_time_ns.copy()
    times[30:56, 1] = times[30, 1]
    assert find_frozen_span(replace(frozen, view_time_ns=times), 1) is None


def test_a_view_without_a_person_is_none(walk):
    xy = walk.observations.xy.copy()
    xy[20:60, 1] = np.nan
    assert find_frozen_span(replace(walk.observations, xy=xy), 1) is None
