"""The report of a fine-tune for a person: one HTML file with its pictures in it."""

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from pathlib import Path
from string import Template

import cv2

from calibration.geometry.arrays import U8
from engine.disk import atomic_file
from training.finetuning.verdict import ActionRow, Verdict

JPEG_QUALITY = 88


@dataclass(frozen=True, slots=True, eq=False)
class FinetuneSummary:
    """What the report shows beside the verdict.

    Parameters
    ----------
    person
        May be empty.
    sessions
        Names.
    parent
        Name of the model in use before.
    held_out
        In words, what neither model was trained on.
    pictures
        Action and drawing of `training.finetuning.prediction_errors.draw_before_after`.
    minutes
        That it took until now.
    remarks
        Sentences of the steps: labels, parity, what was missing.
    """

    person: str
    sessions: tuple[str, ...]
    parent: str
    held_out: str
    pictures: tuple[tuple[str, U8], ...]
    minutes: float
    remarks: tuple[str, ...] = ()


def write_finetune_report(path: Path, verdict: Verdict, summary: FinetuneSummary) -> None:
    """Write the report.

    Parameters
    ----------
    path
        Of the HTML file.
    verdict, summary

    Raises
    ------
    OSError
        If the disk refuses.
    """
    subject = summary.person or "this model"
    template = Template((resources.files("assets") / "report.html").read_text(encoding="utf-8"))
    sections = (
        _render_verdict(verdict),
        _render_facts(verdict, summary),
        _render_actions(verdict.actions),
        _render_pictures(summary),
        _render_method(summary),
    )
    page = template.substitute(
        title=escape(f"Fine-tuned by the rig: {subject}"),
        subtitle=escape(subject),
        sections="\n".join(sections),
    )
    with atomic_file(path) as file:
        file.write(page)


def describe_verdict(verdict: Verdict) -> tuple[str, ...]:
    """Return the verdict in a few lines, for a terminal.

    Returns
    -------
    messages
        The verdict first, then one line per action.
    """
    lines = [
        (
            f"{row.action}: {_format_mm(row.before_mm)} → {_format_mm(row.after_mm)} mm "
            f"({row.pictures} pictures)"
        )
        for row in verdict.actions
    ]
    return (verdict.message, *lines)


def _render_verdict(verdict: Verdict) -> str:
    """Show the verdict and what to do next."""
    kind, head = (
        ("accepted", "Better: it serves from now on")
        if verdict.better
        else ("usable", "Nothing was changed")
    )
    step = (
        (
            "Look at the pictures below. If the live view disagrees with them, press Roll back: "
            "nothing is lost."
        )
        if verdict.better
        else (
            "Record the motions that matter for a minute or more, seen by all cameras, and "
            "fine-tune again."
        )
    )
    return (
        '<section class="verdict '
        f'{kind}"><h1>{head}</h1><ul><li>{escape(verdict.message)}</li></ul>'
        f'<p class="next">{step}</p></section>'
    )


def _render_facts(verdict: Verdict, summary: FinetuneSummary) -> str:
    """Show the few figures that matter most."""
    gain = verdict.gain_mm
    known = math.isfinite(gain.low)
    facts = (
        ("Before", f"{_format_mm(verdict.before_mm)} mm", f"'{summary.parent}'"),
        ("Now", f"{_format_mm(verdict.after_mm)} mm", "mean error against your rig"),
        (
            "Gain",
            f"{_format_mm(gain.mean)} mm",
            f"95 %: {gain.low:.0f} to {gain.high:.0f} mm" if known else "unknown",
        ),
        ("Judged on", f"{verdict.pictures} pictures", f"{verdict.blocks} blocks of 2 s"),
        ("Others", _format_others(verdict), "drawn people not trained on"),
        ("It took", f"{summary.minutes:.0f} min", ""),
    )
    cells = "".join(
        f"<div><span>{label}</span><strong>{escape(value)}</strong><span>{escape(note)}</span></div>"
        for label, value, note in facts
    )
    return f'<div class="facts">{cells}</div>'


def _format_others(verdict: Verdict) -> str:
    """Write the error on people that are never trained on, before and now."""
    return (
        f"{_format_mm(verdict.strangers_before_mm)} → {_format_mm(verdict.strangers_after_mm)} mm"
    )


def _render_actions(rows: Sequence[ActionRow]) -> str:
    """Show before and after by action; what became worse is marked."""
    cells = "".join(
        f"<tr><td>{escape(row.action)}</td><td>{_format_mm(row.before_mm)}</td>"
        f'<td class="{"care" if row.after_mm > row.before_mm else ""}">'
        f"{_format_mm(row.after_mm)}</td>"
        f"<td>{row.pictures}</td></tr>"
        for row in rows
    )
    head = "<tr><th>Action</th><th>Before, mm</th><th>Now, mm</th><th>Pictures</th></tr>"
    return (
        "<section><h2>By what was done</h2><div "
        f'class="scroll"><table>{head}{cells}</table></div></section>'
    )


def _render_pictures(summary: FinetuneSummary) -> str:
    """Show a typical picture of each action."""
    figures = "".join(
        f'<figure><img alt="{escape(action)}" style="width:100%;display:block" '
        f'src="{_encode_inline(image)}">'
        f"<figcaption>{escape(action)}: before (image, from the side), now (image, from the "
        "side)</figcaption></figure>"
        for action, image in summary.pictures
    )
    note = (
        "White is your rig, blue the model. Typical pictures: half of each action's were "
        "improved less, half more."
    )
    return f'<section><h2>Before and now</h2><p class="note">{note}</p>{figures}</section>'


def _render_method(summary: FinetuneSummary) -> str:
    """Show how it was found out."""
    rows = (
        ("Trained on", ", ".join(summary.sessions)),
        ("Held out", summary.held_out),
        (
            "Judge",
            "the rig's own triangulation: it is not the truth, but neither model has seen it",
        ),
        *(("Note", remark) for remark in summary.remarks),
    )
    cells = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows)
    return f"<section><h2>How this was found out</h2><dl>{cells}</dl></section>"


def _encode_inline(image: U8) -> str:
    """Write a picture as a part of the page."""
    _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode("ascii")


def _format_mm(value: float) -> str:
    """Write millimetres; a dash where nothing was measured."""
    return f"{value:.0f}" if math.isfinite(value) else "–"
