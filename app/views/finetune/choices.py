"""The choices for a fine-tuning: sessions, person, minutes, and Start."""

import math
from pathlib import Path

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from app.presenters.finetune import (
    FinetuneState,
    describe_run,
    explain_cannot_start,
    parse_person,
    suggest_person,
)
from app.presenters.finetune_run import EVERYBODY
from app.requests import StartFinetune
from app.views.finetune.sessions import FinetuneSessions
from app.views.person_field import MAX_NAME_LENGTH
from app.views.theme import PALETTE, load_icon
from app.views.widgets import make_label

MINUTES = (3, 5, 10, 15, 20, 30, 45, 60, 90, 120)
DEFAULT_MINUTES = 10
_LIST_U, _MIN_HEIGHT_FOR_DESCRIPTION_U = 48, 320
_PERSON_TIP = (
    "The person in the sessions. The new model is used when this person is in front of the "
    f"cameras; {EVERYBODY} uses it for anyone."
)
_MINUTES_TIP = "Total time for all steps, from reading the videos to the comparison."


class FinetuneChoices(QWidget):
    """Draws the choices, and requests a fine-tuning."""

    requested = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._state = FinetuneState()
        self._list = FinetuneSessions()
        self._person = QComboBox()
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._minutes = make_label("figure")
        self._description = make_label("fact", wrap=True)
        self._problem = make_label("problem", wrap=True)
        self._start = QPushButton("\u2002Start")
        self._column, self._questions = QVBoxLayout(self), QGridLayout()
        self._suggested_person = ""
        self._run_minutes = math.nan
        self._scale = 1.0
        self._set_up()
        self._lay_out()
        self._update_texts()

    def show_choices(self, state: FinetuneState) -> None:
        """Show these sessions; ticks, name and minutes stay."""
        self._state = state
        self._list.show_choices(state.choices)
        names = [*state.persons, EVERYBODY]
        if [self._person.itemText(row) for row in range(self._person.count())] != names:
            typed = self._person.currentText()
            self._person.blockSignals(True)
            self._person.clear()
            self._person.addItems(names)
            self._person.setCurrentText(typed)
            self._person.blockSignals(False)
        if state.run is not None and math.isnan(self._run_minutes):
            self._choose_minutes(state.run.minutes)
        self._suggest_person()

    def tick(self, path: Path) -> None:
        """Tick this session only, if it can be used, and suggest its person."""
        self._list.tick(path)
        self._person.setCurrentText(self._suggested_person)

    def minutes(self) -> int:
        """Return the chosen minutes, for all steps together."""
        return MINUTES[self._slider.value()]

    def set_scale(self, scale: float) -> None:
        """Space things for this size of window."""
        self._column.setContentsMargins(*[round(16 * scale)] * 4)
        self._column.setSpacing(round(8 * scale))
        self._questions.setHorizontalSpacing(round(12 * scale))
        self._questions.setVerticalSpacing(round(6 * scale))
        self._start.setIconSize(QSize(round(16 * scale), round(16 * scale)))
        self._list.setSpacing(round(2 * scale))
        self._list.setMinimumHeight(round(_LIST_U * scale))
        self._scale = scale
        self._fit_description()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Hide the description where there is no room; it is also the tool tip of Start."""
        super().resizeEvent(event)
        self._fit_description()

    def _fit_description(self) -> None:
        """Show the description where there is room."""
        self._description.setVisible(self.height() >= _MIN_HEIGHT_FOR_DESCRIPTION_U * self._scale)

    def _request_start(self) -> None:
        """Request the fine-tuning."""
        sessions = tuple(choice.path for choice in self._list.ticked_choices())
        self.requested.emit(
            StartFinetune(sessions, parse_person(self._person.currentText()), float(self.minutes()))
        )

    def _suggest_person(self) -> None:
        """Suggest the person in the ticked sessions, unless another name was entered."""
        suggested = suggest_person(self._list.ticked_choices(), self._state.default_person)
        if suggested != self._suggested_person:
            if self._person.currentText() == self._suggested_person:
                self._person.setCurrentText(suggested)
            self._suggested_person = suggested
        self._update_texts()

    def _choose_minutes(self, minutes: float) -> None:
        """Start with the minutes of the last run."""
        self._run_minutes = minutes
        enough = [place for place, choice in enumerate(MINUTES) if choice >= minutes]
        self._slider.setValue(enough[0] if enough else len(MINUTES) - 1)

    def _update_texts(self) -> None:
        """Update the description, and enable Start where a run can be started."""
        person = self._person.currentText()
        duration, description = describe_run(person, self.minutes())
        self._minutes.setText(duration)
        self._description.setText(description)
        problem = explain_cannot_start(self._state, self._list.ticked_choices(), person)
        self._problem.setText(problem)
        self._start.setEnabled(not problem)
        self._start.setIcon(load_icon("play", PALETTE.muted if problem else PALETTE.ground))
        self._start.setToolTip(problem or description)

    def _set_up(self) -> None:
        """Prepare the parts."""
        self._list.ticked_changed.connect(self._suggest_person)
        self._person.setEditable(True)
        self._person.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self._person.setAccessibleName("Person")
        self._person.setToolTip(_PERSON_TIP)
        line = self._person.lineEdit()
        if line is not None:
            line.setPlaceholderText("Name of the person")
            line.setMaxLength(MAX_NAME_LENGTH)
        self._person.currentTextChanged.connect(lambda _text: self._update_texts())
        self._slider.setRange(0, len(MINUTES) - 1)
        self._slider.setValue(MINUTES.index(DEFAULT_MINUTES))
        self._slider.setPageStep(1)
        self._slider.setAccessibleName("Minutes in total")
        self._slider.setToolTip(_MINUTES_TIP)
        self._slider.valueChanged.connect(lambda _value: self._update_texts())
        self._start.setObjectName("main_action")
        self._start.clicked.connect(lambda: self._request_start())

    def _lay_out(self) -> None:
        """Lay out the choices from top to bottom."""
        self._column.addWidget(make_label("section", "Train on"))
        self._column.addWidget(self._list, 1)
        self._questions.addWidget(make_label("section", "Person"), 0, 0)
        self._questions.addWidget(self._person, 0, 1)
        self._questions.addWidget(make_label("section", "Time"), 1, 0)
        self._questions.addWidget(self._slider, 1, 1)
        self._questions.addWidget(self._minutes, 2, 1)
        self._questions.setColumnStretch(1, 1)
        self._column.addLayout(self._questions)
        self._column.addWidget(self._description)
        row = QHBoxLayout()
        row.addWidget(self._problem, 1)
        row.addWidget(self._start)
        self._column.addLayout(row)
