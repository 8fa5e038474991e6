import numpy as np
import pytest

from calibration.geometry.alignment import align_similarity
from calibration.geometry.transforms import rotation_from_rotvec


@pytest.fixture
def cloud():
    return np.random.default_rng(0).normal(size=(30, 3))


def moved(cloud):
    return 2.5 * cloud @ rotation_from_rotvec(np.array([1.0, -2.0, 0.5])).T + [3, -1, 2]


def test_alignment_recovers_the_similarity(cloud):
    scale, rotation, translation = align_similarity(cloud, moved(cloud))
    assert scale == pytest.approx(2.5, abs=1e-12)
    np.testing.assert_allclose(
        rotation, rotation_from_rotvec(np.array([1.0, -2.0, 0.5])), atol=1e-12
    )
    np.testing.assert_allclose(translation, [3, -1, 2], atol=1e-12)


def test_rows_with_nan_are_left_out(cloud):
    target = moved(cloud)
    target[3] = np.nan
    cloud[7] = np.nan
    assert align_similarity(cloud, target)[0] == pytest.approx(2.5, abs=1e-12)


def test_rows_of_weight_zero_are_left_out(cloud):
    target, weight = moved(cloud), np.ones(30)
    target[3] += 100
    weight[3] = 0
    assert align_similarity(cloud, target, weight)[0] == pytest.approx(2.5, abs=1e-12)


def test_a_mirror_image_is_aligned_by_a_rotation_all_the_same(cloud):
    rotation = align_similarity(cloud, cloud * [1, 1, -1])[1]
    assert np.linalg.det(rotation) == pytest.approx(1, abs=1e-12)


def test_two_points_are_too_few(cloud):
    with pytest.raises(ValueError, match="three points in common, not 2"):
        align_similarity(cloud[:2], cloud[:2])
