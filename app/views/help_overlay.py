"""Help in place: how to begin, and every key."""

from PyQt6.QtWidgets import QGridLayout, QLabel, QWidget

from app.views.overlay import Overlay

KEYS = (
    ("Space", "Start or stop the cameras"),
    ("A", "Add a camera"),
    ("C", "Calibrate anew"),
    ("R", "Record, and end the recording"),
    ("1 – 9", "Enlarge a camera"),
    ("F", "Only the room"),
    ("P", "Curves of the last minute"),
    ("?  F1", "This page"),
    ("Esc", "Close what is open"),
)
_STEPS = (
    (
        "1  Add cameras",
        (
            "Two or more that look at the same part of the room, fixed, at about the height of a "
            "chest."
        ),
    ),
    (
        "2  Walk",
        (
            "One person walks through the whole room, turns round and reaches up. The window says "
            "what is missing."
        ),
    ),
    (
        "3  Record",
        "Once the skeleton stands in the room. Give your height, and the metres are right.",
    ),
)


class HelpOverlay(Overlay):
    """Shows the steps and the keys."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "How it works", 640)
        for title, text in _STEPS:
            for name, words in (("section", title), ("message", text)):
                label = QLabel(words)
                label.setObjectName(name)
                label.setWordWrap(True)
                self.column.addWidget(label)
        self._keys = QGridLayout()
        half = (len(KEYS) + 1) // 2
        for index, (key, meaning) in enumerate(KEYS):
            row, column = index % half, 2 * (index // half)
            for offset, (name, words) in enumerate((("key", key), ("key_meaning", meaning))):
                label = QLabel(words)
                label.setObjectName(name)
                self._keys.addWidget(label, row, column + offset)
        self._keys.setColumnStretch(1, 1)
        self._keys.setColumnStretch(3, 1)
        self.column.addLayout(self._keys)

    def set_scale(self, scale: float) -> None:
        """Space things for this size of window."""
        self._keys.setHorizontalSpacing(round(12 * scale))
        self._keys.setVerticalSpacing(round(7 * scale))
        self._keys.setContentsMargins(0, round(10 * scale), 0, 0)
        super().set_scale(scale)
