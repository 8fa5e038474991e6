"""The sessions as cards: a list model and a painter, so that thousands need no widgets."""

from functools import lru_cache
from pathlib import Path

from PyQt6.QtCore import QAbstractListModel, QModelIndex, QRectF, QSize, Qt
from PyQt6.QtGui import QFontMetricsF, QPainter, QPainterPath, QPen, QPixmap
from PyQt6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.presenters.sessions import SessionCard
from app.views.theme import PALETTE, SEVERITY_COLOURS, load_icon, make_font, to_qcolor

CARD_ROLE = Qt.ItemDataRole.UserRole
_PICTURE_ASPECT = 16 / 9
_WORDS_U = 72.0
_MARGIN_U = 6.0
_MAX_CACHED_PICTURES = 256


class SessionModel(QAbstractListModel):
    """The cards, for a list view."""

    def __init__(self) -> None:
        super().__init__()
        self._cards: tuple[SessionCard, ...] = ()

    def show_cards(self, cards: tuple[SessionCard, ...]) -> None:
        """Show these cards."""
        self.beginResetModel()
        self._cards = cards
        self.endResetModel()

    def find_row(self, path: Path | None) -> int:
        """Find the row of a session; -1 where it is not listed."""
        return next((row for row, card in enumerate(self._cards) if card.path == path), -1)

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008 - the signature of Qt
        """Count the cards."""
        return 0 if parent.isValid() else len(self._cards)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return a card, its name, or its tool tip."""
        if not index.isValid():
            return None
        card = self._cards[index.row()]
        if role == CARD_ROLE:
            return card
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{card.name}, {card.date}, {card.facts}, {card.quality}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return "\n".join((str(card.path), *card.remarks))
        return None


class SessionCardPainter(QStyledItemDelegate):
    """Paints a card: picture, name, date, facts and quality."""

    def __init__(self) -> None:
        super().__init__()
        self._scale = 1.0
        self._width = 290.0

    def set_scale(self, scale: float, width: float) -> None:
        """Set the scale, and the width of a card, px."""
        self._scale, self._width = scale, width

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """Return the size of a card with its margin."""
        return self.card_size()

    def card_size(self) -> QSize:
        """Return the size of a card with its margin."""
        margin = 2 * _MARGIN_U * self._scale
        height = (self._width - margin) / _PICTURE_ASPECT + _WORDS_U * self._scale + margin
        return QSize(int(self._width), round(height))

    def paint(
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        """Paint one card."""
        card = index.data(CARD_ROLE)
        if painter is None or not isinstance(card, SessionCard):
            return
        u, margin = self._scale, _MARGIN_U * self._scale
        painter.save()
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        )
        area = QRectF(option.rect).adjusted(margin, margin, -margin, -margin)
        shape = QPainterPath()
        shape.addRoundedRect(area, 8 * u, 8 * u)
        painter.fillPath(shape, to_qcolor(PALETTE.surface))
        painter.setClipPath(shape)
        picture = QRectF(area.left(), area.top(), area.width(), area.width() / _PICTURE_ASPECT)
        self._paint_picture(painter, card, picture)
        painter.setClipping(False)
        self._paint_words(
            painter,
            card,
            QRectF(area.left(), picture.bottom(), area.width(), area.bottom() - picture.bottom()),
        )
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        edge = PALETTE.accent if chosen else PALETTE.muted if hovered else PALETTE.line
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(to_qcolor(edge), (2.0 if chosen else 1.0) * u))
        painter.drawPath(shape)
        painter.restore()

    def _paint_picture(self, painter: QPainter, card: SessionCard, area: QRectF) -> None:
        """Paint the picture: landscape fills the card, portrait is shown whole."""
        u = self._scale
        painter.fillRect(area, to_qcolor(PALETTE.ground))
        pixmap = _decode_picture(card.thumbnail)
        if pixmap.isNull():
            side = 34 * u
            place = QRectF(0, 0, side, side)
            place.moveCenter(area.center())
            load_icon("warning" if not card.can_open else "camera", PALETTE.muted).paint(
                painter, place.toRect()
            )
            return
        fill = pixmap.width() >= pixmap.height()
        zooms = area.width() / pixmap.width(), area.height() / pixmap.height()
        zoom = max(zooms) if fill else min(zooms)
        place = QRectF(0, 0, pixmap.width() * zoom, pixmap.height() * zoom)
        place.moveCenter(area.center())
        painter.save()
        painter.setClipRect(area, Qt.ClipOperation.IntersectClip)
        painter.drawPixmap(place, pixmap, QRectF(pixmap.rect()))
        painter.restore()

    def _paint_words(self, painter: QPainter, card: SessionCard, area: QRectF) -> None:
        """Write name, date, facts and quality."""
        u = self._scale
        inner = area.adjusted(12 * u, 9 * u, -12 * u, -8 * u)
        row = QRectF(inner.left(), inner.top(), inner.width(), 19 * u)
        _write(painter, row, card.name, make_font(u, 14, bold=True), PALETTE.text)
        row.translate(0, 20 * u)
        facts = "  ·  ".join(part for part in (card.date, card.facts) if part)
        _write(painter, row, facts, make_font(u, 11), PALETTE.muted)
        row.translate(0, 18 * u)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(to_qcolor(SEVERITY_COLOURS[card.severity]))
        painter.drawEllipse(QRectF(row.left(), row.center().y() - 3.5 * u, 7 * u, 7 * u))
        words = card.quality
        if card.can_open and card.remarks:
            words += f"  ·  {len(card.remarks)} remark{'s' if len(card.remarks) > 1 else ''}"
        _write(
            painter,
            row.adjusted(13 * u, 0, 0, 0),
            words,
            make_font(u, 11),
            SEVERITY_COLOURS[card.severity],
        )


@lru_cache(_MAX_CACHED_PICTURES)
def _decode_picture(jpeg: bytes) -> QPixmap:
    """Decode a thumbnail; empty where there is none."""
    pixmap = QPixmap()
    if jpeg:
        pixmap.loadFromData(jpeg)
    return pixmap


def _write(painter: QPainter, area: QRectF, text: str, face, colour: str) -> None:
    """Write one line, elided where it does not fit."""
    painter.setFont(face)
    painter.setPen(to_qcolor(colour))
    shown = QFontMetricsF(face).elidedText(text, Qt.TextElideMode.ElideRight, area.width())
    painter.drawText(area, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
