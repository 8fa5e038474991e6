"""Human3.6M as published: all cameras of a recording as one clip, joints of `D3_Positions`."""

from pathlib import Path

from calibration.rig import Rig
from calibration.skeleton import load_skeleton
from training.errors import DatasetError
from training.public.clips import read_video_facts
from training.public.human36m import (
    RATE_FPS,
    find_metadata,
    get_video_path,
    read_cameras,
    read_recording,
)
from training.world.clip import FoundClip, WorldClip
from training.world.folder import check_sizes, fit_to_videos

LICENCE = "Human3.6M's own: academic use only"
NOTE = "Human3.6M (Ionescu et al. 2014), joints from markers"
POSES = "MyPoseFeatures/D3_Positions"


def find_human36m(folder: Path) -> list[FoundClip]:
    """Return one clip for each recording of a folder in the published layout."""
    return [_make_found(folder, path) for path in sorted(folder.glob(f"S*/{POSES}/*.cdf"))]


def _make_found(folder: Path, path: Path) -> FoundClip:
    """Describe a recording that is not read yet."""
    name = f"{path.parents[2].name} {path.stem}"
    return FoundClip(name, folder, lambda: read_human36m_clip(folder, path))


def read_human36m_clip(folder: Path, path: Path) -> WorldClip:
    """Read a recording.

    Parameters
    ----------
    folder
        Of the set.
    path
        Of the poses.

    Raises
    ------
    DatasetError
        If a file is missing, damaged or of another version.
    """
    table = read_cameras(find_metadata(folder))
    person = path.parents[2].name
    videos = {name: get_video_path(path, name) for name in table.names}
    videos = {name: video for name, video in videos.items() if video.is_file()}
    if not videos:
        raise DatasetError(
            f"There is no video of '{person} {path.stem}'. Unpack 'Videos_{person}.tgz' beside "
            "the poses."
        )
    sizes = {name: read_video_facts(video)[1] for name, video in videos.items()}
    rig = Rig(table.build_for_person(person, sizes))
    views = tuple((name, videos[name]) for name in rig.names)
    check_sizes(views, rig)
    xyz = fit_to_videos(read_recording(path), views)
    return WorldClip(
        name=f"{person} {path.stem}",
        folder=folder,
        licence=LICENCE,
        note=NOTE,
        views=views,
        rig=rig,
        rate_fps=RATE_FPS,
        joints=load_skeleton("h36m_17").joints,
        xyz=xyz,
    )
