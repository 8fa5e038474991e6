"""A clip's own layout: ``clip.toml``, a video per view, ``calibration.toml``, ``joints.csv``.

``clip.toml`` has `fps`, and may have `stature_m`, `licence` and `note`. A video has the name of its
camera. ``joints.csv`` has the columns ``frame,joint,x_m,y_m,z_m`` in the world of the calibration;
frames are counted from 0, a missing joint is an omitted row.
"""

import csv
import math
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeGuard

import cv2
import numpy as np
import tomli_w

from calibration.errors import CalibrationError
from calibration.geometry.arrays import F64
from calibration.rig import Rig, load_rig, save_rig
from engine.disk import atomic_file, write_atomic
from training.errors import DatasetError
from training.public.clips import count_images, read_video_facts
from training.world.clip import FoundClip, WorldClip, list_joint_names

CLIP, CALIBRATION, JOINTS = "clip.toml", "calibration.toml", "joints.csv"
COLUMNS = ("frame", "joint", "x_m", "y_m", "z_m")
VIDEO_ENDINGS = (".mp4", ".avi", ".mkv", ".mov", ".webm", ".m4v")
MIN_STATURE_M, MAX_STATURE_M = 0.5, 2.5


def find_layout(folder: Path) -> list[FoundClip]:
    """Return the clip of a folder that has a ``clip.toml``; none of another folder."""
    if not (folder / CLIP).is_file():
        return []
    return [FoundClip(folder.name, folder, lambda: read_clip(folder))]


def read_clip(folder: Path) -> WorldClip:
    """Read a clip.

    Parameters
    ----------
    folder
        With a ``clip.toml``.

    Raises
    ------
    DatasetError
        If a file is missing or damaged, or the files do not belong together.
    """
    facts = _read_facts(folder / CLIP)
    rig = _read_rig(folder / CALIBRATION)
    views = _find_videos(folder, rig)
    if rig is not None:
        check_sizes(views, rig)
    joints, xyz = _read_joints(folder / JOINTS, views)
    return WorldClip(
        name=folder.name,
        folder=folder,
        licence=str(facts.get("licence", "")),
        note=str(facts.get("note", "")),
        views=views,
        rig=rig,
        rate_fps=float(facts["fps"]),
        stature_m=facts.get("stature_m"),
        joints=joints,
        xyz=xyz,
    )


def copy_video(source: Path, target: Path) -> None:
    """Copy a video into a clip."""
    shutil.copyfile(source, target)


def link_video(source: Path, target: Path) -> None:
    """Link a video into a clip instead of copying it."""
    target.symlink_to(source.absolute())


def write_clip(
    clip: WorldClip, folder: Path, place_video: Callable[[Path, Path], None] = copy_video
) -> None:
    """Write a clip in its own layout.

    Parameters
    ----------
    clip
        From wherever it was read.
    folder
        Created where it is missing.
    place_video
        `copy_video` or `link_video`.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, video in clip.views:
        place_video(video, folder / f"{name}{video.suffix.lower()}")
    if clip.rig is not None:
        save_rig(clip.rig, folder / CALIBRATION)
    if clip.xyz is not None:
        with atomic_file(folder / JOINTS) as file:
            rows = csv.writer(file)
            rows.writerow(COLUMNS)
            for frame, joint in np.argwhere(np.isfinite(clip.xyz).all(-1)).tolist():
                place = [f"{value:.6f}" for value in clip.xyz[frame, joint]]
                rows.writerow([frame, clip.joints[joint], *place])
    facts: dict[str, Any] = {"fps": clip.rate_fps, "licence": clip.licence, "note": clip.note}
    if clip.stature_m is not None:
        facts["stature_m"] = clip.stature_m
    write_atomic(folder / CLIP, tomli_w.dumps(facts).encode())  # last: the folder is a clip now


def check_sizes(views: tuple[tuple[str, Path], ...], rig: Rig) -> None:
    """Refuse videos of another size than their cameras; raises DatasetError."""
    for name, video in views:
        size, expected = read_video_facts(video)[1], rig[name].size_wh
        if size != expected:
            raise DatasetError(
                f"The images of '{video}' are {size[0]}x{size[1]}, but its calibration is for "
                f"{expected[0]}x{expected[1]}. Use the video that was calibrated."
            )


def fit_to_videos(xyz: F64, views: tuple[tuple[str, Path], ...]) -> F64:
    """Return joints, (T, J, 3), of as many images as the longest video has; NaN beyond theirs."""
    fitted = np.full((count_longest(views), *xyz.shape[1:]), np.nan)
    count = min(len(fitted), len(xyz))
    fitted[:count] = xyz[:count]
    return fitted


def count_longest(views: tuple[tuple[str, Path], ...]) -> int:
    """Count the images of the longest video."""
    return max(count_images(video) for _, video in views)


def _read_facts(path: Path) -> dict[str, Any]:
    """Read a ``clip.toml``."""
    try:
        facts = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DatasetError(f"'{path}' cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DatasetError(f"'{path}' is damaged: {error}. Correct it.") from error
    fps, stature_m = facts.get("fps"), facts.get("stature_m")
    if not _is_number(fps) or fps <= 0:
        raise DatasetError(f"'{path}' needs 'fps', the images per second, for instance fps = 30.")
    if stature_m is not None and not (
        _is_number(stature_m) and MIN_STATURE_M <= stature_m <= MAX_STATURE_M
    ):
        raise DatasetError(
            f"In '{path}', stature_m is {stature_m}; it must be {MIN_STATURE_M} to "
            f"{MAX_STATURE_M} m, or be left out."
        )
    return facts


def _is_number(value: Any) -> TypeGuard[float]:
    """Return whether a value of a TOML file is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _read_rig(path: Path) -> Rig | None:
    """Read the true cameras; None where there is no file."""
    if not path.exists():
        return None
    try:
        return load_rig(path)
    except CalibrationError as error:
        raise DatasetError(str(error)) from error


def _find_videos(folder: Path, rig: Rig | None) -> tuple[tuple[str, Path], ...]:
    """Find each view's video, in camera order; without cameras, in the order of names."""
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in VIDEO_ENDINGS)
    videos = {path.stem: path for path in files}
    if not videos or len(videos) < len(files):
        problem = "two videos of one name" if videos else "no video"
        raise DatasetError(f"'{folder}' holds {problem}; a clip needs one video for each view.")
    if rig is None:
        return tuple(videos.items())
    missing = [name for name in rig.names if name not in videos]
    if missing:
        raise DatasetError(
            f"'{folder}' has no video of camera '{missing[0]}'. A video has the name of its "
            f"camera ({missing[0]}.mp4); take cameras without one out of {CALIBRATION}."
        )
    unknown = [name for name in videos if name not in rig.names]
    if unknown:
        raise DatasetError(
            f"'{folder / CALIBRATION}' has no camera '{unknown[0]}', of which there is a video "
            f"('{videos[unknown[0]].name}'). A video has the name of its camera."
        )
    return tuple((name, videos[name]) for name in rig.names)


def _read_joints(
    path: Path, views: tuple[tuple[str, Path], ...]
) -> tuple[tuple[str, ...], F64 | None]:
    """Read the true joints: their names, and where they are in each image."""
    if not path.exists():
        return (), None
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            if not set(COLUMNS) <= set(table.fieldnames or ()):
                raise DatasetError(f"'{path}' has not the columns {', '.join(COLUMNS)}.")
            rows = [_parse_row(row, path, table.line_num) for row in table]
    except OSError as error:
        raise DatasetError(f"'{path}' cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"'{path}' is damaged: {error}. Write it again.") from error
    image_count = _count_images_for(path, views, max((row[0] for row in rows), default=0))
    joints = tuple(dict.fromkeys(joint for _, joint, _ in rows))
    places = {joint: place for place, joint in enumerate(joints)}
    xyz = np.full((image_count, len(joints), 3), np.nan)
    for frame, joint, point in rows:
        xyz[frame, places[joint]] = point
    return joints, xyz


def _parse_row(row: dict[str, Any], path: Path, line: int) -> tuple[int, str, tuple[float, ...]]:
    """Read one joint of one image."""
    try:
        frame, joint = int(row["frame"]), str(row["joint"]).strip()
        point = tuple(float(row[column]) for column in COLUMNS[2:])
    except (TypeError, ValueError) as error:
        raise DatasetError(f"Line {line} of '{path}' is damaged: {error}.") from error
    if frame < 0:
        raise DatasetError(f"Line {line} of '{path}' is of frame {frame}; they count from 0.")
    if joint not in list_joint_names():
        raise DatasetError(
            f"Line {line} of '{path}' has a joint '{joint}', which no skeleton of the program has. "
            "Use names such as left_hip, or leave the joint out."
        )
    return frame, joint, point


def _count_images_for(path: Path, views: tuple[tuple[str, Path], ...], last: int) -> int:
    """Count the images of the videos, and refuse joints beyond them."""
    count = count_longest(views)
    if last >= count:  # what a file states may be an estimate from its length: read it
        count = max(_read_to_the_end(video) for _, video in views)
    if last >= count:
        raise DatasetError(
            f"'{path}' has joints of frame {last}, but the videos have {count} images, counted "
            "from 0."
        )
    return count


def _read_to_the_end(path: Path) -> int:
    """Count the images that can be read from a video."""
    video = cv2.VideoCapture(str(path))
    try:
        count = 0
        while video.grab():
            count += 1
        return count
    finally:
        video.release()
