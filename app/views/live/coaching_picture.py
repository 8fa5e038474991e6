"""Draw the coaching card, readable from across the room: instruction, progress, coverage."""

import math

from PyQt6.QtCore import QPointF, QRectF, QSizeF, Qt
from PyQt6.QtGui import QFontMetricsF, QPainter, QPen

from app.presenters.coaching import CoachingCard, CoverageGrid
from app.views.theme import PALETTE, SEVERITY_COLOURS, blend, load_icon, make_font, to_qcolor

_DESIGN_WH = (752.0, 624.0)
_GAP = 18.0
_RING_WIDTH = 11.0
_MAX_GRIDS = 8


def paint_coaching(painter: QPainter, card: CoachingCard, area: QRectF) -> None:
    """Draw a card as large as fits.

    Parameters
    ----------
    painter
        With antialiasing on.
    card
    area
        Px of the widget.
    """
    u = max(min(area.width() / _DESIGN_WH[0], area.height() / _DESIGN_WH[1]), 0.4)
    inner = area.adjusted(36 * u, 30 * u, -36 * u, -30 * u)
    if not card.grids:
        _paint_centred_words(painter, card, inner, u)
        return
    lower = _compute_lower_height(card, inner.width(), u)
    ring = QRectF(inner.left(), inner.top() + 6 * u, 168 * u, 168 * u)
    upper = inner.height() - lower - _GAP * u
    ring.moveTop(inner.top() + max((upper - ring.height()) / 2, 0))
    _paint_ring(painter, card, ring, u)
    words = QRectF(ring.right() + 34 * u, inner.top(), inner.right() - ring.right() - 34 * u, upper)
    _paint_words(painter, card, words, u)
    _paint_coverage(
        painter, card, QRectF(inner.left(), inner.bottom() - lower, inner.width(), lower), u
    )


def choose_font_u(text: str, box: QSizeF, u: float, sizes_u: tuple[int, int]) -> int:
    """Choose the largest font size with which a text fits a box.

    Parameters
    ----------
    text
    box
        Px.
    u
        Px per unit.
    sizes_u
        Largest and smallest to try.
    """
    for size in range(sizes_u[0], sizes_u[1], -2):
        metrics = QFontMetricsF(make_font(u, size, bold=True))
        longest = max((metrics.horizontalAdvance(word) for word in text.split()), default=0.0)
        room = QRectF(0, 0, box.width(), 10_000)
        height = metrics.boundingRect(room, int(Qt.TextFlag.TextWordWrap), text).height()
        if longest <= box.width() and height <= box.height():
            return size
    return sizes_u[1]


def _paint_centred_words(painter: QPainter, card: CoachingCard, area: QRectF, u: float) -> None:
    """Draw what to do first in the middle, under a camera icon."""
    middle = area.center()
    size = 64 * u
    picture = QRectF(middle.x() - size / 2, middle.y() - 150 * u, size, size)
    load_icon("camera", SEVERITY_COLOURS[card.severity]).paint(painter, picture.toRect())
    flags = Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap
    painter.setFont(make_font(u, 30, bold=True))
    painter.setPen(to_qcolor(PALETTE.text))
    painter.drawText(
        QRectF(area.left(), picture.bottom() + 8 * u, area.width(), 84 * u),
        flags | Qt.AlignmentFlag.AlignVCenter,
        card.headline,
    )
    painter.setFont(make_font(u, 19))
    painter.setPen(to_qcolor(PALETTE.muted))
    inset = 70 * u
    box = QRectF(area.left() + inset, picture.bottom() + 98 * u, area.width() - 2 * inset, 170 * u)
    painter.drawText(box, flags | Qt.AlignmentFlag.AlignTop, card.instruction)


def _paint_ring(painter: QPainter, card: CoachingCard, area: QRectF, u: float) -> None:
    """Draw the progress ring."""
    edge = _RING_WIDTH * u / 2
    circle = area.adjusted(edge, edge, -edge, -edge)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(to_qcolor(PALETTE.line), _RING_WIDTH * u))
    painter.drawEllipse(circle)
    colour = PALETTE.accent if card.busy else SEVERITY_COLOURS[card.severity]
    pen = QPen(to_qcolor(colour), _RING_WIDTH * u, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    painter.drawArc(circle, 90 * 16, -round(360 * 16 * card.progress))
    painter.setPen(to_qcolor(PALETTE.text))
    painter.setFont(make_font(u, 42, bold=True))
    painter.drawText(circle, Qt.AlignmentFlag.AlignCenter, f"{100 * card.progress:.0f}")
    painter.setFont(make_font(u, 13))
    painter.setPen(to_qcolor(PALETTE.muted))
    painter.drawText(circle.translated(0, 34 * u), Qt.AlignmentFlag.AlignCenter, "percent")


def _paint_words(painter: QPainter, card: CoachingCard, area: QRectF, u: float) -> None:
    """Write the headline, and larger the instruction."""
    flags = Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap
    head = make_font(u, 22, bold=True)
    room = QRectF(0, 0, area.width(), 10_000)
    head_height = min(
        QFontMetricsF(head).boundingRect(room, int(flags), card.headline).height(), 84 * u
    )
    left = area.height() - head_height - 10 * u
    size = choose_font_u(card.instruction, QSizeF(area.width(), left), u, (50, 20))
    task = make_font(u, size, bold=True)
    task_height = min(
        QFontMetricsF(task).boundingRect(room, int(flags), card.instruction).height(), left
    )
    top = area.top() + (left - task_height) / 2
    painter.setFont(head)
    painter.setPen(to_qcolor(PALETTE.accent if card.busy else SEVERITY_COLOURS[card.severity]))
    painter.drawText(QRectF(area.left(), top, area.width(), head_height), flags, card.headline)
    painter.setFont(task)
    painter.setPen(to_qcolor(PALETTE.text))
    below = QRectF(area.left(), top + head_height + 10 * u, area.width(), left)
    painter.drawText(below, flags, card.instruction)


def _count_columns(card: CoachingCard) -> int:
    """Choose the number of grids per row."""
    count = min(len(card.grids), _MAX_GRIDS)
    return count if count <= 4 else math.ceil(count / 2)


def _compute_cell_size(card: CoachingCard, width: float, u: float) -> tuple[float, float]:
    """Compute the size of a grid: as wide as its column, in the shape of an image."""
    columns = max(_count_columns(card), 3)
    side = (width - _compute_graph_width(card, u) - _GAP * u * columns) / columns
    return side, side * 0.75


def _compute_graph_width(card: CoachingCard, u: float) -> float:
    """Compute the width of the graph of pairs; 0 with a single pair."""
    return 132 * u if len(card.pairs) > 1 else 0.0


def _compute_lower_height(card: CoachingCard, width: float, u: float) -> float:
    """Compute the height of the grids with their names."""
    rows = math.ceil(min(len(card.grids), _MAX_GRIDS) / _count_columns(card))
    return max(
        (_compute_cell_size(card, width, u)[1] + 24 * u) * rows + 22 * u,
        150 * u if len(card.pairs) > 1 else 0.0,
    )


def _paint_coverage(painter: QPainter, card: CoachingCard, area: QRectF, u: float) -> None:
    """Draw what each camera and each pair of cameras has seen."""
    painter.setFont(make_font(u, 13))
    painter.setPen(to_qcolor(PALETTE.muted))
    title = QRectF(area.left(), area.top(), area.width() - _compute_graph_width(card, u), 20 * u)
    painter.drawText(title, Qt.AlignmentFlag.AlignLeft, "Where each camera has seen you")
    side, height = _compute_cell_size(card, area.width(), u)
    columns = _count_columns(card)
    for index, grid in enumerate(card.grids[:_MAX_GRIDS]):
        row, column = divmod(index, columns)
        left = area.left() + column * (side + _GAP * u)
        top = area.top() + 24 * u + row * (height + 24 * u)
        _paint_grid(painter, (index + 1, grid), QRectF(left, top, side, height), u)
    if len(card.pairs) > 1:
        width = _compute_graph_width(card, u)
        painter.setFont(make_font(u, 13))
        painter.setPen(to_qcolor(PALETTE.muted))
        painter.drawText(
            QRectF(area.right() - width, area.top(), width, 20 * u),
            Qt.AlignmentFlag.AlignHCenter,
            "seen together",
        )
        graph = QRectF(
            area.right() - width + 6 * u, area.top() + 28 * u, width - 12 * u, width - 12 * u
        )
        _paint_pairs(painter, card, graph, u)


def _paint_grid(
    painter: QPainter, numbered: tuple[int, CoverageGrid], area: QRectF, u: float
) -> None:
    """Draw the image of a camera as cells that fill up, with its number and name."""
    number, grid = numbered
    rows = len(grid.cells)
    columns = len(grid.cells[0]) if grid.cells else 0
    empty, full = to_qcolor("#202833"), to_qcolor(PALETTE.good)
    painter.setPen(Qt.PenStyle.NoPen)
    gap = 2.5 * u
    for y, cells in enumerate(grid.cells):
        for x, value in enumerate(cells):
            share = min(max(value, 0.0), 1.0) if value == value else 0.0
            width = (area.width() + gap) / columns
            height = (area.height() + gap) / rows
            cell = QRectF(
                area.left() + x * width, area.top() + y * height, width - gap, height - gap
            )
            painter.setBrush(blend(empty, full, share))
            painter.drawRoundedRect(cell, 3 * u, 3 * u)
    face = make_font(u, 13, bold=True)
    painter.setFont(face)
    painter.setPen(to_qcolor(PALETTE.text))
    name = QFontMetricsF(face).elidedText(
        f"{number}  {grid.name}", Qt.TextElideMode.ElideMiddle, area.width()
    )
    painter.drawText(
        QRectF(area.left(), area.bottom() + 3 * u, area.width(), 18 * u),
        Qt.AlignmentFlag.AlignLeft,
        name,
    )


def _paint_pairs(painter: QPainter, card: CoachingCard, area: QRectF, u: float) -> None:
    """Draw cameras on a circle, with a line per pair that grows with what they saw together."""
    names = [grid.name for grid in card.grids]
    places = {}
    for index, name in enumerate(names):
        angle = (
            2 * math.pi * index / len(names) - math.pi / 2 - (math.pi / 4 if len(names) == 4 else 0)
        )
        radius = area.width() / 2 - 12 * u
        places[name] = area.center() + QPointF(math.cos(angle), math.sin(angle)) * radius
    for pair in sorted(card.pairs, key=lambda pair: pair.share):
        if pair.one in places and pair.other in places:
            colour = (
                to_qcolor(PALETTE.good)
                if pair.is_enough
                else blend(to_qcolor(PALETTE.line), to_qcolor(PALETTE.care), pair.share)
            )
            painter.setPen(QPen(colour, (1.5 + 3.5 * min(pair.share, 1.0)) * u))
            painter.drawLine(places[pair.one], places[pair.other])
    painter.setFont(make_font(u, 11, bold=True))
    for number, place in enumerate(places.values(), start=1):
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(to_qcolor(PALETTE.accent))
        painter.drawEllipse(place, 10 * u, 10 * u)
        painter.setPen(to_qcolor(PALETTE.ground))
        box = QRectF(place.x() - 10 * u, place.y() - 10 * u, 20 * u, 20 * u)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(number))
