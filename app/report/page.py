"""The report page: one self-contained HTML file that shows whether a rig can be trusted.

Drawn from ``report.details``; what is missing there is left out. All values are plain JSON:

``path_m``
    ``[[x, y, z], ...]``: middle of the hips in the world, in order of time; ``None`` for an unknown
    point. A few hundred points are enough.
``position_covariance_m2``
    ``{camera name: 3 x 3}``: of each camera's position, axes of the world.
``residual_edges_px``, ``residual_counts``
    Edges of the bins, n + 1 values, and ``{camera name: n counts}``: held-out reprojection errors.
``residual_cells_px``
    ``{camera name: 6 rows of 8 cells}``, rows from the top: the median ``[dx, dy]`` of reprojected
    less detected joints, ``None`` where there are too few.
``coverage_cells``
    ``{camera name: 6 rows of 8 counts}``: joints seen in each cell of the image, rows from the top.
``expected_bones_m``
    ``{bone name: [length, standard deviation between people]}``.
``time_offset_sigma_ms``, ``lenses``
    By camera name; see `calibration.judge.figures`.
"""

from html import escape
from importlib import resources
from pathlib import Path
from string import Template

import numpy as np

from app.presenters.calibration import format_with_unit, present_calibration
from app.report.bones import render_bones
from app.report.room import SIGMAS
from app.report.sections import (
    render_images,
    render_lenses,
    render_room,
    render_scale,
    render_time,
)
from calibration.judge.report import ACCEPTED, REFUSED, USABLE, CalibrationReport
from calibration.rig import Rig
from engine.disk import atomic_file

_VERDICTS = {
    ACCEPTED: "Accepted: this rig can be used for measurements",
    USABLE: "Usable with limited accuracy: see the uncertainties below",
    REFUSED: "Refused: the cameras could not be calibrated from this recording",
}
_MEANINGS = {
    ACCEPTED: "Positions, lengths and angles of the body can be measured with it.",
    USABLE: (
        "Movements and angles come out well enough to look at and to compare with each other. "
        "Measurements finer than the errors below are not possible."
    ),
}
_REFUSED_WITH_RIG = (
    "No rig was saved. What was found is drawn below, in grey, to show what is wrong with it; do "
    "not measure with it."
)
_REFUSED_WITHOUT_RIG = "No rig was found and none was saved, so there is nothing to draw."


def write_report_page(path: Path, report: CalibrationReport, rig: Rig | None, subject: str) -> None:
    """Write the page.

    Parameters
    ----------
    path
        Of the HTML file.
    report
    rig
        Where refused, the rig that was found, drawn in grey; None where none was found.
    subject
        What was calibrated, in a few words.

    Raises
    ------
    OSError
        If the disk cannot be written.
    """
    template = Template((resources.files("assets") / "report.html").read_text(encoding="utf-8"))
    found = [render_images(report, rig), render_bones(report)]
    if rig is not None:
        found = [
            render_room(report, rig),
            *found,
            render_time(report),
            render_lenses(report, rig),
            render_scale(report),
        ]
    refused = ' class="unfit"' if report.verdict == REFUSED else ""
    body = "\n".join(filter(None, found))
    page = template.substitute(
        title=escape(f"Calibration of {subject}"),
        subtitle=escape(subject),
        sections=f"{_render_verdict(report, rig)}\n{_render_facts(report)}\n"
        f"<div{refused}>{body}</div>",
    )
    with atomic_file(path) as file:
        file.write(page)


def _render_verdict(report: CalibrationReport, rig: Rig | None) -> str:
    """Render the verdict, what it means, its reasons, and what to do next."""
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in report.reasons)
    remarks = "".join(f"<li>{escape(remark)}</li>" for remark in report.remarks)
    noticed = f"<h3>Remarks</h3><ul>{remarks}</ul>" if remarks else ""
    step = escape(present_calibration(report).next_step)
    return (
        f'<section class="verdict {report.verdict}"><h1>{_VERDICTS[report.verdict]}</h1>'
        f"<p>{escape(_explain(report, rig))}</p><h3>Why</h3><ul>{reasons}</ul>"
        f'<h3>What to do next</h3><p class="next">{step}</p>{noticed}</section>'
    )


def _explain(report: CalibrationReport, rig: Rig | None) -> str:
    """Explain what the verdict means for a person's work."""
    if report.verdict == REFUSED:
        return _REFUSED_WITHOUT_RIG if rig is None else _REFUSED_WITH_RIG
    rotation_deg = SIGMAS * max(camera.rotation_sigma_deg for camera in report.cameras)
    position_m = SIGMAS * max(camera.position_sigma_m for camera in report.cameras)
    away_cm = 300 * float(np.tan(np.radians(rotation_deg)))
    return (
        f"{_MEANINGS[report.verdict]} Two sigmas of the camera that is known least: direction "
        f"± {rotation_deg:.1f}° (± {away_cm:.0f} cm at 3 m), position ± {100 * position_m:.1f} cm; "
        f"all lengths together ± {SIGMAS * report.scale_sigma_percent:.0f} %."
    )


def _render_facts(report: CalibrationReport) -> str:
    """Render the most important figures."""
    facts = (
        (
            "Held-out error",
            format_with_unit(report.holdout_median_px, "px", 1),
            "median reprojection error",
        ),
        (
            "Scale uncertainty",
            f"± {format_with_unit(report.scale_sigma_percent, '%', 1)}",
            f"from {report.scale_source}",
        ),
        ("Height of the person", format_with_unit(report.stature_m, "m", 2), ""),
        ("Motion used", format_with_unit(report.seconds_used, "s", 1), ""),
    )
    cells = "".join(
        f"<div><span>{label}</span><strong>{escape(value)}</strong><span>{escape(note)}</span></div>"
        for label, value, note in facts
    )
    return f'<div class="facts">{cells}</div>'
