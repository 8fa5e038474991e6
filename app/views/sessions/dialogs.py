"""What a person is asked before a session is tracked again or exported."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QRadioButton,
    QWidget,
)

from app.requests import ExportSession, TrackAgain
from app.views.overlay import Overlay

_WIDTH_U = 440
# What can be written, as a person chooses it, and its name among the exporters.
FORMATS = {
    "Joints in the room, metres (*.csv)": ("csv", ".csv"),
    "Joints in the images, pixels (*.csv)": ("csv2d", ".csv"),
}


class TrackAgainPanel(Overlay):
    """Asks for model and rig, over its page; it is gone once it was answered or closed.

    Parameters
    ----------
    parent
        The page.
    path
        Of the session.
    models
        To choose from.
    has_rig
        Whether the session has a rig of its own.
    submit
        Gets the `TrackAgain` once the person has decided.
    """

    def __init__(
        self,
        parent: QWidget,
        path: Path,
        models: Sequence[str],
        *,
        has_rig: bool,
        submit: Callable[[TrackAgain], None],
    ) -> None:
        super().__init__(parent, f"Track '{path.name}' again", _WIDTH_U)
        self._path, self._submit = path, submit
        self._rig: Path | None = None
        self._model = QComboBox()
        self._model.addItems(list(models))
        self._own = QRadioButton("The rig of this session")
        self._other = QRadioButton("Another rig file …")
        self._own.setEnabled(has_rig)
        self._own.setChecked(has_rig)
        self._start = _make_button("Track again", "main_action", self._accept)
        self._start.setEnabled(has_rig and bool(models))
        self._fill()
        self.closed.connect(self.deleteLater)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Close on Esc, decide on Enter."""
        if event is None:
            return
        if event.key() == Qt.Key.Key_Escape:
            self.close_card()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._start.isEnabled():
            self._accept()
        else:
            super().keyPressEvent(event)

    def set_rig(self, rig: Path) -> None:
        """Take this file's rig."""
        self._rig = rig
        self._other.setText(f"Another rig: {rig.name}")
        self._other.setToolTip(str(rig))
        self._other.setChecked(True)
        self._start.setEnabled(self._model.count() > 0)

    def _fill(self) -> None:
        """Lay out the questions."""
        self.column.addWidget(
            _make_label(
                "dialog_note", "A new session is made beside this one, which stays as it is."
            )
        )
        self.column.addWidget(_make_label("dialog_note", "Model"))
        self.column.addWidget(self._model)
        self.column.addWidget(_make_label("dialog_note", "Where the cameras stand"))
        choice = QButtonGroup(self)
        for button in (self._own, self._other):
            choice.addButton(button)
            self.column.addWidget(button)
        self._other.clicked.connect(self._choose_rig)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(_make_button("Cancel", "action", self.close_card))
        row.addWidget(self._start)
        self.column.addLayout(row)

    def _choose_rig(self) -> None:
        """Let the person choose a rig file."""
        files = QFileDialog(self, "A rig file", str(self._path.parent), "Rig files (*.toml)")
        files.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        files.setFileMode(QFileDialog.FileMode.ExistingFile)
        files.fileSelected.connect(lambda file: self.set_rig(Path(file)))
        files.rejected.connect(self._keep_own)
        files.open()

    def _keep_own(self) -> None:
        """Go back to the session's rig where no other was chosen."""
        if self._rig is None and self._own.isEnabled():
            self._own.setChecked(True)

    def _accept(self) -> None:
        """Hand the choice on."""
        self._submit(
            TrackAgain(
                self._path, self._model.currentText(), None if self._own.isChecked() else self._rig
            )
        )
        self.close_card()


def make_export_dialog(
    parent: QWidget, path: Path, submit: Callable[[ExportSession], None]
) -> QFileDialog:
    """Let a person choose where a session's poses are written, and in which format.

    Parameters
    ----------
    parent
    path
        Of the session.
    submit
        Gets the request once the person has decided.

    Returns
    -------
    dialog
        To be opened.
    """
    files = QFileDialog(parent, f"Export '{path.name}'", str(path.parent / f"{path.name}.csv"))
    files.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    files.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    files.setNameFilters(list(FORMATS))
    files.setDefaultSuffix("csv")

    def accept(file: str) -> None:
        """Hand the choice on."""
        format_name, suffix = FORMATS.get(files.selectedNameFilter(), ("csv", ".csv"))
        out = Path(file)
        submit(ExportSession(path, format_name, out if out.suffix else out.with_suffix(suffix)))

    files.fileSelected.connect(accept)
    return files


def _make_label(name: str, text: str) -> QLabel:
    """Make a label that the style sheet knows by name."""
    label = QLabel(text)
    label.setObjectName(name)
    label.setWordWrap(True)
    return label


def _make_button(text: str, name: str, press: Callable[[], object]) -> QPushButton:
    """Make a button that the style sheet knows by name."""
    button = QPushButton(text)
    button.setObjectName(name)
    button.clicked.connect(lambda: press())
    return button
