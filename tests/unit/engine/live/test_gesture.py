"""Both hands raised: when it is a sign, and when it is not."""

import numpy as np
import pytest

from calibration.skeleton import load_skeleton
from engine.live.gesture import RaisedHandsDetector
from engine.poses import Pose2D, Pose3D, PoseSet2D, PoseSet3D, all_measured

SKELETON = load_skeleton("blazepose_33")
PERIOD_S = 1 / 30
DOWN, UP = (0.8, 0.8), (2.0, 2.0)


def body(wrists_m, *, lying=False):
    """A person, (33, 3) m, with wrists at these heights."""
    xyz = np.zeros((33, 3))
    heights = {
        "nose": 1.6,
        "left_hip": 0.9,
        "right_hip": 0.9,
        "left_wrist": wrists_m[0],
        "right_wrist": wrists_m[1],
    }
    for name, height in heights.items():
        xyz[SKELETON.index(name)] = (height, 0, 0.2) if lying else (0, 0, height)
    return xyz


def in_view(xyz, missing=()):
    """What a camera at the side sees, px."""
    xy = np.stack([xyz[:, 0], 2 - xyz[:, 2]], 1) * 200
    xy[SKELETON.indices(missing)] = np.nan
    return Pose2D(0, xy, np.where(np.isfinite(xy[:, 0]), 0.9, 0.0))


def told(script, *, room=False, views=3):
    """Play (seconds, views' poses or None) and return the times at which the sign was given."""
    sign, time_s, given = RaisedHandsDetector(SKELETON), 0.0, []
    for seconds, poses in script:
        for _ in range(round(seconds / PERIOD_S)):
            now = round(time_s * 1e9)
            seen = (
                poses
                if isinstance(poses, list)
                else [in_view(poses)] * views
                if poses is not None
                else []
            )
            people = ()
            if room and poses is not None:
                nothing = np.zeros((33, 3, 3))
                person = Pose3D(0, poses, np.ones(33), nothing, np.full(33, 3), all_measured(33))
                people = (person,)
            sets = tuple((pose,) if pose is not None else () for pose in seen)
            if sign(PoseSet2D(0, now, sets, (now,) * len(sets)), PoseSet3D(0, now, people)):
                given.append(time_s)
            time_s += PERIOD_S
    return given


@pytest.mark.parametrize("room", [False, True])
def test_hands_held_up_are_a_sign_once(room):
    given = told([(1, body(DOWN)), (3, body(UP))], room=room)
    assert len(given) == 1
    assert given[0] == pytest.approx(1.8, abs=0.05)


def test_hands_raised_for_a_moment_are_none():
    assert told([(1, body(DOWN)), (0.6, body(UP)), (1, body(DOWN))]) == []


@pytest.mark.parametrize("wrists", [(2.0, 0.8), (0.8, 2.0)])
def test_one_hand_is_none(wrists):
    assert told([(1, body(DOWN)), (2, body(wrists))]) == []


def test_the_sign_can_be_given_again_after_the_hands_were_down():
    assert len(told([(2, body(UP)), (0.6, body(DOWN)), (2, body(UP))])) == 2


def test_hands_that_sink_for_a_moment_do_not_give_the_sign_again():
    assert len(told([(2, body(UP)), (0.3, body(DOWN)), (2, body(UP))])) == 1


def test_joints_that_flicker_do_not_disturb():
    lost = [in_view(body(UP), ("left_wrist",))] * 3
    assert (
        len(told([(0.3, body(UP)), (0.1, lost), (0.3, body(UP)), (0.1, None), (0.3, body(UP))]))
        == 1
    )


def test_a_person_who_was_gone_for_long_has_not_held_the_hands_up():
    assert told([(0.5, body(UP)), (1.0, None), (0.5, body(UP))]) == []


def test_missing_hips_or_wrists_in_all_views_tell_nothing():
    for missing in (("left_wrist",), ("right_hip",), ("nose",)):
        assert told([(2, [in_view(body(UP), missing)] * 3)]) == []


def test_the_majority_of_the_views_that_can_tell_decides():
    up, down, blind = in_view(body(UP)), in_view(body(DOWN)), in_view(body(UP), ("left_wrist",))
    assert len(told([(1.5, [up, up, down])])) == 1
    assert len(told([(1.5, [up, blind, None])])) == 1
    assert told([(1.5, [up, down, down])]) == []
    assert told([(1.5, [up, down, blind])]) == []


def test_a_person_who_lies_with_the_arms_beyond_the_head_gives_no_sign():
    assert told([(2, body((2.0, 2.0), lying=True))], room=True) == []


def test_hands_that_go_down_at_last_do_not_give_a_sign_of_before():
    assert told([(0.7, body(UP)), (0.2, body(DOWN)), (0.7, body(UP))]) == []
