"""A panel over the window, not modal; Esc or a click beside it closes it."""

from PyQt6.QtCore import QEvent, QObject, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PyQt6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.views.theme import to_qcolor
from app.views.widgets import make_button, make_label

_EDGE_U = 24


class Overlay(QWidget):
    """A card with a title and a body over its parent, hidden until `open_card` is called.

    Parameters
    ----------
    parent
        The widget it covers.
    title
    width_u
        Of the card, in design units.
    """

    closed = pyqtSignal()

    def __init__(self, parent: QWidget, title: str, width_u: int = 560) -> None:
        super().__init__(parent)
        self._width_u, self._scale = width_u, 1.0
        self._dims = True
        self._card = QWidget(self)
        self._card.setObjectName("card")
        self._card.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._title = make_label("card_title", title)
        self._close = make_button("", self.close_card, name="flat", icon="close", tip="Close (Esc)")
        self._close.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.column = QVBoxLayout(self._card)
        top = QHBoxLayout()
        top.addWidget(self._title, 1)
        top.addWidget(self._close)
        self.column.addLayout(top)
        parent.installEventFilter(self)
        self.hide()

    def dock_right(self) -> None:
        """Dock at the right edge and leave the rest of the window visible."""
        self._dims = False
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, False)
        self._place()

    def set_title(self, title: str) -> None:
        """Change the title of the card."""
        self._title.setText(title)

    def open_card(self) -> None:
        """Show the card over the window."""
        self._place()
        self.show()
        self.raise_()
        self.setFocus()

    def close_card(self) -> None:
        """Hide the card."""
        if self.isVisible():
            self.hide()
            self.closed.emit()

    def set_scale(self, scale: float) -> None:
        """Scale spacing to the window."""
        self._scale = scale
        edge = round(20 * scale)
        self.column.setContentsMargins(edge, round(14 * scale), edge, edge)
        self.column.setSpacing(round(10 * scale))
        for button in self._card.findChildren(QPushButton):
            button.setIconSize(QSize(round(14 * scale), round(14 * scale)))
        self._place()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follow the size of the window."""
        if event is not None and event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return False

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Keep the card in its place."""
        self._place_card()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Dim the window."""
        if self._dims:
            QPainter(self).fillRect(self.rect(), to_qcolor("#06080b", 0.62))

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Close on a click beside the card."""
        if event and not self._card.geometry().contains(event.position().toPoint()):
            self.close_card()

    def _place(self) -> None:
        """Cover the parent, or only the area of a docked card."""
        parent = self.parentWidget()
        if parent is None:
            return
        if self._dims:
            self.setGeometry(parent.rect())
        else:
            edge = round(_EDGE_U * self._scale)
            width, height = self._compute_card_size(parent.width(), parent.height())
            self.setGeometry(parent.width() - width - edge, round(64 * self._scale), width, height)
        self._place_card()

    def _compute_card_size(self, width: int, height: int) -> tuple[int, int]:
        """Choose the card's size: as high as its content, within the window."""
        for widget in self._card.findChildren(QWidget):
            widget.ensurePolished()  # else new labels are measured in another font
        self.column.invalidate()
        self.column.activate()
        card_width = min(
            round(self._width_u * self._scale), width - 2 * round(_EDGE_U * self._scale)
        )
        needed_px = max(
            self.column.totalHeightForWidth(card_width), self.column.totalMinimumSize().height()
        )
        return card_width, min(needed_px, height - 2 * round(_EDGE_U * self._scale))

    def _place_card(self) -> None:
        """Centre the card, or fill a docked overlay with it."""
        if self._dims:
            width, height = self._compute_card_size(self.width(), self.height())
            self._card.setGeometry(
                (self.width() - width) // 2, (self.height() - height) // 2, width, height
            )
        else:
            self._card.setGeometry(self.rect())
