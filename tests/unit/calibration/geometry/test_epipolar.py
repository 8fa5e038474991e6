import numpy as np
import pytest

from calibration.geometry.epipolar import fundamental_from_cameras, sampson_distance_px
from calibration.geometry.projection import project
from calibration.geometry.transforms import rigid_transform, rotation_from_rotvec
from calibration.rig import Camera

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


def test_matches_of_true_cameras_lie_on_their_epipolar_lines(images):
    assert sampson_distance_px(*images, fundamental_from_cameras(A, B)).max() < 1e-9


def test_the_sampson_distance_is_the_shift_across_the_line(images):
    F = fundamental_from_cameras(A, B)
    line = np.column_stack([images[0], np.ones(120)]) @ F.T
    across = line[:, :2] / np.linalg.norm(line[:, :2], axis=1, keepdims=True)
    shared = sampson_distance_px(images[0], images[1] + 2 * across, F)
    assert (shared <= 2.0 + 1e-6).all()
    assert (shared > 0.8).all()
