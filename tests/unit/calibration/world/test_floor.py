import numpy as np
import pytest

from calibration.evidence.evidence import select_calibration_joints
from calibration.geometry.transforms import (
    invert_transform,
    rigid_transform,
    rotation_from_rotvec,
    transform_points,
)
from calibration.synthetic.body import SKELETON
from calibration.synthetic.synthetic import RigPlan, make_rig
from calibration.synthetic.walker import MOTIONS, Walker
from calibration.world.floor import find_ground, find_stance_points, world_from_scene

JOINTS = select_calibration_joints(SKELETON)
ROWS = SKELETON.indices(JOINTS)
TIME_NS = np.arange(300, dtype=np.int64) * 66_666_667
# The scene lies in the frame of a camera that looks down a little and is rolled.
SCENE_FROM_WORLD = rigid_transform(
    rotation_from_rotvec(np.array([1.9, 0.2, -0.1])), np.array([0.3, 0.5, 3.5])
)
UP, FLOOR = SCENE_FROM_WORLD[:3, 2], float(SCENE_FROM_WORLD[:3, 3] @ SCENE_FROM_WORLD[:3, 2])


def scene(motion, *, noise_m=0.0):
    xyz = MOTIONS[motion](Walker(), TIME_NS / 1e9)[:, ROWS]
    noisy = xyz + np.random.default_rng(0).normal(0, 1, xyz.shape) * noise_m
    return transform_points(SCENE_FROM_WORLD, noisy)


def tilt_deg(ground):
    return np.degrees(np.arccos(np.clip(ground.up @ UP, -1, 1)))


@pytest.mark.parametrize("motion", ["room", "line"])
def test_a_walk_gives_vertical_and_floor(motion):
    ground = find_ground(scene(motion, noise_m=0.003), JOINTS, TIME_NS)
    assert tilt_deg(ground) < 0.5
    assert ground.height == pytest.approx(FLOOR, abs=0.01)  # m


def test_the_source_of_the_vertical_is_said():
    assert find_ground(scene("room"), JOINTS, TIME_NS).source == "the floor under the feet"
    assert find_ground(scene("stand"), JOINTS, TIME_NS).source == "the body's axis"


def test_noisy_feet_still_give_vertical_and_floor():
    ground = find_ground(scene("room", noise_m=0.015), JOINTS, TIME_NS)
    assert tilt_deg(ground) < 1.5
    assert ground.height == pytest.approx(FLOOR, abs=0.04)


@pytest.mark.parametrize("motion", ["stand", "in_place", "dance"])
def test_who_keeps_to_one_place_gives_the_vertical_roughly(motion):
    ground = find_ground(scene(motion, noise_m=0.005), JOINTS, TIME_NS)
    assert tilt_deg(ground) < 5
    assert ground.height == pytest.approx(FLOOR, abs=0.06)
    assert np.isfinite(ground.sigma_rad)


@pytest.mark.parametrize("motion", ["room", "stand", "in_place", "dance", "sit"])
def test_the_floor_is_never_the_ceiling(motion):
    assert find_ground(scene(motion), JOINTS, TIME_NS).up @ UP > 0.8


def test_a_walk_is_surer_of_the_vertical_than_standing():
    walked, stood = (
        find_ground(scene("room"), JOINTS, TIME_NS),
        find_ground(scene("stand"), JOINTS, TIME_NS),
    )
    assert walked.sigma_rad < stood.sigma_rad


def test_feet_that_were_never_seen_leave_the_axis_of_the_body():
    xyz = scene("room")
    feet = [i for i, joint in enumerate(JOINTS) if joint.endswith(("heel", "foot_index"))]
    xyz[:, feet] = np.nan
    ground = find_ground(xyz, JOINTS, TIME_NS)
    assert ground.source == "the body's axis"
    assert tilt_deg(ground) < 8


@pytest.mark.parametrize("seed", range(5))
def test_joints_missing_here_and_there_are_no_error(seed):
    xyz = scene("stand", noise_m=0.002)
    xyz[np.random.default_rng(seed).random(xyz.shape[:2]) < 0.3] = np.nan
    ground = find_ground(xyz, JOINTS, TIME_NS)
    assert np.isfinite(ground.up).all()
    assert np.isfinite(ground.height)
    assert ground.up @ UP > 0.9


def test_a_foot_that_was_not_seen_does_not_stand():
    xyz = scene("stand")
    xyz[np.random.default_rng(0).random(xyz.shape[:2]) < 0.3] = np.nan
    assert np.isfinite(find_stance_points(xyz, JOINTS, TIME_NS)).all()


def test_nothing_seen_at_all_is_no_error():
    ground = find_ground(np.full((300, len(JOINTS), 3), np.nan), JOINTS, TIME_NS)
    assert np.isfinite(ground.up).all()


def test_the_world_is_that_of_the_contract():
    rig = make_rig(RigPlan(cameras=4), seed=0)
    centres = transform_points(SCENE_FROM_WORLD, np.array([camera.centre for camera in rig]))
    ground = find_ground(scene("room"), JOINTS, TIME_NS)
    world = world_from_scene(ground, centres)
    moved = transform_points(world, centres)
    np.testing.assert_allclose(moved[:, :2].mean(0), 0, atol=1e-9)
    assert moved[0, 0] > 0
    assert moved[0, 1] == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(moved[:, 2], [camera.centre[2] for camera in rig], atol=0.05)
    assert np.linalg.det(world[:3, :3]) == pytest.approx(1)
    np.testing.assert_allclose(
        transform_points(invert_transform(world), moved), centres, atol=1e-12
    )


def test_feet_that_stand_lie_on_the_floor_of_the_world():
    xyz = scene("room")
    world = world_from_scene(find_ground(xyz, JOINTS, TIME_NS), np.eye(3))
    standing = transform_points(world, find_stance_points(xyz, JOINTS, TIME_NS))
    assert len(standing) > 100
    assert np.median(standing[:, 2]) == pytest.approx(
        0.025, abs=0.01
    )  # heel and toe lie inside the shoe
