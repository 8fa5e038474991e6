"""The page: what happens to a frameset, from the cameras to the sinks.

Everything else in the engine serves these few lines. Stages are plain callables: a test passes
lambdas or stored poses, `stages.py` may overlap them in threads.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from calibration.rig import Rig
from engine.frames import FrameSet
from engine.poses import PoseSet2D, PoseSet3D


class Sink(Protocol):
    """Takes what the pipeline made: a recorder, a screen, a network."""

    def put(self, frames: FrameSet, poses_2d: PoseSet2D, poses_3d: PoseSet3D) -> None:
        """Take the results of one instant."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Pipeline:
    """The stages of one run, in their order.

    Parameters
    ----------
    framesets
        Framesets in the order of time.
    estimate
        A frameset to the people in each view, in pixels.
    associate
        The same people, named alike across the views, left and right repaired.
    reconstruct
        The people in the room, in metres; nobody where there is no rig.
    smooth
        The same people, calmer.
    sinks
        Each gets every instant.
    rig
        Gives the rig of now; None until one is known.
    """

    framesets: Iterable[FrameSet]
    estimate: Callable[[FrameSet], PoseSet2D]
    associate: Callable[[PoseSet2D, Rig | None], PoseSet2D]
    reconstruct: Callable[[PoseSet2D, Rig | None], PoseSet3D]
    smooth: Callable[[PoseSet3D], PoseSet3D]
    sinks: Sequence[Sink]
    rig: Callable[[], Rig | None] = lambda: None

    def run(self) -> None:
        """Carry every frameset from the cameras to the sinks, until the cameras end."""
        for frames in self.framesets:  # N images of one instant
            rig = self.rig()  # where the cameras stand, as far as is known by now
            poses_2d = self.estimate(frames)  # pixels, each view alone
            poses_2d = self.associate(poses_2d, rig)  # who is who, across the views
            poses_3d = self.reconstruct(poses_2d, rig)  # metres, in the room
            poses_3d = self.smooth(poses_3d)  # the same people, calmer
            for sink in self.sinks:  # recorder, screen, network
                sink.put(frames, poses_2d, poses_3d)
