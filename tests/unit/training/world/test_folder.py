"""A clip's own layout: what is written is read again, and every fault is one sentence."""

import numpy as np
import pytest

from training.errors import DatasetError
from training.world.folder import link_video, read_clip, write_clip


def test_what_is_written_is_read_again(clip, folder):
    found = read_clip(folder)
    assert (found.name, found.licence, found.note) == ("walk", "none", "drawn")
    assert found.view_names == clip.view_names
    assert (found.rate_fps, found.stature_m) == (30.0, clip.stature_m)
    np.testing.assert_allclose(
        found.select_joints(clip.joints), clip.xyz, atol=1e-6
    )  # m; NaN where NaN
    for camera, true in zip(found.rig, clip.rig):
        np.testing.assert_allclose(camera.cam_from_world, true.cam_from_world, atol=1e-9)


def test_videos_may_be_links(clip, tmp_path):
    write_clip(clip, tmp_path / "linked", link_video)
    assert all(video.is_symlink() for _, video in read_clip(tmp_path / "linked").views)


def test_a_clip_without_cameras_and_joints_has_its_videos(folder):
    (folder / "calibration.toml").unlink()
    (folder / "joints.csv").unlink()
    found = read_clip(folder)
    assert found.rig is None
    assert found.xyz is None
    assert len(found.views) == 2


def refusal(folder):
    """Return why a clip is refused: one paragraph."""
    with pytest.raises(DatasetError) as caught:
        read_clip(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_camera_without_video_is_named(clip, folder):
    (folder / f"{clip.view_names[1]}.mp4").unlink()
    assert f"no video of camera '{clip.view_names[1]}'" in refusal(folder)


def test_a_video_without_camera_is_named(clip, folder):
    (folder / f"{clip.view_names[1]}.mp4").rename(folder / "door.mp4")
    (folder / "calibration.toml").write_text(
        (folder / "calibration.toml").read_text().split("[cam_1]")[0]
    )
    assert "no camera 'door'" in refusal(folder)


def test_a_clip_without_video_is_refused(folder):
    for video in folder.glob("*.mp4"):
        video.unlink()
    assert "holds no video" in refusal(folder)


def test_videos_of_another_size_than_the_calibration_are_refused(folder):
    path = folder / "calibration.toml"
    path.write_text(path.read_text().replace("[640, 480]", "[1280, 960]"))
    assert "are 640x480, but its calibration is for 1280x960" in refusal(folder)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("0,left_wing,0,0,0", "joint 'left_wing', which no skeleton"),
        ("4,left_hip,0,0,0", "joints of frame 4, but the videos have 4 images"),
        ("-1,left_hip,0,0,0", "frame -1"),
        ("0,left_hip,0,zero,0", "is damaged"),
        ("0,left_hip", "is damaged"),
    ],
)
def test_a_joint_that_cannot_be_is_named(folder, row, said):
    with (folder / "joints.csv").open("a") as file:
        file.write(row + "\n")
    assert said in refusal(folder)


def test_joints_without_their_columns_are_refused(folder):
    (folder / "joints.csv").write_text("frame,joint,x,y,z\n")
    assert "has not the columns" in refusal(folder)


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("clip.toml", "fps = ", "clip.toml' is damaged"),
        ("clip.toml", "licence = 'none'", "needs 'fps'"),
        ("clip.toml", "fps = 30\nstature_m = 175", "stature_m is 175"),
        ("calibration.toml", "[cam_0", "is not a rig file"),
        ("calibration.toml", "[cam_0]\nmatrix = 3\nsize = [1, 1]", "is incomplete"),
    ],
)
def test_damaged_toml_is_one_sentence(folder, file, text, said):
    (folder / file).write_text(text)
    assert said in refusal(folder)


def test_a_video_that_is_none_is_one_sentence(clip, folder):
    (folder / f"{clip.view_names[0]}.mp4").write_bytes(b"no video")
    assert "no readable video" in refusal(folder)
