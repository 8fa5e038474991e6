"""`epipole calibrate`: videos of a moving person to a rig, or a refusal with its reasons."""

from argparse import Namespace
from pathlib import Path

from app.cli.step_progress import StepLines
from app.errors import UsageError
from app.exit_codes import DONE, REFUSED
from app.paths import require_writable
from app.report.calibration_output import (
    CalibrationPaths,
    print_calibration,
    print_messages,
    write_calibration,
)
from engine.address import parse_scheme
from engine.offline.calibrate import (
    TooFewCamerasError,
    build_options,
    calibrate_footage,
    find_stature_m,
    require_two_cameras,
)
from engine.offline.footage import open_inputs
from engine.offline.repair_sessions import repair_sessions


def run(options: Namespace) -> int:
    """Calibrate, and write the rig and its report.

    Parameters
    ----------
    options
        `inputs`, `out`, `stature`, `intrinsics`, `shared_intrinsics`, `report`, `model`.

    Returns
    -------
    code
        0, or 3 where the rig cannot be trusted.
    """
    print_messages(repair_sessions(options.inputs))
    paths = CalibrationPaths(options.out, options.report or options.out.with_name("report.json"))
    _require_two_videos(options.inputs)
    for path in (paths.rig, paths.report):
        require_writable(path)
    with open_inputs(options.inputs) as footage, StepLines() as progress:
        try:
            require_two_cameras(footage)
        except TooFewCamerasError as error:
            raise UsageError(str(error)) from error
        known = build_options(
            footage.view_names,
            find_stature_m(footage, options.stature),
            options.intrinsics,
            shared_intrinsics=options.shared_intrinsics,
        )
        calibrated = calibrate_footage(footage, known, options.model, progress)
    calibration = calibrated.calibration
    report, rig = calibration.report, calibration.rig
    subject = ", ".join(calibrated.observation.recording.view_names)
    write_calibration(report, rig, paths, subject, calibration.candidate)
    print_calibration(report, rig, paths)
    return DONE if rig is not None else REFUSED


def _require_two_videos(inputs: list[str]) -> None:
    """Refuse a single video before any work."""
    if len(inputs) == 1 and parse_scheme(inputs[0]) == "file" and not Path(inputs[0]).is_dir():
        raise UsageError(
            f"One video ('{inputs[0]}') cannot calibrate a rig: give two or more videos of the "
            "same person, one per camera, or a session folder."
        )
