"""Poses: a person's joints in one view (pixels) and in the room (metres); sets of one instant."""

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from calibration.geometry.arrays import F64, I64, U8, Mask

# Below this confidence of the model a joint does not count as seen.
MIN_CONFIDENCE = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Pose2D:
    """One person in one view.

    Parameters
    ----------
    track_id
        Which person: the view's own track number before association, the same number in all views
        after it.
    xy : (J, 2), px of the original image
        NaN where a joint was not found.
    confidence : (J,), 0 to 1
        0 where a joint was not found.
    score
        0 to 1: the model's confidence that this is a person.
    own_xyz : (J, 3), m
        The 2D model's own guess of the pose in three dimensions, about the middle of the hips, in
        the axes of a camera that looks at them: x right and y down in the image, z away from the
        camera. A hint, a decimetre off for real people; None from a model that makes none.
    """

    track_id: int
    xy: F64
    confidence: F64
    score: float = 1.0
    own_xyz: F64 | None = None

    def swap_sides(self, mirror: I64) -> "Pose2D":
        """Return the pose with left and right exchanged.

        Parameters
        ----------
        mirror : (J,)
            Each joint's counterpart on the other side.
        """
        own_xyz = self.own_xyz[mirror] if self.own_xyz is not None else None
        return replace(
            self, xy=self.xy[mirror], confidence=self.confidence[mirror], own_xyz=own_xyz
        )


@dataclass(frozen=True, slots=True, eq=False)
class PoseSet2D:
    """All people in every view at one instant.

    Parameters
    ----------
    index, timestamp_ns
        Of the frameset.
    poses_by_view : V tuples of poses, in camera order
        Empty where no person was seen or the view has no image.
    view_time_ns : V of them
        Each view's own time of its image; None where it has none.
    is_interpolated
        True where no model ran: the joints were propagated from an earlier instant.
    """

    index: int
    timestamp_ns: int
    poses_by_view: tuple[tuple[Pose2D, ...], ...]
    view_time_ns: tuple[int | None, ...]
    is_interpolated: bool = False


class JointSource(IntEnum):
    """Where the position of a joint in the room comes from."""

    MEASURED = 0  # triangulated from two views or more
    GUESSED = 1  # from a model that sees one view; least certain along the line of sight


@dataclass(frozen=True, slots=True, eq=False)
class Pose3D:
    """One person in the room.

    Parameters
    ----------
    track_id
        Stable in time.
    xyz : (J, 3), m, world
        NaN where a joint is missing.
    confidence : (J,), 0 to 1
        0 where a joint is missing.
    covariance : (J, 3, 3), m^2, world
        NaN where a joint is missing.
    view_count : (J,), int
        How many cameras were used.
    source : (J,), of `JointSource`
        Without meaning where a joint is missing.
    """

    track_id: int
    xyz: F64
    confidence: F64
    covariance: F64
    view_count: I64
    source: U8

    @property
    def guessed(self) -> Mask:
        """Which joints are a model's guess from one view, (J,)."""
        return np.asarray(self.source == JointSource.GUESSED, bool)


@dataclass(frozen=True, slots=True, eq=False)
class PoseSet3D:
    """All people in the room at one instant.

    Parameters
    ----------
    index, timestamp_ns
        Of the frameset.
    people
        Empty where no person could be reconstructed.
    """

    index: int
    timestamp_ns: int
    people: tuple[Pose3D, ...]


def derive_source(view_count: I64) -> U8:
    """Derive the source of each joint of a recorded pose; pose files store only the views.

    Parameters
    ----------
    view_count : (J,)

    Returns
    -------
    source : (J,), of `JointSource`
        A joint that rests on one view is a guess: triangulation needs two.
    """
    return np.where(view_count == 1, JointSource.GUESSED, JointSource.MEASURED).astype(np.uint8)


def all_measured(joints: int) -> U8:
    """Return the source of joints that were all triangulated, (J,)."""
    return np.full(joints, JointSource.MEASURED, np.uint8)


def build_empty_pose(joints: int) -> Pose3D:
    """Return person 0 without a joint."""
    nan = np.full((joints, 3, 3), np.nan)
    view_count = np.zeros(joints, np.int64)
    return Pose3D(0, nan[..., 0].copy(), np.zeros(joints), nan, view_count, all_measured(joints))
