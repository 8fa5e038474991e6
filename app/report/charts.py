"""The charts of the report page: values about a middle, and bones against what people have."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.report.labels import measure_width
from app.report.svg import draw_line, draw_text, round_up, shorten_name, wrap_svg

_ROW_PX, _TOP_PX, _BOTTOM_PX = 24.0, 8.0, 24.0


@dataclass(frozen=True, slots=True)
class Mark:
    """One row of `draw_marks`.

    Parameters
    ----------
    name
    value
        NaN where unknown: nothing is marked.
    sigma
        Two of it are drawn to either side; NaN for none.
    note
        Written in place of a mark.
    """

    name: str
    value: float
    sigma: float = float("nan")
    note: str = ""


@dataclass(frozen=True, slots=True)
class MeasuredBone:
    """One row of `draw_bones`.

    Parameters
    ----------
    name
    sides
        Length, m, and its variation over time, percent, of left and right, or of the one bone.
    expected
        Length, m, and standard deviation between people, m; None where nothing is known.
    """

    name: str
    sides: tuple[tuple[float, float], ...]
    expected: tuple[float, float] | None


def draw_marks(marks: Sequence[Mark], unit: str, bands: tuple[float, ...] = ()) -> str:
    """Draw values to the left and right of zero, a row for each.

    Parameters
    ----------
    marks
    unit
    bands
        Shaded from minus to plus, the widest first; values beyond it are highlighted.
    """
    width = 500.0
    left = 16 + max(measure_width(shorten_name(mark.name)) for mark in marks)
    reach = [
        abs(mark.value) + (2 * mark.sigma if mark.sigma == mark.sigma else 0) for mark in marks
    ]
    limit = round_up(max([value for value in reach if value == value] + [*bands, 0.0]) or 1.0)
    middle, half = (left + width) / 2, (width - left) / 2 - 28
    height = _TOP_PX + _ROW_PX * len(marks)
    parts = [
        f'<rect class="band" x="{middle - half * band / limit:.1f}" y="{_TOP_PX:.1f}" '
        f'width="{2 * half * band / limit:.1f}" height="{height - _TOP_PX:.1f}"/>'
        for band in bands
    ]
    parts.append(draw_line("axis", (middle, _TOP_PX), (middle, height)))
    for row, mark in enumerate(marks):
        y = _TOP_PX + _ROW_PX * (row + 0.5)
        parts.append(draw_text(shorten_name(mark.name), (left - 8, y + 4), "end", "name"))
        if mark.note or mark.value != mark.value:
            parts.append(draw_text(mark.note or "unknown", (middle + 6, y + 4), "start"))
            continue
        x = middle + half * mark.value / limit
        if mark.sigma == mark.sigma:
            spread = 2 * half * mark.sigma / limit
            parts.append(draw_line("whisker", (x - spread, y), (x + spread, y)))
        css_class = "mark care" if bands and abs(mark.value) > bands[0] else "mark"
        parts.append(f'<circle class="{css_class}" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>')
    for value in (-limit, 0.0, limit):
        x = middle + half * value / limit
        parts.append(draw_text(f"{value:g} {unit}", (x, height + 15), "middle"))
    return wrap_svg(parts, width, height + _BOTTOM_PX, "Values by camera")


def draw_bones(bones: Sequence[MeasuredBone]) -> str:
    """Draw measured bone lengths over what people of this stature have.

    Parameters
    ----------
    bones
    """
    width, left = 1000.0, 150.0
    longest = [
        length * (1 + 0.02 * variation) for bone in bones for length, variation in bone.sides
    ]
    longest += [bone.expected[0] + 2 * bone.expected[1] for bone in bones if bone.expected]
    limit = max(longest) * 1.03
    zoom = (width - left - 10) / limit
    height = _TOP_PX + (_ROW_PX + 6) * len(bones)
    parts: list[str] = []
    for tick in range(0, int(100 * limit) + 1, 10):
        x = left + zoom * tick / 100
        parts.append(draw_line("mesh", (x, _TOP_PX), (x, height)))
        parts.append(draw_text(f"{tick} cm", (x, height + 15), "middle"))
    for row, bone in enumerate(bones):
        y = _TOP_PX + (_ROW_PX + 6) * row + 4
        parts.append(draw_text(bone.name, (left - 10, y + 14), "end", "name"))
        parts += _draw_bone(bone, left, y, zoom)
    return wrap_svg(parts, width, height + _BOTTOM_PX, "Bone lengths")


def _draw_bone(bone: MeasuredBone, left: float, y: float, zoom: float) -> list[str]:
    """Draw what people have as a band, and each side as a bar with its variation."""
    parts: list[str] = []
    if bone.expected:
        length, sigma = bone.expected
        parts.append(
            f'<rect class="people" x="{left + zoom * (length - 2 * sigma):.1f}" y="{y - 2:.1f}" '
            f'width="{zoom * 4 * sigma:.1f}" height="26"/>'
        )
    thick = 20 / len(bone.sides) - 2
    for i, (length, variation) in enumerate(bone.sides):
        top = y + 1 + i * 20 / len(bone.sides)
        outside = bone.expected and abs(length - bone.expected[0]) > 2 * bone.expected[1]
        parts.append(
            f'<rect class="bone{" care" if outside else ""}" x="{left:.1f}" y="{top:.1f}" '
            f'width="{zoom * length:.1f}" height="{thick:.1f}"/>'
        )
        spread, middle = 0.01 * variation * length * zoom, top + thick / 2
        x = left + zoom * length
        parts.append(draw_line("whisker", (x - spread, middle), (x + spread, middle)))
    return parts
