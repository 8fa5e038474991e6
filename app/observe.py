"""Observe footage: find the joints in every image, with progress in the terminal."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.cli.progress import Progress
from calibration.skeleton import Skeleton
from engine.inference.estimator import create_estimator
from engine.offline import recording as offline
from engine.offline.footage import Footage
from engine.pipeline import Sink
from engine.poses import PoseSet2D
from engine.session.writer import tap


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """What the network saw of a take.

    Parameters
    ----------
    recording
        2D poses of every frameset.
    rate_fps
        Framesets per second.
    model, model_hash
        Of the network.
    remarks
        Sentences on what was odd about the videos.
    """

    recording: offline.PoseRecording
    rate_fps: float
    model: str
    model_hash: str
    remarks: tuple[str, ...]


def observe(
    footage: Footage,
    model: str,
    make_pose_sink: Callable[[Skeleton, str], Callable[[PoseSet2D], None]] | None = None,
    sinks: Sequence[Sink] = (),
) -> Observation:
    """Find the joints of everybody in every frameset.

    Parameters
    ----------
    footage
        Open; it is read to its end.
    model
        Name of a pose model.
    make_pose_sink
        Is told the skeleton and the model's hash once they are known, and returns what takes the
        raw poses as they come.
    sinks
        Get every frameset with what was found in it.

    Returns
    -------
    observed

    Raises
    ------
    EngineError
        If the model is missing or a video cannot be read.
    """
    estimator = create_estimator(model, len(footage.view_names))
    try:
        framesets = footage.read_framesets()
        sizes_wh = tuple(source.size_wh for source in footage.sources)
        stage = (
            tap(estimator, make_pose_sink(estimator.skeleton, estimator.model_hash))
            if make_pose_sink
            else estimator
        )
        with Progress("Finding joints", framesets.count, "framesets") as progress:
            pose_sets = offline.estimate_poses(framesets, stage, sinks, progress)
        recording = offline.PoseRecording(
            pose_sets, estimator.skeleton, footage.view_names, sizes_wh
        )
        remarks = tuple(dict.fromkeys((*framesets.remarks, *footage.remarks)))
        return Observation(recording, framesets.rate_fps, model, estimator.model_hash, remarks)
    finally:
        estimator.close()
