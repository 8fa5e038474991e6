import numpy as np
import pytest
from scipy.optimize import least_squares

from calibration.geometry.epipolar import fundamental_from_cameras, sampson_distance_px
from calibration.geometry.projection import project, rays_from_pixels
from calibration.geometry.transforms import (
    rigid_transform,
    rotation_angle_rad,
    rotation_from_rotvec,
)
from calibration.rig import Camera
from training.labels.two_views.epipolar import (
    correct_matches,
    essential_from_fundamental,
    estimate_fundamental,
    estimate_fundamental_robust,
    intersect_rays,
    poses_from_essential,
    select_pose_in_front,
    triangulate_optimal,
)

K = np.array([[800.0, 0, 320], [0, 780, 240], [0, 0, 1]])
A = Camera("a", (640, 480), K)
R, T = rotation_from_rotvec(np.array([0.1, 0.9, -0.05])), np.array([-2.0, 0.1, 1.4])
B = Camera("b", (640, 480), K + np.diag([40.0, 40, 0]), cam_from_world=rigid_transform(R, T))


@pytest.fixture
def points():
    return np.random.default_rng(1).uniform([-0.8, -0.9, 2.2], [0.8, 0.9, 3.6], (120, 3))


@pytest.fixture
def images(points):
    return project(points, A), project(points, B)


def same_up_to_sign(one, other):
    return min(np.abs(one - other).max(), np.abs(one + other).max())


def test_eight_points_find_the_fundamental_matrix_of_exact_matches(images):
    found = estimate_fundamental(images[0], images[1])
    assert same_up_to_sign(found, fundamental_from_cameras(A, B)) < 1e-8


def test_seven_points_are_refused(images):
    with pytest.raises(ValueError, match="needs 8 matches, not 7"):
        estimate_fundamental(images[0][:7], images[1][:7])


def test_a_third_of_wrong_matches_changes_nothing(images):
    rng = np.random.default_rng(2)
    b = images[1] + rng.normal(0, 0.2, (120, 2))
    b[:40] += rng.uniform(30, 90, (40, 2))
    F, inlier = estimate_fundamental_robust(images[0], b)
    assert inlier[40:].mean() > 0.9
    assert inlier[:40].mean() < 0.1
    assert np.median(sampson_distance_px(*images, F)) < 0.2


def test_one_of_the_four_poses_is_the_true_one(images):
    E = essential_from_fundamental(fundamental_from_cameras(A, B), A.matrix, B.matrix)
    unit = T / np.linalg.norm(T)
    close = [
        rotation_angle_rad(turn @ R.T) < 1e-6 and np.abs(t - unit).max() < 1e-6
        for turn, t in poses_from_essential(E)
    ]
    assert sum(close) == 1


def test_the_pose_in_front_of_both_cameras_is_chosen(images):
    E = essential_from_fundamental(estimate_fundamental(*images), A.matrix, B.matrix)
    turn, t = select_pose_in_front(
        E, rays_from_pixels(images[0], A.matrix), rays_from_pixels(images[1], B.matrix)
    )
    assert rotation_angle_rad(turn @ R.T) < 1e-6
    np.testing.assert_allclose(t, T / np.linalg.norm(T), atol=1e-6)


def test_optimal_triangulation_of_exact_rays_is_exact(points, images):
    found = triangulate_optimal(
        rays_from_pixels(images[0], A.matrix), rays_from_pixels(images[1], B.matrix), R, T
    )
    np.testing.assert_allclose(found, points, atol=1e-7)


def test_optimal_triangulation_of_a_missing_ray_is_nan(images):
    one = rays_from_pixels(images[0], A.matrix)
    one[3] = np.nan
    found = triangulate_optimal(one, rays_from_pixels(images[1], B.matrix), R, T)
    assert np.isnan(found[3]).all()
    assert np.isfinite(np.delete(found, 3, 0)).all()


def moved(a, b, xyz):
    """What the images must move for a point, summed squares."""
    return np.concatenate([project(xyz[None], A)[0] - a, project(xyz[None], B)[0] - b])


def test_no_point_of_the_room_moves_the_images_less_than_the_polynomial_does(points, images):
    rng = np.random.default_rng(3)
    a, b = (image + rng.normal(0, 6, image.shape) for image in images)
    fixed = correct_matches(a, b, fundamental_from_cameras(A, B))
    cost = ((fixed[0] - a) ** 2).sum(1) + ((fixed[1] - b) ** 2).sum(1)
    for n in range(25):
        best = least_squares(lambda xyz, n=n: moved(a[n], b[n], xyz), points[n])
        assert cost[n] <= 2 * best.cost + 1e-6
        assert cost[n] >= 2 * best.cost - 1e-4 * max(1, best.cost)


def test_corrected_matches_fit_the_fundamental_matrix(images):
    F = fundamental_from_cameras(A, B)
    rng = np.random.default_rng(4)
    fixed = correct_matches(*(image + rng.normal(0, 6, image.shape) for image in images), F)
    assert sampson_distance_px(*fixed, F).max() < 1e-6


def test_sideways_cameras_without_epipoles_in_the_image_are_no_special_case(points):
    side = np.array([-1.0, 0, 0])
    seen = [points[:, :2] / points[:, 2:], (points + side)[:, :2] / points[:, 2:]]
    rng = np.random.default_rng(5)
    noisy = [rays + rng.normal(0, 0.004, rays.shape) for rays in seen]
    found = triangulate_optimal(*noisy, np.eye(3), side)
    assert np.isfinite(found).all()
    assert np.median(np.linalg.norm(found - points, axis=1)) < 0.1
    plain = intersect_rays(*seen, np.eye(3), side)
    np.testing.assert_allclose(plain, points, atol=1e-9)
