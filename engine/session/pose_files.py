"""Append-only pose files: a header line of JSON, then records of fixed size.

A record is a person of a frameset (3D) or of one view of it (2D); a frameset without people has one
record that says so. A frameset's records are written in one go and each contains their count, so
that after a kill the file can be read up to the last whole frameset. All values are little-endian:
``numpy.fromfile`` reads them with the `dtype` of the header.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from calibration.geometry.arrays import F64, I64
from engine.disk import append_atomic
from engine.errors import SessionError
from engine.poses import Pose2D, Pose3D, PoseSet2D, PoseSet3D, derive_source

FORMAT = "epipole-poses"
SCHEMA = 1
NOBODY = -1
NO_IMAGE_NS = np.iinfo(np.int64).min
_UPPER = np.triu_indices(3)


@dataclass(frozen=True, slots=True)
class PoseFileHeader:
    """The header of a pose file.

    Parameters
    ----------
    dimensions
        2 for poses in pixels, 3 for poses in metres.
    skeleton
        Name of the skeleton, as in ``assets/skeletons``.
    joints
        Names, in the order of the records.
    view_names
        Names of the cameras, in order.
    """

    dimensions: int
    skeleton: str
    joints: tuple[str, ...]
    view_names: tuple[str, ...]

    @property
    def dtype(self) -> np.dtype:
        """One record; float32 resolves 1e-4 px and 1e-6 m at the largest values that occur."""
        return _build_dtype(self.dimensions, len(self.joints))

    def to_line(self) -> bytes:
        """Return the first line of the file."""
        table = {
            "format": FORMAT,
            "schema": SCHEMA,
            "dimensions": self.dimensions,
            "skeleton": self.skeleton,
            "joints": self.joints,
            "views": self.view_names,
            "dtype": self.dtype.descr,
        }
        return json.dumps(table).encode() + b"\n"


class PoseWriter:
    """Writes poses; `put` (or `flush`) returns once the operating system has the frameset.

    Parameters
    ----------
    path
        Must not exist.
    header

    Raises
    ------
    SessionError
        If the disk refuses, or the file exists.
    """

    def __init__(self, path: Path, header: PoseFileHeader) -> None:
        self.header = header
        self._path = Path(path)
        try:
            self._file = self._path.open("xb", buffering=0)
        except OSError as error:
            raise SessionError(
                f"'{path}' cannot be written: {error.strerror}. Choose another folder."
            ) from error
        self._length = 0
        self._waiting = bytearray(header.to_line())  # what is not in the file yet
        self.flush()

    def put(self, poses: PoseSet2D | PoseSet3D, *, now: bool = True) -> None:
        """Add a frameset.

        Parameters
        ----------
        poses
            Of the dimension, views and joints of the header.
        now
            False buffers it for `flush`: many framesets cost hardly more than one.

        Raises
        ------
        SessionError
            If the disk refuses. What was written before stays readable.
        ValueError
            If the poses do not fit the header.
        """
        if self.header.dimensions == 2 and isinstance(poses, PoseSet2D):
            rows = _build_rows_2d(poses, self.header)
        elif self.header.dimensions == 3 and isinstance(poses, PoseSet3D):
            rows = _build_rows_3d(poses, self.header)
        else:
            raise ValueError(
                f"This file takes {self.header.dimensions}D poses, not a {type(poses).__name__}."
            )
        self._waiting += rows.tobytes()
        if now:
            self.flush()

    def flush(self) -> None:
        """Write the buffered framesets in one go, or none of them where the disk refuses.

        Raises
        ------
        SessionError
            If the disk refuses. What was written before stays readable.
        """
        data, self._waiting = bytes(self._waiting), bytearray()
        try:
            self._length = append_atomic(self._file, data, self._length)
        except OSError as error:
            raise SessionError(
                f"'{self._path}' cannot be written any further: {error.strerror}. What was "
                "written so far is kept; free some space and start again."
            ) from error

    def close(self) -> None:
        """Close the file, without a `flush`; may be called twice."""
        self._file.close()


class PoseReader:
    """Reads a pose file, also an interrupted one.

    Attributes
    ----------
    header
    records : (N,), structured, read-only
        All whole framesets, in the order of the file.
    torn
        Whether the last frameset is incomplete; it is left out.
    whole_bytes
        Length of the file up to the end of the last whole frameset.

    Raises
    ------
    SessionError
        If the file cannot be read, is no pose file, or was written by a newer program.
    """

    def __init__(self, path: Path) -> None:
        try:
            with Path(path).open("rb") as file:
                line = file.readline()
                self.header = _header_from_line(line, path)
                dtype = self.header.dtype
                body = file.read()
        except OSError as error:
            raise SessionError(f"The poses '{path}' cannot be read: {error.strerror}.") from error
        records = np.frombuffer(body, dtype, len(body) // dtype.itemsize)
        self.records = records[: _count_whole_records(records)]
        self.torn = len(self.records) * dtype.itemsize < len(body)
        self.whole_bytes = len(line) + len(self.records) * dtype.itemsize

    def __iter__(self) -> Iterator[PoseSet2D | PoseSet3D]:
        """Yield the framesets in the order of the file, as `sets_2d` or `sets_3d`."""
        return self.sets_2d() if self.header.dimensions == 2 else self.sets_3d()

    def sets_2d(self) -> Iterator[PoseSet2D]:
        """Yield the framesets of a 2D file."""
        for rows in self._iterate_framesets(2):
            yield self._build_set_2d(rows)

    def sets_3d(self) -> Iterator[PoseSet3D]:
        """Yield the framesets of a 3D file."""
        for rows in self._iterate_framesets(3):
            yield _build_set_3d(rows)

    @property
    def starts(self) -> I64:
        """Where each frameset begins in `records`, (T,)."""
        index = self.records["index"]
        return np.flatnonzero(np.diff(index, prepend=index[:1] - 1)).astype(np.int64)

    def read_at(self, start: int) -> PoseSet2D | PoseSet3D:
        """Return the frameset that begins at a record.

        Parameters
        ----------
        start
            One of `starts`.
        """
        rows = self.records[start : start + int(self.records[start]["rows"])]
        return self._build_set_2d(rows) if self.header.dimensions == 2 else _build_set_3d(rows)

    def _build_set_2d(self, rows: np.ndarray) -> PoseSet2D:
        """Read the records of a frameset."""
        poses_by_view: list[list[Pose2D]] = [[] for _ in self.header.view_names]
        times: list[int | None] = [None for _ in self.header.view_names]
        for row in rows:
            view, view_time_ns = int(row["view"]), int(row["view_time_ns"])
            times[view] = None if view_time_ns == NO_IMAGE_NS else view_time_ns
            if row["person"] != NOBODY:
                xy = row["xy"].astype(np.float64)
                confidence = row["confidence"].astype(np.float64)
                poses_by_view[view].append(
                    Pose2D(int(row["person"]), xy, confidence, float(row["score"]))
                )
        return PoseSet2D(
            int(rows[0]["index"]),
            int(rows[0]["time_ns"]),
            tuple(map(tuple, poses_by_view)),
            tuple(times),
        )

    def _iterate_framesets(self, dimensions: int) -> Iterator[np.ndarray]:
        """Yield the records of each frameset."""
        if self.header.dimensions != dimensions:
            raise ValueError(
                f"This file holds {self.header.dimensions}D poses, not {dimensions}D ones."
            )
        start = 0
        while start < len(self.records):
            stop = start + int(self.records[start]["rows"])
            yield self.records[start:stop]
            start = stop


def _header_from_line(line: bytes, path: Path) -> PoseFileHeader:
    """Read the first line of a pose file."""
    try:
        table = json.loads(line)
        known = table["format"] == FORMAT and isinstance(table["schema"], int)
        if known and table["schema"] > SCHEMA:
            raise SessionError(
                f"The poses '{path}' were written by a newer Epipole (schema {table['schema']}, "
                f"this one reads up to {SCHEMA}). Update Epipole."
            )
        header = PoseFileHeader(
            table["dimensions"], table["skeleton"], tuple(table["joints"]), tuple(table["views"])
        )
    except (ValueError, KeyError, TypeError) as error:
        raise SessionError(
            f"'{path}' is not a file of poses. Restore it, or run track again."
        ) from error
    if not known or header.dimensions not in (2, 3):
        raise SessionError(f"'{path}' is not a file of poses. Restore it, or run track again.")
    return header


def _count_whole_records(records: np.ndarray) -> int:
    """Count the records up to the end of the last whole frameset."""
    position = 0
    while position < len(records):
        rows = int(records[position]["rows"])
        if rows < 1 or position + rows > len(records):
            break
        position += rows
    return position


def _build_rows_2d(poses: PoseSet2D, header: PoseFileHeader) -> np.ndarray:
    """Convert a frameset of 2D poses to records."""
    if len(poses.poses_by_view) != len(header.view_names):
        raise ValueError(f"The file takes 2D poses in {len(header.view_names)} views.")
    begin = (
        poses.index,
        poses.timestamp_ns,
        sum(len(people) or 1 for people in poses.poses_by_view),
    )
    rows: list[tuple[object, ...]] = []
    for view, (people, time_ns) in enumerate(
        zip(poses.poses_by_view, poses.view_time_ns, strict=True)
    ):
        image = (view, NO_IMAGE_NS if time_ns is None else time_ns)
        rows += [
            (*begin, one.track_id, *image, one.score, _check_joints(one.xy, header), one.confidence)
            for one in people
        ]
        if not people:
            rows.append((*begin, NOBODY, *image, 0.0, np.nan, 0.0))
    return np.array(rows, header.dtype)


def _build_rows_3d(poses: PoseSet3D, header: PoseFileHeader) -> np.ndarray:
    """Convert a frameset of 3D poses to records."""
    begin = (poses.index, poses.timestamp_ns, max(1, len(poses.people)))
    rows: list[tuple[object, ...]] = []
    for one in poses.people:
        upper = one.covariance[:, _UPPER[0], _UPPER[1]]
        rows.append(
            (
                *begin,
                one.track_id,
                _check_joints(one.xyz, header),
                upper,
                one.view_count,
                one.confidence,
            )
        )
    nobody = (*begin, NOBODY, np.nan, np.nan, 0, 0.0)
    return np.array(rows or [nobody], header.dtype)


def _check_joints(points: F64, header: PoseFileHeader) -> F64:
    """Return the points if their number is that of the file's joints."""
    if points.shape != (len(header.joints), header.dimensions):
        raise ValueError(
            f"The file takes {len(header.joints)} joints, not points of shape {points.shape}."
        )
    return points


@lru_cache(maxsize=8)
def _build_dtype(dimensions: int, joints: int) -> np.dtype:
    """Build the type of a record; rows are made with its fields in this order."""
    fields: list[Any] = [("index", "<i8"), ("time_ns", "<i8"), ("rows", "<u2"), ("person", "<i4")]
    if dimensions == 2:
        fields += [
            ("view", "<u2"),
            ("view_time_ns", "<i8"),
            ("score", "<f4"),
            ("xy", "<f4", (joints, 2)),
        ]
    else:
        fields += [
            ("xyz", "<f4", (joints, 3)),
            ("covariance", "<f4", (joints, 6)),
            ("views", "u1", (joints,)),
        ]
    return np.dtype([*fields, ("confidence", "<f4", (joints,))])


def _build_set_3d(rows: np.ndarray) -> PoseSet3D:
    """Read the records of a frameset."""
    people = tuple(_build_pose_3d(row) for row in rows if row["person"] != NOBODY)
    return PoseSet3D(int(rows[0]["index"]), int(rows[0]["time_ns"]), people)


def _build_pose_3d(row: np.void) -> Pose3D:
    """Read one person's record."""
    covariance = np.empty((len(row["views"]), 3, 3))
    covariance[:, _UPPER[0], _UPPER[1]] = row["covariance"]
    covariance[:, _UPPER[1], _UPPER[0]] = row["covariance"]
    xyz = row["xyz"].astype(np.float64)
    confidence = row["confidence"].astype(np.float64)
    view_count = row["views"].astype(np.int64)
    source = derive_source(view_count)
    return Pose3D(int(row["person"]), xyz, confidence, covariance, view_count, source)
