"""The sections of the report page about the rig: room, images, bones, time, lenses and scale."""

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np

from app.presenters.calibration import (
    MAX_FOCAL_SIGMA_PERCENT,
    MAX_POSITION_SIGMA_M,
    MAX_ROTATION_SIGMA_DEG,
    format_with_unit,
)
from app.report.charts import Mark, draw_marks
from app.report.html import render_figure, render_section, render_table
from app.report.images import (
    choose_residual_scale,
    draw_coverage,
    draw_histogram,
    draw_residuals,
)
from app.report.room import CameraDoubt, choose_enlargement, draw_from_above, draw_from_side
from calibration.geometry.arrays import F64
from calibration.judge.report import REFUSED, CalibrationReport, CameraReport
from calibration.rig import Rig

NAN = float("nan")
# Highlighted: less of an image covered, a lens or clock farther from what was assumed of it.
_MIN_COVERAGE, _MAX_STRAIN = 0.25, 2.0
_GLOSSARY = (
    ("Direction", "uncertainty of the viewing direction; 1° moves a point 3 m away by 5 cm."),
    ("Position", "uncertainty of the position of the camera."),
    ("Lens", "uncertainty of the focal length; 1 % moves things 3 m away by 3 cm in depth."),
    (
        "Error",
        "median reprojection error in held-out parts of the recording, which the solution did "
        "not use.",
    ),
    ("Clock", "time offset of the camera from the first one; already corrected."),
    ("Image used", "share of the image in which the person was seen."),
    (
        "± (one sigma)",
        "the true value lies within one sigma with 68 %, within two with 95 % probability.",
    ),
)
_STRAINS = {
    "focal": "Focal length",
    "k1": "Distortion k1",
    "k2": "Distortion k2",
    "clock": "Clock",
}


def render_room(report: CalibrationReport, rig: Rig) -> str:
    """Render the two drawings of the rig, and the table of uncertainties.

    Parameters
    ----------
    report
    rig
        Also one that was refused.
    """
    path = _parse_path(report.details.get("path_m"))
    doubts = build_doubts(report)
    stamp = "REFUSED" if report.verdict == REFUSED else ""
    above = render_figure(draw_from_above(rig, path, doubts, stamp), "From above, metres")
    side = render_figure(
        draw_from_side(rig, path, doubts, stamp),
        f"From the side, to the same scale. {_describe_vertical(report)}",
    )
    legend = _render_legend(choose_enlargement(doubts))
    body = f'<div class="pair">{above}<div>{side}{legend}</div></div>{_render_uncertainty(report)}'
    return render_section("The room", "", body)


def render_images(report: CalibrationReport, rig: Rig | None) -> str:
    """Render for each camera where it misses, where the person was, and its errors.

    Parameters
    ----------
    report
    rig
        For the shapes of the images; None if unknown.
    """
    residuals: Mapping[str, Any] = report.details.get("residual_cells_px", {})
    reference_px = choose_residual_scale(residuals)
    cards: list[str] = []
    for camera in report.cameras:
        size = rig[camera.name].size_wh if rig and camera.name in rig.names else (4, 3)
        figures = _draw_image(report, camera, size[0] / size[1], reference_px)
        if figures:
            cards.append(
                f'<div class="card"><h3>{escape(camera.name)}</h3>'
                f'<div class="triple">{"".join(figures)}</div></div>'
            )
    note = (
        "Left: an arrow points from where joints were detected to where the rig puts them (median "
        "of a part of the image, held-out time); dots are hardly off, thick arrows are cut, grey "
        "parts had too few joints. Arrows "
        "that all point one way suggest that the camera moved or its clock is off; arrows to or "
        "from the middle suggest the lens. Middle: the more of the image the person covered, the "
        "better the lens is known. Right: the line marks the held-out median."
    )
    return render_section("Each camera's image", note, "".join(cards)) if cards else ""


def render_time(report: CalibrationReport) -> str:
    """Render the time offset of each camera.

    Parameters
    ----------
    report
    """
    sigmas = report.details.get("time_offset_sigma_ms", {})
    marks = [
        Mark(name, offset, sigmas.get(name, NAN), "the reference" if i == 0 else "")
        for i, (name, offset) in enumerate(report.time_offsets_ms.items())
    ]
    if not any(mark.value == mark.value for mark in marks):
        return ""
    note = (
        "What was added to each camera's times so that all agree with the first; lines are two "
        "sigmas. Already corrected: there is nothing to do."
    )
    return render_section("Time", note, f'<div class="pair">{draw_marks(marks, "ms")}</div>')


def render_lenses(report: CalibrationReport, rig: Rig) -> str:
    """Render each lens, and how far lenses and clocks lie from what was assumed.

    Parameters
    ----------
    report
    rig
    """
    lenses: Mapping[str, Any] = report.details.get("lenses", {})
    if not lenses:
        return ""
    rows = [
        _list_lens_cells(camera, lenses[camera.name], rig)
        for camera in report.cameras
        if camera.name in lenses and camera.name in rig.names
    ]
    head = ("Camera", "Lens", "Focal length", "Uncertainty", "Field of view", "k1", "k2")
    figures = "".join(
        render_figure(
            draw_marks(_list_strains(lenses, key), "σ", (_MAX_STRAIN, 1.0)),
            word,
        )
        for key, word in _STRAINS.items()
    )
    strain = (
        "How far each value lies from what is usual for webcams, phones and action cameras, and "
        "for clocks set by a computer, in standard deviations (σ). Beyond two (orange) the camera "
        "is unusual, or the solution bends the lens to explain something else."
    )
    body = (
        f'{render_table(head, rows)}<h3>Strain</h3><p class="note">{escape(strain)}</p>'
        f'<div class="pair">{figures}</div>'
    )
    return render_section("Lenses", "The field of view is horizontal.", body)


def render_scale(report: CalibrationReport) -> str:
    """Render where the metres come from.

    Parameters
    ----------
    report
    """
    if report.scale_sigma_percent != report.scale_sigma_percent:
        return ""
    cm = 5 * report.scale_sigma_percent  # at 5 m
    is_guessed = "none was given" in report.scale_source
    advice = " Measure the person's stature and give it, to know them better." if is_guessed else ""
    return render_section(
        "Scale",
        "",
        f"<p>Metres come from {escape(report.scale_source)}. All lengths together may be wrong by "
        f"± {format_with_unit(report.scale_sigma_percent, '%', 1)} (one sigma): ± {cm:.0f} cm over "
        f"5 m. Angles and proportions do not depend on it.{advice}</p>",
    )


def build_doubts(report: CalibrationReport) -> dict[str, CameraDoubt]:
    """Collect what is uncertain about each camera's pose.

    Parameters
    ----------
    report
        Without covariances (a report of an earlier version), they are taken as round.
    """
    covariances = report.details.get("position_covariance_m2", {})
    return {
        camera.name: CameraDoubt(
            np.array(
                covariances.get(camera.name, np.eye(3) * camera.position_sigma_m**2 / 3), float
            ),
            camera.rotation_sigma_deg,
            camera.rotation_sigma_deg > MAX_ROTATION_SIGMA_DEG
            or camera.position_sigma_m > MAX_POSITION_SIGMA_M,
        )
        for camera in report.cameras
    }


def _render_legend(times: int) -> str:
    """Render what the parts of the two drawings are."""
    enlarged = f", drawn {times} times larger" if times > 1 else ""
    words = {
        "Ellipse": f"two sigmas of the position{enlarged}; a dashed ring where it is too small.",
        "Wedge": "two sigmas of the direction, as large as it is.",
        "± cm, ± °": "two sigmas of position and direction, as figures.",
        "Fan": "what the camera sees.",
        "Line": "path of the person's hips.",
    }
    return f"<dl>{''.join(f'<dt>{term}</dt><dd>{text}</dd>' for term, text in words.items())}</dl>"


def _render_uncertainty(report: CalibrationReport) -> str:
    """Render the table of uncertainties."""
    rows = [
        _list_uncertainty_cells(camera, report.time_offsets_ms.get(camera.name, NAN))
        for camera in report.cameras
    ]
    head = ("Camera", "Direction", "Position", "Lens", "Error", "Clock", "Image used")
    words = "".join(f"<dt>{term}</dt><dd>{meaning}</dd>" for term, meaning in _GLOSSARY)
    return (
        f'<h3>Uncertainties</h3><p class="note">One sigma. Orange: large.</p>'
        f"{render_table(head, rows)}<dl>{words}</dl>"
    )


def _list_uncertainty_cells(camera: CameraReport, offset_ms: float) -> list[tuple[str, bool]]:
    """List the cells of a camera, and which are highlighted."""
    return [
        (camera.name, False),
        (
            f"± {format_with_unit(camera.rotation_sigma_deg, '°', 2)}",
            camera.rotation_sigma_deg > MAX_ROTATION_SIGMA_DEG,
        ),
        (
            f"± {format_with_unit(100 * camera.position_sigma_m, 'cm', 1)}",
            camera.position_sigma_m > MAX_POSITION_SIGMA_M,
        ),
        (
            f"± {format_with_unit(camera.focal_sigma_percent, '%', 2)}",
            camera.focal_sigma_percent > MAX_FOCAL_SIGMA_PERCENT,
        ),
        (format_with_unit(camera.holdout_px, "px", 1), False),
        (format_with_unit(offset_ms, "ms", 1), False),
        (f"{100 * camera.coverage:.0f} %", camera.coverage < _MIN_COVERAGE),
    ]


def _draw_image(
    report: CalibrationReport, camera: CameraReport, aspect: float, reference_px: float
) -> list[str]:
    """Draw the figures of one camera's image, as far as their data is there."""
    details, name, figures = report.details, camera.name, list[str]()
    if name in details.get("residual_cells_px", {}):
        drawn = draw_residuals(details["residual_cells_px"][name], aspect, reference_px)
        figures.append(render_figure(drawn, "Where the rig misses"))
    if name in details.get("coverage_cells", {}):
        drawn = draw_coverage(details["coverage_cells"][name], aspect)
        figures.append(
            render_figure(drawn, f"Coverage: {100 * camera.coverage:.0f} % of the image")
        )
    if details.get("residual_edges_px") and name in details.get("residual_counts", {}):
        drawn = draw_histogram(
            details["residual_edges_px"], details["residual_counts"][name], camera.holdout_px
        )
        median = format_with_unit(camera.holdout_px, "px", 1)
        figures.append(render_figure(drawn, f"Reprojection errors: median {median}"))
    return figures


def _list_lens_cells(
    camera: CameraReport, lens: Mapping[str, Any], rig: Rig
) -> list[tuple[str, bool]]:
    """List the cells of a lens, and which are highlighted."""
    is_uncertain = camera.focal_sigma_percent > MAX_FOCAL_SIGMA_PERCENT
    sigma = format_with_unit(camera.focal_sigma_percent, "%", 2)
    strain = lens["strain"]
    return [
        (camera.name, False),
        ("given" if lens["given"] else "estimated", False),
        (f"{rig[camera.name].focal_px:.0f} px", _is_strained(strain["focal"])),
        ("–" if lens["given"] else f"± {sigma}", is_uncertain),
        (f"{lens['field_of_view_deg']:.1f}°", _is_strained(strain["focal"])),
        (_format_number(lens["k1"]), _is_strained(strain["k1"])),
        (_format_number(lens["k2"]), _is_strained(strain["k2"])),
    ]


def _format_number(value: float) -> str:
    """Format a coefficient of distortion; never as minus zero."""
    return f"{round(value, 3) + 0.0:.3f}"


def _is_strained(strain: float | None) -> bool:
    """Whether a value lies far from what was assumed."""
    return strain is not None and abs(strain) > _MAX_STRAIN


def _list_strains(lenses: Mapping[str, Any], key: str) -> list[Mark]:
    """List how far one value of every camera lies from what was assumed."""
    marks: list[Mark] = []
    for i, (name, lens) in enumerate(lenses.items()):
        value = lens["strain"][key]
        reason = "the reference" if key == "clock" and i == 0 else "given"
        marks.append(
            Mark(name, NAN if value is None else value, note=reason if value is None else "")
        )
    return marks


def _describe_vertical(report: CalibrationReport) -> str:
    """Describe how well the floor is known, where that is known."""
    sigma_deg = report.details.get("vertical_sigma_deg")
    if sigma_deg is None:
        return ""
    source = report.details.get("vertical_source", "")
    return f"The vertical is known to ± {sigma_deg:.1f}° (from {source})." if source else ""


def _parse_path(points: Any) -> F64 | None:
    """Parse a path, (T, 3); None where there is none."""
    if not points:
        return None
    return np.array([[np.nan] * 3 if point is None else point for point in points], float)
