"""A field for the name of the person in front of the cameras."""

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from app.requests import SetPerson
from app.views.widgets import make_label

MAX_NAME_LENGTH = 40
_TIP = (
    "The person in front of the cameras. A model fine-tuned for them is used, and recordings "
    "keep the name. May be empty."
)


class PersonField(QWidget):
    """Emits `SetPerson` when another name is entered."""

    requested = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self._person = ""
        self._field = QLineEdit()
        self._field.setMaxLength(MAX_NAME_LENGTH)
        self._field.setPlaceholderText("anyone")
        self._field.setToolTip(_TIP)
        self._field.setAccessibleName("Name of the person")
        self._field.editingFinished.connect(self._submit)
        label = make_label("fact", "Name")
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        for widget in (label, self._field):
            self._row.addWidget(widget)

    def show_person(self, person: str) -> None:
        """Show this name, unless the field is being edited."""
        self._person = person
        if not self._field.hasFocus() and self._field.text() != person:
            self._field.setText(person)
            self._field.setCursorPosition(0)

    def set_scale(self, scale: float) -> None:
        """Scale spacing to the window."""
        self._field.setFixedWidth(round(92 * scale))
        self._row.setSpacing(round(6 * scale))

    def _submit(self) -> None:
        """Emit the name, if it is new."""
        name = " ".join(self._field.text().split())
        self._field.setText(name)
        if name != self._person:
            self._person = name
            self.requested.emit(SetPerson(name))
