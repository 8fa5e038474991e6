from dataclasses import replace

import numpy as np
import pytest

from calibration.synthetic.synthetic import NETWORK_NOISE, RigPlan
from engine.live.motion_accumulator import MotionAccumulator
from engine.poses import PoseSet2D
from tests.support.calibrations import make_scene
from tests.support.pose_recordings import make_pose_sets


def watched(motion: str = "room", *, cameras: int = 3, seconds: float = 12, noise=NETWORK_NOISE):
    """Watch a walker; return what was seen and how many framesets were of use."""
    taken = make_scene(RigPlan(cameras), motion, noise, seed=1, seconds=seconds)
    observations = taken.seen.observations
    seen = MotionAccumulator(observations.skeleton, observations.view_names, observations.sizes_wh)
    useful = [seen.put(poses) for poses in make_pose_sets(observations)]
    return seen, np.array(useful)


def test_a_walk_counts_from_its_first_steps_to_its_end():
    seen, useful = watched()
    assert useful[5:].mean() > 0.95
    assert seen.seconds == pytest.approx(11.5, abs=0.6)
    assert seen.summarize().is_moving


def test_standing_still_counts_for_nothing_although_the_network_trembles():
    seen, useful = watched("stand")
    assert useful.mean() < 0.1
    assert not seen.summarize().is_moving
    assert seen.summarize().visible.all()


def test_walking_fills_places_sides_and_depth_and_standing_does_not():
    walked, stood = watched()[0].summarize(), watched("stand")[0].summarize()
    assert walked.places.min() > 6
    assert walked.depth.min() > 1.4
    assert walked.sides.max() == 3
    assert stood.places.max() <= 2
    assert (walked.coverage > 0.5).mean() > 1.5 * (stood.coverage > 0.5).mean()


def test_two_views_share_the_time_in_which_both_see_the_person():
    taken = make_scene(RigPlan(3), "room", NETWORK_NOISE, seed=1, seconds=8).seen.observations
    confidence = taken.confidence.copy()
    confidence[40:, 2] = 0  # the third camera loses the person half way
    seen = MotionAccumulator(taken.skeleton, taken.view_names, taken.sizes_wh)
    for poses in make_pose_sets(replace(taken, confidence=confidence)):
        seen.put(poses)
    together = seen.summarize().shared_s
    assert np.allclose(together, together.T)
    assert together[0, 1] == pytest.approx(7.5, abs=0.6)
    assert together[0, 2] == pytest.approx(3.5, abs=0.6)
    assert list(seen.summarize().visible) == [True, True, False]


def test_a_person_whose_feet_are_cut_off_is_here_without_feet():
    taken = make_scene(RigPlan(2), "room", NETWORK_NOISE, seed=1, seconds=4).seen.observations
    confidence = taken.confidence.copy()
    confidence[
        :, 1, taken.skeleton.indices(["left_ankle", "right_ankle", "left_knee", "right_knee"])
    ] = 0
    confidence[
        :,
        1,
        taken.skeleton.indices(["left_heel", "right_heel", "left_foot_index", "right_foot_index"]),
    ] = 0
    seen = MotionAccumulator(taken.skeleton, taken.view_names, taken.sizes_wh)
    for poses in make_pose_sets(replace(taken, confidence=confidence)):
        seen.put(poses)
    assert seen.summarize().visible.all()
    assert list(seen.summarize().feet_visible) == [True, False]


def test_a_second_person_is_noticed_where_they_are():
    one = make_scene(RigPlan(2), "room", NETWORK_NOISE, seed=1, seconds=4).seen.observations
    other = make_scene(RigPlan(2), "stand", NETWORK_NOISE, seed=1, seconds=4).seen.observations
    confidence = other.confidence.copy()
    confidence[:, 0] = 0
    seen = MotionAccumulator(one.skeleton, one.view_names, one.sizes_wh)
    for poses in make_pose_sets(one, replace(other, confidence=confidence)):
        seen.put(poses)
    assert list(seen.summarize().crowded) == [False, True]


def test_time_without_poses_is_no_time_of_motion():
    taken = make_scene(RigPlan(2), "room", NETWORK_NOISE, seed=1, seconds=4).seen.observations
    seen = MotionAccumulator(taken.skeleton, taken.view_names, taken.sizes_wh)
    sets = make_pose_sets(taken)
    for poses in (
        *sets[:20],
        *(replace(poses, timestamp_ns=poses.timestamp_ns + 60_000_000_000) for poses in sets),
    ):
        seen.put(poses)
    assert seen.seconds < 6.5


def test_times_that_step_back_are_no_motion_and_no_error():
    taken = make_scene(RigPlan(2), "stand", NETWORK_NOISE, seed=1, seconds=4).seen.observations
    seen = MotionAccumulator(taken.skeleton, taken.view_names, taken.sizes_wh)
    for poses in (*make_pose_sets(taken), *make_pose_sets(taken)):
        seen.put(poses)
    assert seen.seconds < 0.5


def test_what_was_seen_can_be_forgotten():
    seen, _ = watched(seconds=4)
    seen.clear()
    motion = seen.summarize()
    assert motion.seconds == 0
    assert not motion.visible.any()
    assert motion.coverage.sum() == 0


def test_nobody_at_all_is_no_error():
    seen, _ = watched(seconds=1)
    seen.clear()
    for t in range(5):
        assert not seen.put(PoseSet2D(t, t * 100_000_000, ((), (), ()), (None, None, None)))
    assert (seen.summarize().depth == 1).all()


def test_the_memory_does_not_grow_with_time():
    seen, _ = watched(seconds=4)
    sizes = {name: np.size(value) for name, value in vars(seen).items()}
    again, _ = watched(seconds=8)
    assert sizes == {name: np.size(value) for name, value in vars(again).items()}
