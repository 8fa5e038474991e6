from dataclasses import replace

import numpy as np
import pytest

from calibration.evidence.clocks import Clocks, map_to_rig_times
from calibration.solve.track_pairs import gather_tracks, measure_share, refine_clock
from calibration.synthetic.synthetic import NETWORK_NOISE, NO_NOISE, RigPlan
from tests.support.calibrations import make_scene


def set_clock(observations, v, offset_s, rate):
    """Let a view's clock be wrong so that ``rig = offset + rate * own``."""
    inverse = Clocks(np.array([round(-offset_s / rate * 1e9)]), np.array([1 / rate]))
    times = observations.view_time_ns.copy()
    times[:, [v]] = map_to_rig_times(times[:, [v]], inverse, int(observations.time_ns[0]))
    return replace(observations, view_time_ns=times)


@pytest.fixture(scope="module")
def exact():
    return make_scene(RigPlan(cameras=2, k1=(0, 0)), "room", NO_NOISE, seed=3, fps=15)


@pytest.fixture(scope="module")
def noisy():
    return make_scene(RigPlan(cameras=2), "room", NETWORK_NOISE, seed=3, fps=15)


def test_a_clock_is_found_exactly_without_noise(exact):
    one, two = gather_tracks(set_clock(exact.seen.observations, 1, 0.12, 1.02))
    clock = refine_clock(one, two, 0.0, 1.0)
    assert clock.offset_s == pytest.approx(0.12, abs=5e-3)
    assert clock.rate == pytest.approx(1.02, abs=5e-4)
    assert clock.share > 0.99


@pytest.mark.parametrize("rate", [0.97, 1.0, 1.03])
def test_a_rate_is_found_within_three_thousandths_despite_a_networks_noise(noisy, rate):
    one, two = gather_tracks(set_clock(noisy.seen.observations, 1, -0.05, rate))
    clock = refine_clock(one, two, 0.0, 1.0)
    assert clock.rate == pytest.approx(rate, abs=3e-3)
    assert clock.share > 0.8


def test_the_share_falls_where_the_times_are_wrong(noisy):
    one, two = gather_tracks(noisy.seen.observations)
    assert measure_share(one, two) > 0.8
    assert measure_share(one, two.retime(1.0, 1.0)) < 0.6


def test_tracks_that_never_meet_share_nothing(noisy):
    one, two = gather_tracks(noisy.seen.observations)
    assert measure_share(one, two.retime(100.0, 1.0)) == 0
    assert refine_clock(one, two, 100.0, 1.0) is None
    assert measure_share(one, two.cut(5.0, 5.0)) == 0
