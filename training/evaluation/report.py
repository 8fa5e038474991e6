"""The report of an evaluation: figures as JSON and as text, pictures, and one page."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from string import Template

import cv2

from calibration.geometry.arrays import U8
from engine.disk import atomic_file
from training.data.samples import Samples
from training.errors import TrainingError
from training.evaluation.evaluation import (
    METRICS,
    SUMMARY_METRICS,
    Evaluation,
    ModelComparison,
    format_figure,
)
from training.evaluation.pictures import choose_rows, draw_rows

PAGE = "report.html"
TABLE = "evaluation.txt"
FIGURES = "evaluation.json"


def write_evaluation(
    folder: Path,
    evaluation: Evaluation,
    samples: Samples,
    comparisons: Sequence[ModelComparison] = (),
) -> Path:
    """Write everything that is known of an evaluation.

    Parameters
    ----------
    folder
        Made where it is missing; files of an earlier evaluation are replaced.
    evaluation
    samples
        That were judged; their crops become the pictures.
    comparisons
        With another network.

    Returns
    -------
    page
        The HTML file; it needs no other file.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    pictures = draw_pictures(evaluation, samples)
    texts = {
        FIGURES: evaluation.to_json() + "\n",
        TABLE: evaluation.to_text() + format_comparison(comparisons),
    }
    texts[PAGE] = _render_page(
        evaluation, comparisons, {kind: _encode_png(image) for kind, image in pictures.items()}
    )
    for name, text in texts.items():
        with atomic_file(folder / name) as file:
            file.write(text)
    for kind, image in pictures.items():
        (folder / f"{kind}.png").write_bytes(_encode_png(image))
    return folder / PAGE


def draw_pictures(evaluation: Evaluation, samples: Samples) -> dict[str, U8]:
    """Draw the worst, typical and best samples under the first protocol, BGR images by kind."""
    chosen = choose_rows(evaluation.primary, evaluation.cluster)
    return {kind: draw_rows(evaluation.primary, samples, rows) for kind, rows in chosen.items()}


def format_comparison(comparisons: Sequence[ModelComparison]) -> str:
    """Write a comparison as lines for a terminal; nothing without one."""
    if not comparisons:
        return ""
    lines = [
        "",
        "Against the other model (other → this, MPJPE)",
        *(f"  {each.description}" for each in comparisons),
    ]
    rows = comparisons[0].by_action
    width = max(map(len, rows))
    lines += [
        f"  {name:{width}}  {format_figure(a, 'mm')} → {format_figure(b, 'mm')}"
        for name, (a, b) in rows.items()
        if name
    ]
    return "\n".join(lines) + "\n"


def _render_page(
    evaluation: Evaluation, comparisons: Sequence[ModelComparison], pictures: Mapping[str, bytes]
) -> str:
    """Write the page."""
    template = Template((resources.files("assets") / "report.html").read_text(encoding="utf-8"))
    sections = [
        _render_head(evaluation),
        _render_comparison(comparisons),
        _render_results(evaluation),
    ]
    sections += [
        _render_group(evaluation, group) for group in ("action", "view", "person", "joint")
    ]
    sections += [_render_gallery(kind, picture) for kind, picture in pictures.items()]
    title = f"Evaluation of {evaluation.model}"
    return template.substitute(
        title=escape(title),
        subtitle=escape(evaluation.model),
        sections="\n".join(filter(None, sections)),
    )


def _render_head(evaluation: Evaluation) -> str:
    """Show what was judged by what, and the one figure that counts."""
    honest = evaluation.primary
    facts = (
        (
            "MPJPE, from the image",
            format_figure(honest.overall["mpjpe"].mean, "mm"),
            honest.protocol.description,
        ),
        (
            "Samples",
            str(len(evaluation.cluster)),
            f"{honest.counted_percent:.1f} % of their joints counted",
        ),
        ("Intervals", "95 %", evaluation.cluster_description),
    )
    cells = "".join(
        f"<div><span>{escape(label)}</span><strong>{escape(value)}</strong><span>{escape(note)}</span></div>"
        for label, value, note in facts
    )
    remarks = "".join(f"<li>{escape(remark)}</li>" for remark in evaluation.remarks)
    worst = ", ".join(f"{name} ({mm:.0f} mm)" for name, mm in honest.worst_clips)
    said = f"<li>Worst: {escape(worst)}.</li>" if worst else ""
    return (
        f"<section><h1>{escape(evaluation.model)}</h1><p>Judged by {escape(evaluation.judge)}.</p>"
        f'<div class="facts">{cells}</div><ul>{said}{remarks}</ul></section>'
    )


def _render_comparison(comparisons: Sequence[ModelComparison]) -> str:
    """Show how the network compares with another one."""
    if not comparisons:
        return ""
    rows = "".join(f"<li>{escape(each.description)}</li>" for each in comparisons)
    actions = "".join(
        f"<tr><td>{escape(name or '–')}</td><td>{format_figure(a, 'mm')}</td>"
        f"<td>{format_figure(b, 'mm')}</td></tr>"
        for name, (a, b) in comparisons[0].by_action.items()
    )
    table = f"<table><tr><th>Action</th><th>Other</th><th>This</th></tr>{actions}</table>"
    return f"<section><h2>Against the other model</h2><ul>{rows}</ul>{table}</section>"


def _render_results(evaluation: Evaluation) -> str:
    """Show the overall figures under every protocol, with their intervals."""
    head = "".join(f"<th>{escape(title)}</th>" for title, _ in METRICS.values())
    rows = []
    for measured in evaluation.results:
        cells = []
        for metric, (_, unit) in METRICS.items():
            interval = measured.overall[metric]
            bounds = f'<br><span class="note">{interval.low:.1f}–{interval.high:.1f}</span>'
            sure = bounds if interval.low == interval.low else ""
            cells.append(f"<td>{format_figure(interval.mean, unit)}{sure}</td>")
        rows.append(f"<tr><td>{escape(measured.protocol.description)}</td>{''.join(cells)}</tr>")
    note = "The first row is what a single camera can know. What needs the truth stands below it."
    return (
        f'<section><h2>Overall</h2><p class="note">{note}</p><div '
        f'class="scroll"><table><tr><th>Given</th>{head}</tr>'
        f"{''.join(rows)}</table></div></section>"
    )


def _render_group(evaluation: Evaluation, group: str) -> str:
    """Show the first protocol by joint, view, action or person; nothing where all is one."""
    means = evaluation.primary.by_group.get(group, {})
    if len(means) < 2:
        return ""
    head = "".join(f"<th>{METRICS[metric][0]}</th>" for metric in SUMMARY_METRICS)
    rows = []
    for name, values in means.items():
        cells = "".join(
            f"<td>{format_figure(values[metric], METRICS[metric][1])}</td>"
            for metric in SUMMARY_METRICS
        )
        rows.append(f"<tr><td>{escape(name.replace('_', ' ') or '–')}</td>{cells}</tr>")
    table = f"<table><tr><th>{group.capitalize()}</th>{head}</tr>{''.join(rows)}</table>"
    return f'<section><h2>By {group}</h2><div class="scroll">{table}</div></section>'


def _render_gallery(kind: str, picture: bytes) -> str:
    """Show pictures of one kind."""
    note = (
        "The judge's pose, the model's, and both from the side (the judge's white). Left "
        "is warm, right is cold."
    )
    source = f"data:image/png;base64,{b64encode(picture).decode()}"
    return (
        f'<section><h2>{kind.capitalize()}</h2><p class="note">{note}</p>'
        f'<img alt="{kind} samples" style="max-width:100%" src="{source}"></section>'
    )


def _encode_png(image_bgr: U8) -> bytes:
    """Pack an image."""
    good, packed = cv2.imencode(".png", image_bgr)
    if not good:
        raise TrainingError(
            "A picture of the evaluation could not be packed as PNG. Is OpenCV installed "
            "completely?"
        )
    return packed.tobytes()
