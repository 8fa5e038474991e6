"""MPI-INF-3DHP as it is published: ``S1/Seq1`` and so on to train, ``TS1`` to ``TS6`` to test.

A sequence has ``annot.mat``, ``camera.calibration`` and ``imageSequence/video_0.avi`` and so on; a
test sequence ``annot_data.mat`` and ``imageSequence/img_000001.jpg`` and so on. Joints are in each
camera's space, in mm.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from calibration.geometry.arrays import F64, U8
from calibration.geometry.transforms import nearest_rotation, rigid_transform
from calibration.rig import Camera
from calibration.skeleton import load_skeleton
from training.data.samples import Samples
from training.errors import DatasetError
from training.public.clips import (
    Clip,
    ImageSelection,
    count_images,
    demand_folder,
    make_samples_from_images,
    read_video_facts,
    read_video_images,
)
from training.public.matlab import read_matlab

STORED_JOINTS = 28
JOINTS = {
    "spine": 3,
    "pelvis": 4,
    "thorax": 5,
    "upper_neck": 6,
    "head_top": 7,
    "left_shoulder": 9,
    "left_elbow": 10,
    "left_wrist": 11,
    "right_shoulder": 14,
    "right_elbow": 15,
    "right_wrist": 16,
    "left_hip": 18,
    "left_knee": 19,
    "left_ankle": 20,
    "right_hip": 23,
    "right_knee": 24,
    "right_ankle": 25,
}
"""Where the joints of `h36m_17` are among the 28 of a training sequence.

Its "neck" is the thorax, its "head" the upper neck, and of four points of the spine the lowest one
counts, as in the set's own list of 17.
"""

TEST_JOINTS = (
    *(
        "head_top",
        "thorax",
        "right_shoulder",
        "right_elbow",
        "right_wrist",
        "left_shoulder",
        "left_elbow",
    ),
    *(
        "left_wrist",
        "right_hip",
        "right_knee",
        "right_ankle",
        "left_hip",
        "left_knee",
        "left_ankle",
    ),
    *("pelvis", "spine", "upper_neck"),
)
"""The 17 of a test sequence, in its order."""

TEST_RATE_FPS = 25.0
"""Assumed: the set does not state it, and it only keeps the images in order."""

CALIBRATION_HEADER = "Skeletool Camera Calibration File"
MATRIX = 16
_SEQUENCE = re.compile(r"S\d+")
_TEST = re.compile(r"TS\d+")


def read_mpi_inf_3dhp(folder: Path, selection: ImageSelection) -> Iterator[Samples]:
    """Read the training sequences of MPI-INF-3DHP, those of their cameras whose videos are there.

    Parameters
    ----------
    folder
        With a folder for each person: ``S1`` with ``Seq1`` and ``Seq2``, and so on.
    selection
        Its people are ``S1`` and so on, or ``TS1`` and so on.

    Yields
    ------
    samples
        Of `h36m_17`, in metres. Test sequences only if selected by name.

    Raises
    ------
    DatasetError
        If the folder is not in that layout, or a file is missing, damaged or of another version.
    """
    demand_folder(folder, "MPI-INF-3DHP")
    tests = [
        path
        for path in sorted(folder.glob("**/TS*"))
        if _TEST.fullmatch(path.name) and path.name in selection.people
    ]
    people = [
        path
        for path in sorted(folder.iterdir())
        if _SEQUENCE.fullmatch(path.name) and selection.includes(path.name)
    ]
    sequences = [path for person in people for path in sorted(person.glob("Seq*")) if path.is_dir()]
    if not sequences and not tests:
        raise DatasetError(
            f"'{folder}' holds no sequence of the selected people. Unpack the set so that it has "
            "S1/Seq1 and so on, each with annot.mat, camera.calibration and imageSequence."
        )
    if selection.max_samples is not None:
        videos = [
            count_images(video)
            for path in sequences
            for video in sorted(path.glob("imageSequence/video_*.avi"))
        ]
        selection = selection.thin_out(
            [*videos, *(len(list(path.glob("imageSequence/img_*.jpg"))) for path in tests)]
        )
    for number, path in enumerate((*sequences, *tests)):
        read = _read_test_samples if path in tests else _read_sequence_samples
        yield from read(path, number, selection)


def read_calibration(path: Path) -> dict[int, Camera]:
    """Read a ``camera.calibration``.

    Returns
    -------
    cameras : by number
        Named ``video_0`` and so on; places in metres.

    Raises
    ------
    DatasetError
        If it is missing or not as published.
    """
    try:
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError as error:
        raise DatasetError(
            f"There is no readable '{path}': {error.strerror}. Unpack the set there."
        ) from error
    if not lines or not lines[0].startswith(CALIBRATION_HEADER):
        raise DatasetError(f"'{path}' is no camera calibration of MPI-INF-3DHP. Fetch it again.")
    tables: list[dict[str, list[str]]] = []
    for word, *values in (line.split() for line in lines[1:] if line.strip()):
        if word == "name":
            tables.append({})
        if tables:
            tables[-1][word] = values
    try:
        return {int(table["name"][0]): _parse_camera(table) for table in tables}
    except (KeyError, IndexError, ValueError) as error:
        raise DatasetError(
            f"'{path}' is damaged or not as published ({error}). Fetch it again."
        ) from error


def fit_lens(xyz: F64, xy: F64) -> F64:
    """Find the lens of a test sequence, which its file does not give: its image joints are exact.

    Parameters
    ----------
    xyz : (N, 3), m, camera
    xy : (N, 2), px

    Returns
    -------
    matrix : (3, 3), px

    Raises
    ------
    DatasetError
        If no lens carries one to the other within a pixel.
    """
    good = np.isfinite(xyz).all(-1) & np.isfinite(xy).all(-1) & (xyz[:, 2] > 0)
    matrix, worst = np.eye(3), np.inf
    if good.sum() >= STORED_JOINTS:
        rays = xyz[good, :2] / xyz[good, 2:]
        for axis in range(2):
            slope, offset = np.polyfit(rays[:, axis], xy[good, axis], 1)
            matrix[axis, axis], matrix[axis, 2] = slope, offset
        worst = float(np.median(np.abs(rays @ matrix[:2, :2].T + matrix[:2, 2] - xy[good])))
    if not worst < 1 or min(matrix[0, 0], matrix[1, 1]) <= 0:
        raise DatasetError(
            "The joints in the image are not those in the camera's space. Use the files as "
            "published."
        )
    return matrix


def _parse_camera(table: dict[str, list[str]]) -> Camera:
    """Read one camera."""
    width, height = (round(float(value)) for value in table["size"])
    inside, outside = (
        np.array(table[key], float).reshape(4, 4) for key in ("intrinsic", "extrinsic")
    )
    if any(float(value) for value in table.get("radial", [])):
        raise ValueError("it has a radial distortion, which the published files have not")
    pose = rigid_transform(nearest_rotation(outside[:3, :3]), outside[:3, 3] / 1000)
    return Camera(
        f"video_{int(table['name'][0])}", (width, height), inside[:3, :3], cam_from_world=pose
    )


def _read_sequence_samples(path: Path, number: int, selection: ImageSelection) -> Iterator[Samples]:
    """Make samples of all views of a training sequence that are there."""
    cameras = read_calibration(path / "camera.calibration")
    annotations = read_matlab(path / "annot.mat", "annot3")
    videos = {
        index: path / "imageSequence" / f"{camera.name}.avi" for index, camera in cameras.items()
    }
    there = [index for index, video in videos.items() if video.is_file()]
    if not there:
        raise DatasetError(
            f"'{path / 'imageSequence'}' holds no video_0.avi and so on. Unpack the set's "
            "videos there."
        )
    places = [JOINTS[joint] for joint in load_skeleton("h36m_17").joints]
    for index in there:
        xyz, xy = (get_annotation(annotations, key, index, path) for key in ("annot3", "annot2"))
        clip = Clip(
            name=f"{path.parent.name} {path.name}",
            person=path.parent.name,
            action=path.name,
            number=number,
            camera=cameras[index],
            rate_fps=read_video_facts(videos[index])[0],
            skeleton=load_skeleton("h36m_17"),
            xyz=xyz[:, places] / 1000,
            xy=xy[:, places],
        )
        yield from make_samples_from_images(
            clip, read_video_images(videos[index], clip, selection), selection
        )


def get_annotation(annotations: dict, key: str, camera: int, path: Path) -> F64:
    """Return the joints that a camera sees, (T, 28, 2 or 3), mm or px."""
    try:
        values = np.asarray(annotations[key][camera], float)
        return values.reshape(-1, STORED_JOINTS, 3 if key == "annot3" else 2)
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise DatasetError(
            f"'{path / 'annot.mat'}' has no '{key}' of {STORED_JOINTS} joints for camera "
            f"{camera}. Fetch it as published."
        ) from error


def _read_test_samples(path: Path, number: int, selection: ImageSelection) -> Iterator[Samples]:
    """Make samples of a test sequence."""
    variables = read_matlab(path / "annot_data.mat", "annot3")
    try:
        xyz = np.moveaxis(np.asarray(variables["annot3"], float), -1, 0).reshape(
            -1, 3, len(TEST_JOINTS)
        )
        xy = np.moveaxis(np.asarray(variables["annot2"], float), -1, 0).reshape(
            -1, 2, len(TEST_JOINTS)
        )
        valid = np.atleast_1d(variables["valid_frame"]).astype(bool)
        frames = np.flatnonzero(valid[: len(xyz)])
    except (KeyError, ValueError, TypeError) as error:
        raise DatasetError(
            f"'{path / 'annot_data.mat'}' is not as published ({error}). Fetch it again."
        ) from error
    places = [TEST_JOINTS.index(joint) for joint in load_skeleton("h36m_17").joints]
    xyz, xy = (np.swapaxes(points, 1, 2)[:, places] for points in (xyz / 1000, xy))
    first = _read_image(path, 0)
    camera = Camera(
        "test", (first.shape[1], first.shape[0]), fit_lens(xyz.reshape(-1, 3), xy.reshape(-1, 2))
    )
    clip = Clip(
        path.name,
        path.name,
        path.name,
        number,
        camera,
        TEST_RATE_FPS,
        load_skeleton("h36m_17"),
        xyz,
        xy,
    )
    wanted = (
        int(frame)
        for frame in frames
        if frame % selection.every == 0 and clip.sees_root(int(frame))
    )
    yield from make_samples_from_images(
        clip, ((frame, _read_image(path, frame)) for frame in wanted), selection
    )


def _read_image(path: Path, frame: int) -> U8:
    """Read one image of a test sequence; they are counted from 1."""
    file = path / "imageSequence" / f"img_{frame + 1:06d}.jpg"
    image = cv2.imread(str(file))
    if image is None:
        raise DatasetError(f"There is no readable image '{file}'. Unpack the test set again.")
    return np.asarray(image, np.uint8)
