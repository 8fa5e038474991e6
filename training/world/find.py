"""Find the clips of a folder: a clip, a published set as it was unpacked, or a folder of such."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from training.errors import DatasetError
from training.world.beam import find_beam
from training.world.clip import FoundClip
from training.world.folder import find_layout
from training.world.human36m import find_human36m
from training.world.mpi_inf_3dhp import find_mpi_inf_3dhp
from training.world.zas import find_zas

LAYOUTS = (find_layout, find_beam, find_zas, find_human36m, find_mpi_inf_3dhp)
MAX_DEPTH = 3
"""Folders within folders that are searched."""


def find_clips(folder: Path) -> tuple[FoundClip, ...]:
    """Find all clips of a folder.

    Parameters
    ----------
    folder
        A clip, a published set, or a folder of such; others in it are passed over.

    Returns
    -------
    clips
        In the order of their names, which differ; none is read yet.

    Raises
    ------
    DatasetError
        If there is no such folder, or no clip in it.
    """
    if not folder.is_dir():
        raise DatasetError(f"There is no folder '{folder}'. Give the folder of the clips.")
    try:
        found = _search(folder, MAX_DEPTH)
    except OSError as error:
        raise DatasetError(f"'{error.filename}' cannot be read: {error.strerror}.") from error
    if not found:
        raise DatasetError(
            f"'{folder}' holds no clip. A clip is a folder with clip.toml, a video for each view "
            "and calibration.toml; Human3.6M and MPI-INF-3DHP are read as they were unpacked."
        )
    counts = Counter(clip.name for clip in found)
    named = (
        clip
        if counts[clip.name] == 1
        else replace(clip, name=f"{clip.folder.parent.name}/{clip.name}")
        for clip in found
    )
    return tuple(sorted(named, key=lambda clip: clip.name))


def select_clips(clips: Sequence[FoundClip], names: Sequence[str]) -> tuple[FoundClip, ...]:
    """Select clips by name; ``*`` stands for any letters.

    Parameters
    ----------
    clips
    names
        Empty for all.

    Raises
    ------
    DatasetError
        If a name selects nothing.
    """
    for name in names:
        if not any(fnmatchcase(clip.name, name) for clip in clips):
            known = ", ".join(clip.name for clip in clips[:20])
            raise DatasetError(f"There is no clip '{name}'. There are: {known}.")
    return tuple(
        clip for clip in clips if not names or any(fnmatchcase(clip.name, name) for name in names)
    )


def _search(folder: Path, depth: int) -> list[FoundClip]:
    """Find the clips of a folder, or of the folders in it."""
    for find_layout_clips in LAYOUTS:
        if found := find_layout_clips(folder):
            return found
    if depth == 0:
        return []
    inner = sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")
    return [clip for path in inner for clip in _search(path, depth - 1)]
