"""The balance beam of Pose2Sim's demo: four cameras, no joints.

``calibration_refined.json`` holds the cameras (OpenCV, metres, z up) with the names of their
videos; its cameras are certain to about 25 mm and 0.3 degrees.
"""

import json
from pathlib import Path

import numpy as np

from calibration.geometry.transforms import nearest_rotation, rigid_transform
from calibration.rig import Camera, Rig
from training.errors import DatasetError
from training.public.clips import read_video_facts
from training.world.clip import FoundClip, WorldClip
from training.world.folder import check_sizes

CAMERAS = "calibration_refined.json"
LICENCE = "BSD 3-Clause, (c) 2022 perfanalytics"
NOTE = "Pose2Sim, Demo_SinglePerson; cameras certain to 25 mm and 0.3 degrees; for testing only"


def find_beam(folder: Path) -> list[FoundClip]:
    """Return the clip of a folder that has these files; none of another folder."""
    if not (folder / CAMERAS).is_file() or not any(folder.glob("cam*.mp4")):
        return []
    return [FoundClip(folder.name, folder, lambda: read_beam(folder))]


def read_beam(folder: Path) -> WorldClip:
    """Read the clip; DatasetError if a file is missing or damaged."""
    path = folder / CAMERAS
    try:
        tables = json.loads(path.read_text(encoding="utf-8"))["cameras"]
        files = {table["name"]: folder / table["file"] for table in tables}
        rig = Rig(tuple(_parse_camera(table) for table in tables))
    except OSError as error:
        raise DatasetError(f"'{path}' cannot be read: {error.strerror}.") from error
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"'{path}' is damaged: {error}. Fetch it again.") from error
    views = tuple((name, files[name]) for name in rig.names)
    rate_fps = read_video_facts(views[0][1])[0]
    check_sizes(views, rig)
    return WorldClip(folder.name, folder, LICENCE, NOTE, views, rig, rate_fps)


def _parse_camera(table: dict) -> Camera:
    """Read one camera."""
    width, height = table["size"]
    pose = rigid_transform(nearest_rotation(np.array(table["R"], float)), np.ravel(table["t"]))
    return Camera(
        table["name"], (width, height), np.array(table["K"]), np.array(table["dist"]), pose
    )
