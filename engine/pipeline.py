"""What happens to a frameset, from the cameras to the sinks: the specification of the program.

Everything else in the engine serves these few lines. Stages are plain callables: a test passes
lambdas or stored poses, `stages.py` overlaps them in threads, by the same table.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from calibration.rig import Rig
from engine.frames import FrameSet
from engine.poses import PoseSet2D, PoseSet3D

# One instant on its way: its `frames`, the `rig` known by then, and what the stages made of them.
Instant = Mapping[str, Any]


class Stage(NamedTuple):
    """One step from images to people in the room.

    Parameters
    ----------
    name
        The callable of `Pipeline` that does it.
    reads
        What it takes of an instant, in the order of its arguments.
    makes
        What its result is called in the instant; it replaces an earlier one.
    """

    name: str
    reads: tuple[str, ...]
    makes: str


STAGES = (
    Stage("estimate", reads=("frames",), makes="poses_2d"),  # pixels, each view alone
    Stage("associate", reads=("poses_2d", "rig"), makes="poses_2d"),  # who is who, across views
    Stage("reconstruct", reads=("poses_2d", "rig"), makes="poses_3d"),  # metres, in the room
    Stage("smooth", reads=("poses_3d",), makes="poses_3d"),  # the same people, calmer
)


class Sink(Protocol):
    """Takes what the pipeline made: a recorder, a screen, a network."""

    def put(self, frames: FrameSet, poses_2d: PoseSet2D, poses_3d: PoseSet3D) -> None:
        """Take the results of one instant.

        Parameters
        ----------
        frames
            The images, as they came.
        poses_2d
            Associated, sides repaired.
        poses_3d
            Smoothed.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Pipeline:
    """The stages of one run; `STAGES` has their order.

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
            instant = self.begin(frames)  # and where the cameras are, if that is known by now
            for stage in STAGES:
                instant = self.apply(stage, instant)
            self.deliver(instant)  # recorder, screen, network

    def begin(self, frames: FrameSet) -> Instant:
        """Start an instant with its images and the rig of now."""
        return {"frames": frames, "rig": self.rig()}

    def apply(self, stage: Stage, instant: Instant) -> Instant:
        """Add what a stage makes of an instant."""
        inputs = (instant[name] for name in stage.reads)
        return {**instant, stage.makes: getattr(self, stage.name)(*inputs)}

    def deliver(self, instant: Instant) -> None:
        """Hand a finished instant to every sink."""
        for sink in self.sinks:
            sink.put(instant["frames"], instant["poses_2d"], instant["poses_3d"])
