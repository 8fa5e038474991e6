"""A field for the person's height, in metres or centimetres."""

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from app.requests import SetStature
from app.settings import STATURE_RANGE_M
from app.views.theme import set_property
from app.views.widgets import make_label

MIN_STATURE_M, MAX_STATURE_M = STATURE_RANGE_M
_TIP = "The person's height sets the scale of all lengths. If empty, the average is used."


class StatureField(QWidget):
    """Emits `SetStature` when another height is entered."""

    requested = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self._stature_m: float | None = None
        self._field = QLineEdit()
        self._field.setPlaceholderText("average")
        self._field.setToolTip(_TIP)
        self._field.setAccessibleName("Height of the person in metres")
        self._field.editingFinished.connect(self._submit)
        self._field.textEdited.connect(self._validate)
        label, unit = make_label("fact", "Height"), make_label("fact", "m")
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        for widget in (label, self._field, unit):
            self._row.addWidget(widget)

    def show_stature(self, stature_m: float | None) -> None:
        """Show this height, unless the field is being edited."""
        self._stature_m = stature_m
        if not self._field.hasFocus():
            self._field.setText("" if stature_m is None else f"{stature_m:.2f}")
            set_property(self._field, "tone", "neutral")

    def set_scale(self, scale: float) -> None:
        """Scale spacing to the window."""
        self._field.setFixedWidth(round(76 * scale))
        self._row.setSpacing(round(6 * scale))

    def _validate(self, text: str) -> None:
        """Mark text that is not a valid height."""
        is_invalid = bool(text.strip()) and parse_stature_m(text) is None
        set_property(self._field, "tone", "bad" if is_invalid else "neutral")
        self._field.setToolTip(
            f"Enter a height between {MIN_STATURE_M} and {MAX_STATURE_M} m." if is_invalid else _TIP
        )

    def _submit(self) -> None:
        """Emit the height, if it is new and valid."""
        text = self._field.text().strip()
        metres = parse_stature_m(text)
        if text and metres is None:
            self._field.setText("" if self._stature_m is None else f"{self._stature_m:.2f}")
            self._validate(self._field.text())
        elif metres != self._stature_m:
            self._stature_m = metres
            self.requested.emit(SetStature(metres))


def parse_stature_m(text: str) -> float | None:
    """Parse a height, in metres or centimetres, with a point or a comma.

    Returns
    -------
    metres
        None where it is not a person's height.

    Examples
    --------
    >>> parse_stature_m("1,75"), parse_stature_m("175 cm"), parse_stature_m("17")
    (1.75, 1.75, None)
    """
    try:
        value = float(text.strip().removesuffix("cm").removesuffix("m").replace(",", "."))
    except ValueError:
        return None
    metres = value / 100 if value > 3 * MAX_STATURE_M else value
    return round(metres, 3) if MIN_STATURE_M <= metres <= MAX_STATURE_M else None
