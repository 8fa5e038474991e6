"""`epipole calibrate`: videos of a moving person to a rig, or a refusal with its reasons."""

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from app.errors import UsageError
from app.matching import lenses_for_views
from app.mend import mend_sessions
from app.observe import observe
from app.outcome import Places, tell_calibration, write_calibration
from app.paths import demand_writable
from app.progress import Progress
from calibration.rig import Camera, load_rig
from calibration.self_calibrate import Calibration, CalibrationOptions
from engine import offline
from engine.capture.sources import Footage, open_inputs

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
    mend_sessions(options.inputs)
    places = Places(options.out, options.report or options.out.with_name("report.json"))
    _demand_two(options.inputs)
    for path in (places.rig, places.report):
        demand_writable(path)
    with open_inputs(options.inputs) as footage:
        knowledge = _knowledge(options, footage)
        observed = observe(footage, options.model)
    calibration = calibrate(observed.take, knowledge)
    report = replace(calibration.report, remarks=(*observed.remarks, *calibration.report.remarks))
    calibration = replace(calibration, report=report)
    write_calibration(calibration.report, calibration.rig, places, ", ".join(observed.take.views))
    tell_calibration(report, calibration.rig, places)
    return DONE if calibration.rig is not None else REFUSED


def calibrate(take: offline.Take, knowledge: CalibrationOptions) -> Calibration:
    """Calibrate a take, with progress in the terminal.

    Parameters
    ----------
    take
    knowledge
        What is known before.

    Returns
    -------
    calibration
    """
    with Progress("Calibrating", 100, "percent") as progress:
        return offline.calibrate_take(take, knowledge, lambda _, share: progress(round(100 * share)))


def _demand_two(inputs: list[str]) -> None:
    """Refuse a single video before any work."""
    if len(inputs) == 1 and "://" not in inputs[0] and not inputs[0].startswith("studio:"):
        if Path(inputs[0]).is_dir():
            return
        raise UsageError(
            f"One video ('{inputs[0]}') cannot calibrate a rig: give two or more videos of the same person, "
            "one per camera, or a session folder."
        )


def _knowledge(options: Namespace, footage: Footage) -> CalibrationOptions:
    """Collect what is known before: stature, lenses."""
    if len(footage.views) < 2:
        raise UsageError(f"Only one camera ({', '.join(footage.views)}) is there; a rig needs two or more.")
    stature_m = options.stature
    if stature_m is None and footage.session is not None:
        stature_m = footage.session.facts.stature_m
    lenses: tuple[Camera | None, ...] = ()
    if options.intrinsics is not None:
        lenses = lenses_for_views(load_rig(options.intrinsics), footage.views, options.intrinsics)
    return CalibrationOptions(stature_m, lenses, options.shared_intrinsics)
