"""A studio clip of four images by two cameras, rendered once."""

from itertools import islice

import cv2
import numpy as np
import pytest

from calibration.rig import Rig
from engine.offline.footage import open_inputs
from training.world.clip import WorldClip
from training.world.folder import write_clip

IMAGES = 4


def write_video(path, images, fps=30):
    """Write pictures as a video."""
    height, width = images[0].shape[:2]
    path.parent.mkdir(parents=True, exist_ok=True)
    code = "MJPG" if path.suffix == ".avi" else "mp4v"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), fps, (width, height))
    for image in images:
        writer.write(image)
    writer.release()


def draw_grey(count, size_wh):
    """Draw images that grow lighter."""
    return [np.full((size_wh[1], size_wh[0], 3), 40 + 20 * i, np.uint8) for i in range(count)]


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    """Film four instants of the studio, with its rig and joints as truth."""
    folder = tmp_path_factory.mktemp("studio")
    with open_inputs(["studio:walk?cameras=2&seed=3&seconds=1"]) as footage:
        studio = footage.studio
        framesets = list(islice(footage.read_framesets(), IMAGES))
        names = footage.view_names
        xyz = studio.truth_as_detected([frames.timestamp_ns for frames in framesets])
    views = tuple((name, folder / f"{name}.mp4") for name in names)
    for view, (_, path) in enumerate(views):
        write_video(path, [frames.frames[view].image_bgr for frames in framesets])
    xyz = np.array(xyz)
    xyz[1, 3] = np.nan
    return WorldClip(
        name="studio",
        folder=folder,
        licence="none",
        note="drawn",
        views=views,
        rig=Rig(studio.rig.cameras),
        rate_fps=30.0,
        stature_m=studio.stature_m,
        joints=studio.skeleton.joints,
        xyz=xyz,
    )


@pytest.fixture
def folder(clip, tmp_path):
    """The clip in its own layout, to be damaged."""
    write_clip(clip, tmp_path / "walk")
    return tmp_path / "walk"
