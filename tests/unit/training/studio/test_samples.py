"""Studio samples: pictures that agree with their truth, endlessly various, no held-out people."""

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest

from calibration.geometry.projection import project, undistort
from calibration.rig import Camera
from engine.inference.preprocess import Region, image_from_crop
from engine.studio import raster
from engine.studio.body.anatomy import INDEX, build_anatomy
from engine.studio.room import CEILING_M, HALF_M, Room
from training.data.crops import Crop, camera_from_patch, patch_from_camera, world_from_camera
from training.data.samples import MARGIN, Samples, join
from training.errors import TrainingError
from training.studio import samples as studio_samples
from training.studio import shoot as studio_shoot
from training.studio.backdrop import Backdrop, Shadow, compute_crop_rays, draw_backdrop
from training.studio.cameras import (
    CameraConfig,
    draw_camera,
    find_image_part,
    is_seen,
    pack_crop_lens,
    undistort_rays,
)
from training.studio.people import Body, make_body, paint, to_bone_pose
from training.studio.poses import POSES, draw_poses, is_possible
from training.studio.recordings import StudioRecordingConfig, samples_from_recording
from training.studio.samples import StudioSampleConfig, StudioSampler, draw_samples
from training.studio.seeds import BODY_SEEDS, HELD_OUT_SEEDS, PLAY_SEEDS, ROOM_SEEDS, TRAIN_SEEDS
from training.studio.shoot import Moment, render_picture
from training.studio.textures import render_room_textures

SMALL = StudioSampleConfig(seed=5, samples=36, stored_px=96)
SAMPLER = StudioSampler()


@pytest.fixture(autouse=True, scope="module")
def few_rooms() -> Iterator[None]:
    """Draw two rooms for a portion: each of the usual five takes as long as a dozen samples."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(studio_samples, "ROOM_COUNT", 2)
        yield


@cache
def drawn() -> Samples:
    """Draw a few samples, once."""
    return join(list(SAMPLER.draw(SMALL)))


@cache
def person() -> Body:
    """Return the body that was drawn."""
    return make_body(int(drawn().persons[0].split()[1]))


@cache
def taken() -> Samples:
    """Cut a short take, once."""
    return samples_from_recording(
        3, StudioRecordingConfig(seconds=2.0, rate_fps=1.0, motion="walk", cameras=2, stored_px=96)
    )


def in_crop(samples: Samples, i: int) -> np.ndarray:
    """Return where the true joints are in a stored crop, (J, 2), px."""
    x, y, side = samples.region[i]
    matrix = image_from_crop(
        Region((x, y), (MARGIN * side, MARGIN * side)), (samples.stored_px, samples.stored_px)
    )
    return (samples.xy[i] - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T


@pytest.mark.parametrize("samples", [drawn, taken])
def test_the_truth_in_3d_is_seen_where_the_truth_in_2d_says(samples):
    set_ = samples()
    for i in range(len(set_)):
        camera = set_.cameras[set_.camera[i]]
        xy = project(world_from_camera(set_.xyz[i].astype(float), camera), camera)
        known = set_.confidence[i] > 0
        assert known.mean() > 0.9
        assert np.abs(xy - set_.xy[i])[known].max() < 0.05


def test_views_of_one_instant_show_one_pose_from_well_apart():
    samples, pairs = drawn(), 0
    for frameset in np.unique(samples.frameset):
        views = np.flatnonzero(samples.frameset == frameset)
        assert len(views) <= 2
        if len(views) == 2:
            one, other = (samples.cameras[samples.camera[i]] for i in views)
            a, b = (
                world_from_camera(samples.xyz[i].astype(float), c)
                for i, c in zip(views, (one, other))
            )
            np.testing.assert_allclose(a, b, atol=1e-4)
            pelvis = a[samples.skeleton.index("pelvis")]
            from_a, from_b = (c.centre[:2] - pelvis[:2] for c in (one, other))
            angle = math.acos(from_a @ from_b / np.linalg.norm(from_a) / np.linalg.norm(from_b))
            assert 0.6 < angle < 2.6
            pairs += 1
    assert pairs > 5


def test_the_picture_shows_the_person_where_the_truth_says(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(studio_shoot, "FURNITURE_SHARE", 0.0)
    rng = np.random.default_rng(0)
    body, anatomy = person(), build_anatomy(1.6)
    bones, _ = draw_poses(6, anatomy, PLAY_SEEDS.start, rng)
    poses = to_bone_pose(bones, anatomy)
    red = np.tile(np.array([0, 0, 255], np.float32), (len(body.shade), 1))
    black = Backdrop(
        np.zeros((6, 8, 8, 3), np.uint8),
        np.full(3, -9, np.float32),
        np.full(3, 9, np.float32),
        np.ones(6, np.float32),
    )
    shadow = Shadow(np.ones((2, 2), np.float32), np.zeros((2, 3), np.float32))
    hits, elsewhere = [], []
    for i in range(6):
        moment = Moment(
            body, raster.BonePose(poses.rotation[i], poses.translation[i]), red, black, shadow
        )
        camera = draw_camera("view", bones.xyz[i], i, CameraConfig(whole_share=1.0), rng)
        xy = project(bones.xyz[i], camera)
        side = 2.2 * float(np.ptp(xy, axis=0).max())
        region = Region((float(xy[:, 0].mean()), float(xy[:, 1].mean())), (side, side))
        mask = _person(render_picture(moment, camera, region, 160, rng))
        matrix = image_from_crop(region, (160, 160))
        for shift, into in ((0, hits), (40, elsewhere)):
            column, row = (
                np.rint((xy - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T).astype(int).T
            )
            inside = is_seen(bones.xyz[i], camera) & (column + shift < 160)
            into += list(mask[row[inside], column[inside] + shift])
    assert np.mean(hits) > 0.95
    assert np.mean(elsewhere) < 0.4


def _person(image_bgr: np.ndarray) -> np.ndarray:
    """Return where it is red, a pixel grown."""
    red = image_bgr[..., 2].astype(int) - image_bgr[..., 0] > 60
    return cv2.dilate(red.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0


def test_left_is_the_persons_left():
    samples, agreeing = drawn(), []
    left, right = (samples.skeleton.index(f"{side}_shoulder") for side in ("left", "right"))
    hips = [samples.skeleton.index(f"{side}_hip") for side in ("left", "right")]
    for i in range(len(samples)):
        xyz = samples.xyz[i].astype(float)
        across = xyz[left] - xyz[right]
        agreeing.append(across @ (xyz[hips[0]] - xyz[hips[1]]) > 0)
    assert np.mean(agreeing) > 0.95
    take = taken()  # a walker moves to where left is left
    pelvis = take.skeleton.index("pelvis")
    rows = np.flatnonzero(take.camera == 0)
    room = np.stack([world_from_camera(take.xyz[i].astype(float), take.cameras[0]) for i in rows])
    ahead = room[1, pelvis, :2] - room[0, pelvis, :2]
    across = room[0, left, :2] - room[0, right, :2]
    assert ahead[0] * across[1] - ahead[1] * across[0] > 0


def test_the_same_seed_draws_the_same_whatever_was_drawn_before():
    config = replace(SMALL, samples=3, stored_px=48)
    drawn()
    later, fresh = join(list(SAMPLER.draw(config, 1))), draw_samples(config, 1)
    np.testing.assert_array_equal(fresh.image, later.image)
    np.testing.assert_array_equal(fresh.xyz, later.xyz)
    first = join(list(SAMPLER.draw(config, 0)))
    assert not np.array_equal(fresh.xyz, first.xyz)
    assert not np.array_equal(fresh.image, first.image)


def test_nothing_that_is_trained_on_is_held_out():
    for seeds in (BODY_SEEDS, ROOM_SEEDS, PLAY_SEEDS):
        assert seeds[0] in TRAIN_SEEDS
        assert seeds[-1] in TRAIN_SEEDS
    assert TRAIN_SEEDS.start >= HELD_OUT_SEEDS.stop
    with pytest.raises(ValueError, match="held out"):
        samples_from_recording(BODY_SEEDS.start)
    numbers = {int(name.split()[1]) for name in drawn().persons}
    assert numbers <= set(BODY_SEEDS)
    assert taken().persons == ("studio 3",)


def test_a_take_has_every_camera_at_every_instant():
    samples = taken()
    assert len(samples.cameras) == 2
    assert samples.frameset.tolist() == [0, 0, 1, 1]
    assert np.ptp(samples.time_ns[samples.frameset == 0]) < 11e6
    assert (samples.weight == 1).all()


def test_poses_are_far_more_varied_than_the_programme():
    rng, anatomy = np.random.default_rng(1), build_anatomy(1.75)
    bones, kinds = draw_poses(600, anatomy, PLAY_SEEDS.start, rng)
    assert set(kinds) == set(POSES)
    wrist, shoulder, hip = (
        bones.xyz[:, INDEX[f"left_{j}"], 2] for j in ("wrist", "shoulder", "hip")
    )
    assert np.mean(wrist > shoulder) > 0.15
    assert 0.2 < np.mean(hip < 0.75) < 0.6
    assert bones.xyz[..., 2].min() > -0.1


def test_a_hand_in_the_trunk_is_no_pose():
    rng, anatomy = np.random.default_rng(1), build_anatomy(1.75)
    bones, _ = draw_poses(4, anatomy, PLAY_SEEDS.start, rng)
    bones.xyz[2, INDEX["left_wrist"]] = bones.xyz[2, INDEX["chest"]]
    before = is_possible(bones, anatomy)
    assert not before[2]


def test_bones_keep_their_lengths_in_every_pose():
    anatomy = build_anatomy(1.9)
    bones, _ = draw_poses(100, anatomy, PLAY_SEEDS.start + 1, np.random.default_rng(2))
    thigh = np.linalg.norm(
        bones.xyz[:, INDEX["left_knee"]] - bones.xyz[:, INDEX["left_hip"]], axis=-1
    )
    np.testing.assert_allclose(thigh, anatomy.thigh_m, atol=1e-6)


def test_a_body_of_any_stature_is_the_studios_own_of_that_stature():
    anatomy = build_anatomy(1.5)
    bones, _ = draw_poses(1, anatomy, PLAY_SEEDS.start, np.random.default_rng(3))
    pose = to_bone_pose(bones, anatomy)
    ankle = INDEX["left_ankle"]
    rest = build_anatomy(1.75).rest
    np.testing.assert_allclose(
        pose.rotation[0, ankle] @ rest[ankle] + pose.translation[0, ankle],
        bones.xyz[0, ankle],
        atol=1e-5,
    )


def test_one_body_wears_other_colours():
    body, rng = person(), np.random.default_rng(0)
    one, other = paint(body, rng), paint(body, rng)
    assert one.shape == body.shade.shape
    assert one.min() >= 0
    assert one.max() <= 1
    assert np.abs(one - other).max() > 0.05


def test_cameras_keep_within_their_limits_and_most_see_everybody():
    rng, config = np.random.default_rng(0), CameraConfig()
    xyz = build_anatomy(1.75).rest
    cameras = [draw_camera("view", xyz, 0.1 * i, config, rng) for i in range(60)]
    for camera in cameras:
        assert config.height_m[0] <= camera.centre[2] <= config.height_m[1]
        distance = float(np.linalg.norm(camera.centre[:2]))
        assert config.distance_m[0] - 0.3 < distance < config.distance_m[1] + 0.3
        assert config.k1[0] <= camera.distortion[0] <= config.k1[1]
        assert math.degrees(math.asin(abs(camera.R[0, 2]))) < 60
    assert np.mean([is_seen(xyz, camera).mean() > 0.9 for camera in cameras]) > 0.75


def test_a_wide_lens_is_never_bent_until_it_folds():
    rng = np.random.default_rng(0)
    config = CameraConfig(field_deg=(100.0, 100.0), k1=(-0.15, -0.15))
    for i in range(10):
        camera = draw_camera("view", build_anatomy(1.75).rest, i, config, rng)
        corner = (np.array(camera.size_wh) - camera.principal_px) / camera.focal_px
        assert np.isfinite(undistort(corner, camera.distortion)).all()
        np.testing.assert_allclose(
            undistort_rays(corner, camera), undistort(corner, camera.distortion), atol=1e-6
        )


def test_a_crops_lens_sees_as_the_whole_image_does():
    rng = np.random.default_rng(4)
    camera = draw_camera("view", build_anatomy(1.75).rest, 0.3, CameraConfig(), rng)
    region = Region((300.0, 200.0), (240.0, 240.0))
    fx, fy, cx, cy, k1, *_ = pack_crop_lens(camera, region, 96).astype(float)
    crop = Camera(
        "crop",
        (96, 96),
        np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]),
        np.array([k1, 0, 0, 0, 0]),
        camera.cam_from_world,
    )
    xyz = build_anatomy(1.75).rest
    matrix = image_from_crop(region, (96, 96))
    np.testing.assert_allclose(
        project(xyz, crop) @ matrix[:, :2].T + matrix[:, 2], project(xyz, camera), atol=1e-2
    )


def test_what_lies_beyond_the_image_is_black():
    samples, some = drawn(), 0
    for i in range(len(samples)):
        x, y, side = samples.region[i]
        wide = Region((x, y), (MARGIN * side, MARGIN * side))
        x0, y0, x1, y1 = find_image_part(
            samples.cameras[samples.camera[i]], wide, samples.stored_px
        )
        beyond = np.ones(samples.image.shape[1:3], bool)
        beyond[y0:y1, x0:x1] = False
        assert not samples.image[i][beyond].any()
        some += int(beyond.any())
    assert some > 3


def test_a_room_is_seen_as_the_studio_shows_it():
    rotation = np.array([[1.0, 0, 0], [0, 0.3, -np.sqrt(0.91)], [0, np.sqrt(0.91), 0.3]])
    centre = np.array([0.5, -2.0, 1.4])
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation, -rotation @ centre
    matrix = np.array([[60.0, 0, 47.5], [0, 60.0, 47.5], [0, 0, 1]])
    camera = Camera("view", (96, 96), matrix, cam_from_world=pose)
    wanted = Room(np.random.default_rng([7, 4])).draw_backdrop(camera, 0.0).image_bgr
    low, high = (
        np.array([-HALF_M, -HALF_M, 0], np.float32),
        np.array([HALF_M, HALF_M, CEILING_M], np.float32),
    )
    room = Backdrop(render_room_textures(7), low, high, np.ones(6, np.float32))
    image = np.empty_like(wanted)
    rays = compute_crop_rays(camera, Region((48.0, 48.0), (96.0, 96.0)), 96)
    shadow = Shadow(np.ones((2, 2), np.float32), np.zeros((2, 3), np.float32))
    draw_backdrop(image, rays, centre, room, shadow)
    assert np.median(np.abs(image.astype(int) - wanted)) < 12
    assert np.corrcoef(image.mean(-1).ravel(), wanted.mean(-1).ravel())[0, 1] > 0.8


def test_a_network_could_be_taught_by_it():
    samples = drawn()
    x, y, side = samples.region[0]
    crop = Crop(Region((x, y), (side, side)), 128, samples.cameras[samples.camera[0]])
    depth = float(samples.root_depth_m[0])
    uvw = patch_from_camera(samples.xyz[0].astype(float), crop, depth)
    np.testing.assert_allclose(camera_from_patch(uvw, crop, depth), samples.xyz[0], atol=1e-4)
    assert np.mean(np.abs(uvw[:, :2]) < 0.5) > 0.9


def test_other_skeletons_can_be_drawn():
    samples = join(list(SAMPLER.draw(replace(SMALL, samples=2, skeleton="h36m_17"))))
    assert samples.xyz.shape == (2, 17, 3)
    assert np.isfinite(samples.xyz).all()


def test_no_samples_are_refused_in_a_sentence():
    with pytest.raises(TrainingError, match="one or more"):
        StudioSampleConfig(samples=0)
