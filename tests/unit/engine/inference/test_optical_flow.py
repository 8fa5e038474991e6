import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from calibration.skeleton import load_skeleton
from engine.frames import Frame, FrameSet
from engine.inference.optical_flow import MAX_INTERVAL, FlowInterpolatedEstimator
from engine.poses import Pose2D, PoseSet2D

SKELETON = load_skeleton("coco_17")
SPEED = np.array([3.0, 1.0])  # px per frameset
PERIOD_NS = 33_333_333
BACKGROUND = cv2.GaussianBlur(
    np.random.default_rng(5).integers(0, 255, (480, 640, 3), dtype=np.uint8), (0, 0), 3
)
START = np.random.default_rng(6).uniform((100, 100), (500, 380), (17, 2))


class Clock:
    """A clock that advances only with work."""

    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


class Slow:
    """An estimator that knows the truth and takes `cost_s`: the whole image moves at `SPEED`."""

    skeleton, model_hash, name = SKELETON, "hash", "slow"

    def __init__(self, clock, cost_s):
        self.clock, self.cost_s, self.asked, self.closed = clock, cost_s, [], 0

    def __call__(self, frames):
        self.clock.now_s += self.cost_s
        self.asked.append(frames.index)
        pose = Pose2D(0, truth(frames.index), np.ones(17))
        views = tuple(() if frame is None else (pose,) for frame in frames.frames)
        return PoseSet2D(
            frames.index,
            frames.timestamp_ns,
            views,
            tuple(f and f.timestamp_ns for f in frames.frames),
        )

    def reset(self):
        self.asked.clear()

    def close(self):
        self.closed += 1


def truth(index):
    return START + SPEED * index


def frameset(index, views=1):
    moved = cv2.warpAffine(
        BACKGROUND, np.float64([[1, 0, SPEED[0] * index], [0, 1, SPEED[1] * index]]), (640, 480)
    )
    time_ns = index * PERIOD_NS
    return FrameSet(
        index, time_ns, tuple(Frame(f"cam_{v}", index, time_ns, moved) for v in range(views))
    )


def paced(cost_s):
    clock = Clock()
    slow = Slow(clock, cost_s)
    return FlowInterpolatedEstimator(slow, clock), slow


def test_with_enough_cpu_every_frameset_gets_its_own_pose():
    estimate, slow = paced(0.02)
    for index in range(6):
        estimate(frameset(index))
    assert estimate.interval == 1
    assert slow.asked == list(range(6))
    assert estimate.pose_hz == pytest.approx(30, rel=0.01)


def test_when_pose_takes_three_periods_every_fourth_frameset_gets_one_and_the_rate_says_so():
    estimate, slow = paced(0.1)
    for index in range(80):  # longer than the window of the rate
        poses = estimate(frameset(index))
        assert len(poses.poses_by_view[0]) == 1
        assert poses.index == index
    assert estimate.interval == 4
    assert set(np.diff(slow.asked[1:])) == {4}
    assert estimate.pose_hz == pytest.approx(30 / 4, rel=0.02)


def test_joints_between_follow_the_image_with_less_confidence():
    estimate, _ = paced(0.1)
    for index in range(14):
        (pose,) = estimate(frameset(index)).poses_by_view[0]
        assert np.median(np.linalg.norm(pose.xy - truth(index), axis=1)) < 0.5
    estimate_now = estimate(frameset(14)).poses_by_view[0][0]
    assert (estimate_now.confidence < 1).all()


def test_joints_whose_flow_is_lost_go_on_at_constant_velocity_with_less_confidence_still():
    estimate, slow = paced(0.1)
    for index in range(10):
        estimate(frameset(index))
    black = frameset(10).frames[0]
    frames = replace(frameset(10), frames=(replace(black, payload=np.zeros_like(black.image_bgr)),))
    (pose,) = estimate(frames).poses_by_view[0]
    assert 10 not in slow.asked
    np.testing.assert_allclose(pose.xy, truth(10), atol=1.0)
    assert (pose.confidence < 0.8).all()


def test_framesets_that_were_dropped_count_as_time():
    estimate, slow = paced(0.1)
    for index in range(0, 60, 2):
        estimate(frameset(index))
    assert estimate.interval == 4
    assert set(np.diff(slow.asked[1:])) == {4}


def test_k_has_a_limit():
    estimate, _ = paced(9.0)
    for index in range(3):
        estimate(frameset(index))
    assert estimate.interval == MAX_INTERVAL


def test_a_missing_image_between_gives_no_pose_and_the_view_goes_on():
    estimate, _ = paced(0.1)
    for index in range(6):
        estimate(frameset(index, views=2))
    gap = frameset(6, views=2)
    poses = estimate(replace(gap, frames=(None, gap.frames[1])))
    assert [len(view) for view in poses.poses_by_view] == [0, 1]
    (pose,) = estimate(frameset(7, views=2)).poses_by_view[0]
    assert np.median(np.linalg.norm(pose.xy - truth(7), axis=1)) < 1.0


def test_reset_and_close_reach_the_estimator():
    estimate, slow = paced(0.1)
    for index in range(5):
        estimate(frameset(index))
    estimate.reset()
    assert (estimate.interval, slow.asked) == (1, [])
    assert math.isnan(estimate.pose_hz)
    estimate.close()
    assert slow.closed == 1
