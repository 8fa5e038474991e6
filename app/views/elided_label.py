"""A line of words that gives way: what does not fit is left out in the middle, and shown by the mouse."""

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QFontMetricsF, QResizeEvent
from PyQt6.QtWidgets import QLabel, QSizePolicy


class ElidedLabel(QLabel):
    """A label that may be narrower than its words."""

    def __init__(self, name: str = "") -> None:
        super().__init__()
        self._full_text = ""
        self.setObjectName(name)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

    def show_text(self, text: str) -> None:
        """Show these words from now on."""
        if text != self._full_text:
            self._full_text = text
            self.setToolTip(text)
            self._fit()

    def full_text(self) -> str:
        """Return all the words."""
        return self._full_text

    def minimumSizeHint(self) -> QSize:
        """Need no width at all."""
        return QSize(0, super().minimumSizeHint().height())

    def sizeHint(self) -> QSize:
        """Like to have room for all words."""
        width = QFontMetricsF(self.font()).horizontalAdvance(self._full_text) + 2
        return QSize(round(width), super().sizeHint().height())

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Fit the words to the new width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Show as much as there is room for."""
        shown = QFontMetricsF(self.font()).elidedText(
            self._full_text, Qt.TextElideMode.ElideMiddle, self.width()
        )
        if shown != self.text():
            self.setText(shown)
