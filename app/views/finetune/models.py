"""The networks there are: which one serves whom, and Use and Roll back."""

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


class FinetuneModels(QWidget):
    """Draws the networks, and asks for another one to serve."""

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
        title = QLabel("Networks, and whom they serve")
        title.setObjectName("section")
        self._area.setObjectName("rows")
        self._area.setLayout(self._rows)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._scroll.setWidget(self._area)
        self._scroll.setWidgetResizable(True)
        self._column.addWidget(title)
        self._column.addWidget(self._scroll, 1)
        self.show_models(FinetuneState())

    def show_models(self, state: FinetuneState) -> None:
        """Show the networks there are."""
        if (state.models, state.persons) == self._shown:
            return
        self._shown = state.models, state.persons
        while (item := self._rows.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.setParent(None)
        for model in state.models:
            self._rows.addWidget(self._make_row(model, list_other_people(model, state)))
        if not state.models:
            empty = QLabel("No network of your own yet.")
            empty.setObjectName("fact")
            self._rows.addWidget(empty)
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
        """Make the row of one network."""
        row, words = QWidget(), QVBoxLayout()
        row.setObjectName("row")
        row.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        name, facts = ElidedLabel("row_name"), ElidedLabel("fact")
        name.show_text(model.name)
        person_label = model.person or "everybody"
        rig = f" before rig {model.rig_id}" if model.rig_id else ""
        facts.show_text(" · ".join(filter(None, (person_label + rig, model.facts))))
        facts.setToolTip(
            f"For {facts.full_text()}. Millimetres are the mean error on clips it never saw, "
            "before and now."
        )
        for label in (name, facts):
            words.addWidget(label)
        line = QHBoxLayout(row)
        line.addLayout(words, 1)
        if model.in_use:
            line.addWidget(_make_chip(person_label), alignment=Qt.AlignmentFlag.AlignVCenter)
        if model.in_use and model.can_roll_back:
            tip = (
                f"Let the network serve {person_label} again that served before. Nothing is "
                "deleted."
            )
            line.addWidget(
                self._make_button("Roll back", RollBackModel(model.person, model.rig_id), tip)
            )
        if not model.in_use:
            use = UseModel(model.name, model.person, model.rig_id)
            line.addWidget(
                self._make_button("Use", use, f"Let it serve {person_label} from now on.")
            )
        if others:
            line.addWidget(self._make_more_button(model.name, others))
        return row

    def _make_button(self, text: str, request: UseModel | RollBackModel, tip: str) -> QPushButton:
        """Make a button that asks for this."""
        button = QPushButton(text)
        button.setToolTip(tip)
        button.clicked.connect(lambda: self.requested.emit(request))
        return button

    def _make_more_button(self, name: str, persons: tuple[str, ...]) -> QPushButton:
        """Make the button that lets a network serve somebody else."""
        button = QPushButton(load_icon("more", PALETTE.muted), "")
        menu = QMenu(self)
        button.setObjectName("flat")
        button.setToolTip("Let it serve somebody else")
        button.setAccessibleName(f"Let {name} serve somebody else")
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
    """Say that a network serves somebody."""
    chip = QLabel("serves")
    chip.setObjectName("chip")
    chip.setToolTip(
        f"Where one camera alone sees {person_label}, this network sees how far away each joint is."
    )
    set_property(chip, "tone", "good")
    return chip
