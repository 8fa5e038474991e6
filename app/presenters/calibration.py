"""What the calibration panel says: the verdict in words, the doubt in numbers, and what to do next."""

from dataclasses import dataclass

from app.presenters.coaching import CoachingCard
from app.presenters.tone import Tone
from calibration.report import ACCEPTED, REFUSED, USABLE, CalibrationReport, CameraReport

_HEADLINES = {
    ACCEPTED: ("Calibrated", Tone.GOOD),
    USABLE: ("Calibrated, with care", Tone.CARE),
    REFUSED: ("Not calibrated", Tone.BAD),
}
_NEXT = {
    ACCEPTED: "Ready. Leave the cameras where they are.",
    USABLE: "You can work with it; for more certainty walk through the whole room once more and calibrate again.",
    REFUSED: "Do what it says above, then calibrate again. A rig from before stays as it was.",
}


@dataclass(frozen=True, slots=True)
class CameraRow:
    """One camera's doubt, in words ready to be shown.

    Parameters
    ----------
    name
    direction, place, lens
        One standard deviation: degrees, centimetres, percent of the focal length.
    error
        Median over time that took no part in the solution.
    tone
    """

    name: str
    direction: str
    place: str
    lens: str
    error: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class CalibrationCard:
    """The calibration panel.

    Parameters
    ----------
    headline, tone
        The verdict.
    message
        Why: the weightiest reason; the report page has them all.
    next_step
        What to do now.
    rows
        One per camera; empty before there is a solution.
    facts
        Label and value.
    coaching
        What is still to be shown to the cameras; None where nothing is.
    rig_source
        Where the rig in use comes from; empty where there is none, and then there is nothing to save.
    """

    headline: str
    tone: Tone
    message: str
    next_step: str
    rows: tuple[CameraRow, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    coaching: CoachingCard | None = None
    rig_source: str = ""


def present_calibration(report: CalibrationReport | None) -> CalibrationCard:
    """Put a report into words.

    Parameters
    ----------
    report
        None before the first calibration.

    Returns
    -------
    card
    """
    if report is None:
        return CalibrationCard(
            "Not calibrated yet",
            Tone.NEUTRAL,
            "The program finds out where the cameras stand from one person who moves.",
            "Walk through the whole room for about 20 seconds, in view of all cameras.",
        )
    headline, tone = _HEADLINES[report.verdict]
    facts = (
        ("Error on unseen time", in_unit(report.holdout_median_px, "px", 1)),
        ("Scale", f"± {in_unit(report.scale_sigma_percent, '%', 1)}"),
        ("Motion used", in_unit(report.seconds_used, "s", 0)),
    )
    rows = tuple(_row(camera) for camera in report.cameras) if report.verdict != REFUSED else ()
    message = report.reasons[0] if report.reasons else ""
    return CalibrationCard(headline, tone, message, _NEXT[report.verdict], rows, facts)


def in_unit(value: float, unit: str, digits: int) -> str:
    """Write a number with its unit; a dash where it is not known.

    Parameters
    ----------
    value
        NaN where unknown.
    unit, digits

    Returns
    -------
    text

    Examples
    --------
    >>> in_unit(0.314, "°", 2), in_unit(float("nan"), "px", 1)
    ('0.31 °', '–')
    """
    return f"{value:.{digits}f} {unit}" if value == value else "–"


def _row(camera: CameraReport) -> CameraRow:
    """Put one camera's doubt into words."""
    doubtful = camera.rotation_sigma_deg > 1 or camera.focal_sigma_percent > 3 or camera.position_sigma_m > 0.1
    return CameraRow(
        camera.name,
        f"± {in_unit(camera.rotation_sigma_deg, '°', 2)}",
        f"± {in_unit(camera.position_sigma_m * 100, 'cm', 1)}",
        f"± {in_unit(camera.focal_sigma_percent, '%', 1)}",
        in_unit(camera.holdout_px, "px", 1),
        Tone.CARE if doubtful else Tone.GOOD,
    )
