"""A line of words that gives way: what does not fit is left out in the middle, and shown by the mouse."""

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QFontMetricsF, QResizeEvent
from PyQt6.QtWidgets import QLabel, QSizePolicy


class ElidedLabel(QLabel):
    """A label that may be narrower than its words."""

    def __init__(self, name: str = "") -> None:
        super().__init__()
        self._words = ""
        self.setObjectName(name)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

    def tell(self, words: str) -> None:
        """Show these words from now on."""
        if words != self._words:
            self._words = words
            self.setToolTip(words)
            self._fit()

    def words(self) -> str:
        """Return all the words."""
        return self._words

    def minimumSizeHint(self) -> QSize:
        """Need no width at all."""
        return QSize(0, super().minimumSizeHint().height())

    def sizeHint(self) -> QSize:
        """Like to have room for all words."""
        width = QFontMetricsF(self.font()).horizontalAdvance(self._words) + 2
        return QSize(round(width), super().sizeHint().height())

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Fit the words to the new width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Show as much as there is room for."""
        shown = QFontMetricsF(self.font()).elidedText(self._words, Qt.TextElideMode.ElideMiddle, self.width())
        if shown != self.text():
            self.setText(shown)
