import numpy as np
import pytest

from calibration.geometry.epipolar import essential_from_pose, parallax_rad, sampson_distance
from calibration.geometry.transforms import rotation_from_rotvec


@pytest.fixture
def pose():
    return rotation_from_rotvec(np.array([0.1, 0.8, -0.2])), np.array([2.0, 0.3, 0.7])


@pytest.fixture
def matches(pose):
    rotation, translation = pose
    first = np.random.default_rng(0).uniform([-1, -1, 3], [1, 1, 5], (100, 3))
    second = first @ rotation.T + translation
    return first[:, :2] / first[:, 2:], second[:, :2] / second[:, 2:]


def test_true_matches_have_no_sampson_distance(pose, matches):
    np.testing.assert_allclose(sampson_distance(*matches, essential_from_pose(*pose)), 0, atol=1e-14)


def test_the_essential_matrix_does_not_know_the_length_of_the_baseline(pose):
    rotation, translation = pose
    np.testing.assert_allclose(
        essential_from_pose(rotation, translation), essential_from_pose(rotation, 7 * translation), atol=1e-14
    )


def test_the_sampson_distance_is_the_least_correction_of_the_two_images(pose, matches):
    essential = essential_from_pose(*pose)
    first, second = matches
    line = np.concatenate([first, np.ones((100, 1))], 1) @ essential.T
    normal = line[:, :2] / np.linalg.norm(line[:, :2], axis=1, keepdims=True)
    moved = second + 1e-4 * normal
    back = np.concatenate([moved, np.ones((100, 1))], 1) @ essential
    share = np.linalg.norm(line[:, :2], axis=1) / np.hypot(
        np.linalg.norm(line[:, :2], axis=1), np.linalg.norm(back[:, :2], axis=1)
    )
    np.testing.assert_allclose(np.abs(sampson_distance(first, moved, essential)), 1e-4 * share, rtol=1e-3)


def test_the_parallax_is_the_angle_at_the_point():
    angle = parallax_rad(np.array([[0.0, 0, 0], [0, 0, 1.0]]), np.array([1.0, 0, 0]), np.array([0, 1.0, 0]))
    np.testing.assert_allclose(angle, [np.pi / 2, np.pi / 3], atol=1e-12)
