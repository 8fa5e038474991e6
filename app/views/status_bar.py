"""The status bar: the few figures that tell whether all is well."""

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.presenters.window import StatusItem


class StatusBar(QWidget):
    """Shows label and value side by side; labels are made once and only their words change."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("status")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._layout = QHBoxLayout(self)
        self._layout.addStretch(1)
        self._pairs: list[tuple[QLabel, QLabel]] = []

    def show_status(self, items: tuple[StatusItem, ...]) -> None:
        """Show these figures from now on.

        Parameters
        ----------
        items
            From left to right.
        """
        while len(self._pairs) < len(items):
            self._add_pair()
        for index, (label, value) in enumerate(self._pairs):
            shown = index < len(items)
            label.setVisible(shown)
            value.setVisible(shown)
            if shown:
                item = items[index]
                label.setText(item.label)
                value.setText(item.value)
                if value.property("tone") != str(item.tone):
                    value.setProperty("tone", str(item.tone))
                    value.setStyleSheet(value.styleSheet())

    def set_scale(self, scale: float) -> None:
        """Space things for this size of window."""
        self.setFixedHeight(round(32 * scale))
        self._layout.setContentsMargins(round(14 * scale), 0, round(14 * scale), 0)
        self._layout.setSpacing(round(7 * scale))
        for _, value in self._pairs:
            value.setContentsMargins(0, 0, round(16 * scale), 0)

    def _add_pair(self) -> None:
        """Make room for one more figure, left of the empty rest."""
        label, value = QLabel(), QLabel()
        label.setObjectName("status_label")
        value.setObjectName("status_value")
        for widget in (label, value):
            self._layout.insertWidget(self._layout.count() - 1, widget)
        self._pairs.append((label, value))
