"""Between the crop of a network and the camera's space, there and back."""

from dataclasses import replace

import numpy as np
import pytest

from calibration.geometry.projection import project
from calibration.geometry.transforms import rigid_transform, rotation_from_rotvec
from calibration.rig import Camera
from training.data.crops import (
    Crop,
    camera_from_patch,
    camera_from_world,
    image_from_patch,
    network_input,
    patch_from_camera,
    patch_from_image,
    root_depth_from_bones,
    square_around_joints,
    square_around_root,
    world_from_camera,
)

LENS = np.array([-0.2, 0.06, 0.001, -0.0015, 0.0])
CAMERA = Camera(
    "left",
    (1280, 720),
    np.array([[900.0, 0.0, 655.0], [0.0, 910.0, 350.0], [0.0, 0.0, 1.0]]),
    LENS,
    rigid_transform(rotation_from_rotvec(np.array([1.4, 0.3, -0.2])), np.array([0.2, 0.5, 4.0])),
)
STRAIGHT = replace(CAMERA, distortion=np.zeros(5))
BONES = np.array([[0, 1], [1, 2], [2, 3], [4, 5], [5, 6]])


def pose(seed: int = 0):
    """Make a body of 16 points around a root 4 m before the camera, (16, 3), m, camera."""
    xyz = np.random.default_rng(seed).normal(0, 0.4, (16, 3)) + np.array([0.5, -0.2, 4.0])
    xyz[0] = (0.5, -0.2, 4.0)
    return xyz


def turned(crop: Crop, angle_rad: float = 0.4) -> Crop:
    return replace(crop, region=replace(crop.region, angle_rad=angle_rad))


def crop_of(xyz, camera=CAMERA, size_px=128) -> Crop:
    return Crop(square_around_root(xyz[0], camera), size_px, camera)


@pytest.mark.parametrize("camera", [CAMERA, STRAIGHT], ids=["lens", "pinhole"])
@pytest.mark.parametrize("angle_rad", [0.0, 0.7])
def test_a_pose_comes_back_from_the_patch_when_its_depth_is_known(camera, angle_rad):
    xyz = pose()
    crop = turned(crop_of(xyz, camera), angle_rad)
    uvw = patch_from_camera(xyz, crop, xyz[0, 2])
    np.testing.assert_allclose(camera_from_patch(uvw, crop, xyz[0, 2]), xyz, atol=1e-6)


def test_a_patch_comes_back_from_the_camera():
    xyz = pose(1)
    crop = turned(crop_of(xyz))
    uvw = np.random.default_rng(2).uniform(-0.5, 0.5, (16, 3))
    there = camera_from_patch(uvw, crop, xyz[0, 2])
    np.testing.assert_allclose(patch_from_camera(there, crop, xyz[0, 2]), uvw, atol=1e-8)


def test_the_root_is_the_middle_of_its_crop():
    xyz = pose(3)
    np.testing.assert_allclose(patch_from_camera(xyz, crop_of(xyz), xyz[0, 2])[0], 0.0, atol=1e-12)


def test_half_a_crop_is_a_metre_at_the_roots_depth_in_every_direction():
    root = np.array([0.0, 0.0, 3.0])  # on the axis, where no lens bends
    crop = Crop(
        square_around_root(root, STRAIGHT),
        256,
        replace(STRAIGHT, matrix=np.diag([900.0, 900.0, 1.0])),
    )
    crop = replace(crop, region=replace(crop.region, center_xy=(0.0, 0.0)))
    uvw = patch_from_camera(root + np.diag([1.0, -1.0, 0.5]), crop, 3.0)
    np.testing.assert_allclose([uvw[0, 0], uvw[1, 1], uvw[2, 2]], [0.5, -0.5, 0.25])


def test_a_larger_crop_makes_the_labels_smaller_and_the_pose_the_same():
    xyz = pose(4)
    crop = crop_of(xyz)
    wide = replace(
        crop, region=replace(crop.region, size_wh=tuple(1.25 * s for s in crop.region.size_wh))
    )
    one, other = (patch_from_camera(xyz, c, xyz[0, 2]) for c in (crop, wide))
    np.testing.assert_allclose(other, one / 1.25, atol=1e-9)
    np.testing.assert_allclose(camera_from_patch(other, wide, xyz[0, 2]), xyz, atol=1e-6)


def test_labels_do_not_depend_on_the_size_of_the_networks_input():
    xyz = pose(5)
    one, other = (
        patch_from_camera(xyz, crop_of(xyz, size_px=size), xyz[0, 2]) for size in (128, 256)
    )
    np.testing.assert_allclose(one, other, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_length_of_the_bones_gives_the_depth_that_no_single_camera_sees(seed):
    xyz = pose(seed)
    crop = turned(crop_of(xyz))
    lengths = np.linalg.norm(xyz[BONES[:, 0]] - xyz[BONES[:, 1]], axis=-1)
    uvw = patch_from_camera(xyz, crop, xyz[0, 2])
    depth = root_depth_from_bones(uvw, crop, BONES, lengths)
    assert depth == pytest.approx(4.0, abs=1e-6)
    np.testing.assert_allclose(camera_from_patch(uvw, crop, depth), xyz, atol=1e-5)


def test_bones_a_tenth_too_long_put_the_person_a_tenth_too_far():
    xyz = pose(6)
    crop = crop_of(xyz)
    lengths = 1.1 * np.linalg.norm(xyz[BONES[:, 0]] - xyz[BONES[:, 1]], axis=-1)
    assert root_depth_from_bones(
        patch_from_camera(xyz, crop, 4.0), crop, BONES, lengths
    ) == pytest.approx(4.4)


def test_a_missing_joint_takes_only_its_bones_out_of_the_depth():
    xyz = pose(7)
    crop = crop_of(xyz)
    lengths = np.linalg.norm(xyz[BONES[:, 0]] - xyz[BONES[:, 1]], axis=-1)
    uvw = patch_from_camera(xyz, crop, 4.0)
    uvw[1] = np.nan
    assert root_depth_from_bones(uvw, crop, BONES, lengths) == pytest.approx(4.0)
    uvw[:] = np.nan
    assert np.isnan(root_depth_from_bones(uvw, crop, BONES, lengths))


def test_patch_and_image_are_one_affine_map_apart():
    crop = turned(crop_of(pose(8)))
    xy = np.random.default_rng(9).uniform(0, 1000, (4, 5, 2))
    np.testing.assert_allclose(image_from_patch(patch_from_image(xy, crop), crop), xy, atol=1e-9)


def test_what_is_cut_out_lies_where_the_labels_say():
    rng, crop = np.random.default_rng(10), turned(crop_of(pose(10), size_px=256))
    image = np.zeros((720, 1280, 3), np.uint8)
    xy = np.rint(image_from_patch(rng.uniform(-0.3, 0.3, 2), crop)).astype(int)
    image[xy[1] - 2 : xy[1] + 3, xy[0] - 2 : xy[0] + 3] = 255
    seen = crop.cut_image(image)[..., 0].astype(float)
    rows, columns = np.mgrid[:256, :256]
    centre = np.array([(columns * seen).sum(), (rows * seen).sum()]) / seen.sum()
    np.testing.assert_allclose(
        centre / 256 - 0.5, patch_from_image(xy.astype(float), crop), atol=0.2 / 256
    )


def test_the_cameras_space_agrees_with_the_projection_of_the_ground_floor():
    xyz = pose(11)
    world = world_from_camera(xyz, CAMERA)
    np.testing.assert_allclose(camera_from_world(world, CAMERA), xyz, atol=1e-12)
    crop = crop_of(xyz)
    np.testing.assert_allclose(
        patch_from_camera(xyz, crop, 4.0)[:, :2],
        patch_from_image(project(world, CAMERA), crop),
        atol=1e-12,
    )


def test_a_joint_behind_the_camera_has_no_label():
    xyz = pose(12)
    xyz[3, 2] = -1.0
    uvw = patch_from_camera(xyz, crop_of(xyz), 4.0)
    assert np.isnan(uvw[3, :2]).all()
    assert np.isfinite(np.delete(uvw, 3, 0)).all()


@pytest.mark.parametrize("depth", [0.0, -2.0, float("nan")])
def test_a_root_that_is_not_before_the_camera_has_no_square(depth):
    with pytest.raises(ValueError, match="not before camera 'left'"):
        square_around_root(np.array([0.0, 0.0, depth]), CAMERA)


def test_a_square_without_depth_holds_all_joints_that_were_found():
    xy = np.array([[100.0, 50.0], [140.0, 250.0], [np.nan, np.nan]])
    region = square_around_joints(xy, 1.2)
    assert region.center_xy == (120.0, 150.0)
    assert region.size_wh == (240.0, 240.0)


def test_a_square_of_one_joint_is_refused():
    with pytest.raises(ValueError, match="not 1"):
        square_around_joints(np.array([[100.0, 50.0], [np.nan, np.nan]]))


def test_networks_see_what_imagenet_networks_see():
    assert network_input(128).size_wh == (128, 128)
    assert network_input(128).layout == "nchw"
