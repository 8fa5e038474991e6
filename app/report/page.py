"""The report page: one self-contained HTML file that shows whether a rig can be trusted.

Drawn from ``report.details``; what is missing there is left out. All values are plain JSON:

``path_m``
    ``[[x, y, z], ...]``: middle of the hips in the world, in order of time; ``None`` for an unknown
    point. A few hundred points are enough.
``residual_edges_px``, ``residual_counts``
    Edges of the bins, n + 1 values, and ``{camera name: n counts}``: held-out reprojection errors.
``coverage_cells``
    ``{camera name: 6 rows of 8 counts}``: joints seen in each cell of the image, rows from the top.
"""

from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from app.presenters.calibration import (
    MAX_FOCAL_SIGMA_PERCENT,
    MAX_POSITION_SIGMA_M,
    MAX_ROTATION_SIGMA_DEG,
    format_with_unit,
    present_calibration,
)
from app.report.drawings import (
    choose_enlargement,
    draw_coverage,
    draw_from_above,
    draw_from_side,
    draw_histogram,
)
from calibration.geometry.arrays import F64
from calibration.judge.report import (
    ACCEPTED,
    REFUSED,
    USABLE,
    BoneReport,
    CalibrationReport,
    CameraReport,
)
from calibration.rig import Rig
from engine.disk import atomic_file

_VERDICTS = {
    ACCEPTED: "Accepted: this rig can be used for measurements",
    USABLE: "Usable with limited accuracy: see the uncertainties below",
    REFUSED: "Refused: the cameras could not be calibrated from this recording",
}
# Highlighted: less of an image covered, larger differences between sides or over time.
_MIN_COVERAGE, _MAX_BONE_PERCENT = 0.25, 8.0
_GLOSSARY = (
    (
        "Direction",
        "uncertainty of the viewing direction; 1° moves a point 3 m away by 5 cm.",
    ),
    ("Position", "uncertainty of the position of the camera."),
    (
        "Lens",
        "uncertainty of the focal length; 1 % moves things 3 m away by 3 cm in depth.",
    ),
    (
        "Error",
        (
            "median reprojection error in held-out parts of the recording, which the solution did "
            "not use."
        ),
    ),
    ("Clock", "time offset of the camera from the first one; already corrected."),
    ("Image used", "share of the image in which the person was seen."),
    (
        "± (one sigma)",
        "the true value lies within one sigma with 68 %, within two with 95 % probability.",
    ),
)


def write_report_page(path: Path, report: CalibrationReport, rig: Rig | None, subject: str) -> None:
    """Write the page.

    Parameters
    ----------
    path
        Of the HTML file.
    report
    rig
        None where refused.
    subject
        What was calibrated, in a few words.

    Raises
    ------
    OSError
        If the disk cannot be written.
    """
    template = Template((resources.files("assets") / "report.html").read_text(encoding="utf-8"))
    sections = [_render_verdict(report), _render_facts(report)]
    if rig is not None:
        sections += [_render_room(report, rig), _render_uncertainty(report)]
    sections += [_render_errors(report), _render_coverage(report, rig), _render_bones(report.bones)]
    page = template.substitute(
        title=escape(f"Calibration of {subject}"),
        subtitle=escape(subject),
        sections="\n".join(filter(None, sections)),
    )
    with atomic_file(path) as file:
        file.write(page)


def _render_verdict(report: CalibrationReport) -> str:
    """Render the verdict, its reasons, and what to do next."""
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in report.reasons)
    remarks = "".join(f"<li>{escape(remark)}</li>" for remark in report.remarks)
    noticed = f'<p class="note">Remarks</p><ul>{remarks}</ul>' if remarks else ""
    step = escape(present_calibration(report).next_step)
    return (
        '<section class="verdict '
        f'{report.verdict}"><h1>{_VERDICTS[report.verdict]}</h1><ul>{reasons}</ul>{noticed}'
        f'<p class="next">{step}</p></section>'
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


def _render_room(report: CalibrationReport, rig: Rig) -> str:
    """Render the two drawings of the rig."""
    path = _parse_path(report.details.get("path_m"))
    sigma_m = {camera.name: camera.position_sigma_m for camera in report.cameras}
    line = "Line: path of the person. " if path is not None else ""
    uncertainty = (
        f"Circles: one sigma of each position, enlarged {choose_enlargement(sigma_m)} times. "
    )
    above = draw_from_above(rig, path, sigma_m)
    side = draw_from_side(rig, path, sigma_m)
    return (
        f'<section><h2>The room</h2><p class="note">{line}{uncertainty}Numbers are in '
        'metres.</p><div class="pair">'
        f"<figure>{above}<figcaption>From above</figcaption></figure>"
        f"<figure>{side}<figcaption>From the side; the floor is at "
        "0</figcaption></figure></div></section>"
    )


def _render_uncertainty(report: CalibrationReport) -> str:
    """Render the table of uncertainties."""
    rows = "".join(
        _render_uncertainty_row(camera, report.time_offsets_ms.get(camera.name, float("nan")))
        for camera in report.cameras
    )
    head = "".join(
        f"<th>{word}</th>"
        for word in ("Camera", "Direction", "Position", "Lens", "Error", "Clock", "Image used")
    )
    words = "".join(f"<dt>{term}</dt><dd>{meaning}</dd>" for term, meaning in _GLOSSARY)
    return (
        "<section><h2>Uncertainties</h2><div "
        f'class="scroll"><table><tr>{head}</tr>{rows}</table></div>'
        f"<dl>{words}</dl></section>"
    )


def _render_uncertainty_row(camera: CameraReport, offset_ms: float) -> str:
    """Render the row of a camera."""
    cells = (
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
    )
    written = "".join(f'<td class="{"care" if care else ""}">{text}</td>' for text, care in cells)
    return f"<tr><td>{escape(camera.name)}</td>{written}</tr>"


def _render_errors(report: CalibrationReport) -> str:
    """Render the reprojection errors of each camera."""
    edges = report.details.get("residual_edges_px")
    counts = report.details.get("residual_counts", {})
    figures = []
    for camera in report.cameras:
        if edges and camera.name in counts:
            drawn = draw_histogram(edges, counts[camera.name], camera.holdout_px)
            figures.append(
                f"<figure>{drawn}<figcaption>{escape(camera.name)}</figcaption></figure>"
            )
    note = "Distance between detected and reprojected joints. The line marks the held-out median."
    return _render_gallery("Reprojection errors", note, figures)


def _render_coverage(report: CalibrationReport, rig: Rig | None) -> str:
    """Render where in each image the person was."""
    counts = report.details.get("coverage_cells", {})
    sizes = {camera.name: camera.size_wh for camera in rig} if rig else {}
    figures = []
    for camera in report.cameras:
        if camera.name in counts:
            width, height = sizes.get(camera.name, (4, 3))
            drawn = draw_coverage(counts[camera.name], width / height)
            caption = f"{escape(camera.name)}: {100 * camera.coverage:.0f} % of the image"
            figures.append(f"<figure>{drawn}<figcaption>{caption}</figcaption></figure>")
    note = (
        "Where the person was seen. The more of the image is covered, the better the lens is known."
    )
    return _render_gallery("Coverage", note, figures)


def _render_gallery(title: str, note: str, figures: list[str]) -> str:
    """Lay out figures side by side; empty without any."""
    if not figures:
        return ""
    return (
        f'<section><h2>{title}</h2><p class="note">{note}</p><div '
        f'class="grid">{"".join(figures)}</div></section>'
    )


def _render_bones(bones: tuple[BoneReport, ...]) -> str:
    """Render the bone lengths, left against right and their variation in time."""
    if not bones:
        return ""
    by_name = {bone.name: bone for bone in bones}
    rows = []
    for name, bone in by_name.items():
        twin = by_name.get(name.replace("left_", "right_"))
        if (
            name.startswith("right_")
            and "left_" not in name
            and name.replace("right_", "left_") in by_name
        ):
            continue
        rows.append(_render_bone_row(bone, twin if twin is not bone else None))
    head = "".join(
        f"<th>{word}</th>"
        for word in ("Bone", "Left", "Right", "Difference", "Variation over time")
    )
    note = (
        "Bones have constant length. Large variation, or a large difference between the sides, "
        "indicates a poor rig or loose clothing."
    )
    return (
        f'<section><h2>Bone lengths</h2><p class="note">{note}</p><div class="scroll">'
        f"<table><tr>{head}</tr>{''.join(rows)}</table></div></section>"
    )


def _render_bone_row(bone: BoneReport, twin: BoneReport | None) -> str:
    """Render the row of a bone; a bone across the body has no twin."""
    if twin is None:
        name = _format_bone_name(bone.name)
        lengths = f'<td colspan="2">{_format_cm(bone.length_m)}</td>'
        difference = "<td></td>"
        variation = bone.variation_percent
    else:
        name = _format_bone_name(bone.name.replace("left_", ""))
        percent = 200 * abs(bone.length_m - twin.length_m) / (bone.length_m + twin.length_m)
        lengths = f"<td>{_format_cm(bone.length_m)}</td><td>{_format_cm(twin.length_m)}</td>"
        difference = _render_bone_percent(percent)
        variation = max(bone.variation_percent, twin.variation_percent)
    return f"<tr><td>{name}</td>{lengths}{difference}{_render_bone_percent(variation)}</tr>"


def _render_bone_percent(percent: float) -> str:
    """Render a cell with a difference of lengths; a large one is highlighted."""
    css_class = "care" if percent > _MAX_BONE_PERCENT else ""
    return f'<td class="{css_class}">{format_with_unit(percent, "%", 1)}</td>'


def _format_bone_name(bone: str) -> str:
    """Format the name of a bone."""
    return escape(bone.replace("_", " ").replace("-", " to "))


def _format_cm(length_m: float) -> str:
    """Format a length in centimetres."""
    return format_with_unit(100 * length_m, "cm", 1)


def _parse_path(points: Any) -> F64 | None:
    """Parse a path, (T, 3); None where there is none."""
    if not points:
        return None
    return np.array([[np.nan] * 3 if point is None else point for point in points], float)
