"""The calibration panel: the verdict, the doubt of each camera, and what to do."""

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.presenters.calibration import CalibrationCard, CameraRow

_COLUMNS = ("Camera", "Direction", "Place", "Lens", "Error")


class CalibrationPanel(QWidget):
    """Shows a calibration card."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._headline, self._message, self._next = (_label(name) for name in ("headline", "message", "next"))
        self._table, self._facts = QGridLayout(), QHBoxLayout()
        self._layout = QVBoxLayout(self)
        for label in (self._headline, self._message):
            self._layout.addWidget(label)
        self._layout.addLayout(self._table)
        self._layout.addLayout(self._facts)
        self._layout.addStretch(1)
        self._layout.addWidget(self._next)

    def show_calibration(self, card: CalibrationCard) -> None:
        """Show this card from now on.

        Parameters
        ----------
        card
        """
        _tell(self._headline, card.headline, card.tone)
        _tell(self._message, card.message)
        _tell(self._next, card.next_step)
        self._message.setVisible(bool(card.message))
        _clear(self._table)
        for column, title in enumerate(_COLUMNS if card.rows else ()):
            self._table.addWidget(_label("column", title), 0, column)
        for row, camera in enumerate(card.rows, start=1):
            self._fill_row(row, camera)
        _clear(self._facts)
        for title, value in card.facts:
            pair = QVBoxLayout()
            pair.setSpacing(0)
            pair.addWidget(_label("fact", title))
            pair.addWidget(_label("figure", value))
            self._facts.addLayout(pair, 1)

    def set_scale(self, scale: float) -> None:
        """Space things for this size of window."""
        edge = round(14 * scale)
        self._layout.setContentsMargins(edge, edge, edge, edge)
        self._layout.setSpacing(round(9 * scale))
        self._table.setHorizontalSpacing(round(10 * scale))
        self._table.setVerticalSpacing(round(3 * scale))
        self._facts.setSpacing(round(10 * scale))

    def _fill_row(self, row: int, camera: CameraRow) -> None:
        """Write one camera's line of the table."""
        for column, text in enumerate((camera.name, camera.direction, camera.place, camera.lens, camera.error)):
            cell = _label("cell", text)
            cell.setWordWrap(False)
            cell.setProperty("tone", str(camera.tone) if column else "neutral")
            self._table.addWidget(cell, row, column)


def _label(name: str, text: str = "") -> QLabel:
    """Make a label that the style sheet knows by name."""
    label = QLabel(text)
    label.setObjectName(name)
    label.setWordWrap(name in ("message", "next", "headline"))
    return label


def _tell(label: QLabel, text: str, tone: str = "neutral") -> None:
    """Change a label's words and tone."""
    label.setText(text)
    if label.property("tone") != tone:
        label.setProperty("tone", str(tone))
        style = label.style()
        if style:
            style.unpolish(label)
            style.polish(label)


def _clear(layout: QGridLayout | QHBoxLayout | QVBoxLayout) -> None:
    """Remove everything from a layout."""
    while (item := layout.takeAt(0)) is not None:
        widget, inner = item.widget(), item.layout()
        if widget:
            widget.deleteLater()
        elif isinstance(inner, QVBoxLayout):
            _clear(inner)
