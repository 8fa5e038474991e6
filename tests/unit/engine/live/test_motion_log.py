import pickle
from dataclasses import replace

import numpy as np
import pytest

from engine.live.motion_log import MotionLog
from engine.offline.recording import PoseRecording
from tests.support.pose_sets import PERIOD_NS, make_pose_sets_2d
from tests.support.scenes import load_walker_skeleton

VIEWS = ("a", "b", "c")
SIZES = ((640, 480),) * 3


def a_log(**options) -> MotionLog:
    return MotionLog(load_walker_skeleton(), VIEWS, SIZES, **options)


def slowly(count: int):
    """Make framesets 0.1 s apart."""
    return [
        replace(
            poses,
            timestamp_ns=3 * poses.timestamp_ns,
            view_time_ns=tuple(3 * t if t else t for t in times),
        )
        for poses, times in ((poses, poses.view_time_ns) for poses in make_pose_sets_2d(count))
    ]


def test_what_is_kept_is_what_a_whole_take_would_be_calibrated_from():
    sets, log = slowly(30), a_log()
    assert all(log.put(poses) for poses in sets)
    kept, whole = (
        log.candidates(),
        PoseRecording(tuple(sets), load_walker_skeleton(), VIEWS, SIZES).candidates,
    )
    assert np.array_equal(kept.time_ns, whole.time_ns)
    assert np.array_equal(kept.view_time_ns, whole.view_time_ns)
    assert np.array_equal(kept.track_id, whole.track_id)
    assert np.allclose(kept.xy, whole.xy, atol=1e-3, equal_nan=True)
    assert np.allclose(kept.confidence, whole.confidence, atol=1e-6)


def test_poses_that_follow_too_closely_are_left_out():
    log = a_log()
    kept = [log.put(poses) for poses in make_pose_sets_2d(30)]
    assert kept == [t % 2 == 0 for t in range(30)]
    assert np.diff(log.candidates().time_ns).min() >= 2 * PERIOD_NS


def test_the_newest_are_kept_and_no_memory_is_added():
    log, sets = a_log(capacity=8), slowly(30)
    for poses in sets:
        log.put(poses)
    assert len(log) == 8
    assert list(log.candidates().time_ns) == [poses.timestamp_ns for poses in sets[-8:]]


def test_only_the_last_seconds_can_be_asked_for():
    log = a_log()
    for poses in slowly(30):
        log.put(poses)
    assert len(log.candidates(newest_s=1.05).time_ns) == 11


def test_a_clock_that_begins_anew_begins_a_new_log():
    log, sets = a_log(), slowly(30)
    for poses in (*sets, *sets[:3]):
        log.put(poses)
    assert len(log) == 3


def test_what_is_handed_out_does_not_change_afterwards():
    log, sets = a_log(), slowly(4)
    for poses in sets[:2]:
        log.put(poses)
    kept = log.candidates()
    before = kept.xy.copy()
    log.clear()
    log.put(sets[3])
    assert np.array_equal(kept.xy, before, equal_nan=True)


def test_of_three_people_the_two_surest_are_kept():
    log, poses = a_log(), slowly(1)[0]
    one = next(people[0] for people in poses.poses_by_view if people)
    three = tuple(
        replace(one, track_id=number, score=score)
        for number, score in ((5, 0.2), (6, 0.9), (7, 0.8))
    )
    log.put(replace(poses, poses_by_view=(three, (), ())))
    assert set(log.candidates().track_id[0, 0]) == {6, 7}


def test_ninety_seconds_of_four_views_are_a_small_parcel():
    log = MotionLog(load_walker_skeleton(), (*VIEWS, "d"), (*SIZES, (640, 480)))
    poses = slowly(1)[0]
    one = next(people[:1] for people in poses.poses_by_view if people)
    for t in range(900):
        log.put(
            replace(
                poses,
                timestamp_ns=t * 100_000_000,
                poses_by_view=(one,) * 4,
                view_time_ns=(None,) * 4,
            )
        )
    candidates = log.candidates()
    hints = pickle.dumps(candidates.own_xyz)
    assert len(pickle.dumps(candidates)) - len(hints) == pytest.approx(1.5e6, rel=0.05)
    assert len(hints) < 0.8e6


def test_a_model_that_guesses_no_depth_leaves_none():
    log, poses = a_log(), slowly(1)[0]
    people = tuple(
        tuple(replace(pose, own_xyz=None) for pose in view) for view in poses.poses_by_view
    )
    log.put(replace(poses, poses_by_view=people))
    assert log.candidates().own_xyz is None
