"""Observe footage: find the joints of everybody in every image."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from calibration.skeleton import Skeleton
from engine.inference.estimator import create_estimator
from engine.offline import recording as offline
from engine.offline.footage import Footage
from engine.offline.progress import Progress, StepProgress, ignore_progress
from engine.pipeline import Sink

FINDING_JOINTS = "Finding joints"

MakeSinks = Callable[[Skeleton, str], Sequence[Sink]]


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """What the model found in a recording.

    Parameters
    ----------
    recording
        2D poses of every frameset.
    rate_fps
        Framesets per second.
    model, model_hash
        Name and SHA-256 of the pose model.
    remarks
        Messages on what was odd about the videos.
    """

    recording: offline.PoseRecording
    rate_fps: float
    model: str
    model_hash: str
    remarks: tuple[str, ...]


def observe(
    footage: Footage,
    model: str,
    make_sinks: MakeSinks = lambda _skeleton, _model_hash: (),
    progress: Progress = ignore_progress,
) -> Observation:
    """Find the joints of everybody in every frameset.

    Parameters
    ----------
    footage
        Open; it is read to its end.
    model
        Name of a pose model.
    make_sinks
        Called once with the skeleton and the model's hash; returns what gets every frameset with
        what was found in it.
    progress
        Called after every frameset; may raise to cancel.

    Raises
    ------
    EngineError
        If the model is missing or a video cannot be read.
    """
    estimator = create_estimator(model, len(footage.view_names))
    try:
        framesets = footage.read_framesets()
        sizes_wh = tuple(source.size_wh for source in footage.sources)
        sinks = make_sinks(estimator.skeleton, estimator.model_hash)
        total = framesets.count

        def on_frameset(done: int) -> None:
            share = min(done / total, 1.0) if total else 0.0
            progress(StepProgress(FINDING_JOINTS, share, "framesets", done, total))

        progress(StepProgress(FINDING_JOINTS, 0.0, "framesets", 0, total))
        pose_sets = offline.estimate_poses(framesets, estimator, sinks, on_frameset)
        recording = offline.PoseRecording(
            pose_sets, estimator.skeleton, footage.view_names, sizes_wh
        )
        remarks = tuple(dict.fromkeys((*framesets.remarks, *footage.remarks)))
        return Observation(recording, framesets.rate_fps, model, estimator.model_hash, remarks)
    finally:
        estimator.close()
