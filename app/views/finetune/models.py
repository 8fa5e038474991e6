"""The monocular models: which one is used for whom, with Use and Roll back."""

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.presenters.finetune import FinetuneState, ModelRow, list_other_people
from app.requests import RollBackModel, UseModel
from app.views.elided_label import ElidedLabel
from app.views.theme import PALETTE, load_icon, set_property
from app.views.widgets import clear_layout, make_button, make_label


class FinetuneModels(QWidget):
    """Draws the models, and requests which one to use."""

    requested = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._shown: tuple | None = None
        self._rows = QVBoxLayout()
        self._area = QWidget()
        self._scroll = QScrollArea()
        self._column = QVBoxLayout(self)
        self._scale = 1.0
        self._area.setObjectName("rows")
        self._area.setLayout(self._rows)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._scroll.setWidget(self._area)
        self._scroll.setWidgetResizable(True)
        self._column.addWidget(make_label("section", "Models"))
        self._column.addWidget(self._scroll, 1)
        self.show_models(FinetuneState())

    def show_models(self, state: FinetuneState) -> None:
        """Show these models."""
        if (state.models, state.persons) == self._shown:
            return
        self._shown = state.models, state.persons
        clear_layout(self._rows)
        for model in state.models:
            self._rows.addWidget(self._make_row(model, list_other_people(model, state)))
        if not state.models:
            self._rows.addWidget(make_label("fact", "No monocular model yet."))
        self._rows.addStretch(1)
        self.set_scale(self._scale)

    def set_scale(self, scale: float) -> None:
        """Space things for this size of window."""
        self._scale = scale
        self._column.setContentsMargins(*[round(12 * scale)] * 4)
        self._rows.setSpacing(round(4 * scale))
        for button in self._area.findChildren(QPushButton, "flat"):
            button.setIconSize(QSize(round(16 * scale), round(16 * scale)))
        for row in self._area.findChildren(QWidget, "row"):
            layout = row.layout()
            if layout is not None:
                layout.setContentsMargins(*[round(8 * scale)] * 4)
                layout.setSpacing(round(8 * scale))

    def _make_row(self, model: ModelRow, others: tuple[str, ...]) -> QWidget:
        """Make the row of one model."""
        row, words = QWidget(), QVBoxLayout()
        row.setObjectName("row")
        row.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        name, facts = ElidedLabel("row_name"), ElidedLabel("fact")
        name.show_text(model.name)
        person_label = model.person or "everybody"
        rig = f" with rig {model.rig_id}" if model.rig_id else ""
        facts.show_text(" · ".join(filter(None, (person_label + rig, model.facts))))
        facts.setToolTip(
            f"For {facts.full_text()}. Millimetres: mean error on held-out clips, before and now."
        )
        for label in (name, facts):
            words.addWidget(label)
        line = QHBoxLayout(row)
        line.addLayout(words, 1)
        if model.in_use:
            line.addWidget(_make_chip(person_label), alignment=Qt.AlignmentFlag.AlignVCenter)
        if model.in_use and model.can_roll_back:
            back = RollBackModel(model.person, model.rig_id)
            tip = f"Go back to the previous model for {person_label}. Nothing is deleted."
            line.addWidget(self._make_button("Roll back", back, tip))
        if not model.in_use:
            use = UseModel(model.name, model.person, model.rig_id)
            line.addWidget(self._make_button("Use", use, f"Use this model for {person_label}."))
        if others:
            line.addWidget(self._make_more_button(model.name, others))
        return row

    def _make_button(self, text: str, request: UseModel | RollBackModel, tip: str) -> QPushButton:
        """Make a button that emits this request."""
        return make_button(text, lambda: self.requested.emit(request), tip=tip)

    def _make_more_button(self, name: str, persons: tuple[str, ...]) -> QPushButton:
        """Make the button that uses a model for another person."""
        button = QPushButton(load_icon("more", PALETTE.muted), "")
        menu = QMenu(self)
        button.setObjectName("flat")
        button.setToolTip("Use for another person")
        button.setAccessibleName(f"Use {name} for another person")
        for person in persons:
            action = menu.addAction(f"Use for {person or 'everybody'}")
            if action is not None:
                action.triggered.connect(
                    lambda _, person=person: self.requested.emit(UseModel(name, person))
                )
        button.destroyed.connect(menu.deleteLater)
        button.clicked.connect(lambda: menu.popup(button.mapToGlobal(button.rect().bottomLeft())))
        return button


def _make_chip(person_label: str) -> QLabel:
    """Mark a model as used for a person."""
    chip = make_label("chip", "in use")
    chip.setToolTip(f"Estimates the depth of each joint where only one camera sees {person_label}.")
    set_property(chip, "tone", "good")
    return chip
