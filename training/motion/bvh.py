"""BVH: Biovision's hierarchy, as nearly every program exports it."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from calibration.geometry.arrays import F64
from training.errors import DatasetError
from training.motion.hierarchy import Bone, place_at_rest, place_bones
from training.motion.points import Points
from training.motion.text import parse_numbers, read_text

FIRST_WORD = "HIERARCHY"
WHOLE_RATE_SHARE = 2e-4
"""Frame times have few digits: 0.008333 s means 120 per second. 29.97 is 1e-3 from 30."""

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_TOKEN = re.compile(
    r"\s*(?:(?P<bone>ROOT|JOINT)[ \t]+(?P<name>[^\r\n{}]+)"
    r"|(?P<end>End[ \t]+Site)[^\r\n{}]*"
    rf"|OFFSET\s+(?P<offset>{_NUMBER}\s+{_NUMBER}\s+{_NUMBER})"
    r"|CHANNELS\s+(?P<count>\d+)(?P<channels>(?:\s+[XYZ](?:position|rotation))*)"
    r"|(?P<open>\{)|(?P<close>\}))",
    re.IGNORECASE,
)
_MOTION = re.compile(
    rf"\s*MOTION\s+Frames:\s*(?P<frames>\d+)\s+Frame\s+Time:\s*(?P<step_s>{_NUMBER})(?=\s|$)",
    re.IGNORECASE,
)


@dataclass(slots=True)
class _Draft:
    """A bone while its text is read."""

    name: str
    parent: int
    offset: F64 | None = None
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Skeleton:
    """Bones, and for each the channels, such as ``xrotation``; where its text ends."""

    bones: list[Bone]
    channels: list[tuple[str, ...]]
    end: int


def read_bvh(path: Path, name: str) -> Points:
    """Read a BVH file.

    Returns
    -------
    points
        Joints and, named ``<joint>_end``, end sites. The format states neither unit nor axes.

    Raises
    ------
    DatasetError
        If the file is missing, empty or damaged.
    """
    text = read_text(path)
    try:
        skeleton = _parse_hierarchy(text)
        rate_fps, table = _parse_motion(text, skeleton)
        rotations, shifts = _split_channels(skeleton, table)
    except ValueError as error:
        raise DatasetError(
            f"'{path}' is damaged or no BVH: {error}. Export or fetch it again."
        ) from error
    return Points(
        source=str(path),
        name=name,
        rate_fps=rate_fps,
        names=tuple(bone.name for bone in skeleton.bones),
        xyz=place_bones(skeleton.bones, rotations, shifts, len(table)),
        rest=place_at_rest(skeleton.bones),
    )


def _parse_hierarchy(text: str) -> _Skeleton:
    """Read the bones; by the format parents come before children."""
    drafts: list[_Draft] = []
    open_bones: list[int] = []
    end = text.upper().find(FIRST_WORD)
    if end < 0:
        raise ValueError(f"the word {FIRST_WORD} is missing")
    end += len(FIRST_WORD)
    while token := _TOKEN.match(text, end):
        end = token.end()
        _take(token, drafts, open_bones)
    if open_bones or not drafts:
        raise ValueError(f"its hierarchy breaks off in line {text.count(chr(10), 0, end) + 1}")
    bones = []
    for draft in drafts:
        if draft.offset is None:
            raise ValueError(f"'{draft.name}' has no OFFSET")
        bones.append(Bone(draft.name, draft.parent, draft.offset))
    return _Skeleton(bones, [draft.channels for draft in drafts], end)


def _take(token: re.Match[str], drafts: list[_Draft], open_bones: list[int]) -> None:
    """Take one statement of the hierarchy into the bones read so far."""
    if token["bone"] or token["end"]:
        if drafts and not open_bones:
            raise ValueError("it has a second root or a brace too many")
        parent = open_bones[-1] if open_bones else -1
        if token["end"] and parent < 0:
            raise ValueError("an End Site stands outside of all joints")
        name = token["name"].strip() if token["bone"] else f"{drafts[parent].name}_end"
        drafts.append(_Draft(name, parent))
    elif token["open"]:
        open_bones.append(len(drafts) - 1)
    elif not open_bones:
        raise ValueError("a brace, an OFFSET or CHANNELS stand outside of all joints")
    elif token["close"]:
        open_bones.pop()
    elif token["offset"]:
        drafts[open_bones[-1]].offset = parse_numbers(token["offset"].split())
    else:
        draft = drafts[open_bones[-1]]
        draft.channels = tuple(token["channels"].lower().split())
        if len(draft.channels) != int(token["count"]):
            raise ValueError(
                f"'{draft.name}' states {token['count']} channels and names {len(draft.channels)}"
            )


def _parse_motion(text: str, skeleton: _Skeleton) -> tuple[float, F64]:
    """Read rate and values, (T, channels)."""
    head = _MOTION.match(text, skeleton.end)
    if head is None:
        line = text.count("\n", 0, skeleton.end) + 1
        raise ValueError(
            f"after line {line}, MOTION, Frames and Frame Time are not as they must be"
        )
    frames, step_s = int(head["frames"]), float(head["step_s"])
    width = sum(map(len, skeleton.channels))
    if step_s <= 0 or frames < 1 or width < 1:
        raise ValueError(f"it states {frames} frames of {width} values, {step_s:g} s apart")
    values = parse_numbers(text[head.end() :].split())
    if len(values) != frames * width:
        raise ValueError(
            f"it states {frames} frames of {width} values and holds {len(values) / width:.4g}"
        )
    rate_fps = 1 / step_s
    if abs(rate_fps - round(rate_fps)) < WHOLE_RATE_SHARE * rate_fps:
        rate_fps = float(round(rate_fps))
    return rate_fps, values.reshape(frames, width)


def _split_channels(skeleton: _Skeleton, table: F64) -> tuple[dict[int, F64], dict[int, F64]]:
    """Return rotations, (T, 3, 3), and shifts, (T, 3), of the bones that have channels for them.

    A channel's rotation is about an axis that those listed before it have turned.
    """
    rotations: dict[int, F64] = {}
    shifts: dict[int, F64] = {}
    first = 0
    for index, (bone, channels) in enumerate(zip(skeleton.bones, skeleton.channels)):
        values = table[:, first : first + len(channels)]
        first += len(channels)
        turning = [place for place, name in enumerate(channels) if name.endswith("rotation")]
        moving = [place for place, name in enumerate(channels) if name.endswith("position")]
        if turning:
            order = "".join(channels[place][0] for place in turning)
            if len(set(order)) != len(order):
                raise ValueError(f"'{bone.name}' turns twice about one axis")
            angles = values[:, turning]
            rotations[index] = Rotation.from_euler(order.upper(), angles, degrees=True).as_matrix()
        if moving:
            axes = ["xyz".index(channels[place][0]) for place in moving]
            shifts[index] = _shift(bone.offset, axes, values[:, moving])
    return rotations, shifts


def _shift(offset: F64, axes: list[int], values: F64) -> F64:
    """Return where a bone with position channels begins, (T, 3), in the axes of its parent.

    Programs differ: most write the whole way from the parent, some what comes on top of the
    offset. Which it is shows along the offset: the values' median is near it or near zero.
    """
    along = float(np.median(values, 0) @ offset[axes])
    on_top = along < 0.5 * float(offset[axes] @ offset[axes])
    shift = np.tile(offset, (len(values), 1))
    shift[:, axes] = values + (offset[axes] if on_top else 0.0)
    return shift
