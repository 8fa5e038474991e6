import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.evidence.novelty import RADIUS_OF_TORSO, SHARED, measure_novelty

TORSO_PX = 100.0
BONES = np.array([[0, 1]])


def weigh(x_of_joints, seen=None):
    """Weigh joints of two views that move along x in both, (T, J)."""
    x = np.asarray(x_of_joints, float)
    xy = np.stack([x, np.zeros_like(x)], -1)[None].repeat(2, 0)
    shown = np.ones((2, *x.shape), bool) if seen is None else seen
    return measure_novelty(xy, shown, np.full((2, len(x)), TORSO_PX), BONES)


def test_a_joint_that_stays_hardly_counts_more_than_errors_allow():
    """However often it is seen, the error that its images share remains."""
    joint, bone = weigh(np.zeros((300, 2)))
    np.testing.assert_allclose(joint.sum(0), 300 / (1 + 299 * SHARED))
    np.testing.assert_allclose(bone.sum(0), 300 / (1 + 299 * SHARED))
    assert weigh(np.zeros((30_00, 2)))[0].sum(0).max() < 1 / SHARED


def test_a_joint_that_is_somewhere_else_each_time_counts_each_time():
    steps = np.arange(20)[:, None] * 20 * RADIUS_OF_TORSO * TORSO_PX
    joint, bone = weigh(np.repeat(steps, 2, 1))
    np.testing.assert_allclose(joint, 1.0, atol=1e-6)
    np.testing.assert_allclose(bone, 1.0, atol=1e-6)


def test_a_bone_counts_where_either_end_has_moved():
    moving = np.stack([np.zeros(20), np.arange(20) * 20 * RADIUS_OF_TORSO * TORSO_PX], 1)
    joint, bone = weigh(moving)
    assert joint[:, 0].sum() == pytest.approx(20 / (1 + 19 * SHARED))
    assert bone.sum() == pytest.approx(20, rel=0.01)


def test_a_joint_that_one_view_loses_is_unlike_one_that_both_see():
    seen = np.ones((2, 10, 2), bool)
    seen[1, 5:] = False
    joint = weigh(np.zeros((10, 2)), seen)[0][:, 0]
    assert joint[:5].sum() == pytest.approx(5 / (1 + 4 * SHARED))


@given(st.integers(0, 2**31), st.integers(2, 5))
def test_repeating_a_recording_adds_less_than_another_one(seed, times):
    x = np.random.default_rng(seed).uniform(0, 500, (15, 2))
    once = weigh(x)[0].sum(0)
    again = weigh(np.tile(x, (times, 1)))[0].sum(0)
    assert (once < again).all()
    assert (again < times * once).all()
