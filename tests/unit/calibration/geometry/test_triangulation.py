import numpy as np
import pytest

from calibration.geometry.projection import project
from calibration.geometry.transforms import rigid_transform, rotation_from_rotvec
from calibration.geometry.triangulation import triangulate, triangulate_robust
from calibration.rig import Camera, Rig
from calibration.synthetic.synthetic import RigPlan, make_rig


@pytest.fixture(scope="module")
def rig() -> Rig:
    return make_rig(RigPlan(cameras=4), seed=3)


@pytest.fixture(scope="module")
def points():
    return np.random.default_rng(0).uniform([-0.8, -0.8, 0.1], [0.8, 0.8, 1.8], (200, 3))


@pytest.fixture(scope="module")
def images(rig, points):
    return np.stack([project(points, camera) for camera in rig])


def test_triangulate_finds_exact_points_from_exact_images(rig, points, images):
    np.testing.assert_allclose(
        triangulate(images, np.ones(images.shape[:2]), rig.cameras), points, atol=1e-8
    )


def test_triangulate_returns_nan_when_one_view_sees_the_point(rig, images):
    xy = images.copy()
    xy[1:, 0] = np.nan
    found = triangulate(xy, np.ones(xy.shape[:2]), rig.cameras)
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1:]).all()


def test_triangulate_ignores_a_view_of_weight_zero(rig, points, images):
    xy, weight = images.copy(), np.ones(images.shape[:2])
    xy[2] += 80
    weight[2] = 0
    np.testing.assert_allclose(triangulate(xy, weight, rig.cameras), points, atol=1e-8)


def test_a_heavier_view_pulls_the_point_to_its_own_ray(rig, points, images):
    xy = images.copy()
    xy[0] += 5
    misses = []
    for weight_of_first in (0.1, 1.0, 10.0):
        weight = np.ones(xy.shape[:2])
        weight[0] = weight_of_first
        found = triangulate(xy, weight, rig.cameras)
        misses.append(np.linalg.norm(project(found, rig[0]) - xy[0], axis=1).mean())
    assert misses[0] > misses[1] > misses[2]


@pytest.mark.parametrize(
    "triangulation", [triangulate, lambda *a: triangulate_robust(*a, gate_px=5)]
)
def test_views_and_cameras_must_be_of_one_number(rig, images, triangulation):
    with pytest.raises(ValueError, match="4 views of points need as many cameras, not 3"):
        triangulation(images, np.ones(images.shape[:2]), rig.cameras[:3])


def test_robust_triangulation_leaves_out_the_one_view_that_lies(rig, points, images):
    random = np.random.default_rng(1)
    xy, liar = images.copy(), random.integers(0, 4, len(points))
    xy[liar, np.arange(len(points))] += random.uniform(30, 200, (len(points), 2))
    solved = triangulate_robust(xy, np.full(xy.shape[:2], 2.0), rig.cameras, gate_px=8)
    good = (solved.view_count == 3) & ~solved.used[liar, np.arange(len(points))]
    assert good.mean() > 0.95  # an error along the epipolar lines cannot be seen
    np.testing.assert_allclose(solved.xyz[good], points[good], atol=1e-6)


def test_robust_triangulation_refuses_two_views_that_disagree(rig, images):
    xy = images[:2].copy()
    xy[0, :, 1] += 60
    solved = triangulate_robust(xy, np.full(xy.shape[:2], 2.0), rig.cameras[:2], gate_px=8)
    assert np.isnan(solved.xyz).all()
    assert not solved.used.any()


def test_an_infinite_sigma_drops_an_observation(rig, points, images):
    xy, sigma = images.copy(), np.full(images.shape[:2], 2.0)
    xy[3] += 300
    sigma[3] = np.inf
    solved = triangulate_robust(xy, sigma, rig.cameras, gate_px=8)
    assert (solved.view_count == 3).all()
    np.testing.assert_allclose(solved.xyz, points, atol=1e-6)
    assert np.isnan(solved.error_px[3]).all()


def test_the_covariance_predicts_the_scatter(rig, points, images):
    random = np.random.default_rng(5)
    sigma = np.full(images.shape[:2], 3.0)
    errors, covariances = [], []
    for _ in range(20):
        solved = triangulate_robust(
            images + random.normal(0, 3, images.shape), sigma, rig.cameras, gate_px=30
        )
        errors.append(solved.xyz - points)
        covariances.append(solved.covariance)
    error, covariance = np.concatenate(errors), np.concatenate(covariances)
    squared = np.einsum("ni,nij,nj->n", error, np.linalg.inv(covariance), error)
    assert squared.mean() == pytest.approx(3, rel=0.1)  # chi-squared of three degrees of freedom


def test_the_error_of_a_point_is_its_distance_in_pixels(rig, points, images):
    xy = images.copy()
    xy[0] += [3.0, 4.0]
    solved = triangulate_robust(
        xy, np.array([[1e3], [1], [1], [1]]) * np.ones(200), rig.cameras, gate_px=20
    )
    assert np.median(solved.error_px[0]) == pytest.approx(
        5, abs=0.3
    )  # px; the lens bends it a little


def test_points_behind_the_cameras_are_none():
    matrix = np.array([[800.0, 0, 640], [0, 800, 360], [0, 0, 1]])
    apart = [
        Camera(
            f"{i}",
            (1280, 720),
            matrix,
            cam_from_world=rigid_transform(
                rotation_from_rotvec([0, angle, 0]), np.array([x, 0, 0])
            ),
        )
        for i, (angle, x) in enumerate([(0.2, 0.5), (-0.2, -0.5)])
    ]
    mirror = np.array([[0.0, 0.0, -4.0]])
    seen = [(mirror @ camera.R.T + camera.t)[0] for camera in apart]
    xy = np.array([[matrix[:2, :2] @ (p[:2] / p[2]) + matrix[:2, 2]] for p in seen])
    assert np.isfinite(triangulate(xy, np.ones((2, 1)), apart)).all()  # the lines do meet, behind
    assert np.isnan(triangulate_robust(xy, np.ones((2, 1)), apart, gate_px=8).xyz).all()


@pytest.mark.parametrize(
    ("degrees", "found"), [(1.0, False), (4.0, False), (7.0, True), (90.0, True), (179.0, False)]
)
def test_rays_that_hardly_cross_make_no_point(degrees, found):
    matrix = np.array([[800.0, 0, 640], [0, 800, 360], [0, 0, 1]])
    cameras = []
    for i, half in enumerate(np.radians([-degrees / 2, degrees / 2])):
        turn = rotation_from_rotvec(np.array([0, -half, 0]))
        cameras.append(
            Camera(
                f"{i}",
                (1280, 720),
                matrix,
                cam_from_world=rigid_transform(turn, np.array([0, 0, 3.0])),
            )
        )
    point = np.zeros((1, 3))
    xy = np.stack([project(point, camera) for camera in cameras])
    solved = triangulate_robust(xy, np.ones((2, 1)), cameras, gate_px=8)
    assert np.isfinite(solved.xyz).all() == found


def test_eight_views_outvote_two_liars():
    rig = make_rig(RigPlan(cameras=8), seed=1)
    points = np.random.default_rng(2).uniform([-0.5, -0.5, 0.5], [0.5, 0.5, 1.5], (50, 3))
    xy = np.stack([project(points, camera) for camera in rig])
    xy[2] += [60, 90]
    xy[5] -= [70, 50]
    solved = triangulate_robust(xy, np.full(xy.shape[:2], 2.0), rig.cameras, gate_px=8)
    assert (np.linalg.norm(solved.xyz - points, axis=1) < 0.005).mean() > 0.95  # m
    assert not solved.used[[2, 5]].any(1).all()
