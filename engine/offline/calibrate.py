"""Calibrate cameras from footage of a moving person."""

from dataclasses import dataclass, replace
from pathlib import Path

from calibration.rig import Camera, load_rig
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

    def report_share(_step: str, share: float) -> None:
        progress(StepProgress(CALIBRATING, share, "percent", round(100 * share), 100))

    calibration = offline.calibrate_recording(observation.recording, options, report_share)
    report = replace(
        calibration.report, remarks=(*observation.remarks, *calibration.report.remarks)
    )
    return FootageCalibration(replace(calibration, report=report), observation)


def build_options(
    footage: Footage,
    stature_m: float | None = None,
    intrinsics: Path | None = None,
    *,
    shared_intrinsics: bool = False,
) -> CalibrationOptions:
    """Collect what is known before the calibration.

    Parameters
    ----------
    footage
    stature_m
        Of the person; None takes that of the session, if there is one.
    intrinsics
        A rig file whose lenses are those of these cameras.
    shared_intrinsics
        All cameras are of one kind.

    Returns
    -------
    options

    Raises
    ------
    CalibrationError
        If the rig file cannot be read or is for other cameras.
    """
    if stature_m is None and footage.session is not None:
        stature_m = footage.session.facts.stature_m
    lenses: tuple[Camera | None, ...] = ()
    if intrinsics is not None:
        lenses = match_lenses(load_rig(intrinsics), footage.view_names, intrinsics)
    return CalibrationOptions(stature_m, lenses, shared_intrinsics)


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
