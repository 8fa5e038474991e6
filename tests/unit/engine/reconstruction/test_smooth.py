from dataclasses import replace

import numpy as np
import pytest

from engine.poses import Pose3D, PoseSet3D, all_measured
from engine.reconstruction.smooth import Smooth, SmoothConfig

PERIOD_NS = 33_333_333


def instant(index, xyz):
    joints = len(xyz)
    person = Pose3D(
        0,
        np.asarray(xyz, float),
        np.ones(joints),
        np.zeros((joints, 3, 3)),
        np.full(joints, 4),
        all_measured(joints),
    )
    return PoseSet3D(index, index * PERIOD_NS, (person,))


def smoothed(track):
    smooth = Smooth()
    return np.array([smooth(instant(i, xyz)).people[0].xyz for i, xyz in enumerate(track)])


def test_a_joint_at_rest_trembles_less_than_half_as_much():
    track = np.random.default_rng(0).normal(0, 0.01, (300, 1, 3))
    assert smoothed(track)[50:].std() < 0.5 * track[50:].std()


def test_a_walking_joint_lags_less_than_four_centimetres():
    time_s = np.arange(120) * PERIOD_NS * 1e-9
    track = np.zeros((120, 1, 3))
    track[:, 0, 0] = 1.3 * time_s
    assert np.abs(smoothed(track) - track)[30:].max() < 0.04


def test_a_missing_joint_stays_missing_and_does_not_disturb_the_others():
    track = np.zeros((10, 2, 3))
    track[4:6, 1] = np.nan
    result = smoothed(track)
    assert np.isnan(result[4:6, 1]).all()
    assert np.isfinite(result[:, 0]).all()
    assert np.isfinite(result[6:, 1]).all()


def test_a_joint_that_was_gone_for_long_starts_anew():
    smooth = Smooth(SmoothConfig(forget_after_s=0.25))
    smooth(instant(0, [[0.0, 0.0, 0.0]]))
    late = smooth(instant(20, [[1.0, 2.0, 3.0]])).people[0].xyz
    assert late[0] == pytest.approx([1.0, 2.0, 3.0])


def test_two_people_are_smoothed_apart():
    smooth = Smooth()
    one, other = instant(0, [[0.0, 0, 0]]).people[0], instant(0, [[5.0, 0, 0]]).people[0]
    both = PoseSet3D(0, 0, (one, replace(other, track_id=1)))
    smooth(both)
    after = smooth(replace(both, index=1, timestamp_ns=PERIOD_NS))
    assert after.people[0].xyz[0, 0] == 0
    assert after.people[1].xyz[0, 0] == 5
