"""Human3.6M as published: ``S1/Videos/*.mp4``, ``S1/MyPoseFeatures/D3_Positions/*.cdf``.

The poses are those of `D3_Positions` (joints in the room, mm, one file per recording); the cameras
come from the ``metadata.xml`` of the set's own code. The joints were measured by markers at 50 per
second.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from scipy.spatial.transform import Rotation

from calibration.geometry.arrays import F64
from calibration.geometry.projection import project
from calibration.geometry.transforms import rigid_transform
from calibration.rig import Camera
from calibration.skeleton import load_skeleton
from training.data.crops import camera_from_world
from training.data.samples import Samples
from training.errors import DatasetError
from training.public.cdf import read_variable
from training.public.clips import (
    Clip,
    ImageSelection,
    count_images,
    demand_folder,
    make_samples_from_images,
    read_video_facts,
    read_video_images,
)

TRAINING, TEST = ("S1", "S5", "S6", "S7", "S8"), ("S9", "S11")
"""People as all papers divide them."""

RATE_FPS = 50.0
STORED_JOINTS = 32
"""Joints of a file; half of them are copies or points of hands and feet."""

JOINTS = {
    "pelvis": 0,
    "right_hip": 1,
    "right_knee": 2,
    "right_ankle": 3,
    "left_hip": 6,
    "left_knee": 7,
    "left_ankle": 8,
    "spine": 12,
    "thorax": 13,
    "upper_neck": 14,
    "head_top": 15,
    "left_shoulder": 17,
    "left_elbow": 18,
    "left_wrist": 19,
    "right_shoulder": 25,
    "right_elbow": 26,
    "right_wrist": 27,
}
"""Where the 17 joints of `h36m_17` stand among the 32; number 14 is the set's neck or nose."""

PERSON_COUNT = 11
EXTRINSIC_COUNT, INTRINSIC_COUNT = 6, 9
"""Numbers of a camera in ``w0``: angles and place per person; focal length, centre, lens once."""

MIN_SEEN_SHARE = 0.5
_PERSON = re.compile(r"S(\d+)")
_NUMBERED = re.compile(r" \d+$")


@dataclass(frozen=True, slots=True, eq=False)
class CameraTable:
    """The ``metadata.xml``.

    Parameters
    ----------
    names
        Serial numbers, as in the names of the videos.
    extrinsics : (cameras, 11, 6)
        Angles, rad, and place, mm, for each person.
    intrinsics : (cameras, 9)
        Focal length and middle, px; three radial and two tangential coefficients.
    """

    names: tuple[str, ...]
    extrinsics: F64
    intrinsics: F64

    def build_for_person(
        self, person: str, size_wh: dict[str, tuple[int, int]]
    ) -> tuple[Camera, ...]:
        """Return the cameras as they stood for a person, those whose size of images is known.

        Notes
        -----
        The set's own lens model has half of OpenCV's tangential term; at its coefficients both
        agree within 0.3 px.
        """
        row = int(person[1:]) - 1
        cameras = []
        for name, outside, inside in zip(self.names, self.extrinsics[:, row], self.intrinsics):
            rotation = Rotation.from_euler("XYZ", outside[:3]).as_matrix()
            matrix = np.array([[inside[0], 0, inside[2]], [0, inside[1], inside[3]], [0, 0, 1]])
            lens = inside[[4, 5, 7, 8, 6]]
            if name in size_wh:
                pose = rigid_transform(rotation, -rotation @ outside[3:] / 1000)
                cameras.append(Camera(name, size_wh[name], matrix, lens, pose))
        return tuple(cameras)


def read_human36m(folder: Path, selection: ImageSelection) -> Iterator[Samples]:
    """Read Human3.6M.

    Parameters
    ----------
    folder
        With ``metadata.xml`` (or one folder above it) and a folder for each person.
    selection
        Its people are ``S1`` and so on; `TRAINING` and `TEST` are those of the papers.

    Yields
    ------
    samples
        Of `h36m_17`, in metres. The joints in the image are the projected ones, in the image as it
        was taken.

    Raises
    ------
    DatasetError
        If the folder is not in that layout, or a file is missing, damaged or of another version.
    """
    demand_folder(folder, "Human3.6M")
    cameras = read_cameras(find_metadata(folder))
    people = sorted(
        path.name for path in folder.iterdir() if _PERSON.fullmatch(path.name) and path.is_dir()
    )
    wanted = [person for person in people if selection.includes(person)]
    if not wanted:
        raise DatasetError(
            f"'{folder}' holds none of the selected people; there are "
            f"{', '.join(people) or 'none'}. Unpack the set so that it has folders S1, S5 and so "
            "on, each with Videos and MyPoseFeatures."
        )
    recordings = [path for person in wanted for path in find_recordings(folder / person)]
    if selection.max_samples is not None:
        videos = [get_video_path(path, name) for path in recordings for name in cameras.names]
        selection = selection.thin_out([count_images(video) for video in videos if video.is_file()])
    rigs = {
        person: cameras.build_for_person(person, find_sizes(folder / person, cameras))
        for person in wanted
    }
    for number, recording in enumerate(recordings):
        yield from _read_samples(recording, rigs[recording.parents[2].name], number, selection)


def find_recordings(person: Path) -> list[Path]:
    """Find the poses of a person; raises DatasetError where there are none."""
    recordings = sorted((person / "MyPoseFeatures" / "D3_Positions").glob("*.cdf"))
    if not recordings:
        raise DatasetError(
            f"'{person}' holds no pose: MyPoseFeatures/D3_Positions/*.cdf is missing. Fetch "
            f"'Poses_D3_Positions_{person.name}.tgz' and unpack it there."
        )
    return recordings


def get_video_path(recording: Path, camera: str) -> Path:
    """Return where a camera's video of a recording is."""
    return recording.parents[2] / "Videos" / f"{recording.stem}.{camera}.mp4"


def read_cameras(path: Path) -> CameraTable:
    """Read a ``metadata.xml``; DatasetError if it is damaged or another file."""
    try:
        root = ElementTree.parse(path).getroot()
        names = tuple((item.text or "").strip() for item in root.findall("dbcameras/index2id/*"))
        numbers = np.array((root.findtext("w0") or "").strip().strip("[]").split(), float)
        first = len(names) * PERSON_COUNT * EXTRINSIC_COUNT
        outside = numbers[:first].reshape(-1, PERSON_COUNT, EXTRINSIC_COUNT)
        inside = numbers[first : first + len(names) * INTRINSIC_COUNT].reshape(-1, INTRINSIC_COUNT)
    except (ElementTree.ParseError, ValueError, OSError) as error:
        raise DatasetError(
            f"'{path}' cannot be read: {error}. Take it from the set's own code again."
        ) from error
    if (
        not names
        or len(outside) != len(names)
        or len(inside) != len(names)
        or not np.isfinite(numbers).all()
    ):
        raise DatasetError(
            f"'{path}' has {len(names)} cameras and {len(numbers)} numbers for them, which do not "
            "belong together. Take it from the set's own code again."
        )
    return CameraTable(names, outside, inside)


def read_recording(path: Path) -> F64:
    """Read the poses of a recording, (T, 17, 3), m, room; DatasetError if not as published."""
    values = read_variable(path, "Pose")
    if values.size == 0 or values.size % (STORED_JOINTS * 3):
        raise DatasetError(
            f"'{path}' has {values.shape} numbers instead of {STORED_JOINTS} joints. It needs "
            "D3_Positions."
        )
    places = [JOINTS[joint] for joint in load_skeleton("h36m_17").joints]
    return values.reshape(-1, STORED_JOINTS, 3)[:, places] / 1000


def _read_samples(
    path: Path, rig: tuple[Camera, ...], number: int, selection: ImageSelection
) -> Iterator[Samples]:
    """Make samples of all views of a recording that are there."""
    person = path.parents[2].name
    room = read_recording(path)
    for camera in rig:
        video = get_video_path(path, camera.name)
        if not video.is_file():  # a few are missing from the set itself
            continue
        clip = Clip(
            name=f"{person} {path.stem}",
            person=person,
            action=_NUMBERED.sub("", path.stem),
            number=number,
            camera=camera,
            rate_fps=RATE_FPS,
            skeleton=load_skeleton("h36m_17"),
            xyz=camera_from_world(room, camera),
            xy=project(room, camera),
        )
        _demand_sight(clip)
        yield from make_samples_from_images(
            clip, read_video_images(video, clip, selection), selection
        )


def _demand_sight(clip: Clip) -> None:
    """Refuse cameras that do not see the person: cameras and poses are then of different sets."""
    seen = np.mean([clip.sees_root(frame) for frame in range(len(clip))])
    if seen < MIN_SEEN_SHARE:
        raise DatasetError(
            f"By its metadata, camera '{clip.camera.name}' sees the person in {100 * seen:.0f} % "
            f"of '{clip.name}'. Cameras and poses do not belong together: the poses must be "
            "D3_Positions, not those of one camera."
        )


def find_sizes(folder: Path, cameras: CameraTable) -> dict[str, tuple[int, int]]:
    """Look up how large the images of each camera are, from one of its videos."""
    sizes = {}
    for name in cameras.names:
        video = next(iter(sorted((folder / "Videos").glob(f"*.{name}.mp4"))), None)
        if video is not None:
            sizes[name] = read_video_facts(video)[1]
    if not sizes:
        raise DatasetError(
            f"'{folder / 'Videos'}' holds no video of cameras {', '.join(cameras.names)}. "
            "Unpack them."
        )
    return sizes


def find_metadata(folder: Path) -> Path:
    """Find the file of the cameras."""
    places = [
        folder / "metadata.xml",
        folder.parent / "metadata.xml",
        *sorted(folder.glob("*/metadata.xml")),
    ]
    for place in places:
        if place.is_file():
            return place
    raise DatasetError(
        f"'{folder}' has no 'metadata.xml', which holds the cameras. Copy it from the set's own "
        "code."
    )
