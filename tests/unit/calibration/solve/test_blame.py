from dataclasses import replace

import numpy as np
import pytest

from calibration.geometry.transforms import rigid_transform, rotation_from_rotvec
from calibration.rig import Rig
from calibration.solve import clock_search
from calibration.solve.blame import FAST, FROZEN, LATE, MIRRORED, MOVED, OTHER_PERSON, diagnose
from calibration.solve.track_pairs import gather_tracks
from calibration.synthetic.synthetic import (
    NETWORK_NOISE,
    RigPlan,
    find_room_middle,
    list_frameset_times,
    make_rig,
    observe,
)
from calibration.synthetic.walker import Walker, step_in_place, walk_line, walk_room

SEED, BAD, SECONDS = 5, 1, 20
RIG = make_rig(RigPlan(cameras=3), SEED)
WALKER = Walker(middle_m=find_room_middle(RIG), phase_rad=1.0)


def look(rig=RIG, motion=walk_room, offset_s=0.0, rate=1.0, seed=SEED):
    """See the walker with all clocks ``offset + rate * own``."""
    times = list_frameset_times(SECONDS, 10)
    return observe(
        rig, lambda own: motion(WALKER, offset_s + rate * own), times, NETWORK_NOISE, seed=seed
    ).observations


@pytest.fixture(scope="module")
def good():
    return look()


def put(good, other, rows=slice(None)):
    """Let one view see what it saw in another take."""
    xy, confidence = good.xy.copy(), good.confidence.copy()
    xy[rows, BAD], confidence[rows, BAD] = other.xy[rows, BAD], other.confidence[rows, BAD]
    return replace(good, xy=xy, confidence=confidence)


def turn_bad_camera(degrees):
    """Turn one camera of the rig about an oblique axis."""
    axis = np.array([1.0, 2.0, 0.5]) / np.linalg.norm([1.0, 2.0, 0.5])
    turn = rigid_transform(rotation_from_rotvec(np.radians(degrees) * axis), np.zeros(3))
    cameras = list(RIG.cameras)
    moved = turn @ cameras[BAD].cam_from_world
    cameras[BAD] = replace(cameras[BAD], cam_from_world=moved)
    return Rig(tuple(cameras), RIG.time_offset_ns)


def find_only_blame(observations):
    """Diagnose, and expect one blame, of the bad view."""
    diagnosis = diagnose(observations)
    assert [blame.view for blame in diagnosis.blames] == [f"cam_{BAD}"]
    return diagnosis.blames[0], diagnosis


def test_views_that_agree_are_not_blamed(good):
    diagnosis = diagnose(good)
    assert diagnosis.blames == ()
    assert diagnosis.clocks.are_right


@pytest.mark.parametrize("rate", [0.97, 1.03])
def test_a_clock_three_percent_off_is_named_and_corrected(good, rate):
    blame, diagnosis = find_only_blame(put(good, look(rate=rate)))
    assert blame.cause == FAST
    assert ("slow" in blame.sentence) == (rate > 1)
    assert diagnosis.only_clocks
    assert diagnosis.clocks.rate[BAD] == pytest.approx(rate, abs=3e-3)
    assert diagnosis.clocks.rate[[0, 2]].tolist() == [1, 1]


@pytest.mark.parametrize("offset_s", [7.0, -8.0])
def test_a_view_that_started_late_is_named_and_corrected(good, offset_s):
    blame, diagnosis = find_only_blame(put(good, look(offset_s=offset_s)))
    assert blame.cause == LATE
    assert f"{abs(offset_s):.1f} s {'after' if offset_s > 0 else 'before'}" in blame.sentence
    assert diagnosis.clocks.offset_ns[BAD] * 1e-9 == pytest.approx(offset_s, abs=0.05)
    assert (diagnosis.clocks.rate == 1).all()


def test_a_mirrored_view_is_named(good):
    blame, diagnosis = find_only_blame(good.flip_views((BAD,)))
    assert blame.cause == MIRRORED
    assert not diagnosis.only_clocks


def test_a_frozen_view_is_named_with_its_times(good):
    xy = good.xy.copy()
    xy[60:150, BAD] = xy[60, BAD]
    blame, _ = find_only_blame(replace(good, xy=xy))
    assert blame.cause == FROZEN
    assert (blame.figures["from_s"], blame.figures["to_s"]) == pytest.approx((6.0, 14.9))


def test_a_camera_that_moved_is_named_with_the_time(good):
    moved = put(good, look(turn_bad_camera(3)), slice(100, None))
    blame, _ = find_only_blame(moved)
    assert blame.cause == MOVED
    assert blame.figures["at_s"] == pytest.approx(10, abs=1.5)


def test_a_view_of_another_person_for_some_time_is_named_with_the_time(good, monkeypatch):
    monkeypatch.setattr(clock_search, "SEARCH_RATES", (1.0,))
    other = look(motion=walk_line, offset_s=3.0, rate=0.93)
    blame, _ = find_only_blame(put(good, other, slice(60, 140)))
    assert blame.cause == OTHER_PERSON
    assert blame.figures["from_s"] == pytest.approx(6, abs=2.1)
    assert blame.figures["to_s"] == pytest.approx(14, abs=2.1)


def test_the_first_view_keeps_the_offset_zero(good):
    order = [1, 0, 2]
    late = put(good, look(offset_s=7.0))
    names = tuple(late.view_names[v] for v in order)
    first = replace(
        late, view_names=names, xy=late.xy[:, order], confidence=late.confidence[:, order]
    )
    offsets = diagnose(first).clocks.offset_ns * 1e-9
    assert offsets == pytest.approx([0, -7, -7], abs=0.05)


def test_of_two_views_both_are_named_where_neither_can_be_preferred(good):
    both = replace(
        good,
        view_names=good.view_names[:2],
        sizes_wh=good.sizes_wh[:2],
        xy=good.xy[:, :2],
        confidence=good.confidence[:, :2],
        view_time_ns=good.view_time_ns[:, :2],
    )
    assert diagnose(both).blames == ()
    (blame,) = diagnose(both.flip_views((BAD,))).blames
    assert blame.cause == MIRRORED
    assert "'cam_0' or 'cam_1'" in blame.sentence


def test_a_motion_that_repeats_itself_says_nothing_of_a_clock(monkeypatch):
    monkeypatch.setattr(clock_search, "SEARCH_RATES", (1.0,))
    still = look(motion=step_in_place)
    one, two, _ = gather_tracks(put(still, look(motion=step_in_place, offset_s=2.9)))
    clock, _ = clock_search.search_clock([one], two.cut(0, 10), 0.75)
    assert clock is None or clock.offset_s == pytest.approx(2.9, abs=0.1)
