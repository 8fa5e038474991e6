"""Pictures of the studio in real people's poses, and what the 2D model finds in them."""

import numpy as np
import pytest

from calibration.geometry.projection import project
from engine.inference.pose_model import Detection, Sighting
from engine.inference.preprocess import Region, image_from_crop
from engine.studio.body.anatomy import INDEX, build_anatomy
from training.data.samples import MARGIN
from training.errors import DatasetError
from training.lifting.sightings import (
    MIN_SCORE,
    find_people,
    join_sightings,
    read_sightings,
    write_sightings,
)
from training.lifting.studio_pictures import draw_pictures, draw_poses, pose_as_captured


@pytest.fixture(scope="module")
def samples(bank):
    return next(draw_pictures(bank, 2, seed=3))


class ExactModel:
    """Finds every joint where it is in the picture; told which picture comes next."""

    def __init__(self, samples, score=1.0):
        self.samples, self.score, self.number = samples, score, -1

    def find(self, images, windows):
        self.number += 1
        return [[Detection(np.array([[160.0, 160.0], [160.0, 60.0]]), 1.0)]]

    def region(self, points):
        return Region((160.0, 160.0), (320.0, 320.0))

    def locate(self, images, regions):
        camera = self.samples.cameras[self.samples.camera[self.number]]
        xyz = self.samples.xyz[self.number].astype(float)
        world = (xyz - camera.t) @ camera.R
        x, y, side = self.samples.region[self.number]
        matrix = image_from_crop(Region((x, y), (MARGIN * side,) * 2), (images[0].shape[1],) * 2)
        xy = (project(world, camera) - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
        own = xyz - xyz[:1]
        return [Sighting(xy, np.full(len(xy), 0.9), self.score, np.zeros((2, 2)), own)]


def test_a_model_that_finds_every_joint_has_no_errors(samples):
    found = join_sightings(list(find_people(samples, ExactModel(samples))))
    assert len(found) == 2
    assert np.abs(found.compute_errors()).max() < 1e-3
    np.testing.assert_allclose(np.linalg.norm(found.up, axis=1), 1, atol=1e-6)
    assert (found.up[:, 1] < -0.3).all()  # up is up in the image, more or less


def test_a_model_that_is_not_sure_of_a_person_finds_nobody(samples):
    assert list(find_people(samples, ExactModel(samples, score=MIN_SCORE - 0.1))) == []


def test_sightings_are_read_as_they_were_written(samples, tmp_path):
    found = join_sightings(list(find_people(samples, ExactModel(samples))))
    write_sightings(found, tmp_path / "sightings.npz")
    again = read_sightings(tmp_path / "sightings.npz")
    np.testing.assert_array_equal(again.rays, found.rays)
    np.testing.assert_array_equal(again.own_xyz, found.own_xyz)
    (tmp_path / "worn.npz").write_bytes(b"PK")
    with pytest.raises(DatasetError, match="Draw them again"):
        read_sightings(tmp_path / "worn.npz")


def test_poses_stand_on_the_floor_wherever_the_motion_was(bank):
    poses = draw_poses(bank, 30, np.random.default_rng(0))
    bones = pose_as_captured(poses - np.array([0.0, 0.0, 5.0]), build_anatomy(1.7))
    assert bones.xyz[..., 2].min(1) == pytest.approx(np.full(30, 0.03))
    head = bones.xyz[:, INDEX["head"], 2]
    assert np.median(head) > 1.0
