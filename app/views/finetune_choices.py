"""What a network is taught from: sessions to tick, whose network it becomes, how many minutes, and Start."""

from pathlib import Path

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from app.presenters.finetune import Choice, FinetuneState
from app.requests import Finetune
from app.views.theme import PALETTE, icon, shade

PATH_ROLE = Qt.ItemDataRole.UserRole
MINUTES = (3, 5, 10, 15, 20, 30, 45, 60, 90, 120)
USUAL_MINUTES = 10
_ADVICE = {3: "a first try", 10: "a good start", 30: "a thorough lesson"}


class FinetuneChoices(QWidget):
    """Draws the choice, and asks for a fine-tuning."""

    asked = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._choices: tuple[Choice, ...] | None = None
        self._can_start = True
        self._list, self._person, self._slider = QListWidget(), QComboBox(), QSlider(Qt.Orientation.Horizontal)
        self._minutes, self._why_not = _label("figure"), _label("problem")
        self._start = QPushButton(icon("play", PALETTE.ground), "\u2002Start")
        self._column = QVBoxLayout(self)
        self._set_up()
        self._lay_out()
        self._show_minutes()

    def show_choices(self, state: FinetuneState) -> None:
        """Show these sessions; what is ticked and typed stays.

        Parameters
        ----------
        state
        """
        self._can_start = state.can_start
        if state.choices != self._choices:
            self._choices = state.choices
            ticked = set(self.ticked())
            self._list.clear()
            for choice in state.choices:
                self._add(choice, ticked=choice.path in ticked)
        known = [self._person.itemText(row) for row in range(self._person.count())]
        if known != list(state.persons):
            typed = self._person.currentText()
            self._person.clear()
            self._person.addItems(list(state.persons))
            self._person.setCurrentText(typed)
        self._show_start()

    def tick(self, path: Path) -> None:
        """Tick a session alone, where it can be learned from."""
        for item in self._items():
            if item.flags() & Qt.ItemFlag.ItemIsUserCheckable:
                mine = item.data(PATH_ROLE) == path
                item.setCheckState(Qt.CheckState.Checked if mine else Qt.CheckState.Unchecked)
                if mine:
                    self._list.scrollToItem(item)

    def ticked(self) -> tuple[Path, ...]:
        """Return the sessions that are ticked."""
        return tuple(item.data(PATH_ROLE) for item in self._items() if item.checkState() == Qt.CheckState.Checked)

    def minutes(self) -> int:
        """Return the minutes that are chosen, for all steps together."""
        return MINUTES[self._slider.value()]

    def set_scale(self, scale: float) -> None:
        """Space things for this size of window."""
        self._column.setContentsMargins(*[round(16 * scale)] * 4)
        self._column.setSpacing(round(8 * scale))
        self._start.setIconSize(QSize(round(16 * scale), round(16 * scale)))
        self._list.setSpacing(round(2 * scale))

    def _start_pressed(self) -> None:
        """Ask for the fine-tuning."""
        self.asked.emit(Finetune(self.ticked(), self._person.currentText().strip(), float(self.minutes())))

    def _add(self, choice: Choice, *, ticked: bool) -> None:
        """Add a session to the list."""
        item = QListWidgetItem(f"{choice.name}\n{choice.facts}")
        item.setData(PATH_ROLE, choice.path)
        item.setToolTip(str(choice.path))
        if choice.can_learn:
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsSelectable)
            item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
        else:
            item.setFlags(Qt.ItemFlag.NoItemFlags)
            item.setForeground(shade(PALETTE.muted, 0.7))
        self._list.addItem(item)

    def _items(self) -> list[QListWidgetItem]:
        """Return the rows of the list."""
        return [item for row in range(self._list.count()) if (item := self._list.item(row)) is not None]

    def _show_minutes(self) -> None:
        """Say how long."""
        minutes = self.minutes()
        advice = _ADVICE.get(minutes, "")
        self._minutes.setText(f"{minutes} minutes in all{f', {advice}' if advice else ''}")

    def _show_start(self) -> None:
        """Let Start be pressed where something can start, and say why not."""
        ticked = bool(self.ticked())
        self._start.setEnabled(self._can_start and ticked)
        why = "" if ticked else "Tick a session first."
        self._why_not.setText("Something is being taught already." if not self._can_start else why)

    def _set_up(self) -> None:
        """Prepare the parts."""
        self._list.setObjectName("choices")
        self._list.setAccessibleName("Sessions to learn from")
        self._list.setWordWrap(True)
        self._list.itemChanged.connect(lambda _item: self._show_start())
        self._person.setEditable(True)
        self._person.setAccessibleName("Person")
        line = self._person.lineEdit()
        if line is not None:
            line.setPlaceholderText("Name, or empty for everybody")
        self._slider.setRange(0, len(MINUTES) - 1)
        self._slider.setValue(MINUTES.index(USUAL_MINUTES))
        self._slider.setPageStep(1)
        self._slider.setAccessibleName("Minutes in all")
        self._slider.valueChanged.connect(lambda _value: self._show_minutes())
        self._start.setObjectName("main_action")
        self._start.clicked.connect(lambda: self._start_pressed())

    def _lay_out(self) -> None:
        """Put question below question."""
        self._column.addWidget(_label("section", "Learn from"))
        self._column.addWidget(self._list, 1)
        self._column.addWidget(_label("section", "Whose network"))
        self._column.addWidget(self._person)
        self._column.addWidget(_label("section", "How long"))
        self._column.addWidget(self._slider)
        self._column.addWidget(self._minutes)
        row = QHBoxLayout()
        row.addWidget(self._why_not, 1)
        row.addWidget(self._start)
        self._column.addLayout(row)


def _label(name: str, text: str = "") -> QLabel:
    """Make a label that the style sheet knows by name."""
    label = QLabel(text)
    label.setObjectName(name)
    return label
