"""The calibration panel: verdict, uncertainties, and what to do next."""

from dataclasses import dataclass

from app.presenters.coaching import CoachingCard
from app.presenters.severity import Severity
from calibration.judge.report import ACCEPTED, REFUSED, USABLE, CalibrationReport, CameraReport

_HEADLINES = {
    ACCEPTED: ("Calibrated", Severity.GOOD),
    USABLE: ("Calibrated, limited accuracy", Severity.WARNING),
    REFUSED: ("Not calibrated", Severity.ERROR),
}
_NEXT_STEPS = {
    ACCEPTED: "Ready. Leave the cameras where they are.",
    USABLE: (
        "You can use it. For better accuracy, walk through the whole room again and recalibrate."
    ),
    REFUSED: "Follow the advice above, then calibrate again. An earlier rig is kept.",
}


# Beyond these, a camera's uncertainty is highlighted: direction, position, focal length.
MAX_ROTATION_SIGMA_DEG, MAX_POSITION_SIGMA_M, MAX_FOCAL_SIGMA_PERCENT = 1.0, 0.1, 3.0


@dataclass(frozen=True, slots=True)
class CameraRow:
    """The uncertainties of one camera, formatted.

    Parameters
    ----------
    name
    direction, position, lens
        One standard deviation: degrees, centimetres, percent of the focal length.
    error
        Median over held-out frames.
    severity
    """

    name: str
    direction: str
    position: str
    lens: str
    error: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class CalibrationCard:
    """The calibration panel.

    Parameters
    ----------
    headline, severity
        The verdict.
    message
        The most important reason; the report page has them all.
    next_step
        What to do now.
    rows
        One per camera; empty before there is a solution.
    facts
        Label and value.
    coaching
        What the cameras still need to see; None where nothing is missing.
    rig_source
        Where the rig in use comes from; empty where there is none to save.
    """

    headline: str
    severity: Severity
    message: str
    next_step: str
    rows: tuple[CameraRow, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    coaching: CoachingCard | None = None
    rig_source: str = ""


def present_calibration(report: CalibrationReport | None) -> CalibrationCard:
    """Describe a calibration report.

    Parameters
    ----------
    report
        None before the first calibration.
    """
    if report is None:
        return CalibrationCard(
            "Not calibrated yet",
            Severity.NEUTRAL,
            "The cameras are calibrated from one person who moves in view of them.",
            "Walk through the whole room for about 20 seconds, in view of all cameras.",
        )
    headline, severity = _HEADLINES[report.verdict]
    facts = (
        ("Held-out error", format_with_unit(report.holdout_median_px, "px", 1)),
        ("Scale", f"± {format_with_unit(report.scale_sigma_percent, '%', 1)}"),
        ("Motion used", format_with_unit(report.seconds_used, "s", 0)),
    )
    rows = (
        tuple(_build_row(camera) for camera in report.cameras) if report.verdict != REFUSED else ()
    )
    message = report.reasons[0] if report.reasons else ""
    return CalibrationCard(headline, severity, message, _NEXT_STEPS[report.verdict], rows, facts)


def format_with_unit(value: float, unit: str, digits: int) -> str:
    """Format a number with its unit; a dash where unknown.

    Parameters
    ----------
    value
        NaN where unknown.
    unit, digits

    Examples
    --------
    >>> format_with_unit(0.314, "°", 2), format_with_unit(-0.01, "ms", 1)
    ('0.31°', '0.0 ms')
    """
    space = "" if unit == "°" else " "
    # a little less than zero is zero
    return f"{round(value, digits) + 0.0:.{digits}f}{space}{unit}" if value == value else "–"


def _build_row(camera: CameraReport) -> CameraRow:
    """Format the uncertainties of one camera."""
    is_uncertain = (
        camera.rotation_sigma_deg > MAX_ROTATION_SIGMA_DEG
        or camera.focal_sigma_percent > MAX_FOCAL_SIGMA_PERCENT
        or camera.position_sigma_m > MAX_POSITION_SIGMA_M
    )
    return CameraRow(
        camera.name,
        f"± {format_with_unit(camera.rotation_sigma_deg, '°', 2)}",
        f"± {format_with_unit(camera.position_sigma_m * 100, 'cm', 1)}",
        f"± {format_with_unit(camera.focal_sigma_percent, '%', 1)}",
        format_with_unit(camera.holdout_px, "px", 1),
        Severity.WARNING if is_uncertain else Severity.GOOD,
    )
