"""The person's name: a field that says for whom networks are kept, and who is in a recording."""

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QWidget

from app.requests import SetPerson

MAX_NAME_LENGTH = 40
_TIP = (
    "Who is in front of the cameras. A network that was taught for them serves them, and "
    "recordings keep the name. "
    "Leave it empty for nobody in particular."
)


class PersonField(QWidget):
    """Emits `SetPerson` once another name was entered."""

    requested = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self._person = ""
        self._field = QLineEdit()
        self._field.setMaxLength(MAX_NAME_LENGTH)
        self._field.setPlaceholderText("anybody")
        self._field.setToolTip(_TIP)
        self._field.setAccessibleName("Name of the person")
        self._field.editingFinished.connect(self._submit)
        label = QLabel("Name")
        label.setObjectName("fact")
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        for widget in (label, self._field):
            self._row.addWidget(widget)

    def show_person(self, person: str) -> None:
        """Show this name, unless somebody is just typing another."""
        self._person = person
        if not self._field.hasFocus() and self._field.text() != person:
            self._field.setText(person)
            self._field.setCursorPosition(0)

    def set_scale(self, scale: float) -> None:
        """Space things for this size of window."""
        self._field.setFixedWidth(round(92 * scale))
        self._row.setSpacing(round(6 * scale))

    def _submit(self) -> None:
        """Ask for what was typed, where it is new."""
        name = " ".join(self._field.text().split())
        self._field.setText(name)
        if name != self._person:
            self._person = name
            self.requested.emit(SetPerson(name))
