"""The candidate: the rig that a calibration found, also where its verdict refuses it."""

from calibration.errors import CalibrationError
from calibration.evidence.observations import Observations
from calibration.judge.report import CalibrationReport
from calibration.judge.summary import build_refusal_report, summarise
from calibration.rig import Rig
from calibration.self_calibrate import CalibrationOptions, measure_rig, solve_rig
from calibration.solve.lens_priors import build_lens_priors


def calibrate_anyway(
    observations: Observations, options: CalibrationOptions
) -> tuple[Rig | None, CalibrationReport]:
    """Calibrate as `self_calibrate` does, but keep the rig of a refusal.

    Returns
    -------
    rig
        None where none was found at all.
    report
        The verdict on it.
    """
    known = tuple(options.intrinsics) or (None,) * len(observations.view_names)
    lenses, remarks = build_lens_priors(observations, known, shared=options.shared_intrinsics)
    try:
        solution = solve_rig(observations, lenses, options, lambda _step, _share: None)
        measured = measure_rig(observations, solution, options)
    except CalibrationError as error:
        report = build_refusal_report(observations, options.stature_m, str(error), remarks)
        return None, report
    return measured.rig, summarise(solution, measured, remarks)
