from dataclasses import replace

import numpy as np
import pytest

from calibration.synthetic.synthetic import NETWORK_NOISE, RigPlan
from tests.support.calibrations import make_scene


@pytest.fixture(scope="module")
def observations():
    return make_scene(
        RigPlan(cameras=2), "room", NETWORK_NOISE, seed=0, seconds=2
    ).seen.observations


@pytest.mark.parametrize("name", ["xy", "confidence", "view_time_ns"])
def test_a_wrong_shape_is_refused_with_the_right_one(observations, name):
    with pytest.raises(ValueError, match=rf"Observations: {name} must be \(20, 2"):
        replace(observations, **{name: getattr(observations, name)[:, :1]})


def test_a_missing_image_size_is_refused(observations):
    with pytest.raises(ValueError, match="2 views need 2 image sizes, not 1"):
        replace(observations, sizes_wh=((1280, 720),))


def test_mirrored_twice_is_as_before(observations):
    swapped = np.random.default_rng(0).random((20, 2)) < 0.5
    twice = observations.swap_sides(swapped).swap_sides(swapped)
    np.testing.assert_array_equal(twice.xy, observations.xy)
    np.testing.assert_array_equal(twice.confidence, observations.confidence)


def test_only_the_images_told_are_mirrored(observations):
    swapped = np.zeros((20, 2), bool)
    swapped[3, 1] = True
    mirrored = observations.swap_sides(swapped)
    left, right = (
        observations.skeleton.index("left_knee"),
        observations.skeleton.index("right_knee"),
    )
    np.testing.assert_array_equal(mirrored.xy[3, 1, left], observations.xy[3, 1, right])
    np.testing.assert_array_equal(mirrored.xy[4], observations.xy[4])
    np.testing.assert_array_equal(mirrored.xy[3, 0], observations.xy[3, 0])


def test_a_joint_is_seen_where_it_has_a_place_and_confidence(observations):
    xy, confidence = observations.xy.copy(), observations.confidence.copy()
    xy[0, 0, 0], confidence[0, 0, 0] = np.nan, 0.9
    xy[0, 0, 1], confidence[0, 0, 1] = 5.0, 0.0
    xy[0, 0, 2], confidence[0, 0, 2] = 5.0, 0.1
    np.testing.assert_array_equal(
        replace(observations, xy=xy, confidence=confidence).seen[0, 0, :3], [False, False, True]
    )


@pytest.mark.parametrize(
    "rows", [slice(2, 5), np.array([2, 3, 4]), np.isin(np.arange(20), [2, 3, 4])]
)
def test_some_framesets_are_kept(observations, rows):
    some = observations.select_framesets(rows)
    np.testing.assert_array_equal(some.time_ns, observations.time_ns[2:5])
    np.testing.assert_array_equal(some.view_time_ns, observations.view_time_ns[2:5])
