"""The parts that all drawings of the report page share: an SVG frame, shortened names, scales."""

from collections.abc import Iterable
from html import escape

import numpy as np

_MAX_NAME = 22


def wrap_svg(parts: Iterable[str], width: float, height: float, label: str) -> str:
    """Wrap the parts of a drawing.

    Parameters
    ----------
    parts
    width, height
        Of the drawing, in its own units.
    label
        What it shows, in words, for those who cannot see it.
    """
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )


def draw_text(text: str, xy: tuple[float, float], anchor: str, css_class: str = "") -> str:
    """Draw a line of text.

    Parameters
    ----------
    text
        Plain; it is escaped here.
    xy
        Where its baseline starts, has its middle or ends.
    anchor
        ``start``, ``middle`` or ``end``.
    css_class
    """
    named = f'class="{css_class}" ' if css_class else ""
    return (
        f'<text {named}x="{xy[0]:.1f}" y="{xy[1]:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
    )


def draw_line(css_class: str, start: tuple[float, float], end: tuple[float, float]) -> str:
    """Draw a line.

    Parameters
    ----------
    css_class
    start, end
    """
    return (
        f'<line class="{css_class}" x1="{start[0]:.1f}" y1="{start[1]:.1f}" '
        f'x2="{end[0]:.1f}" y2="{end[1]:.1f}"/>'
    )


def shorten_name(name: str) -> str:
    """Shorten a long name in its middle, so that it fits beside a drawing.

    Parameters
    ----------
    name

    Examples
    --------
    >>> shorten_name("left"), shorten_name("2026-11-21 rehearsal, camera left")
    ('left', '2026-11-21…camera left')
    """
    if len(name) <= _MAX_NAME:
        return name
    half = (_MAX_NAME - 1) // 2
    return f"{name[:half]}…{name[-(_MAX_NAME - 1 - half) :]}"


def round_up(value: float) -> float:
    """Round up to 1, 2 or 5 times a power of ten.

    Parameters
    ----------
    value
        Not positive or not finite gives 1.

    Examples
    --------
    >>> round_up(0.3), round_up(1.2), round_up(50)
    (0.5, 2.0, 50.0)
    """
    if not (np.isfinite(value) and value > 0):
        return 1.0
    exponent = int(np.floor(np.log10(value)))
    for digit in (1, 2, 5, 10):
        rounded = float(f"{digit}e{exponent}")
        if rounded >= value * (1 - 1e-9):
            return rounded
    return float(f"1e{exponent + 1}")
