"""Stored 2D poses in place of a network and of images."""

from collections.abc import Iterator, Sequence

from engine.frames import FrameSet
from engine.poses import PoseSet2D


class ReplayEstimator:
    """Gives each frameset its stored poses; a frameset of another recording is a test's fault."""

    def __init__(self, pose_sets: Sequence[PoseSet2D]) -> None:
        self._sets_by_instant = {(poses.index, poses.timestamp_ns): poses for poses in pose_sets}

    def __call__(self, frames: FrameSet) -> PoseSet2D:
        return self._sets_by_instant[frames.index, frames.timestamp_ns]


def make_empty_framesets(pose_sets: Sequence[PoseSet2D]) -> Iterator[FrameSet]:
    """Make the framesets of stored poses, every view None."""
    for poses in pose_sets:
        yield FrameSet(poses.index, poses.timestamp_ns, (None,) * len(poses.poses_by_view))
