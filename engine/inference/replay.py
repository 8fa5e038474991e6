"""Stored 2D poses in place of a network: the `estimate` stage of a replay, and of golden tests."""

from collections.abc import Iterable, Iterator, Sequence

from engine.errors import SessionError
from engine.frames import FrameSet
from engine.poses import PoseSet2D


class Replay:
    """Gives each frameset the poses that were stored for it.

    Parameters
    ----------
    pose_sets
        For instance ``session.poses_2d_raw().sets_2d()``.
    """

    def __init__(self, pose_sets: Iterable[PoseSet2D]) -> None:
        self._by_index = {poses.index: poses for poses in pose_sets}

    def __call__(self, frames: FrameSet) -> PoseSet2D:
        """Return what was stored for a frameset.

        Parameters
        ----------
        frames
            Its images are not looked at.

        Returns
        -------
        poses_2d

        Raises
        ------
        SessionError
            If nothing is stored for it, or something of another time.
        """
        poses = self._by_index.get(frames.index)
        if poses is None or poses.timestamp_ns != frames.timestamp_ns:
            raise SessionError(
                f"The stored poses do not belong to these images: frameset {frames.index} has none of its time. "
                "Run track again."
            )
        return poses


def framesets_without_images(pose_sets: Sequence[PoseSet2D]) -> Iterator[FrameSet]:
    """Make the framesets of stored poses, for a replay that needs no images.

    Parameters
    ----------
    pose_sets

    Yields
    ------
    frameset
        Every view is None.
    """
    for poses in pose_sets:
        yield FrameSet(poses.index, poses.timestamp_ns, (None,) * len(poses.views))
