"""Recordings of the ZAS workshop: ``NAME.cam2.avi``, ``NAME.trc`` and one ``calibration.toml``.

Three cameras gave the 3D (OpenPose and Pose2Sim), and the video of one is there. The table of
joints is in metres and counts images from 1; its columns are (y, z, x) of the world of the
calibration, so that ``P_world = (Z, X, Y)``.
"""

import re
from pathlib import Path

import numpy as np

from calibration.errors import CalibrationError
from calibration.geometry.arrays import F64
from calibration.geometry.transforms import rigid_transform
from calibration.rig import Rig, load_rig
from training.errors import DatasetError
from training.public.clips import count_images
from training.world.clip import FoundClip, WorldClip
from training.world.folder import CALIBRATION, check_sizes
from training.world.upright import find_upright

LICENCE = "CC0 1.0"
NOTE = "ZAS workshop 2025, participant p0; 3D by OpenPose and Pose2Sim, no markers; testing only"
WORLD_FROM_FILE = [2, 0, 1]
HEADER_LINES, FIRST_COLUMN = 5, 2
SIDES = {"R": "right", "L": "left"}
JOINTS = {"Neck": "neck", "Nose": "nose"} | {
    f"{letter}{part}": f"{side}_{joint}"
    for letter, side in SIDES.items()
    for part, joint in {
        "Hip": "hip",
        "Knee": "knee",
        "Ankle": "ankle",
        "BigToe": "foot_index",
        "SmallToe": "small_toe",
        "Heel": "heel",
        "Shoulder": "shoulder",
        "Elbow": "elbow",
        "Wrist": "wrist",
        "Thumb": "thumb",
        "Index": "index",
        "Pinky": "pinky",
    }.items()
}
"""Our names of the file's; its "Head" is a point of none of our skeletons."""

_VIDEO = re.compile(r"(?P<name>.+)\.(?P<camera>cam\d+)\.avi")


def find_zas(folder: Path) -> list[FoundClip]:
    """Return one clip for each recording of a folder that has these files."""
    if not (folder / CALIBRATION).is_file():
        return []
    videos = [(_VIDEO.fullmatch(path.name), path) for path in sorted(folder.glob("*.cam*.avi"))]
    return [
        _make_found(match["name"], match["camera"], video)
        for match, video in videos
        if match and (folder / f"{match['name']}.trc").is_file()
    ]


def _make_found(name: str, camera: str, video: Path) -> FoundClip:
    """Describe a recording that is not read yet."""
    return FoundClip(name, video.parent, lambda: read_zas(name, camera, video))


def read_zas(name: str, camera: str, video: Path) -> WorldClip:
    """Read a recording; DatasetError if a file is missing or damaged."""
    folder = video.parent
    try:
        whole = load_rig(folder / CALIBRATION)
    except CalibrationError as error:
        raise DatasetError(str(error)) from error
    if camera not in whole.names:
        raise DatasetError(f"'{folder / CALIBRATION}' has no camera '{camera}' of '{video.name}'.")
    path = folder / f"{name}.trc"
    joints, rate_fps, xyz = read_trc(path, count_images(video))
    turn = find_upright(xyz, joints)
    if turn is None:
        raise DatasetError(f"'{path}' never has head and feet, so that nothing tells what is up.")
    rig = Rig((whole[camera],)).with_world(rigid_transform(turn, np.zeros(3)))
    views = ((camera, video),)
    check_sizes(views, rig)
    return WorldClip(name, folder, LICENCE, NOTE, views, rig, rate_fps, None, joints, xyz @ turn.T)


def read_trc(path: Path, image_count: int) -> tuple[tuple[str, ...], float, F64]:
    """Read a table of joints.

    Returns
    -------
    joints : J names
    rate_fps
    xyz : (T, J, 3), m, world of the calibration

    Raises
    ------
    DatasetError
        If it is damaged, not in metres, or longer than the video.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        facts = dict(zip(lines[1].split("\t"), lines[2].split("\t")))
        names = [name for name in lines[3].split("\t")[FIRST_COLUMN:] if name.strip()]
        rows = [line.rstrip("\n").split("\t") for line in lines[HEADER_LINES:] if line.strip()]
        frames = np.array([int(row[0]) - 1 for row in rows], np.int64)
        end = FIRST_COLUMN + 3 * len(names)
        values = np.array(
            [[float(cell or "nan") for cell in row[FIRST_COLUMN:end]] for row in rows]
        )
        points = values.reshape(len(rows), len(names), 3)[..., WORLD_FROM_FILE]
        rate_fps = float(facts["DataRate"])
    except OSError as error:
        raise DatasetError(f"'{path}' cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, IndexError, KeyError, ValueError) as error:
        raise DatasetError(f"'{path}' is damaged: {error}. Fetch it again.") from error
    if facts.get("Units") != "m":
        raise DatasetError(f"'{path}' is in {facts.get('Units')}; joints in metres are needed.")
    if len(frames) and not 0 <= frames.min() <= frames.max() < image_count:
        raise DatasetError(
            f"'{path}' has images {frames.min() + 1} to {frames.max() + 1}, but the video has "
            f"{image_count}."
        )
    kept = [place for place, name in enumerate(names) if name in JOINTS]
    xyz = np.full((image_count, len(kept), 3), np.nan)
    xyz[frames] = points[:, kept]
    return tuple(JOINTS[names[place]] for place in kept), rate_fps, xyz
