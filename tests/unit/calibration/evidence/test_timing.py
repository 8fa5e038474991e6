from dataclasses import replace

import numpy as np
import pytest

from calibration.evidence.observations import Observations
from calibration.evidence.timing import estimate_velocity_px_s, interpolate_to_common_time
from calibration.skeleton import Skeleton

DOT = Skeleton("dot", ("nose",), ())
FRAME_NS = 33_333_333


def moving(view_time_ns, time_ns, velocity_px_per_s):
    """See one joint that moves at constant speed; each view at its own times."""
    T, V = view_time_ns.shape
    xy = view_time_ns[:, :, None, None] * 1e-9 * np.array(velocity_px_per_s) + [100.0, 50.0]
    return Observations(
        DOT, tuple("ab"[:V]), ((640, 480),) * V, time_ns, xy, np.ones((T, V, 1)), view_time_ns
    )


@pytest.fixture
def time_ns():
    return np.arange(30, dtype=np.int64) * FRAME_NS


def test_a_steady_motion_is_interpolated_exactly(time_ns):
    late = moving(np.stack([time_ns, time_ns + 11_000_000], 1), time_ns, [90.0, -40.0])
    common = interpolate_to_common_time(late, np.zeros(2, np.int64))
    np.testing.assert_allclose(common.xy[1:, 1], common.xy[1:, 0], atol=1e-9)
    np.testing.assert_array_equal(common.view_time_ns, np.stack([time_ns, time_ns], 1))


def test_an_offset_is_added_to_the_views_own_times(time_ns):
    observations = moving(np.stack([time_ns, time_ns], 1), time_ns, [90.0, 0.0])
    common = interpolate_to_common_time(observations, np.array([0, 20_000_000]))
    shift = common.xy[5, 1, 0, 0] - common.xy[5, 0, 0, 0]
    assert shift == pytest.approx(
        -90.0 * 0.02, abs=1e-9
    )  # a later clock saw the joint earlier on its way


def test_nothing_changes_where_the_times_agree(time_ns):
    observations = moving(np.stack([time_ns, time_ns], 1), time_ns, [90.0, 0.0])
    np.testing.assert_array_equal(
        interpolate_to_common_time(observations, np.zeros(2, np.int64)).xy, observations.xy
    )


def test_a_short_gap_is_bridged_and_a_long_one_is_not(time_ns):
    observations = moving(np.stack([time_ns], 1), time_ns, [90.0, 0.0])
    xy, confidence = observations.xy.copy(), observations.confidence.copy()
    for gap in (slice(5, 6), slice(15, 21)):
        xy[gap], confidence[gap] = np.nan, 0
    common = interpolate_to_common_time(
        replace(observations, xy=xy, confidence=confidence), np.zeros(1, np.int64)
    )
    np.testing.assert_allclose(common.xy[5], observations.xy[5], atol=1e-9)
    assert np.isnan(common.xy[16:20]).all()
    assert (common.confidence[16:20] == 0).all()


@pytest.mark.parametrize("fps", [4, 8, 12])
def test_a_view_of_few_images_a_second_is_interpolated_too(fps):
    time_ns = (np.arange(30) * (1e9 / fps)).astype(np.int64)
    observations = moving(np.stack([time_ns], 1), time_ns, [90.0, 0.0])
    common = interpolate_to_common_time(observations, np.array([5_000_000]))
    expected = observations.xy[1:-1, 0, 0, 0] - 90.0 * 0.005
    np.testing.assert_allclose(common.xy[1:-1, 0, 0, 0], expected, atol=1e-6)


def test_one_gross_error_does_not_spoil_the_velocity(time_ns):
    observations = moving(np.stack([time_ns], 1), time_ns, [90.0, -40.0])
    xy = observations.xy.copy()
    xy[12] += 300
    velocity = estimate_velocity_px_s(replace(observations, xy=xy))
    away = np.abs(velocity[1:-1, 0, 0] - [90.0, -40.0]).max(-1)
    assert away.max() < 20  # px/s


def test_confidence_is_the_lesser_of_the_neighbours(time_ns):
    observations = moving(np.stack([time_ns + 10_000_000], 1), time_ns, [1.0, 0.0])
    confidence = observations.confidence.copy()
    confidence[10] = 0.3
    common = interpolate_to_common_time(
        replace(observations, confidence=confidence), np.zeros(1, np.int64)
    )
    np.testing.assert_allclose(common.confidence[9:12, 0, 0], [1.0, 0.3, 0.3])


def test_a_joint_unseen_in_one_neighbour_is_not_made_up(time_ns):
    observations = moving(np.stack([time_ns + 10_000_000], 1), time_ns, [1.0, 0.0])
    two = Skeleton("two", ("nose", "chin"), ())
    xy = np.repeat(observations.xy, 2, 2)
    xy[10, 0, 1] = np.nan
    confidence = np.where(np.isfinite(xy).all(-1), 1.0, 0.0)
    common = interpolate_to_common_time(
        replace(observations, skeleton=two, xy=xy, confidence=confidence), np.zeros(1, np.int64)
    )
    assert np.isnan(common.xy[10:12, 0, 1]).all()
    assert np.isfinite(common.xy[9:13, 0, 0]).all()


def test_a_view_that_saw_nobody_stays_empty(time_ns):
    observations = moving(np.stack([time_ns, time_ns], 1), time_ns, [1.0, 0.0])
    xy = observations.xy.copy()
    xy[:, 1] = np.nan
    common = interpolate_to_common_time(replace(observations, xy=xy), np.array([0, 5]))
    assert np.isnan(common.xy[:, 1]).all()
    assert np.isfinite(common.xy[:, 0]).all()


def test_velocity_is_that_of_a_steady_motion(time_ns):
    observations = moving(np.stack([time_ns], 1), time_ns, [90.0, -40.0])
    velocity = estimate_velocity_px_s(observations)
    np.testing.assert_allclose(velocity[1:-1, 0, 0], np.tile([90.0, -40.0], (28, 1)), atol=1e-6)
    assert (velocity[[0, -1]] == 0).all()


def test_velocity_falls_back_to_near_neighbours_and_then_to_nothing(time_ns):
    observations = moving(np.stack([time_ns], 1), time_ns, [90.0, 0.0])
    xy = observations.xy.copy()
    xy[10] = np.nan
    velocity = estimate_velocity_px_s(replace(observations, xy=xy))[:, 0, 0, 0]
    assert velocity[8] == pytest.approx(90, abs=1e-6)
    assert velocity[9] == 0 or velocity[9] == pytest.approx(90, abs=1e-6)
    assert velocity[12] == pytest.approx(90, abs=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_velocity_of_very_short_takes_is_no_error(count):
    time_ns = np.arange(count, dtype=np.int64) * FRAME_NS
    velocity = estimate_velocity_px_s(moving(np.stack([time_ns], 1), time_ns, [90.0, 0.0]))
    assert np.isfinite(velocity).all()
