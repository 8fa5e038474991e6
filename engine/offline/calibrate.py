"""Calibrate cameras from footage of a moving person."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from calibration.rig import Rig, load_rig
from calibration.self_calibrate import Calibration, CalibrationOptions
from engine.errors import EngineError
from engine.offline import recording as offline
from engine.offline.footage import Footage
from engine.offline.match_rig import match_lenses
from engine.offline.observe import Observation, observe
from engine.offline.progress import Progress, StepProgress, ignore_progress, scale_progress

OBSERVED_SHARE = 0.8  # of the whole work; finding joints takes most of it
CALIBRATING = "Calibrating"


class TooFewCamerasError(EngineError):
    """A rig needs two cameras or more."""


@dataclass(frozen=True, slots=True, eq=False)
class FootageCalibration:
    """A calibration and the observation it rests on.

    Parameters
    ----------
    calibration
        Its report includes the remarks on the videos.
    observation
    """

    calibration: Calibration
    observation: Observation


def calibrate_footage(
    footage: Footage,
    options: CalibrationOptions,
    model: str,
    progress: Progress = ignore_progress,
) -> FootageCalibration:
    """Find the person in the footage, and calibrate the cameras from the person's joints.

    Parameters
    ----------
    footage
        Open, of two cameras or more; it is read to its end.
    options
        As `build_options` makes them.
    model
        Name of a pose model.
    progress
        May raise to cancel.

    Returns
    -------
    calibrated
        Also where the rig was refused: then its `calibration.rig` is None.

    Raises
    ------
    TooFewCamerasError
        If the footage is of one camera.
    EngineError
        If the model is missing, a video cannot be read, or no person is in view.
    CalibrationError
        If the given intrinsics contradict the videos.
    """
    require_two_cameras(footage)
    observation = observe(footage, model, progress=scale_progress(progress, 0.0, OBSERVED_SHARE))
    return calibrate_observation(
        observation, options, scale_progress(progress, OBSERVED_SHARE, 1.0)
    )


def calibrate_observation(
    observation: Observation, options: CalibrationOptions, progress: Progress = ignore_progress
) -> FootageCalibration:
    """Calibrate the cameras from the person whom the pose model found.

    Parameters
    ----------
    observation, options
    progress
        May raise to cancel.

    Returns
    -------
    calibrated
        Also where the rig was refused: then its `calibration.rig` is None.

    Raises
    ------
    EngineError
        If no view, or only one, shows a person.
    CalibrationError
        If the given intrinsics contradict the videos.
    """
    calibration = calibrate_poses(observation.recording, options, progress)
    report = replace(
        calibration.report, remarks=(*observation.remarks, *calibration.report.remarks)
    )
    return FootageCalibration(replace(calibration, report=report), observation)


def calibrate_poses(
    recording: offline.PoseRecording,
    options: CalibrationOptions,
    progress: Progress = ignore_progress,
) -> Calibration:
    """Calibrate the cameras from 2D poses.

    Parameters
    ----------
    recording, options
    progress
        May raise to cancel.

    Returns
    -------
    calibration
        Also where the rig was refused: then its `rig` is None.

    Raises
    ------
    EngineError
        If no view, or only one, shows a person.
    CalibrationError
        If the given intrinsics contradict the images.
    """

    def report_share(_step: str, share: float) -> None:
        progress(StepProgress(CALIBRATING, share, "percent", round(100 * share), 100))

    return offline.calibrate_recording(recording, options, report_share)


def build_options(
    view_names: Sequence[str],
    stature_m: float | None = None,
    intrinsics: Rig | Path | None = None,
    *,
    shared_intrinsics: bool = False,
) -> CalibrationOptions:
    """Collect what is known before the calibration.

    Parameters
    ----------
    view_names
        Names of the cameras, in order.
    stature_m
        Of the person; None where it is not known.
    intrinsics
        A rig or its file whose lenses are those of these cameras.
    shared_intrinsics
        All cameras are of one kind.

    Raises
    ------
    CalibrationError
        If the rig file cannot be read or is for other cameras.
    """
    if intrinsics is None:
        return CalibrationOptions(stature_m, (), shared_intrinsics)
    rig = intrinsics if isinstance(intrinsics, Rig) else load_rig(intrinsics)
    name = Path("intrinsics") if isinstance(intrinsics, Rig) else intrinsics
    return CalibrationOptions(stature_m, match_lenses(rig, view_names, name), shared_intrinsics)


def find_stature_m(footage: Footage, given_m: float | None) -> float | None:
    """Return the person's stature, as given or as in the session; None where it is not known."""
    return given_m or (footage.session.facts.stature_m if footage.session is not None else None)


def require_two_cameras(footage: Footage) -> None:
    """Refuse footage of one camera, before any work.

    Raises
    ------
    TooFewCamerasError
        If there is only one.
    """
    if len(footage.view_names) < 2:
        raise TooFewCamerasError(
            f"There is only one camera ({', '.join(footage.view_names)}); a rig needs two or more."
        )
