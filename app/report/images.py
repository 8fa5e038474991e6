"""The drawings of each camera's image: where it misses, where the person was, and by how much."""

from collections.abc import Mapping, Sequence

import numpy as np

from app.report.svg import draw_line, draw_text, round_up, wrap_svg

# [dx, dy] in pixels, or None, in rows of cells from the top
ResidualCells = Sequence[Sequence[Sequence[float] | None]]
_WIDTH, _HEIGHT = 320.0, 290.0
_REFERENCE_PX = 28.0  # how long the arrow is drawn that stands for the scale
_MAX_ARROW = 2.0  # times that; longer ones are cut and marked
_AROUND_PX = 14.0  # for arrows that leave the image
_DOT_PX = 3.0  # shorter arrows are dots


def choose_residual_scale(cells: Mapping[str, ResidualCells]) -> float:
    """Choose for how many pixels the arrow of reference stands, one scale for all cameras.

    Parameters
    ----------
    cells
        By camera name.
    """
    lengths = [
        float(np.hypot(cell[0], cell[1]))
        for rows in cells.values()
        for row in rows
        for cell in row
        if cell is not None
    ]
    return round_up(float(np.percentile(lengths, 80))) if lengths else 1.0


def draw_residuals(cells: ResidualCells, aspect: float, reference_px: float) -> str:
    """Draw where in the image the rig misses the joints.

    Parameters
    ----------
    cells
        Median of reprojected less detected.
    aspect
        Width divided by height of the image.
    reference_px
        What the arrow below the drawing stands for, px.
    """
    width, height = _fit(aspect)
    rows, columns = len(cells), len(cells[0])
    parts = [
        f'<rect class="image" x="0" y="{_AROUND_PX:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}"/>'
    ]
    arrows: list[str] = []
    for r, row in enumerate(cells):
        for c, cell in enumerate(row):
            x, y = (c + 0.5) * width / columns, _AROUND_PX + (r + 0.5) * height / rows
            if cell is None:
                parts.append(_draw_empty_cell(x, y, width / columns, height / rows))
            else:
                step = np.array(cell) * _REFERENCE_PX / reference_px
                arrows += _draw_arrow(x, y, step)
    parts += arrows  # over the cells that they point into
    y = height + 2 * _AROUND_PX + 8
    parts += _draw_arrow(2, y, np.array([_REFERENCE_PX, 0.0]))
    parts.append(draw_text(f"{reference_px:g} px", (_REFERENCE_PX + 10, y + 4), "start"))
    return wrap_svg(parts, _WIDTH, y + 10, "Median residuals by place in the image")


def draw_coverage(counts: Sequence[Sequence[float]], aspect: float) -> str:
    """Draw which parts of the image joints were seen in.

    Parameters
    ----------
    counts
        Rows of the image from the top; joints seen in each cell.
    aspect
        Width divided by height of the image.
    """
    rows, columns = len(counts), len(counts[0])
    width, height = _fit(aspect)
    cell_w, cell_h = width / columns, height / rows
    largest = max(max(max(row) for row in counts), 1)
    cells: list[str] = []
    for r, row in enumerate(counts):
        for c, count in enumerate(row):
            style = (
                f'class="cell" fill-opacity="{0.2 + 0.8 * (count / largest) ** 0.5:.2f}"'
                if count
                else 'class="cell empty"'
            )
            cells.append(
                f'<rect {style} x="{c * cell_w:.1f}" y="{_AROUND_PX + r * cell_h:.1f}" '
                f'width="{cell_w:.1f}" height="{cell_h:.1f}"/>'
            )
    return wrap_svg(
        cells, _WIDTH, height + 3 * _AROUND_PX + 4, "Where in the image the person was seen"
    )


def draw_histogram(edges: Sequence[float], counts: Sequence[float], median: float) -> str:
    """Draw a histogram of errors.

    Parameters
    ----------
    edges
        Of the bins, px; one more than counts.
    counts
    median
        Marked by a line, px; NaN for none.
    """
    width, height = _WIDTH, 160.0
    low, high = edges[0], edges[-1]
    tallest = max(max(counts), 1)
    x = [(edge - low) / (high - low) * width for edge in edges]
    parts = [
        f'<rect class="bar" x="{a:.1f}" y="{height * (1 - count / tallest):.1f}" '
        f'width="{max(b - a - 1, 0.5):.1f}" '
        f'height="{height * count / tallest:.1f}"/>'
        for a, b, count in zip(x, x[1:], counts)
    ]
    parts.append(draw_line("axis", (0, height), (width, height)))
    if median == median and low <= median <= high:
        at = (median - low) / (high - low) * width
        parts.append(draw_line("median", (at, 0), (at, height)))
    for place, anchor, value in (
        (0.0, "start", low),
        (width / 2, "middle", (low + high) / 2),
        (width, "end", high),
    ):
        parts.append(draw_text(f"{value:.3g} px", (place, height + 14), anchor))
    return wrap_svg(parts, width, height + 18, "How often each error occurs")


def _fit(aspect: float) -> tuple[float, float]:
    """Fit an image into the space of a drawing; its width and height."""
    height = min(_HEIGHT, _WIDTH / aspect)
    return height * aspect, height


def _draw_empty_cell(x: float, y: float, width: float, height: float) -> str:
    """Draw a cell in which too few joints were seen."""
    return (
        f'<rect class="cell empty" x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" '
        f'width="{width:.1f}" height="{height:.1f}"/>'
    )


def _draw_arrow(x: float, y: float, step: np.ndarray) -> list[str]:
    """Draw an arrow from a point; a dot where it is short, cut and marked where it is long."""
    length = float(np.hypot(*step))
    if length < _DOT_PX:
        return [f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="1.6"/>']
    longest = _MAX_ARROW * _REFERENCE_PX
    css_class = "arrow long" if length > longest else "arrow"
    way = step / length
    tip = np.array([x, y]) + way * min(length, longest)
    neck = tip - 6 * way
    side = 3 * np.array([-way[1], way[0]])
    head = " ".join(f"{a:.1f},{b:.1f}" for a, b in (tip, neck + side, neck - side))
    return [
        draw_line(css_class, (x, y), (float(tip[0]), float(tip[1]))),
        f'<polygon class="{css_class} head" points="{head}"/>',
    ]
