"""The studio's cameras: where they stand, what they see, and their world frame."""

import itertools

import numpy as np
import pytest

from calibration.geometry.projection import project
from calibration.rig import Rig
from engine.studio.motion.route import EXTENT_M
from engine.studio.ring import HEIGHT_M, K1, RADIUS_M, draw_ring, world_from_room

SEEDS = range(200)


def draw(
    seed: int, count: int = 4, size_wh: tuple[int, int] = (640, 480), stature_m: float | None = None
) -> Rig:
    """Set up the cameras of one seed."""
    rng = np.random.default_rng(seed)
    return draw_ring(count, size_wh, stature_m or rng.uniform(1.5, 1.95), True, rng)


@pytest.fixture(scope="module")
def rings() -> list[Rig]:
    """Four cameras, 200 times."""
    return [draw(seed) for seed in SEEDS]


def azimuths_deg(rig: Rig) -> np.ndarray:
    """Return the cameras' directions from the middle of the ring."""
    centres = np.array([camera.centre for camera in rig])
    return np.rad2deg(np.arctan2(centres[:, 1], centres[:, 0]))


def test_cameras_stand_in_the_room_at_human_heights(rings: list[Rig]):
    centres = np.array([[camera.centre for camera in rig] for rig in rings])
    radius = np.linalg.norm(centres[..., :2], axis=-1)
    assert RADIUS_M[0] - 1e-9 <= radius.min()
    assert radius.max() <= RADIUS_M[1] + 1e-9
    assert HEIGHT_M[0] <= centres[..., 2].min()
    assert centres[..., 2].max() <= HEIGHT_M[1]


def test_neighbouring_views_of_four_differ_by_50_to_130_degrees(rings: list[Rig]):
    for rig in rings:
        steps = np.diff(np.append(azimuths_deg(rig), azimuths_deg(rig)[0])) % 360
        assert steps.min() > 50
        assert steps.max() < 130


def test_focal_lengths_of_four_differ_by_ten_percent_each(rings: list[Rig]):
    for rig in rings:
        focal = np.sort([camera.focal_px for camera in rig])
        assert (focal[1:] / focal[:-1]).min() >= 1.10


def test_one_camera_alone_sees_the_whole_route():
    rigs = [draw(seed, 1) for seed in range(20)]
    assert {len(rig.cameras) for rig in rigs} == {1}
    assert 480 < np.median([rig[0].focal_px for rig in rigs]) < 640  # an ordinary lens


@pytest.mark.parametrize("count", [2, 3, 5, 6, 7, 8])
def test_any_number_of_cameras_spreads_its_focal_lengths_by_ten_percent(count: int):
    for seed in range(10):
        rig = draw(seed, count)
        focal = [camera.focal_px for camera in rig]
        assert len(rig) == count
        assert max(focal) / min(focal) >= 1.10


def test_lenses_bend_within_their_limits_and_unlike_each_other(rings: list[Rig]):
    k1 = np.array([[camera.distortion[0] for camera in rig] for rig in rings])
    assert K1[0] <= k1.min()
    assert k1.max() <= K1[1]
    assert np.ptp(k1, axis=1).min() > 0


@pytest.mark.parametrize("size_wh", [(640, 480), (1280, 720), (720, 1280), (320, 240)])
def test_a_walker_is_whole_in_every_image_everywhere_on_the_route(size_wh: tuple[int, int]):
    angle = np.linspace(0, 2 * np.pi, 40)
    ring = EXTENT_M * np.stack([np.cos(angle), np.sin(angle)], -1)
    for seed in range(25):
        for camera in draw(seed, 4, size_wh, 1.8):
            for height in (0.0, 0.9, 1.8):
                xy = project(np.column_stack([ring, np.full(len(ring), height)]), camera)
                assert (xy >= 0).all()
                assert (xy <= np.array(size_wh) - 1).all()


def test_a_person_in_the_middle_stands_at_least_170_px_tall(rings: list[Rig]):
    for seed, rig in zip(SEEDS, rings):
        stature = np.random.default_rng(seed).uniform(1.5, 1.95)
        for camera in rig:
            feet, crown = project(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, stature]]), camera)
            assert np.linalg.norm(feet - crown) > 170


def test_the_world_has_its_origin_under_the_cameras_and_x_towards_the_first():
    for seed, count in itertools.product(range(10), (2, 3, 4, 7)):
        ring = draw(seed, count)
        rig = ring.with_world(world_from_room(ring))
        centres = np.array([camera.centre for camera in rig])
        np.testing.assert_allclose(centres[:, :2].mean(0), 0.0, atol=1e-9)
        assert abs(centres[0, 1]) < 1e-9
        assert centres[0, 0] > 0
        np.testing.assert_allclose(centres[:, 2], [camera.centre[2] for camera in ring], atol=1e-9)


def test_the_same_seed_sets_up_the_same_cameras():
    for first, again in zip(draw(7), draw(7)):
        np.testing.assert_array_equal(first.cam_from_world, again.cam_from_world)
        np.testing.assert_array_equal(first.matrix, again.matrix)
