"""Observe a clip: the joints in its images, found once and kept for all methods."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from calibration.geometry.arrays import I64
from engine.frames import FrameSet
from engine.offline import recording as offline
from engine.offline.footage import open_inputs
from engine.offline.observe import observe
from engine.offline.progress import Progress, ignore_progress
from engine.poses import PoseSet2D, PoseSet3D
from training.world.clip import WorldClip

ABSENT = -1


@dataclass(frozen=True, slots=True, eq=False)
class ObservedClip:
    """A clip with the 2D poses of all its views.

    Parameters
    ----------
    clip
    recording
        2D poses, raw; its views are those of the clip.
    image_index : (T, V)
        Number of each view's image in its video, which is the row of the clip's joints; -1 where a
        frameset has none.
    """

    clip: WorldClip
    recording: offline.PoseRecording
    image_index: I64

    @property
    def time_s(self) -> list[float]:
        """Time of each frameset, (T,)."""
        return [poses.timestamp_ns / 1e9 for poses in self.recording.pose_sets]

    def read_images(self) -> Iterator[tuple[FrameSet, PoseSet2D]]:
        """Read the clip's images again, with what was found in them.

        Yields
        ------
        frames, poses_2d
            Of each frameset, in order; for methods that look at pixels themselves.
        """
        with open_inputs([video for _, video in self.clip.views]) as footage:
            yield from zip(footage.read_framesets(), self.recording.pose_sets)


def observe_clip(clip: WorldClip, model: str, progress: Progress = ignore_progress) -> ObservedClip:
    """Find the joints in all images of a clip.

    Parameters
    ----------
    clip
    model
        Name of a pose model.
    progress
        Called after every frameset; may raise to cancel.

    Raises
    ------
    EngineError
        If the model is missing or a video cannot be read.
    """
    numbers = _ImageNumbers()
    with open_inputs([video for _, video in clip.views]) as footage:
        observation = observe(footage, model, lambda _skeleton, _hash: (numbers,), progress)
    index = np.array(numbers.rows, np.int64).reshape(-1, len(clip.views))
    return ObservedClip(clip, replace(observation.recording, view_names=clip.view_names), index)


def select_views(recording: offline.PoseRecording, views: Sequence[int]) -> offline.PoseRecording:
    """Keep some views of a recording.

    Parameters
    ----------
    recording
    views
        Positions, in the order wanted.
    """
    pose_sets = tuple(select_view(poses, *views) for poses in recording.pose_sets)
    return replace(
        recording,
        pose_sets=pose_sets,
        view_names=tuple(recording.view_names[view] for view in views),
        sizes_wh=tuple(recording.sizes_wh[view] for view in views),
    )


def select_view(poses: PoseSet2D, *views: int) -> PoseSet2D:
    """Keep one view of an instant, or several in the order wanted."""
    return replace(
        poses,
        poses_by_view=tuple(poses.poses_by_view[view] for view in views),
        view_time_ns=tuple(poses.view_time_ns[view] for view in views),
    )


class _ImageNumbers:
    """A sink that keeps which image of its video each view's frame is."""

    def __init__(self) -> None:
        self.rows: list[list[int]] = []

    def put(self, frames: FrameSet, poses_2d: PoseSet2D, poses_3d: PoseSet3D) -> None:
        """Keep the numbers of a frameset's images."""
        del poses_2d, poses_3d
        self.rows.append([ABSENT if frame is None else frame.sequence for frame in frames.frames])
