"""ASF and AMC: Acclaim's skeleton and its motion, as CMU publishes them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from calibration.geometry.arrays import F64
from training.errors import DatasetError
from training.motion.hierarchy import Bone, place_at_rest, place_bones
from training.motion.points import Points
from training.motion.text import parse_numbers, read_text
from training.motion.units import INCH_M

USUAL_RATE_FPS = 120.0
"""What CMU recorded with; the format need not state it."""
ASSUMED_RATE = f"The file states no rate: taken as {USUAL_RATE_FPS:.0f} frames per second."
ROOT = "root"
_RATE = ":samples-per-second"


@dataclass(slots=True, eq=False)
class _AsfBone:
    """A bone as the skeleton's file describes it, in the file's unit and angles."""

    name: str
    vector: F64 = field(default_factory=lambda: np.zeros(3))
    axes: F64 = field(default_factory=lambda: np.eye(3))
    """Rotation from the axes that its values turn about."""
    channels: tuple[str, ...] = ()
    parent: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class _Asf:
    """A skeleton, parents before children, the root first."""

    bones: tuple[_AsfBone, ...]
    unit_m: float
    degrees: bool


def find_asf(path: Path) -> Path:
    """Find the skeleton of an AMC file beside it: by the longest common name, or the only one.

    Raises
    ------
    DatasetError
        If there is none, or it is not clear which.
    """
    found = sorted(file for file in path.parent.iterdir() if file.suffix.lower() == ".asf")
    fitting = [
        file
        for file in found
        if re.fullmatch(rf"{re.escape(file.stem)}([^a-z0-9].*)?", path.stem, re.IGNORECASE)
    ]
    if fitting:
        return max(fitting, key=lambda file: len(file.stem))
    if len(found) == 1:
        return found[0]
    raise DatasetError(
        f"'{path}' needs the skeleton of its person, and there "
        f"{f'are {len(found)} of other names' if found else 'is none'} beside it. Put "
        f"'{path.stem.split('_')[0]}.asf' into the same folder."
    )


def read_amc(path: Path, name: str) -> Points:
    """Read an AMC file with the skeleton beside it.

    Returns
    -------
    points
        Where bones begin, by their names.

    Raises
    ------
    DatasetError
        If one of both files is missing, empty or damaged.
    """
    asf_path = find_asf(path)
    asf_text, text = read_text(asf_path), read_text(path)
    try:
        asf = _parse_asf(asf_text)
    except ValueError as error:
        raise DatasetError(
            f"'{asf_path}' is damaged or no ASF skeleton: {error}. Fetch it again."
        ) from error
    try:
        rate_fps, degrees, values = _parse_amc(text, asf)
        bones = _list_bones(asf)
        rotations, shifts = _turn(asf, values, degrees)
        xyz = place_bones(bones, rotations, shifts, len(values[ROOT]))
    except ValueError as error:
        raise DatasetError(
            f"'{path}' is damaged or does not fit '{asf_path.name}': {error}. Fetch both again."
        ) from error
    return Points(
        source=str(path),
        name=name,
        rate_fps=rate_fps or USUAL_RATE_FPS,
        names=tuple(bone.name for bone in bones),
        xyz=xyz,
        rest=place_at_rest(bones),
        unit_m=asf.unit_m,
        remarks=() if rate_fps else (ASSUMED_RATE,),
    )


def _parse_asf(text: str) -> _Asf:
    """Read units, root, bones and what hangs on what."""
    sections = _split_sections(text)
    units = {words[0].lower(): words[1] for words in sections.get(":units", []) if len(words) > 1}
    length = float(units.get("length", 1.0))
    degrees = units.get("angle", "deg").lower().startswith("deg")
    if not length > 0:
        raise ValueError(f"its unit of length is {length}")
    bones = {ROOT: _parse_root(sections.get(":root", []), degrees)}
    for block in _split_blocks(sections.get(":bonedata", [])):
        bone = _parse_bone(block, degrees)
        bones[bone.name] = bone
    ordered = [bones[ROOT]]
    for parent, *children in (
        words for block in _split_blocks(sections.get(":hierarchy", [])) for words in block
    ):
        for child in children:
            if child not in bones or bones.get(parent) not in ordered or bones[child] in ordered:
                raise ValueError(f"its hierarchy names '{child}' under '{parent}' wrongly")
            bones[child].parent = parent
            ordered.append(bones[child])
    if len(ordered) < 2:
        raise ValueError("it has no bones or no hierarchy")
    return _Asf(tuple(ordered), INCH_M / length, degrees)


def _split_sections(text: str) -> dict[str, list[list[str]]]:
    """Return the lines of each section as words, without remarks."""
    sections: dict[str, list[list[str]]] = {}
    lines: list[list[str]] = []
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0].startswith(":"):
            lines = sections.setdefault(words[0].lower(), [])
        else:
            lines.append(words)
    return sections


def _split_blocks(lines: list[list[str]]) -> Iterator[list[list[str]]]:
    """Yield what stands between each ``begin`` and ``end``."""
    block: list[list[str]] | None = None
    for words in lines:
        if words[0].lower() == "begin":
            block = []
        elif block is None:
            raise ValueError(f"'{' '.join(words)}' stands outside of begin and end")
        elif words[0].lower() == "end":
            yield block
            block = None
        else:
            block.append(words)
    if block is not None:
        raise ValueError("an end is missing")


def _parse_root(lines: list[list[str]], degrees: bool) -> _AsfBone:
    """Read the root: the order of its values, and where it is without them."""
    facts = {words[0].lower(): words[1:] for words in lines}
    order = tuple(word.lower() for word in facts.get("order", ()))
    if sorted(order) != ["rx", "ry", "rz", "tx", "ty", "tz"]:
        raise ValueError(f"the order of its root is '{' '.join(order)}'")
    orientation = parse_numbers(facts.get("orientation", ["0"] * 3))
    axis = "".join(facts.get("axis", ["XYZ"]))
    vector = parse_numbers(facts.get("position", ["0"] * 3))
    if vector.shape != (3,):
        raise ValueError("the position of its root has not three numbers")
    return _AsfBone(ROOT, vector, _build_rotation(axis, orientation, degrees), order)


def _parse_bone(block: list[list[str]], degrees: bool) -> _AsfBone:
    """Read a bone: its vector, the axes of its values, and which values it has."""
    facts = {words[0].lower(): words[1:] for words in block}
    missing = [key for key in ("name", "direction", "length") if not facts.get(key)]
    if missing:
        raise ValueError(f"a bone has no {', '.join(missing)}")
    name = facts["name"][0]
    direction = parse_numbers(facts["direction"])
    axis = facts.get("axis", ["0", "0", "0", "XYZ"])
    channels = tuple(word.lower() for word in facts.get("dof", ()))
    if direction.shape != (3,) or len(axis) != 4 or not set(channels) <= {"rx", "ry", "rz"}:
        raise ValueError(f"direction, axis or dof of '{name}' are not those of a rotating bone")
    vector = float(facts["length"][0]) * direction / max(float(np.linalg.norm(direction)), 1e-9)
    return _AsfBone(
        name, vector, _build_rotation(axis[3], parse_numbers(axis[:3]), degrees), channels
    )


def _build_rotation(order: str, angles: F64, degrees: bool) -> F64:
    """Rotate about fixed axes, the first one first, (..., 3, 3)."""
    return Rotation.from_euler(order.lower(), angles, degrees=degrees).as_matrix()


def _parse_amc(text: str, asf: _Asf) -> tuple[float | None, bool, dict[str, F64]]:
    """Read the rate, whether angles are degrees, and for each bone its values, (T, channels)."""
    degrees, rate_fps = asf.degrees, None
    rows: dict[str, list[list[str]]] = {bone.name: [] for bone in asf.bones if bone.channels}
    frames = 0
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        first = words[0].lower()
        if first.startswith(":"):
            degrees = {":degrees": True, ":radians": False}.get(first, degrees)
            if first == _RATE:
                rate_fps = float(words[1]) if len(words) > 1 else None
        elif len(words) == 1 and first.isdecimal():
            frames += 1
        elif words[0] in rows:
            rows[words[0]].append(words[1:])
        else:
            raise ValueError(f"the skeleton has no bone with values named '{words[0]}'")
    if not frames:
        raise ValueError("it has no frame")
    return rate_fps, degrees, _parse_rows(rows, asf, frames)


def _parse_rows(rows: Mapping[str, list[list[str]]], asf: _Asf, frames: int) -> dict[str, F64]:
    """Read the values of each bone; ValueError where frames or values are missing."""
    values = {}
    for bone in asf.bones:
        if not bone.channels:
            continue
        lines, width = rows[bone.name], len(bone.channels)
        if len(lines) != frames or any(len(words) != width for words in lines):
            raise ValueError(f"'{bone.name}' should have {width} values in each of {frames} frames")
        numbers = parse_numbers([word for words in lines for word in words])
        values[bone.name] = numbers.reshape(frames, width)
    return values


def _list_bones(asf: _Asf) -> list[Bone]:
    """Return the bones, each beginning at the end of its parent; the root's children at the root.

    Every leaf has one more, ``<bone>_end``, for where it ends.
    """
    places = {bone.name: index for index, bone in enumerate(asf.bones)}
    parents = {bone.parent for bone in asf.bones}
    bones = [Bone(ROOT, -1, asf.bones[0].vector)]
    for bone in asf.bones[1:]:
        above = asf.bones[places[bone.parent]]
        away = np.zeros(3) if above.name == ROOT else above.vector
        bones.append(Bone(bone.name, places[bone.parent], away))
    leaves = [bone for bone in asf.bones if bone.name not in parents]
    return bones + [Bone(f"{leaf.name}_end", places[leaf.name], leaf.vector) for leaf in leaves]


def _turn(
    asf: _Asf, values: Mapping[str, F64], degrees: bool
) -> tuple[dict[int, F64], dict[int, F64]]:
    """Return rotations, (T, 3, 3), and the root's shift, (T, 3).

    A bone's values turn about its own axes, which are given in those of the room at rest.
    """
    rotations: dict[int, F64] = {}
    shifts: dict[int, F64] = {}
    for index, bone in enumerate(asf.bones):
        turning = [place for place, name in enumerate(bone.channels) if name[0] == "r"]
        if not turning:
            continue
        order = "".join(bone.channels[place][1] for place in turning)
        own = _build_rotation(order, values[bone.name][:, turning], degrees)
        rotations[index] = bone.axes @ own @ bone.axes.T
    root = asf.bones[0]
    moving = [root.channels.index(f"t{axis}") for axis in "xyz"]
    shifts[0] = root.vector + values[ROOT][:, moving]
    return rotations, shifts
