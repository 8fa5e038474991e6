"""Poses and Observations2D: a person's joints over time as numpy arrays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calibration.geometry.arrays import F64, I64
from calibration.skeleton import load_skeleton
from engine.offline.recording import PoseRecording
from engine.poses import Pose2D, Pose3D, PoseSet2D, PoseSet3D

if TYPE_CHECKING:
    import pandas

NS_PER_S = 1e9


@dataclass(frozen=True, slots=True, eq=False)
class Poses:
    """The joints of everybody in the room over time.

    Parameters
    ----------
    xyz : (frame, person, joint, 3), m, world
        NaN where a joint is missing.
    confidence : (frame, person, joint), 0 to 1
        0 where a joint is missing.
    view_count : (frame, person, joint), int
        How many cameras a joint rests on; 0 where it is missing, 1 where its depth is a guess.
    time_s : (frame,), s
        Since frame 0.
    joints
        Names, in the order of the joint axis.
    frame : (frame,), int
        Number of each frameset, 0-based; the csv export has the same numbers.
    person : (person,), int
        Number of each person, stable in time; the csv export has the same numbers.

    Raises
    ------
    ValueError
        If the shapes disagree.
    """

    xyz: F64
    confidence: F64
    view_count: I64
    time_s: F64
    joints: tuple[str, ...]
    frame: I64
    person: I64

    def __post_init__(self) -> None:
        """Check the shapes."""
        shape = (len(self.frame), len(self.person), len(self.joints))
        _require_shape("xyz", self.xyz, (*shape, 3))
        _require_shape("confidence", self.confidence, shape)
        _require_shape("view_count", self.view_count, shape)
        _require_shape("time_s", self.time_s, shape[:1])

    def joint(self, name: str) -> F64:
        """Return one joint of everybody, (frame, person, 3), m, world.

        Raises
        ------
        KeyError
            If there is no such joint.
        """
        if name not in self.joints:
            raise KeyError(f"There is no joint '{name}'. Known: {', '.join(self.joints)}.")
        return self.xyz[:, :, self.joints.index(name)]

    def to_dataframe(self) -> "pandas.DataFrame":
        """Return a table with one row per frame, person and joint; missing joints have no row.

        Returns
        -------
        table
            With the columns of the csv export: ``frame``, ``time_s``, ``person``, ``joint``,
            ``x_m``, ``y_m``, ``z_m``, ``confidence``, ``views``.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        import pandas as pd  # optional, and only this needs it

        t, p, j = np.nonzero(np.isfinite(self.xyz).all(-1))
        xyz = self.xyz[t, p, j]
        return pd.DataFrame(
            {
                "frame": self.frame[t],
                "time_s": self.time_s[t],
                "person": self.person[p],
                "joint": np.array(self.joints)[j],
                "x_m": xyz[:, 0],
                "y_m": xyz[:, 1],
                "z_m": xyz[:, 2],
                "confidence": self.confidence[t, p, j],
                "views": self.view_count[t, p, j],
            }
        )


@dataclass(frozen=True, slots=True, eq=False)
class Observations2D:
    """The joints of everybody in every view over time.

    Parameters
    ----------
    xy : (frame, view, person, joint, 2), px of the original image
        (0, 0) is the centre of the first pixel. NaN where a joint was not found.
    confidence : (frame, view, person, joint), 0 to 1
        0 where a joint was not found.
    time_s : (frame,), s
        Rising.
    view_names
        Names of the cameras, in the order of the view axis.
    sizes_wh : one (width, height) per view, px
        Of the original images.
    skeleton
        Name of the skeleton whose joints these are; `load_skeleton` returns it.
    view_time_s : (frame, view), s, optional
        Each view's own time of its image, NaN where it has none; not given: `time_s`.

    Raises
    ------
    ValueError
        If the shapes disagree, or times do not rise.
    """

    xy: F64
    confidence: F64
    time_s: F64
    view_names: tuple[str, ...]
    sizes_wh: tuple[tuple[int, int], ...]
    skeleton: str = "blazepose_33"
    view_time_s: F64 | None = None

    def __post_init__(self) -> None:
        """Check the shapes."""
        frame_count, view_count = len(self.time_s), len(self.view_names)
        person_count = self.xy.shape[2] if self.xy.ndim == 5 else 1
        shape = (frame_count, view_count, person_count, len(self.joints))
        _require_shape("xy", self.xy, (*shape, 2))
        _require_shape("confidence", self.confidence, shape)
        if self.view_time_s is not None:
            _require_shape("view_time_s", self.view_time_s, shape[:2])
        if len(self.sizes_wh) != view_count:
            raise ValueError(f"{view_count} views need as many sizes, not {len(self.sizes_wh)}.")
        if (np.diff(self.time_s) <= 0).any():
            raise ValueError("time_s must rise from frame to frame.")

    @property
    def joints(self) -> tuple[str, ...]:
        """Names, in the order of the joint axis."""
        return load_skeleton(self.skeleton).joints


def build_poses(pose_sets: Sequence[PoseSet3D], joints: tuple[str, ...], start_ns: int) -> Poses:
    """Lay out 3D poses as arrays.

    Parameters
    ----------
    pose_sets
    joints
        Names, in the order of the poses' joints.
    start_ns
        Time of frame 0, from which seconds count.
    """
    person = _collect_track_ids(one for poses in pose_sets for one in poses.people)
    column = {int(track_id): p for p, track_id in enumerate(person)}
    shape = (len(pose_sets), len(person), len(joints))
    xyz = np.full((*shape, 3), np.nan)
    confidence = np.zeros(shape)
    view_count = np.zeros(shape, np.int64)
    for t, poses in enumerate(pose_sets):
        for one in poses.people:
            place = (t, column[one.track_id])
            found = np.isfinite(one.xyz).all(-1)
            xyz[place] = one.xyz
            confidence[place] = np.where(found, one.confidence, 0.0)
            view_count[place] = np.where(found, one.view_count, 0)
    time_ns = np.array([poses.timestamp_ns for poses in pose_sets], np.int64)
    frame = np.array([poses.index for poses in pose_sets], np.int64)
    time_s = (time_ns - start_ns) / NS_PER_S
    return Poses(xyz, confidence, view_count, time_s, tuple(joints), frame, person)


def build_observations(recording: PoseRecording, start_ns: int) -> Observations2D:
    """Lay out 2D poses as arrays.

    Parameters
    ----------
    recording
        One person has the same number in every view.
    start_ns
        Time of frame 0, from which seconds count.
    """
    pose_sets = recording.pose_sets
    people = (one for poses in pose_sets for view in poses.poses_by_view for one in view)
    column = {int(track_id): p for p, track_id in enumerate(_collect_track_ids(people))}
    shape = (len(pose_sets), len(recording.view_names), len(column), len(recording.skeleton.joints))
    xy = np.full((*shape, 2), np.nan)
    confidence = np.zeros(shape)
    view_time_s = np.full(shape[:2], np.nan)
    for t, poses in enumerate(pose_sets):
        for v, view in enumerate(poses.poses_by_view):
            view_time_ns = poses.view_time_ns[v]
            if view_time_ns is not None:
                view_time_s[t, v] = (view_time_ns - start_ns) / NS_PER_S
            for one in view:
                xy[t, v, column[one.track_id]] = one.xy
                confidence[t, v, column[one.track_id]] = one.confidence
    time_ns = np.array([poses.timestamp_ns for poses in pose_sets], np.int64)
    return Observations2D(
        xy,
        confidence,
        (time_ns - start_ns) / NS_PER_S,
        recording.view_names,
        recording.sizes_wh,
        recording.skeleton.name,
        view_time_s,
    )


def build_recording(observations: Observations2D) -> PoseRecording:
    """Turn arrays into the 2D poses that the engine works with."""
    view_time_s = observations.view_time_s
    if view_time_s is None:
        view_time_s = np.repeat(observations.time_s[:, None], len(observations.view_names), 1)
    pose_sets = []
    for t, time_s in enumerate(observations.time_s):
        poses_by_view = tuple(
            tuple(
                Pose2D(p, np.asarray(xy, float), np.asarray(confidence, float))
                for p, (xy, confidence) in enumerate(zip(people_xy, people_confidence))
                if np.isfinite(xy).any()
            )
            for people_xy, people_confidence in zip(observations.xy[t], observations.confidence[t])
        )
        view_time_ns = tuple(
            round(one * NS_PER_S) if np.isfinite(one) else None for one in view_time_s[t].tolist()
        )
        pose_sets.append(PoseSet2D(t, round(time_s * NS_PER_S), poses_by_view, view_time_ns))
    sizes_wh = tuple((int(width), int(height)) for width, height in observations.sizes_wh)
    skeleton = load_skeleton(observations.skeleton)
    return PoseRecording(tuple(pose_sets), skeleton, tuple(observations.view_names), sizes_wh)


def _collect_track_ids(people: Iterable[Pose2D | Pose3D]) -> I64:
    """Collect the numbers of everybody, rising."""
    return np.array(sorted({one.track_id for one in people}), np.int64)


def _require_shape(name: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    """Refuse an array of another shape."""
    if array.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, not {array.shape}.")
