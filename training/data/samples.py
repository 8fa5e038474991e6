"""Samples: crops of people with what is known of their joints; in memory, or as mapped folders.

A folder holds ``images.u8``, the bare crops one after another, and ``samples.npz``, everything
else. The second is written last and in one step: a folder without it is no set, whatever ended its
making.

Its more than 400 lines are one file format, written, read, joined and checked.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args
from zipfile import BadZipFile

import numpy as np

from calibration.geometry.arrays import F32, F64, I64, U8
from calibration.rig import Camera
from calibration.skeleton import Skeleton, load_skeleton
from engine.disk import atomic_binary_file
from training.errors import DatasetError, TrainingError

MARGIN = 1.5
"""Side of a stored crop over the side of the square a network sees, so that it can be jittered."""

STORED_PX = 192
"""Side of stored crops: the margin around what a network of 128 px sees."""

IMAGES, ARRAYS = "images.u8", "samples.npz"
SCHEMA = 1
PATH_ERRORS = (FileExistsError, FileNotFoundError, NotADirectoryError, PermissionError)
"""What the disk says of a place where no folder can be; room would not help."""

ROOT = "pelvis"

NO_SPACE = "there is not enough free space for them"
"""Why an array was not written, where numpy gives byte counts in place of the system's message."""

Teacher = Literal["truth", "annotation", "labels"]
"""Where the joints come from, best first: exact truth, human annotation, a rig's agreeing views."""

TEACHERS: tuple[Teacher, ...] = get_args(Teacher)
_NAME_TABLES = {"person": "persons", "clip": "clips", "action": "actions"}
_DTYPES = {
    "region": np.float64,
    "camera": np.int32,
    "xyz": np.float32,
    "weight": np.float32,
    "xy": np.float32,
    "confidence": np.float32,
    "frameset": np.int64,
    "time_ns": np.int64,
    "person": np.int32,
    "clip": np.int32,
    "action": np.int32,
}


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """N crops of people, and what is known of each.

    Parameters
    ----------
    image : (N, P, P, 3), uint8
        BGR; the square around `region`'s centre, `MARGIN` times its side, black beyond the image.
        May be a memory map.
    region : (N, 3), px of the original image
        Centre x, y and side of the square that a network sees.
    camera : (N,), int32
        Which of `cameras`.
    cameras
        Named by their views.
    xyz : (N, J, 3), m, the sample's camera
        Labels or truth; NaN where nothing is known.
    weight : (N, J), 0 to 1
        Of `xyz`: 1 for truth, 0 for what was rejected.
    xy : (N, J, 2), px of the original image
        As a detector found, or a person annotated; NaN where neither did.
    confidence : (N, J), 0 to 1
        Of `xy`.
    frameset : (N,), int64
        Samples of one instant share it, those of two never do.
    time_ns : (N,), int64
    person, clip, action : (N,), int32
        Which of `persons`, `clips`, `actions`.
    persons, clips, actions
        Names.
    skeleton
        Of the joints J.
    teacher
        Where `xyz` (where there is none, `xy`) comes from; of joined sets, the least certain.

    Raises
    ------
    ValueError
        If the arrays do not agree in N or J, or the teacher is unknown.
    """

    image: U8
    region: F64
    camera: np.ndarray
    cameras: tuple[Camera, ...]
    xyz: F32
    weight: F32
    xy: F32
    confidence: F32
    frameset: I64
    time_ns: I64
    person: np.ndarray
    clip: np.ndarray
    action: np.ndarray
    persons: tuple[str, ...]
    clips: tuple[str, ...]
    actions: tuple[str, ...]
    skeleton: Skeleton
    teacher: Teacher = "truth"

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        if self.teacher not in TEACHERS:
            raise ValueError(
                f"Samples: unknown teacher '{self.teacher}'; known: {', '.join(TEACHERS)}."
            )
        N = len(self.image)
        J = len(self.skeleton.joints)
        P = self.image.shape[1]
        expected = {"image": (N, P, P, 3), "region": (N, 3), "xyz": (N, J, 3), "xy": (N, J, 2)}
        expected |= {"weight": (N, J), "confidence": (N, J)}
        for name in ("image", *_DTYPES):
            shape = getattr(self, name).shape
            if shape != expected.get(name, (N,)):
                raise ValueError(
                    f"Samples: {name} is {shape}, but should be {expected.get(name, (N,))}."
                )

    def __len__(self) -> int:
        return len(self.image)

    @property
    def stored_px(self) -> int:
        """Side of the stored crops."""
        return self.image.shape[1]

    @property
    def root_depth_m(self) -> F32:
        """Depth of the pelvis in each sample's camera, (N,), m; NaN where it is not known."""
        return self.xyz[:, self.skeleton.index(ROOT), 2]

    def select(self, index: np.ndarray) -> "Samples":
        """Return some of the samples, in that order.

        Parameters
        ----------
        index : (M,)
            Positions, or (N,) booleans.

        Returns
        -------
        samples
            With crops in memory: a large set that is only read from time to time is better left
            whole.
        """
        return replace(
            self, image=self.image[index], **{name: getattr(self, name)[index] for name in _DTYPES}
        )


def join(parts: Sequence[Samples]) -> Samples:
    """Concatenate sets.

    Parameters
    ----------
    parts
        One or more, of one skeleton and one size. Their framesets stay apart even if they have the
        same numbers.

    Returns
    -------
    samples
        With crops in memory.

    Raises
    ------
    ValueError
        If there is nothing to join, or skeletons or sizes differ.
    """
    return replace(join_without_images(parts), image=np.concatenate([part.image for part in parts]))


def join_without_images(parts: Sequence[Samples]) -> Samples:
    """Concatenate sets as `join` does, without their crops: these are all black."""
    apart, first = [], 0
    for part in parts:
        distinct, dense = np.unique(part.frameset, return_inverse=True)
        apart.append(replace(part, frameset=dense.reshape(-1).astype(np.int64) + first))
        first += len(distinct)
    facts = _merge(apart)
    return Samples(image=_make_black_images(len(facts["region"]), parts[0].stored_px), **facts)


def write_samples(folder: Path, samples: Samples) -> None:
    """Store a set in a folder of its own; errors as those of `SampleWriter`."""
    with SampleWriter(folder, samples.skeleton, samples.stored_px) as writer:
        for start in range(0, len(samples), 256):
            writer.append(samples.select(np.arange(start, min(start + 256, len(samples)))))
        writer.finish()


def open_samples(folder: Path) -> Samples:
    """Open a set; its crops stay on the disk until they are looked at.

    Returns
    -------
    samples
        `image` is a memory map.

    Raises
    ------
    DatasetError
        If there is no finished set, it is damaged, or was written by a newer program.
    """
    folder = Path(folder)
    try:
        with np.load(folder / ARRAYS, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        facts = json.loads(str(arrays.pop("facts")))
        if facts["schema"] > SCHEMA:
            raise DatasetError(
                f"The samples '{folder}' were written by a newer Epipole. Update Epipole."
            )
        return _assemble(folder, arrays, facts)
    except FileNotFoundError as error:
        raise DatasetError(
            f"'{folder}' holds no finished set of samples. Check the path, or make it with "
            "'epipole samples'."
        ) from error
    except NotADirectoryError as error:
        raise DatasetError(
            f"'{folder}' is a file, not a folder of 'epipole samples'. Check the path."
        ) from error
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        raise DatasetError(
            f"The samples '{folder}' are damaged ({error}). Delete the folder and make them again."
        ) from error


class SampleWriter:
    """Writes a set that grows while it is made; left without `finish`, it leaves no set behind.

    Parameters
    ----------
    folder
        New, or left over from a making that was cut short.
    skeleton, stored_px
        Of all samples to come.

    Raises
    ------
    TrainingError
        If a finished set is there already, or the disk refuses.
    """

    def __init__(self, folder: Path, skeleton: Skeleton, stored_px: int = STORED_PX) -> None:
        self._folder = Path(folder)
        self._skeleton = skeleton
        self._stored_px = stored_px
        self._facts: list[Samples] = []
        if (self._folder / ARRAYS).exists():
            raise TrainingError(
                f"'{self._folder}' holds a set of samples; none is overwritten. Choose another "
                "folder."
            )
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._images = (self._folder / IMAGES).open("wb")
        except OSError as error:
            raise _to_training_error(self._folder, error) from error

    def __enter__(self) -> "SampleWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, samples: Samples) -> None:
        """Add samples; those of one instant may come in several calls and keep their numbers.

        Raises
        ------
        TrainingError
            If the disk refuses.
        ValueError
            If they are of another skeleton or size, or the set is finished.
        """
        if samples.skeleton.name != self._skeleton.name or samples.stored_px != self._stored_px:
            raise ValueError(
                f"This set holds '{self._skeleton.name}' at {self._stored_px} px, and nothing else."
            )
        try:
            np.ascontiguousarray(samples.image).tofile(self._images)
        except OSError as error:
            raise _to_training_error(self._folder, error) from error
        self._facts.append(
            replace(samples, image=_make_black_images(len(samples), self._stored_px))
        )

    def finish(self) -> None:
        """Complete the set.

        Raises
        ------
        TrainingError
            If nothing was appended, or the disk refuses: then there is no set.
        """
        if not any(len(part) for part in self._facts):
            raise TrainingError(
                f"No sample came for '{self._folder}', so there is nothing to store."
            )
        merged = _merge(self._facts)
        try:
            self._images.flush()
            os.fsync(self._images.fileno())
            self._images.close()
            _write_arrays(self._folder / ARRAYS, merged, self._stored_px)
        except OSError as error:
            raise _to_training_error(self._folder, error) from error

    def close(self) -> None:
        """Release the folder; unfinished samples are deleted."""
        self._images.close()
        if not (self._folder / ARRAYS).exists():
            (self._folder / IMAGES).unlink(missing_ok=True)


def _make_black_images(count: int, stored_px: int) -> U8:
    """Return black crops that take no memory."""
    return np.broadcast_to(np.zeros(1, np.uint8), (count, stored_px, stored_px, 3))


def _merge(parts: Sequence[Samples]) -> dict[str, Any]:
    """Concatenate everything but the crops of several parts, with one list of names each."""
    if not parts or len({(part.skeleton.name, part.stored_px) for part in parts}) > 1:
        raise ValueError("Sets that are joined need one skeleton and one size of crops.")
    merged: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in _DTYPES
    }
    # by identity: two cameras of one name may differ
    cameras = {id(camera): camera for part in parts for camera in part.cameras}
    place = {key: index for index, key in enumerate(cameras)}
    merged["cameras"] = tuple(cameras.values())
    tables = [np.array([place[id(camera)] for camera in part.cameras], np.int32) for part in parts]
    merged["camera"] = np.concatenate([table[part.camera] for table, part in zip(tables, parts)])
    for code, plural in _NAME_TABLES.items():
        names = tuple(dict.fromkeys(name for part in parts for name in getattr(part, plural)))
        tables = [
            np.array([names.index(name) for name in getattr(part, plural)], np.int32)
            for part in parts
        ]
        merged[plural] = names
        merged[code] = np.concatenate(
            [table[getattr(part, code)] for table, part in zip(tables, parts)]
        )
    teacher = max((part.teacher for part in parts), key=TEACHERS.index)
    return {**merged, "skeleton": parts[0].skeleton, "teacher": teacher}


def _write_arrays(path: Path, merged: dict[str, Any], stored_px: int) -> None:
    """Write everything but the crops; the file appears under its name only when complete."""
    cameras: tuple[Camera, ...] = merged["cameras"]
    facts = {
        "schema": SCHEMA,
        "stored_px": stored_px,
        "skeleton": merged["skeleton"].name,
        "teacher": merged["teacher"],
        "views": [camera.name for camera in cameras],
        **{plural: merged[plural] for plural in _NAME_TABLES.values()},
    }
    arrays: dict[str, Any] = {
        name: np.asarray(merged[name], kind) for name, kind in _DTYPES.items()
    }
    arrays["cameras_size_wh"] = np.array([camera.size_wh for camera in cameras], np.int64).reshape(
        -1, 2
    )
    for name in ("matrix", "distortion", "cam_from_world"):
        arrays[f"cameras_{name}"] = np.array([getattr(camera, name) for camera in cameras])
    with atomic_binary_file(path) as file:
        np.savez(file, **arrays, facts=np.array(json.dumps(facts)))


def _assemble(folder: Path, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> Samples:
    """Make a set of what its folder holds."""
    shape = (len(arrays["region"]), facts["stored_px"], facts["stored_px"], 3)
    size = (folder / IMAGES).stat().st_size
    if size != np.prod(shape, dtype=np.int64):
        raise DatasetError(
            f"The crops of '{folder}' have {size} bytes instead of "
            f"{np.prod(shape, dtype=np.int64)}: the file was cut short. Delete the folder and make "
            "the samples again."
        )
    columns = [
        arrays[f"cameras_{name}"] for name in ("size_wh", "matrix", "distortion", "cam_from_world")
    ]
    cameras = tuple(
        Camera(view, (int(size_wh[0]), int(size_wh[1])), *geometry)
        for view, size_wh, *geometry in zip(facts["views"], *columns, strict=True)
    )
    image = np.memmap(folder / IMAGES, np.uint8, "r", shape=shape)
    known: dict[str, Any] = {name: arrays[name] for name in _DTYPES}
    known |= {plural: tuple(facts[plural]) for plural in _NAME_TABLES.values()}
    known["teacher"] = facts.get("teacher", TEACHERS[0])  # the studio's first sets did not say it
    return Samples(image=image, cameras=cameras, skeleton=load_skeleton(facts["skeleton"]), **known)


def _to_training_error(folder: Path, error: OSError) -> TrainingError:
    """Describe why the disk did not take the samples."""
    what = (
        "Choose another folder"
        if isinstance(error, PATH_ERRORS)
        else "Free some space or choose another folder"
    )
    return TrainingError(
        f"The samples '{folder}' cannot be written: {error.strerror or NO_SPACE}. {what}, then "
        "make them again."
    )
