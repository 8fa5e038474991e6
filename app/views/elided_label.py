"""A label that is elided in the middle where there is no room; its tool tip has all of it."""

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QFontMetricsF, QResizeEvent
from PyQt6.QtWidgets import QLabel, QSizePolicy


class ElidedLabel(QLabel):
    """A label that may be narrower than its text."""

    def __init__(self, name: str = "") -> None:
        super().__init__()
        self._full_text = ""
        self.setObjectName(name)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

    def show_text(self, text: str) -> None:
        """Show this text."""
        if text != self._full_text:
            self._full_text = text
            self.setToolTip(text)
            self._fit()

    def full_text(self) -> str:
        """Return the whole text."""
        return self._full_text

    def minimumSizeHint(self) -> QSize:
        """Require no width."""
        return QSize(0, super().minimumSizeHint().height())

    def sizeHint(self) -> QSize:
        """Prefer the width of the whole text."""
        width = QFontMetricsF(self.font()).horizontalAdvance(self._full_text) + 2
        return QSize(round(width), super().sizeHint().height())

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Fit the text to the new width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Show as much as fits."""
        shown = QFontMetricsF(self.font()).elidedText(
            self._full_text, Qt.TextElideMode.ElideMiddle, self.width()
        )
        if shown != self.text():
            self.setText(shown)
