"""The calibration panel: verdict, uncertainties of each camera, and what to do."""

from pathlib import Path

from PyQt6.QtCore import QEvent, QObject, QSize, Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.presenters.calibration import CalibrationCard, CameraRow
from app.presenters.window import Controls
from app.requests import Calibrate, CompareRig, OpenRig, SaveRig
from app.views.elided_label import ElidedLabel
from app.views.person_field import PersonField
from app.views.stature_field import StatureField
from app.views.theme import load_icon, set_property
from app.views.widgets import make_label

_COLUMNS = ("Camera", "Direction", "Position", "Lens", "Error")
_RIG_FILES = "Rig (*.toml)"
_MIN_TABLE_U = 52  # height of the column names and two cameras


class CalibrationPanel(QWidget):
    """Shows a calibration card; only changes are redrawn."""

    requested = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._card: CalibrationCard | None = None
        self._controls: Controls | None = None
        self._headline, self._message, self._next = (
            make_label(name, wrap=True) for name in ("headline", "message", "next")
        )
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.hide()
        self._table, self._facts = _UncertaintyTable(), QHBoxLayout()
        self._with_table = self._with_words = True
        self._pairs: list[tuple[QLabel, QLabel]] = []
        self._person, self._stature = PersonField(), StatureField()
        for field in (self._person, self._stature):
            field.requested.connect(self.requested)
        self._recalibrate = QPushButton(load_icon("target"), "Calibrate again")
        self._recalibrate.clicked.connect(lambda: self.requested.emit(Calibrate()))
        self._rig, self.rig_menu = QPushButton("Rig…"), QMenu(self)
        self._save = self._make_rig_menu()
        self._actions = self._make_actions()
        self._layout = QVBoxLayout(self)
        for part in (self._headline, self._bar, self._message):
            self._layout.addWidget(part)
        self._layout.addWidget(self._table)
        self._layout.addLayout(self._facts)
        self._layout.addStretch(1)
        self._layout.addWidget(self._next)
        self._layout.addWidget(self._actions)

    def show_calibration(self, card: CalibrationCard) -> None:
        """Show this card."""
        before, self._card = self._card, card
        if card == before:
            return
        _set_label(self._headline, card.headline, card.severity)
        _set_label(self._message, card.message)
        _set_label(self._next, card.next_step)
        self._show_words(card)
        self._bar.setVisible(card.coaching is not None and bool(card.coaching.grids))
        self._bar.setValue(round(100 * card.coaching.progress) if card.coaching else 0)
        if before is None or before.rows != card.rows:
            self._table.show_rows(card.rows if self._with_table else ())
        self._save.setEnabled(bool(card.rig_source))
        self._rig.setToolTip(
            f"In use: {card.rig_source}" if card.rig_source else "Open, save or compare a rig"
        )

    def show_details(self, *, table: bool, words: bool) -> None:
        """Show or hide the table of uncertainties, and the words below the verdict."""
        self._with_table, self._with_words = table, words
        self._table.show_rows(self._card.rows if self._card and table else ())
        if self._card is not None:
            self._show_words(self._card)

    def show_controls(self, controls: Controls | None) -> None:
        """Update fields and buttons; None hides them."""
        if controls == self._controls:
            return
        self._controls = controls
        self._actions.setVisible(controls is not None)
        if controls:
            self._recalibrate.setEnabled(controls.can_calibrate)
            self._person.show_person(controls.person)
            self._stature.show_stature(controls.stature_m)

    def set_scale(self, scale: float) -> None:
        """Scale spacing to the window."""
        edge = round(14 * scale)
        self._layout.setContentsMargins(edge, round(12 * scale), edge, round(12 * scale))
        self._layout.setSpacing(round(8 * scale))
        self._table.set_scale(scale)
        self._facts.setSpacing(round(10 * scale))
        self._bar.setFixedHeight(round(6 * scale))
        self._recalibrate.setIconSize(QSize(round(15 * scale), round(15 * scale)))
        row = self._actions.layout()
        if row:
            row.setSpacing(round(8 * scale))
        for field in (self._person, self._stature):
            field.set_scale(scale)

    def ask_for_file(
        self, request_type: type[OpenRig] | type[SaveRig] | type[CompareRig]
    ) -> QFileDialog:
        """Open a dialog to choose a rig file, and emit the request for it.

        Returns
        -------
        dialog
            Already open, not modal.
        """
        saves = request_type is SaveRig
        title = {OpenRig: "Open a rig", SaveRig: "Save the rig", CompareRig: "Compare with a rig"}[
            request_type
        ]
        dialog = QFileDialog(self, title, "rig.toml" if saves else "", _RIG_FILES)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(
            QFileDialog.AcceptMode.AcceptSave if saves else QFileDialog.AcceptMode.AcceptOpen
        )
        dialog.setFileMode(
            QFileDialog.FileMode.AnyFile if saves else QFileDialog.FileMode.ExistingFile
        )
        dialog.setDefaultSuffix("toml")
        dialog.fileSelected.connect(lambda path: self.requested.emit(request_type(Path(path))))
        dialog.open()
        return dialog

    def _show_words(self, card: CalibrationCard) -> None:
        """Show message and facts, or only what to do where there is no room for more."""
        with_message = bool(card.message) and (self._with_words or not card.next_step)
        self._message.setVisible(with_message)
        self._headline.setToolTip("" if with_message else card.message)
        self._next.setVisible(bool(card.next_step))
        self._show_facts(card.facts if self._with_words else ())

    def _show_facts(self, facts: tuple[tuple[str, str], ...]) -> None:
        """Fill labels and values side by side; their widgets are made once."""
        while len(self._pairs) < len(facts):
            column = QVBoxLayout()
            pair = (make_label("fact"), make_label("figure"))
            column.setSpacing(0)
            for part in pair:
                column.addWidget(part)
            self._facts.addLayout(column, 1)
            self._pairs.append(pair)
        for index, pair in enumerate(self._pairs):
            for part, text in zip(pair, facts[index] if index < len(facts) else ("", "")):
                part.setVisible(index < len(facts))
                _set_label(part, text)

    def _make_rig_menu(self):
        """Make the menu for rig files; return the action that saves."""
        self._rig.clicked.connect(
            lambda: self.rig_menu.popup(self._rig.mapToGlobal(self._rig.rect().bottomLeft()))
        )
        actions = {}
        for text, act in (
            ("Open a rig…", OpenRig),
            ("Save this rig…", SaveRig),
            ("Compare with a rig…", CompareRig),
        ):
            action = self.rig_menu.addAction(text)
            if action is not None:
                action.triggered.connect(lambda _, act=act: self.ask_for_file(act))
                actions[act] = action
        return actions[SaveRig]

    def _make_actions(self) -> QWidget:
        """Lay out fields and buttons in a row."""
        actions = QWidget()
        row = QHBoxLayout(actions)
        row.setContentsMargins(0, 0, 0, 0)
        for field in (self._person, self._stature):
            row.addWidget(field)
        row.addStretch(1)
        for button in (self._recalibrate, self._rig):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            row.addWidget(button)
        actions.hide()
        return actions


class _UncertaintyTable(QScrollArea):
    """The uncertainties of each camera; scrolls where the window has no room for all rows."""

    def __init__(self) -> None:
        super().__init__()
        content = QWidget()
        content.setObjectName("rows")
        self._grid = QGridLayout(content)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._rows: list[list[QLabel]] = []
        self._scale = 1.0
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.hide()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follow the height of the rows."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def sizeHint(self) -> QSize:
        """Prefer the height of all rows."""
        return QSize(0, self._grid.sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Require room for a few rows only."""
        return QSize(0, min(self.sizeHint().height(), round(_MIN_TABLE_U * self._scale)))

    def set_scale(self, scale: float) -> None:
        """Scale spacing to the window."""
        self._scale = scale
        self._grid.setHorizontalSpacing(round(10 * scale))
        self._grid.setVerticalSpacing(round(2 * scale))
        self.updateGeometry()

    def show_rows(self, rows: tuple[CameraRow, ...]) -> None:
        """Show a row per camera; labels are made once."""
        line_count = len(rows) + 1 if rows else 0
        while len(self._rows) < line_count:
            line = [
                ElidedLabel("cell") if column == 0 else make_label("cell")
                for column in range(len(_COLUMNS))
            ]
            for column, cell in enumerate(line):
                cell.setObjectName("cell" if self._rows else "column")
                self._grid.addWidget(cell, len(self._rows), column)
                self._grid.setColumnStretch(column, 1)
            self._rows.append(line)
        texts = [
            _COLUMNS,
            *((row.name, row.direction, row.position, row.lens, row.error) for row in rows),
        ]
        severities = ["neutral", *(str(row.severity) for row in rows)]
        for index, line in enumerate(self._rows):
            for column, cell in enumerate(line):
                cell.setVisible(index < line_count)
                if index < line_count and isinstance(cell, ElidedLabel):
                    cell.show_text(texts[index][column])
                elif index < line_count:
                    _set_label(cell, texts[index][column], severities[index])
        self.setVisible(bool(rows))
        self.updateGeometry()


def _set_label(label: QLabel, text: str, severity: str = "neutral") -> None:
    """Change the text and tone of a label, where they are new."""
    if label.text() != text:
        label.setText(text)
    set_property(label, "tone", str(severity))
