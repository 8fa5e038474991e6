"""MPI-INF-3DHP as published: all cameras of a training sequence whose videos are there as one clip.

Its joints are given in the space of each camera; those of the first one are carried into the world
of the calibration, whose y is up, and that world is turned so that z is.
"""

from pathlib import Path

import numpy as np

from calibration.geometry.transforms import invert_transform, rigid_transform, transform_points
from calibration.rig import Rig
from calibration.skeleton import load_skeleton
from training.errors import DatasetError
from training.public.clips import read_video_facts
from training.public.matlab import read_matlab
from training.public.mpi_inf_3dhp import JOINTS, get_annotation, read_calibration
from training.world.clip import FoundClip, WorldClip
from training.world.folder import check_sizes, fit_to_videos
from training.world.upright import find_upright

LICENCE = "MPI-INF-3DHP's own: research only"
NOTE = "MPI-INF-3DHP (Mehta et al. 2017), joints of a commercial system without markers"
CAMERAS = "camera.calibration"


def find_mpi_inf_3dhp(folder: Path) -> list[FoundClip]:
    """Return one clip for each training sequence of a folder in the published layout."""
    return [_make_found(path.parent) for path in sorted(folder.glob(f"S*/Seq*/{CAMERAS}"))]


def _make_found(path: Path) -> FoundClip:
    """Describe a sequence that is not read yet."""
    name = f"{path.parent.name} {path.name}"
    return FoundClip(name, path.parents[1], lambda: read_mpi_inf_3dhp_clip(path))


def read_mpi_inf_3dhp_clip(path: Path) -> WorldClip:
    """Read the sequence of a folder; DatasetError if a file is missing or not as published."""
    cameras = {
        index: camera
        for index, camera in read_calibration(path / CAMERAS).items()
        if (path / "imageSequence" / f"{camera.name}.avi").is_file()
    }
    if not cameras:
        raise DatasetError(
            f"'{path / 'imageSequence'}' holds no video_0.avi and so on. Unpack the set's videos "
            "there."
        )
    views = tuple(
        (camera.name, path / "imageSequence" / f"{camera.name}.avi") for camera in cameras.values()
    )
    rig = Rig(tuple(cameras.values()))
    check_sizes(views, rig)
    first = min(cameras)
    annotations = read_matlab(path / "annot.mat", "annot3")
    joints = load_skeleton("h36m_17").joints
    places = [JOINTS[joint] for joint in joints]
    seen = get_annotation(annotations, "annot3", first, path)[:, places] / 1000
    xyz = transform_points(invert_transform(cameras[first].cam_from_world), seen)
    turn = find_upright(xyz, joints)
    if turn is None:
        raise DatasetError(f"'{path / 'annot.mat'}' holds no joint. Fetch it as published.")
    return WorldClip(
        name=f"{path.parent.name} {path.name}",
        folder=path.parents[1],
        licence=LICENCE,
        note=NOTE,
        views=views,
        rig=rig.with_world(rigid_transform(turn, np.zeros(3))),
        rate_fps=read_video_facts(views[0][1])[0],
        joints=joints,
        xyz=fit_to_videos(xyz @ turn.T, views),
    )
