"""Motion as npz: many clips of one skeleton's joints in one file.

The layout: ``names`` (N,), ``clips`` (C,), ``start`` (C + 1,) first frame of each clip and one more
at the end, ``xyz_mm`` (T, N, 3), ``fps``; y up.
"""

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training.errors import DatasetError
from training.motion.points import Points

VALUES = "xyz_mm"
KEYS = ("names", "clips", "start", VALUES, "fps")
UP, UNIT_M = "y", 0.001

DAMAGE = (
    ValueError,
    OSError,
    EOFError,
    RuntimeError,
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What numpy and zipfile raise on damaged files; a damaged shape can be larger than the memory."""

BEGINS_AT_END_OF = {
    "clavicle": "humerus",
    "humerus": "radius",
    "radius": "wrist",
    "hipjoint": "femur",
    "femur": "tibia",
    "tibia": "foot",
    "foot": "toes",
}
"""In ASF, bone and the next one. Such names stand for the *end* of the bone in this layout."""


def read_npz(path: Path, name: str) -> list[Points]:
    """Read all clips of a file.

    Raises
    ------
    DatasetError
        If the file is missing, damaged or of another layout.
    """
    try:
        content = _load(path)
    except FileNotFoundError as error:
        raise DatasetError(f"There is no file '{path}'. Check the path.") from error
    except DAMAGE as error:
        raise DatasetError(
            f"'{path}' is damaged or no npz, so its motion cannot be read. Fetch it again."
        ) from error
    _demand_layout(path, content)
    xyz = content[VALUES].astype(float)
    start = content["start"]
    names = _name_beginnings([str(name) for name in content["names"]])
    return [
        Points(
            source=f"{path}, clip {clip}",
            name=f"{name}/{clip}",
            rate_fps=float(content["fps"]),
            names=names,
            xyz=xyz[first:stop],
            unit_m=UNIT_M,
            up=UP,
        )
        for clip, first, stop in zip(content["clips"], start, start[1:])
    ]


def _load(path: Path) -> dict[str, Any]:
    """Load the arrays of the layout that a file has."""
    with path.open("rb") as stream:
        file = np.load(stream, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise ValueError("one array, not several")
        return {key: file[key] for key in KEYS if key in file}


def _demand_layout(path: Path, content: Mapping[str, Any]) -> None:
    """Refuse a file whose arrays are missing or do not belong together."""
    missing = [key for key in KEYS if key not in content]
    if missing:
        raise DatasetError(
            f"'{path}' has no {', '.join(missing)}, so it is no file of motion. It needs "
            f"{', '.join(KEYS)}."
        )
    names, clips, start, xyz, fps = (content[key] for key in KEYS)
    fits = (
        xyz.shape == (len(xyz), names.size, 3)
        and start.shape == (clips.size + 1,)
        and all(np.issubdtype(array.dtype, np.number) for array in (start, xyz, fps))
        and np.issubdtype(start.dtype, np.integer)
        and start[0] == 0
        and start[-1] == len(xyz)
        and (np.diff(start) > 0).all()
        and fps.size == 1
    )
    if not fits:
        raise DatasetError(
            f"The arrays of '{path}' do not belong together: {names.size} names, {clips.size} "
            f"clips and {start.size} starts for {VALUES} of {xyz.shape}. Fetch it again."
        )


def _name_beginnings(names: Sequence[str]) -> tuple[str, ...]:
    """Name each point by the bone that begins there; only names of ASF are those of ends."""
    if not {"lhipjoint", "lclavicle"} <= set(names):
        return tuple(names)
    renamed = []
    for name in names:
        following = BEGINS_AT_END_OF.get(name[1:])
        if name == "upperneck":
            renamed.append("head")
        else:
            renamed.append(name[0] + following if following else f"{name}_end")
    return tuple(renamed)
