import numpy as np
import pytest

from calibration.geometry.transforms import (
    invert_transform,
    nearest_rotation,
    normalize,
    rigid_transform,
    rotation_angle_rad,
    rotation_between,
    rotation_from_rotvec,
    rotvec_from_rotation,
    skew,
    transform_points,
)


@pytest.fixture
def random():
    return np.random.default_rng(1)


def test_skew_does_the_cross_product(random):
    a, b = random.normal(size=(2, 5, 3))
    np.testing.assert_allclose((skew(a) @ b[..., None])[..., 0], np.cross(a, b), atol=1e-14)


@pytest.mark.parametrize(
    "angle", [0.0, 1e-12, 1e-8, 1e-6, 1e-3, 1.0, 3.0, np.pi - 1e-3, np.pi - 1e-7]
)
def test_a_rotation_vector_survives_the_round_trip(random, angle):
    axis = random.normal(size=(20, 3))
    rotvec = angle * axis / np.linalg.norm(axis, axis=1, keepdims=True)
    np.testing.assert_allclose(
        rotvec_from_rotation(rotation_from_rotvec(rotvec)), rotvec, atol=1e-9
    )


@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.6, -0.8, 0), (-1, -1, -1)])
def test_half_a_turn_keeps_its_rotation_though_its_axis_may_change_sign(axis):
    rotation = rotation_from_rotvec(np.pi * np.array(axis) / np.linalg.norm(axis))
    rotvec = rotvec_from_rotation(rotation)
    assert np.linalg.norm(rotvec) == pytest.approx(np.pi, abs=1e-9)
    np.testing.assert_allclose(rotation_from_rotvec(rotvec), rotation, atol=1e-9)


def test_rotations_are_orthogonal_and_turn_the_right_way():
    quarter = rotation_from_rotvec(np.array([0, 0, np.pi / 2]))
    np.testing.assert_allclose(quarter @ [1, 0, 0], [0, 1, 0], atol=1e-15)
    assert np.linalg.det(quarter) == pytest.approx(1, abs=1e-15)


def test_a_transform_and_its_inverse_cancel(random):
    target_from_source = rigid_transform(
        rotation_from_rotvec(random.normal(size=3)), random.normal(size=3)
    )
    np.testing.assert_allclose(
        invert_transform(target_from_source) @ target_from_source, np.eye(4), atol=1e-14
    )


def test_points_move_as_the_matrix_says(random):
    target_from_source = rigid_transform(
        rotation_from_rotvec(random.normal(size=3)), random.normal(size=3)
    )
    points = random.normal(size=(4, 7, 3))
    homogeneous = np.concatenate([points, np.ones((4, 7, 1))], -1) @ target_from_source.T
    np.testing.assert_allclose(
        transform_points(target_from_source, points), homogeneous[..., :3], atol=1e-14
    )


def test_the_angle_of_a_rotation_is_that_of_its_vector():
    rotation = rotation_from_rotvec(np.array([[0.3, 0, 0], [0, 0, -2.5], [0, 0, 0]]))
    np.testing.assert_allclose(rotation_angle_rad(rotation), [0.3, 2.5, 0], atol=1e-12)


def test_the_nearest_rotation_is_never_a_mirror(random):
    for matrix in (random.normal(size=(3, 3)), -np.eye(3), np.diag([2.0, 3.0, 0.5])):
        assert np.linalg.det(nearest_rotation(matrix)) == pytest.approx(1, abs=1e-12)


def test_the_nearest_rotation_to_a_stretched_rotation_is_that_rotation(random):
    rotation = rotation_from_rotvec(random.normal(size=3))
    np.testing.assert_allclose(nearest_rotation(1.7 * rotation), rotation, atol=1e-12)


@pytest.mark.parametrize("target", [(0, 0, 1), (0, 0, -1), (0, 1, 0), (1e-9, 0, -1), (1, 2, 3)])
def test_one_direction_is_carried_onto_another_even_the_opposite(target):
    rotation = rotation_between(np.array([0.0, 0, 2]), np.array(target, float))
    np.testing.assert_allclose(
        rotation @ [0, 0, 1], np.array(target) / np.linalg.norm(target), atol=1e-8
    )
    assert np.linalg.det(rotation) == pytest.approx(1, abs=1e-9)


def test_a_rotation_that_is_not_known_leaves_the_others_alone():
    rotvec = np.array([[0.1, 0.2, 0.3], [np.nan, 0.0, 0.0]])
    rotation = rotation_from_rotvec(rotvec)
    back = rotvec_from_rotation(rotation)
    np.testing.assert_allclose(back[0], rotvec[0], atol=1e-12)
    assert np.isnan(rotation[1]).all()
    assert np.isnan(back[1]).all()


def test_a_direction_has_length_one_and_a_vector_of_zeros_has_none():
    vectors = np.array([[3.0, 0, 4], [0, 0, 0], [np.nan, 1, 1]])
    directions = normalize(vectors)
    np.testing.assert_allclose(directions[:2], [[0.6, 0, 0.8], [0, 0, 0]])
    assert np.isnan(directions[2]).all()
