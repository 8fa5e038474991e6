"""Calibrate and track in one pass over the images: what the demo does."""

from dataclasses import dataclass
from pathlib import Path

from calibration.self_calibrate import Calibration, CalibrationOptions
from engine.offline import recording as offline
from engine.offline.calibrate import OBSERVED_SHARE, calibrate_observation
from engine.offline.footage import Footage
from engine.offline.observe import Observation, observe
from engine.offline.progress import Progress, ignore_progress, scale_progress
from engine.offline.tracked_session_writer import TrackedSessionWriter


@dataclass(frozen=True, slots=True, eq=False)
class CalibratedTrack:
    """Footage calibrated and tracked, and the session that has all of it.

    Parameters
    ----------
    path
        Of the session.
    observation
    calibration
    reconstruction
        None where the rig was refused.
    """

    path: Path
    observation: Observation
    calibration: Calibration
    reconstruction: offline.Reconstruction | None


def calibrate_and_track(
    footage: Footage,
    out: Path,
    model: str,
    options: CalibrationOptions,
    progress: Progress = ignore_progress,
) -> CalibratedTrack:
    """Find the person once, calibrate the cameras with that, and reconstruct the joints.

    Parameters
    ----------
    footage
        Open, of two cameras or more; it is read to its end.
    out
        Folder of the new session.
    model
        Name of a pose model.
    options
        Of the calibration; the stature goes into the session.
    progress
        May raise to cancel.

    Raises
    ------
    EngineError
        If the model is missing, no person is in view, or the disk refuses.
    """
    settings = {"stature_m": options.stature_m} if options.stature_m else {}
    with TrackedSessionWriter(out, footage, model, settings) as writer:
        observation = observe(
            writer.footage,
            model,
            lambda skeleton, model_hash: (writer.open_raw_pose_sink(skeleton, model_hash),),
            scale_progress(progress, 0.0, OBSERVED_SHARE),
        )
        calibration = calibrate_observation(
            observation, options, scale_progress(progress, OBSERVED_SHARE, 1.0)
        ).calibration
        reconstruction = None
        if calibration.rig is not None:
            writer.write_rig(calibration.rig)
            reconstruction = offline.reconstruct_recording(observation.recording, calibration.rig)
            writer.write_reconstruction(reconstruction)
    return CalibratedTrack(out, observation, calibration, reconstruction)
