"""Read motion of real people from a file or a folder: BVH, ASF with AMC, npz."""

import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from training.errors import DatasetError
from training.motion import npz
from training.motion.asf_amc import read_amc
from training.motion.axes import parse_up
from training.motion.bvh import FIRST_WORD, read_bvh
from training.motion.motion import Motion
from training.motion.npz import read_npz
from training.motion.points import Points, make_motion
from training.motion.units import parse_unit

Reader = Callable[[Path, str], list[Points]]
"""From a file and the name of its motion."""

_SNIFFED_BYTES = 4096
_ZIP = b"PK"
_FRAME = re.compile(r"^\s*1\s+root\s", re.MULTILINE)


def read_motions(path: Path, *, up: str | None = None, unit: str | None = None) -> Iterator[Motion]:
    """Read all motions of a file, or of a folder and the folders in it, in the order of names.

    Parameters
    ----------
    path
        Files are known by what is in them; others in a folder are passed over.
    up
        Which axis is up: ``y``, ``-y``, ``z`` and so on; None finds it in each file.
    unit
        ``m``, ``cm``, ``mm``, ``inch`` or ``cmu``; None finds it in each file.

    Returns
    -------
    motions
        Read one by one. A motion is named by its file, from the folder on, and its clip.

    Raises
    ------
    DatasetError
        If there is no motion, or, once it is their turn, a file is damaged, has other joints,
        or does not show its unit or its axes.
    """
    path = Path(path)
    if up is not None:
        parse_up(up)
    if unit is not None:
        parse_unit(unit)
    return _iter_motions(_find_files(path), up, unit)


def _iter_motions(
    files: list[tuple[Path, str, Reader]], up: str | None, unit: str | None
) -> Iterator[Motion]:
    """Read the motions of files."""
    for file, name, reader in files:
        for points in reader(file, name):
            yield make_motion(points, up=up, unit=unit)


def _find_files(path: Path) -> list[tuple[Path, str, Reader]]:
    """List the files with motion, each with the name of its motion and its reader."""
    if not path.is_dir():
        return [(path, path.stem, _demand_reader(path))]
    files = sorted(
        file for file in path.rglob("*") if file.is_file() and not file.name.startswith(".")
    )
    found = [
        (file, file.relative_to(path).with_suffix("").as_posix(), reader)
        for file in files
        if (reader := _find_reader(file)) is not None
    ]
    if not found:
        raise DatasetError(
            f"'{path}' holds no motion among {len(files)} files. It needs BVH, AMC with ASF, or "
            "npz files of motion."
        )
    return found


def _demand_reader(path: Path) -> Reader:
    """Find the reader of a file that must hold motion."""
    if not path.exists():
        raise DatasetError(f"There is no '{path}'. Give a file of motion or a folder of them.")
    reader = _find_reader(path)
    if reader is None and path.suffix.lower() == ".asf":
        raise DatasetError(
            f"'{path}' is a skeleton without motion. Give its AMC files, or the folder of both."
        )
    if reader is None:
        raise DatasetError(
            f"'{path}' is no file of motion that is known here. Give BVH, AMC beside its ASF, or "
            f"npz with {', '.join(npz.KEYS)}."
        )
    return reader


def _find_reader(path: Path) -> Reader | None:
    """Find the reader by what is in a file, or by its suffix where that says nothing."""
    try:
        with path.open("rb") as file:
            head = file.read(_SNIFFED_BYTES)
    except OSError as error:
        raise DatasetError(f"'{path}' cannot be read: {error.strerror}. Check it.") from error
    if head.startswith(_ZIP):
        return _find_zip_reader(path)
    text = head.decode("utf-8-sig", "replace").lstrip()
    if text[: len(FIRST_WORD)].upper() == FIRST_WORD:
        return _one(read_bvh)
    if _FRAME.search(text):
        return _one(read_amc)
    return {".bvh": _one(read_bvh), ".amc": _one(read_amc), ".npz": read_npz}.get(
        path.suffix.lower()
    )


def _find_zip_reader(path: Path) -> Reader | None:
    """Tell an npz of motion from other archives."""
    try:
        with zipfile.ZipFile(path) as archive:
            holds_motion = f"{npz.VALUES}.npy" in archive.namelist()
    except zipfile.BadZipFile:
        holds_motion = path.suffix.lower() == ".npz"
    return read_npz if holds_motion else None


def _one(reader: Callable[[Path, str], Points]) -> Reader:
    """Make a reader of files with many motions of one for files with one."""
    return lambda path, name: [reader(path, name)]
