"""The help: first steps, and every key."""

from PyQt6.QtWidgets import QGridLayout, QWidget

from app.views.overlay import Overlay
from app.views.widgets import make_label

KEYS = (
    ("Space", "Start or stop the cameras"),
    ("A", "Add a camera"),
    ("C", "Calibrate again"),
    ("R", "Start or stop a recording"),
    ("1 – 9", "Enlarge a camera"),
    ("F", "Show the room only"),
    ("P", "Plots of the last minute"),
    ("?  F1", "This help"),
    ("Esc", "Close a panel"),
)
_STEPS = (
    (
        "1  Add cameras",
        (
            "Use two or more that see the same part of the room. Fix them firmly, at about chest "
            "height."
        ),
    ),
    (
        "2  Calibrate",
        (
            "One person walks through the whole room, turns around and reaches up. The window "
            "shows what is still missing. Enter the person's height so that lengths are right."
        ),
    ),
    (
        "3  Record",
        "Once the skeleton appears in the room, press Record. Find the recording under Sessions.",
    ),
)


class HelpOverlay(Overlay):
    """Shows the first steps and the keys."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "How it works", 640)
        for title, text in _STEPS:
            for name, words in (("section", title), ("message", text)):
                self.column.addWidget(make_label(name, words, wrap=True))
        self._keys = QGridLayout()
        half = (len(KEYS) + 1) // 2
        for index, (key, meaning) in enumerate(KEYS):
            row, column = index % half, 2 * (index // half)
            for offset, (name, words) in enumerate((("key", key), ("key_meaning", meaning))):
                self._keys.addWidget(make_label(name, words), row, column + offset)
        self._keys.setColumnStretch(1, 1)
        self._keys.setColumnStretch(3, 1)
        self.column.addLayout(self._keys)

    def set_scale(self, scale: float) -> None:
        """Space things for this size of window."""
        self._keys.setHorizontalSpacing(round(12 * scale))
        self._keys.setVerticalSpacing(round(7 * scale))
        self._keys.setContentsMargins(0, round(10 * scale), 0, 0)
        super().set_scale(scale)
