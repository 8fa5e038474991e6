"""The result of a fine-tuning: errors by action, and images before and after."""

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QPixmap, QResizeEvent
from PyQt6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from app.presenters.finetune_run import RunCard
from app.views.theme import set_property
from app.views.widgets import clear_layout, make_label

_LEGEND = "White: measured by all cameras. Blue: estimated by the model from one camera."
_PANELS = ("before", "before, from the side", "now", "now, from the side")


class FinetuneFigures(QWidget):
    """The mean error by action, before and now; larger errors are marked."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple = ()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)

    def show_figures(self, card: RunCard | None) -> None:
        """Show the errors of a run; hide without any."""
        rows = card.rows if card else ()
        self.setVisible(bool(rows))
        if rows == self._shown:
            return
        self._shown = rows
        clear_layout(self._grid)
        for place, word in enumerate(("mean error", "before", "now")):
            self._grid.addWidget(make_label("column", word), 0, place)
        for line, (words, worse) in enumerate(zip(rows, card.worse if card else ()), start=1):
            for place, word in enumerate(words):
                label = make_label("figure" if line == 1 else "cell", word)
                if worse and place == 2:
                    label.setObjectName("cell")
                    set_property(label, "tone", "care")
                self._grid.addWidget(label, line, place)
        self._grid.setRowStretch(len(rows) + 1, 1)

    def set_scale(self, scale: float) -> None:
        """Space things for this size of window."""
        self._grid.setHorizontalSpacing(round(16 * scale))
        self._grid.setVerticalSpacing(round(3 * scale))


class FinetunePictures(QWidget):
    """A typical image of each action, before and after."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("rows")
        self._shown: tuple[tuple[str, bytes], ...] = ()
        self._pictures: list[_Picture] = []
        self._legend = make_label("fact", _LEGEND)
        self._legend.setVisible(False)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addWidget(self._legend)

    def show_pictures(self, pictures: tuple[tuple[str, bytes], ...]) -> None:
        """Show these JPEGs by action."""
        if pictures == self._shown:
            return
        self._shown = pictures
        self._legend.setVisible(bool(pictures))
        for picture in self._pictures:
            picture.setParent(None)
        self._pictures = [_Picture(action, jpeg) for action, jpeg in pictures]
        for place, picture in enumerate(self._pictures, start=1):
            self._column.insertWidget(place, picture)
        self._column.setStretch(self._column.count() - 1, 0)

    def set_scale(self, scale: float) -> None:
        """Space things for this size of window."""
        self._column.setSpacing(round(10 * scale))


class _Picture(QWidget):
    """One drawing below its captions, as wide as the room allows."""

    def __init__(self, action: str, jpeg: bytes) -> None:
        super().__init__()
        self._pixmap, self._label = QPixmap(), QLabel()
        self._pixmap.loadFromData(jpeg)
        self._label.setMinimumWidth(1)
        self._label.setAccessibleName(f"{action}, before and now")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(2)
        for place, words in enumerate(_PANELS):
            grid.addWidget(make_label("fact", words if place else f"{action}: {words}"), 0, place)
            grid.setColumnStretch(place, 1)
        grid.addWidget(self._label, 1, 0, 1, len(_PANELS), Qt.AlignmentFlag.AlignLeft)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Fit the image to the width."""
        super().resizeEvent(event)
        if not self._pixmap.isNull():
            smooth = Qt.TransformationMode.SmoothTransformation
            self._label.setPixmap(self._pixmap.scaledToWidth(max(self.width(), 1), smooth))
