"""`epipole calibrate`: videos of a moving person to a rig, or a refusal with its reasons."""

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from app.cli.progress import Progress
from app.control.match_rig import match_lenses
from app.errors import UsageError
from app.observe import observe
from app.paths import require_writable
from app.repair_sessions import repair_sessions
from app.report.calibration_output import CalibrationPaths, print_calibration, write_calibration
from calibration.rig import Camera, load_rig
from calibration.self_calibrate import Calibration, CalibrationOptions
from engine.offline import recording as offline
from engine.offline.footage import Footage, open_inputs

DONE, REFUSED = 0, 3


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
    repair_sessions(options.inputs)
    paths = CalibrationPaths(options.out, options.report or options.out.with_name("report.json"))
    _require_two_videos(options.inputs)
    for path in (paths.rig, paths.report):
        require_writable(path)
    with open_inputs(options.inputs) as footage:
        calibration_options = _collect_options(options, footage)
        observation = observe(footage, options.model)
    calibration = calibrate(observation.recording, calibration_options)
    report = replace(
        calibration.report, remarks=(*observation.remarks, *calibration.report.remarks)
    )
    calibration = replace(calibration, report=report)
    write_calibration(
        calibration.report, calibration.rig, paths, ", ".join(observation.recording.view_names)
    )
    print_calibration(report, calibration.rig, paths)
    return DONE if calibration.rig is not None else REFUSED


def calibrate(
    recording: offline.PoseRecording, calibration_options: CalibrationOptions
) -> Calibration:
    """Calibrate a take, with progress in the terminal.

    Parameters
    ----------
    recording
    calibration_options
        What is known before.

    Returns
    -------
    calibration
    """
    with Progress("Calibrating", 100, "percent") as progress:
        return offline.calibrate_recording(
            recording, calibration_options, lambda _, share: progress(round(100 * share))
        )


def _require_two_videos(inputs: list[str]) -> None:
    """Refuse a single video before any work."""
    if len(inputs) == 1 and "://" not in inputs[0] and not inputs[0].startswith("studio:"):
        if Path(inputs[0]).is_dir():
            return
        raise UsageError(
            f"One video ('{inputs[0]}') cannot calibrate a rig: give two or more videos of the "
            "same person, "
            "one per camera, or a session folder."
        )


def _collect_options(options: Namespace, footage: Footage) -> CalibrationOptions:
    """Collect what is known before: stature, lenses."""
    if len(footage.view_names) < 2:
        raise UsageError(
            f"Only one camera ({', '.join(footage.view_names)}) is there; a rig needs two or more."
        )
    stature_m = options.stature
    if stature_m is None and footage.session is not None:
        stature_m = footage.session.facts.stature_m
    lenses: tuple[Camera | None, ...] = ()
    if options.intrinsics is not None:
        lenses = match_lenses(load_rig(options.intrinsics), footage.view_names, options.intrinsics)
    return CalibrationOptions(stature_m, lenses, options.shared_intrinsics)
