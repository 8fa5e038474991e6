from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.evidence.clocks import Clocks, correct_rates, map_to_rig_times
from calibration.evidence.observations import Observations
from calibration.evidence.timing import interpolate_to_common_time
from calibration.skeleton import Skeleton

DOT = Skeleton("dot", ("nose",), ())
TODAY_NS = 1_790_000_000_000_000_000


def look(view_time_ns, position_px, time_ns):
    """See one joint at a position along x in one view."""
    xy = np.stack([position_px, np.full(len(time_ns), 50.0)], -1)[:, None, None]
    return Observations(
        DOT, ("a",), ((640, 480),), time_ns, xy, np.ones((len(time_ns), 1, 1)), view_time_ns
    )


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=20), st.integers(-(10**10), 10**10))
def test_a_clock_of_the_right_rate_is_only_shifted_to_the_nanosecond(own, offset):
    own_ns = TODAY_NS + np.array(own, np.int64)[:, None]
    mapped = map_to_rig_times(own_ns, Clocks(np.array([offset]), np.ones(1)), TODAY_NS)
    np.testing.assert_array_equal(mapped, own_ns + offset)


@given(st.integers(0, 10**11), st.floats(0.5, 2.0))
def test_a_rate_stretches_what_has_passed_since_the_first_frameset(passed, rate):
    own_ns = np.array([[TODAY_NS + passed]])
    clocks = Clocks(np.array([7_000_000_000]), np.array([rate]))
    mapped = int(map_to_rig_times(own_ns, clocks, TODAY_NS)[0, 0]) - TODAY_NS
    assert mapped == pytest.approx(7e9 + rate * passed, abs=2 + 1e-6 * passed * 1e-6)


def test_right_clocks_change_nothing():
    time_ns = np.arange(5) * 100_000_000
    observations = look(time_ns[:, None], np.arange(5.0), time_ns)
    assert correct_rates(observations, None) is observations
    assert correct_rates(observations, np.ones(1)) is observations
    assert Clocks.right(3).are_right
    assert not replace(Clocks.right(2), rate=np.array([1.0, 1.03])).are_right


def test_joints_of_a_fast_clock_are_interpolated_to_the_rigs_time():
    time_ns = np.arange(60) * 100_000_000
    fast_ns = np.rint(time_ns / 0.97).astype(np.int64)  # what the fast clock says
    observations = look(fast_ns[:, None], 90e-9 * time_ns, time_ns)
    common = interpolate_to_common_time(observations, np.zeros(1, np.int64), np.array([0.97]))
    np.testing.assert_allclose(common.xy[:, 0, 0, 0], 90e-9 * time_ns, atol=1e-6)


def test_an_offset_is_added_after_the_rate():
    time_ns = np.arange(60) * 100_000_000
    own_ns = np.rint((time_ns - 300_000_000) / 1.04).astype(np.int64)
    observations = look(own_ns[:, None], 90e-9 * time_ns, time_ns)
    common = interpolate_to_common_time(observations, np.array([300_000_000]), np.array([1.04]))
    np.testing.assert_allclose(common.xy[:, 0, 0, 0], 90e-9 * time_ns, atol=1e-6)
