import numpy as np
import pytest

from calibration.synthetic.body import SKELETON
from calibration.synthetic.walker import (
    MOTIONS,
    Walker,
    step_in_place,
    walk_line,
    walk_room,
)
from calibration.world.scale import CHAIN_OF_STATURE

TIME_S = np.arange(600) / 30
STIFF = [i for i, (a, b) in enumerate(SKELETON.bones) if "shoulder" not in a or "hip" not in b]


def joint(xyz, name):
    return xyz[:, SKELETON.index(name)]


@pytest.fixture(scope="module", params=MOTIONS)
def xyz(request):
    return MOTIONS[request.param](Walker(1.75, (0.3, -0.2), phase_rad=0.5), TIME_S)


def test_every_joint_is_somewhere_at_every_instant(xyz):
    assert xyz.shape == (600, 33, 3)
    assert np.isfinite(xyz).all()


def test_bones_keep_their_lengths(xyz):
    ends = SKELETON.bone_indices[STIFF]
    length = np.linalg.norm(xyz[:, ends[:, 0]] - xyz[:, ends[:, 1]], axis=-1)
    np.testing.assert_allclose(length / length[0], 1, atol=1e-6)


def test_nothing_is_under_the_floor(xyz):
    assert xyz[..., 2].min() > 0


def test_joints_move_as_fast_as_a_persons(xyz):
    speed = np.linalg.norm(np.diff(xyz, axis=0), axis=-1) * 30
    assert speed.max() < 5  # m/s


def test_left_is_the_persons_left(xyz):
    across = joint(xyz, "left_hip") - joint(xyz, "right_hip")
    up = joint(xyz, "nose") - joint(xyz, "left_hip")
    ahead = np.cross(across, up)
    feet = joint(xyz, "left_foot_index") - joint(xyz, "left_heel")
    assert ((ahead * feet).sum(-1) > 0).mean() > 0.95


def test_knees_bend_forwards(xyz):
    feet = joint(xyz, "left_foot_index") - joint(xyz, "left_heel")
    middle = (joint(xyz, "left_hip") + joint(xyz, "left_ankle")) / 2
    assert (((joint(xyz, "left_knee") - middle) * feet).sum(-1) > 0).mean() > 0.95


@pytest.mark.parametrize("motion", [walk_room, walk_line, step_in_place])
def test_feet_on_the_floor_stand_still(motion):
    xyz = motion(Walker(), TIME_S)
    heel = joint(xyz, "left_heel")
    down = heel[:-1, 2] < 0.026  # m
    speed = np.linalg.norm(np.diff(heel, axis=0), axis=-1) * 30
    assert 0.4 < down.mean() < 0.8
    assert np.median(speed[down]) < 0.05


def test_walking_covers_the_place_and_marching_does_not():
    walked, marched = (motion(Walker(), TIME_S)[:, 23, :2] for motion in (walk_room, step_in_place))
    assert np.ptp(walked, axis=0).min() > 1.8
    assert np.ptp(marched, axis=0).max() < 0.1


@pytest.mark.parametrize("stature_m", [1.4, 1.9])
def test_a_person_is_as_tall_as_told(stature_m):
    xyz = MOTIONS["stand"](Walker(stature_m), TIME_S[:1])[0]
    chain = np.linalg.norm(xyz[[11, 12]].mean(0) - xyz[[23, 24]].mean(0))
    for a, b in ((23, 25), (25, 27)):
        chain += np.linalg.norm(xyz[a] - xyz[b])
    assert chain / stature_m == pytest.approx(CHAIN_OF_STATURE, rel=0.01)
    assert 0.88 < xyz[:, 2].max() / stature_m < 0.96  # the eyes


def test_a_walker_is_a_function_of_time_alone():
    whole = walk_room(Walker(), TIME_S)
    np.testing.assert_allclose(walk_room(Walker(), TIME_S[100:110]), whole[100:110], atol=1e-12)
