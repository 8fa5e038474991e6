from dataclasses import replace

import numpy as np
import pytest

from calibration.evidence.noise import estimate_sigma_px
from calibration.evidence.swaps import find_swaps_by_motion, find_swaps_by_rig
from calibration.synthetic.synthetic import NETWORK_NOISE, NO_NOISE, NoiseConfig, RigPlan
from tests.support.calibrations import make_scene

HONEST = replace(NETWORK_NOISE, swapped=0.0)
SHARP = NoiseConfig(jitter_of_torso=0.01, missed=0.05, swapped=0.03, gross=0.01)


def swap(take, bursts):
    """Exchange left and right in stretches: (view, first frameset, last)."""
    swapped = np.zeros(take.seen.observations.view_time_ns.shape, bool)
    for view, first, last in bursts:
        swapped[first:last, view] = True
    return take.seen.observations.swap_sides(swapped), swapped


def repaired_share(found, swapped):
    return (found & swapped).sum() / swapped.sum()


@pytest.fixture(scope="module")
def four():
    return make_scene(RigPlan(cameras=4), "room", HONEST, seed=4, seconds=12, fps=15)


@pytest.fixture(scope="module")
def two():
    return make_scene(RigPlan(cameras=2, arc_deg=90), "room", HONEST, seed=4, seconds=12, fps=15)


@pytest.mark.parametrize("cameras", [2, 4])
def test_no_swap_is_invented_where_there_is_none(cameras):
    take = make_scene(RigPlan(cameras=cameras), "room", NO_NOISE, seed=5, seconds=8, fps=15)
    sigma = estimate_sigma_px(take.seen.observations, 0.5)
    assert not find_swaps_by_rig(take.seen.observations, sigma, take.rig).any()
    assert (
        find_swaps_by_motion(take.seen.observations, sigma).mean() < 0.06
    )  # seen from the side, motion alone may err


def test_hardly_a_swap_is_invented_in_what_a_network_sees(four):
    sigma = estimate_sigma_px(four.seen.observations, 0.5)
    assert find_swaps_by_rig(four.seen.observations, sigma, four.rig).mean() < 0.01


def test_bursts_of_swaps_are_found_from_all_views(four):
    observations, swapped = swap(four, [(1, 20, 60), (2, 100, 103), (3, 50, 70), (3, 150, 180)])
    found = find_swaps_by_rig(observations, estimate_sigma_px(observations, 0.5), four.rig)
    assert repaired_share(found, swapped) >= 0.95
    assert (found & ~swapped).mean() < 0.01


def test_a_view_that_is_swapped_throughout_is_found_from_all_views(four):
    observations, swapped = swap(four, [(1, 0, 180)])
    found = find_swaps_by_rig(observations, estimate_sigma_px(observations, 0.5), four.rig)
    assert repaired_share(found, swapped) >= 0.95


def test_two_views_tell_by_their_motion_which_is_swapped(two):
    observations, swapped = swap(two, [(1, 30, 50), (0, 100, 110)])
    found = find_swaps_by_rig(observations, estimate_sigma_px(observations, 0.5), two.rig)
    assert repaired_share(found, swapped) >= 0.95
    assert (found & ~swapped).mean() < 0.02


@pytest.mark.parametrize("view", [0, 1])
def test_two_views_never_change_sides_for_most_of_a_recording(two, view):
    """Exchanged throughout, one of two views fits about as well: the network is believed."""
    observations, _ = swap(two, [(view, 0, len(two.seen.observations.time_ns))])
    found = find_swaps_by_rig(observations, estimate_sigma_px(observations, 0.5), two.rig)
    assert (found.mean(0) <= 0.5).all()


def test_motion_alone_finds_most_of_a_short_burst(four):
    observations, swapped = swap(four, [(1, 40, 60)])
    found = find_swaps_by_motion(observations, estimate_sigma_px(observations, 0.5))
    assert repaired_share(found, swapped) >= 0.9


def test_the_more_frequent_state_of_a_view_counts_as_right(four):
    observations, _ = swap(four, [(1, 60, 180), (2, 0, 180)])
    found = find_swaps_by_motion(observations, estimate_sigma_px(observations, 0.5))
    assert found.mean(0).max() <= 0.5
    assert not found[:, 2].all()


@pytest.mark.parametrize("seed", [1, 4])
def test_a_body_seen_from_the_side_is_no_reason_to_change_sides(seed):
    take = make_scene(RigPlan(cameras=4, offset_ms=15), "room", SHARP, seed=seed, seconds=16)
    found = find_swaps_by_motion(
        take.seen.observations, estimate_sigma_px(take.seen.observations, 0.5)
    )
    assert (found != take.seen.swapped).mean(
        0
    ).max() < 0.15  # of a view's images; 0.08 are swapped at most


def test_eight_views_are_repaired_too():
    take = make_scene(RigPlan(cameras=8), "room", HONEST, seed=6, seconds=4, fps=10)
    observations, swapped = swap(take, [(0, 10, 25), (5, 20, 40)])
    found = find_swaps_by_rig(observations, estimate_sigma_px(observations, 0.5), take.rig)
    assert repaired_share(found, swapped) >= 0.95
    assert (found & ~swapped).mean() < 0.01


def test_a_view_without_a_person_has_no_swaps(four):
    observations = four.seen.observations
    xy, confidence = observations.xy.copy(), observations.confidence.copy()
    xy[:, 2], confidence[:, 2] = np.nan, 0
    alone = replace(observations, xy=xy, confidence=confidence)
    assert not find_swaps_by_rig(alone, estimate_sigma_px(alone, 0.5), four.rig)[:, 2].any()
