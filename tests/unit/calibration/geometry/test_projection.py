import cv2
import numpy as np
import pytest

from calibration.geometry.projection import (
    distort,
    distortion_jacobian,
    pixels_from_rays,
    project,
    rays_from_pixels,
    undistort,
    undistort_pixels,
)
from calibration.geometry.transforms import (
    rigid_transform,
    rotation_from_rotvec,
    rotvec_from_rotation,
)
from calibration.rig import Camera

WIDE = np.array([-0.28, 0.09, 0.001, -0.002, -0.01])


@pytest.fixture
def camera():
    matrix = np.array([[900.0, 0, 640], [0, 880, 355], [0, 0, 1]])
    return Camera(
        "a",
        (1280, 720),
        matrix,
        WIDE,
        rigid_transform(rotation_from_rotvec([0.3, -0.2, 0.1]), np.array([0.1, 0.2, 4])),
    )


def test_project_agrees_with_opencv(camera):
    xyz = np.random.default_rng(2).uniform(-1, 1, (50, 3))
    expected = cv2.projectPoints(
        xyz, rotvec_from_rotation(camera.R), camera.t, camera.matrix, camera.distortion
    )[0]
    np.testing.assert_allclose(project(xyz, camera), expected[:, 0], atol=1e-9)


def test_project_returns_nan_behind_the_camera(camera):
    behind = camera.centre - camera.R[2]
    assert np.isnan(project(behind, camera)).all()


def test_project_keeps_the_leading_axes(camera):
    assert project(np.zeros((4, 5, 3)), camera).shape == (4, 5, 2)


@pytest.mark.parametrize("k1", [-0.3, -0.1, 0.0, 0.2])
def test_undistort_turns_distort_round(k1):
    grid = np.stack(np.meshgrid(np.linspace(-0.7, 0.7, 15), np.linspace(-0.5, 0.5, 11)), -1)
    lens = np.array([k1, 0.05, 0.001, -0.001, 0.0])
    np.testing.assert_allclose(undistort(distort(grid, lens), lens), grid, atol=1e-9)


def test_undistort_returns_nan_where_the_lens_folds_over():
    lens = np.array([-0.3, 0, 0, 0, 0])  # r (1 - 0.3 r^2) never exceeds 0.70
    ideal = undistort(np.array([[0.69, 0.0], [0.75, 0.0], [2.0, 1.0]]), lens)
    assert np.isfinite(ideal[0]).all()
    assert np.isnan(ideal[1:]).all()


def test_undistort_finds_the_ray_inside_the_fold_and_not_its_twin_beyond():
    lens = np.array([-0.3, 0, 0, 0, 0])
    rays = np.stack([np.linspace(0, 0.99, 60), np.zeros(60)], 1)
    np.testing.assert_allclose(undistort(distort(rays, lens), lens), rays, atol=1e-4)


def test_undistort_hands_out_new_data_for_an_ideal_lens():
    rays = np.array([[0.1, 0.2]])
    ideal = undistort(rays, np.zeros(5))
    ideal[0, 0] = 5
    assert rays[0, 0] == 0.1


def test_the_jacobian_of_the_lens_is_its_slope():
    rays = np.random.default_rng(3).uniform(-0.5, 0.5, (20, 2))
    step = 1e-6
    for axis in range(2):
        shift = step * np.eye(2)[axis]
        slope = (distort(rays + shift, WIDE) - distort(rays - shift, WIDE)) / (2 * step)
        np.testing.assert_allclose(distortion_jacobian(rays, WIDE)[..., axis], slope, atol=1e-8)


def test_undistorted_pixels_are_those_of_the_camera_without_its_lens(camera):
    xyz = np.random.default_rng(4).uniform(-0.8, 0.8, (30, 3))
    ideal = Camera("ideal", camera.size_wh, camera.matrix, np.zeros(5), camera.cam_from_world)
    rays = undistort(rays_from_pixels(project(xyz, camera), camera.matrix), camera.distortion)
    np.testing.assert_allclose(
        pixels_from_rays(rays, camera.matrix), project(xyz, ideal), atol=1e-6
    )


def test_undistorted_rays_pass_nan_on(camera):
    rays = undistort_pixels(np.full((1, 3, 2), np.nan), [camera])
    assert np.isnan(rays).all()


def test_rays_and_pixels_give_one_another(camera):
    xy = np.random.default_rng(7).uniform(0, 700, (120, 2))
    rays = rays_from_pixels(xy, camera.matrix)
    np.testing.assert_allclose(pixels_from_rays(rays, camera.matrix), xy, atol=1e-9)
