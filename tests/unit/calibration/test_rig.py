import os
import tomllib
from dataclasses import replace

import numpy as np
import pytest

from calibration.geometry.projection import project
from calibration.geometry.transforms import rigid_transform, rotation_from_rotvec, transform_points
from calibration.rig import Camera, Rig, RigFileError, load_rig, save_rig
from calibration.synthetic.synthetic import RigPlan, make_rig

ANIPOSE = """
[cam_0]
name = "left"
size = [ 1280, 720,]
matrix = [ [ 900.0, 0.0, 639.5,], [ 0.0, 900.0, 359.5,], [ 0.0, 0.0, 1.0,],]
distortions = [ -0.1, 0.0, 0.0, 0.0, 0.0,]
rotation = [ 0.0, 0.5, 0.0,]
translation = [ 0.1, 0.2, 3.0,]

[cam_1]
name = "right"
size = [ 640, 480,]
matrix = [ [ 500.0, 0.0, 320.0,], [ 0.0, 500.0, 240.0,], [ 0.0, 0.0, 1.0,],]
distortions = [ -0.2,]
rotation = [ 0.0, -0.5, 0.0,]
translation = [ -0.1, 0.2, 3.0,]

[metadata]
adjusted = false
error = 0.4
"""


@pytest.fixture
def rig():
    return replace(
        make_rig(RigPlan(cameras=3, offset_ms=20), seed=1),
        metadata={"verdict": "usable", "tries": 2},
    )


def test_a_rig_survives_its_file(rig, tmp_path):
    save_rig(rig, tmp_path / "rig.toml")
    back = load_rig(tmp_path / "rig.toml")
    assert back.names == rig.names
    assert back.time_offset_ns == rig.time_offset_ns
    assert back.metadata["tries"] == 2
    for a, b in zip(back, rig):
        assert a.size_wh == b.size_wh
        np.testing.assert_array_equal(a.matrix, b.matrix)
        np.testing.assert_array_equal(a.distortion, b.distortion)
        np.testing.assert_allclose(a.cam_from_world, b.cam_from_world, atol=1e-12)


def test_the_file_says_what_its_numbers_mean(rig, tmp_path):
    save_rig(rig, tmp_path / "rig.toml")
    metadata = tomllib.loads((tmp_path / "rig.toml").read_text())["metadata"]
    assert metadata["units"] == "metres"
    assert "z up" in metadata["world"]


def test_a_file_of_another_program_is_read(tmp_path):
    (tmp_path / "a.toml").write_text(ANIPOSE)
    rig = load_rig(tmp_path / "a.toml")
    assert rig.names == ("left", "right")
    np.testing.assert_allclose(rig["right"].distortion, [-0.2, 0, 0, 0, 0])
    np.testing.assert_allclose(rig[0].R, rotation_from_rotvec(np.array([0, 0.5, 0])), atol=1e-15)
    np.testing.assert_allclose(rig[0].t, [0.1, 0.2, 3.0])


def test_cameras_keep_the_order_of_their_numbers_beyond_nine(tmp_path):
    rig = make_rig(RigPlan(cameras=8), seed=1)
    many = Rig(tuple(replace(rig[i % 8], name=f"n{i}") for i in range(12)))
    save_rig(many, tmp_path / "rig.toml")
    assert load_rig(tmp_path / "rig.toml").names == many.names


@pytest.mark.parametrize(
    "name", ['with "quotes"', "back\\slash", "tab\tand\nline", "Küche links", "a.b c", ""]
)
def test_any_name_survives_the_file(rig, tmp_path, name):
    odd = Rig((replace(rig[0], name=name), rig[1]), {name: -3})
    save_rig(odd, tmp_path / "rig.toml")
    assert load_rig(tmp_path / "rig.toml").names[0] == name
    assert load_rig(tmp_path / "rig.toml").time_offset_ns == {name: -3}


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(
        RigFileError, match=r"There is no rig file '.*nowhere\.toml'. Calibrate first"
    ):
        load_rig(tmp_path / "nowhere.toml")


def test_a_folder_is_no_rig_file(tmp_path):
    with pytest.raises(RigFileError, match="cannot be read"):
        load_rig(tmp_path)


@pytest.mark.parametrize(
    "content", [b"[cam_0\nname=", b"\xff\xfe\x00 not text", b"matrix = 'never closed"]
)
def test_broken_toml_is_said_to_be_no_rig_file(tmp_path, content):
    (tmp_path / "bad.toml").write_bytes(content)
    with pytest.raises(RigFileError, match=r"'.*bad\.toml' is not a rig file"):
        load_rig(tmp_path / "bad.toml")


@pytest.mark.parametrize("content", ["", "x = 1", "[metadata]\na = 1"])
def test_a_file_without_cameras_is_said_to_hold_none(tmp_path, content):
    (tmp_path / "none.toml").write_text(content)
    with pytest.raises(RigFileError, match="holds no camera"):
        load_rig(tmp_path / "none.toml")


def test_a_missing_key_is_named(tmp_path):
    (tmp_path / "a.toml").write_text(ANIPOSE.replace("size = [ 640, 480,]", ""))
    with pytest.raises(RigFileError, match=r"a\.toml' is incomplete: the key 'size' is missing"):
        load_rig(tmp_path / "a.toml")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "distortions = [ -0.2,]",
            "distortions = [1, 2, 3, 4, 5, 6]",
            r"\[cam_1\] has 6 distortion coefficients",
        ),
        ('name = "right"', 'name = "left"', "Camera names must differ: left, left"),
        ("500.0, 0.0, 320.0", "-500.0, 0.0, 320.0", "focal length and image size must be positive"),
        ("500.0, 0.0, 320.0", "nan, 0.0, 320.0", "finite numbers"),
        ("size = [ 640, 480,]", "size = 640", "incomplete"),
        ("translation = [ -0.1, 0.2, 3.0,]", "translation = [1, 2]", "incomplete"),
        (
            "[ [ 500.0, 0.0, 320.0,], [ 0.0, 500.0, 240.0,], [ 0.0, 0.0, 1.0,],]",
            '"K"',
            "incomplete",
        ),
    ],
)
def test_nonsense_in_a_file_is_a_sentence(tmp_path, old, new, says):
    assert old in ANIPOSE
    (tmp_path / "a.toml").write_text(ANIPOSE.replace(old, new))
    with pytest.raises(RigFileError, match=says):
        load_rig(tmp_path / "a.toml")


def test_a_disk_that_refuses_leaves_the_old_file_whole(rig, tmp_path, monkeypatch):
    path = tmp_path / "rig.toml"
    save_rig(rig, path)
    before = path.read_bytes()

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_rig(replace(rig, metadata={}), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["rig.toml"]


def test_what_toml_cannot_hold_is_refused(rig, tmp_path):
    with pytest.raises(TypeError, match="cannot hold a object"):
        save_rig(replace(rig, metadata={"x": object()}), tmp_path / "rig.toml")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("matrix", np.eye(2)),
        ("distortion", np.zeros(4)),
        ("cam_from_world", np.full((4, 4), np.nan)),
    ],
)
def test_a_camera_of_wrong_shape_is_refused_by_name(rig, field, value):
    with pytest.raises(ValueError, match=f"Camera 'cam_0': {field} must be"):
        replace(rig[0], **{field: value})


def test_two_cameras_of_one_name_are_refused(rig):
    with pytest.raises(ValueError, match="Camera names must differ"):
        Rig((rig[0], rig[0]))


def test_a_camera_knows_its_centre(rig):
    centre = np.append(rig[1].centre, 1)
    np.testing.assert_allclose((rig[1].cam_from_world @ centre)[:3], 0, atol=1e-12)


def test_a_rig_is_found_by_name_and_by_number(rig):
    assert rig["cam_2"] is rig[2]
    assert len(rig) == 3


def test_another_world_shows_the_same_images(rig):
    points = np.random.default_rng(0).uniform([-0.5, -0.5, 0.5], [0.5, 0.5, 1.5], (20, 3))
    new_from_old = rigid_transform(
        rotation_from_rotvec(np.array([0.4, -1, 2])), np.array([5.0, 6, 7])
    )
    moved = rig.with_world(new_from_old, 3.0)
    for old, new in zip(rig, moved):
        np.testing.assert_allclose(
            project(transform_points(new_from_old, 3 * points), new),
            project(points, old),
            atol=1e-8,
        )


def test_a_camera_made_of_lists_holds_arrays():
    camera = Camera("a", (4, 3), [[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    assert camera.matrix.dtype == float
    assert camera.focal_px == 1.0
