"""Errors of rigs: a rig that is wrong by a known amount gives that amount."""

from dataclasses import replace

import numpy as np
import pytest

from calibration.geometry.transforms import rigid_transform, rotation_from_rotvec
from calibration.rig import Camera, Rig
from training.world.pose_errors import measure_pose_errors
from training.world.rig_errors import (
    find_body_scale,
    find_distance_scale,
    find_true_axes,
    measure_rig_errors,
)

MATRIX = np.array([[800.0, 0, 320], [0, 800.0, 240], [0, 0, 1]])
ELSEWHERE = rigid_transform(rotation_from_rotvec(np.array([0.3, -0.8, 1.1])), np.array([1, 2, 3]))


def make_rig(count=3):
    """Place cameras in a row, turned a little more each."""
    cameras = []
    for place in range(count):
        R = rotation_from_rotvec(np.array([0.1, 0.4 * place, -0.2 * place]))
        pose = rigid_transform(R, -R @ np.array([1.5 * place, 0.2 * place**2, 1.0]))
        cameras.append(Camera(f"cam{place}", (640, 480), MATRIX, cam_from_world=pose))
    return Rig(tuple(cameras))


def test_a_rig_in_another_world_has_no_error():
    found = measure_rig_errors(make_rig().with_world(ELSEWHERE), make_rig(), 1.0)
    assert found.rotation_deg == pytest.approx(0, abs=1e-6)
    assert found.distance_percent == pytest.approx(0, abs=1e-6)
    assert (found.focal_low_percent, found.focal_high_percent) == (0, 0)


@pytest.mark.parametrize("angle_deg", [0.01, 1.4, 8.1, 170])
def test_a_camera_turned_by_an_angle_gives_that_angle(angle_deg):
    rig = make_rig().with_world(ELSEWHERE)
    turn = rotation_from_rotvec(np.radians(angle_deg) * np.array([0.6, 0, 0.8]))
    wrong = replace(
        rig[1], cam_from_world=rigid_transform(turn, np.zeros(3)) @ rig[1].cam_from_world
    )
    found = measure_rig_errors(Rig((rig[0], wrong, rig[2])), make_rig(), 1.0)
    assert found.rotation_deg == pytest.approx(angle_deg, rel=1e-6)


def test_focal_lengths_have_their_signs():
    true = make_rig()
    longer, shorter = (
        replace(true[place], matrix=MATRIX * np.array([[factor], [factor], [1]]))
        for place, factor in ((0, 1.04), (1, 0.94))
    )
    found = measure_rig_errors(Rig((longer, shorter, true[2])), true, 1.0)
    assert found.focal_low_percent == pytest.approx(-6)
    assert found.focal_high_percent == pytest.approx(4)


def test_distances_are_compared_at_the_scale_that_is_given():
    small = make_rig().with_world(ELSEWHERE, 0.71)
    assert measure_rig_errors(small, make_rig(), 1.0).distance_percent == pytest.approx(-29)
    scale = find_distance_scale(small, make_rig())
    assert measure_rig_errors(small, make_rig(), scale).distance_percent == pytest.approx(0)


def test_two_cameras_tell_no_scale_by_their_distance():
    assert np.isnan(find_distance_scale(make_rig(2), make_rig(2)))
    assert np.isnan(measure_rig_errors(make_rig(2), make_rig(2), np.nan).distance_percent)


def make_limbs(count=120):
    """Move twelve limbs at random."""
    return np.random.default_rng(4).normal(0, 0.4, (count, 12, 3))


def test_limbs_in_the_rigs_own_world_are_those_of_the_truth():
    true = make_limbs()
    turned = true @ ELSEWHERE[:3, :3].T + ELSEWHERE[:3, 3]
    moved = turned @ find_true_axes(make_rig().with_world(ELSEWHERE), make_rig()).T
    errors = measure_pose_errors(moved, true, np.arange(120) / 30)
    assert errors.mpjpe.mean == pytest.approx(0, abs=1e-9)


def test_a_small_rig_shows_in_mpjpe_and_not_after_scale():
    true = make_limbs()
    errors = measure_pose_errors(0.5 * true, true, np.arange(120) / 30)
    assert find_body_scale(0.5 * true, true) == pytest.approx(2)
    assert errors.mpjpe.mean > 0.1
    assert errors.n_mpjpe.mean == pytest.approx(0, abs=1e-9)
    assert errors.mpjpe.low < errors.mpjpe.mean < errors.mpjpe.high


def test_a_clip_of_a_second_has_no_interval_and_missing_joints_count_as_nothing():
    true = make_limbs(30)
    limbs = true.copy()
    limbs[:10] = np.nan
    errors = measure_pose_errors(limbs, true, np.arange(30) / 30)
    assert errors.poses == 20
    assert np.isnan([errors.mpjpe.low, errors.mpjpe.high]).all()
    assert errors.as_cells()["pa_mpjpe_mm"] == pytest.approx(0, abs=1e-6)
