"""The dialogs before a session is tracked again or exported."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QRadioButton,
    QWidget,
)

from app.requests import ExportSession, TrackAgain
from app.views.overlay import Overlay
from app.views.widgets import make_button, make_label

_WIDTH_U = 440
# By its name in the dialog: name of the exporter, and suffix.
FORMATS = {
    "3D joints, metres (*.csv)": ("csv", ".csv"),
    "2D joints, pixels (*.csv)": ("csv2d", ".csv"),
}


class TrackAgainPanel(Overlay):
    """Asks for model and rig, over its page; deleted once it is closed.

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
        Called with the `TrackAgain`.
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
        self._start = make_button("Track again", self._accept, name="main_action")
        self._start.setEnabled(has_rig and bool(models))
        self._fill()
        self.closed.connect(self.deleteLater)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Close on Esc, accept on Enter."""
        if event is None:
            return
        if event.key() == Qt.Key.Key_Escape:
            self.close_card()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._start.isEnabled():
            self._accept()
        else:
            super().keyPressEvent(event)

    def set_rig(self, rig: Path) -> None:
        """Use the rig of this file."""
        self._rig = rig
        self._other.setText(f"Another rig: {rig.name}")
        self._other.setToolTip(str(rig))
        self._other.setChecked(True)
        self._start.setEnabled(self._model.count() > 0)

    def _fill(self) -> None:
        """Lay out the questions."""
        note = "The result is a new session; this one does not change."
        self.column.addWidget(make_label("dialog_note", note, wrap=True))
        self.column.addWidget(make_label("dialog_note", "Model"))
        self.column.addWidget(self._model)
        self.column.addWidget(make_label("dialog_note", "Rig"))
        choice = QButtonGroup(self)
        for button in (self._own, self._other):
            choice.addButton(button)
            self.column.addWidget(button)
        self._other.clicked.connect(self._choose_rig)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(make_button("Cancel", self.close_card, name="action"))
        row.addWidget(self._start)
        self.column.addLayout(row)

    def _choose_rig(self) -> None:
        """Open a dialog to choose a rig file."""
        files = QFileDialog(self, "Choose a rig file", str(self._path.parent), "Rig files (*.toml)")
        files.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        files.setFileMode(QFileDialog.FileMode.ExistingFile)
        files.fileSelected.connect(lambda file: self.set_rig(Path(file)))
        files.rejected.connect(self._keep_own)
        files.open()

    def _keep_own(self) -> None:
        """Go back to the rig of the session if no other was chosen."""
        if self._rig is None and self._own.isEnabled():
            self._own.setChecked(True)

    def _accept(self) -> None:
        """Pass the choice on."""
        self._submit(
            TrackAgain(
                self._path, self._model.currentText(), None if self._own.isChecked() else self._rig
            )
        )
        self.close_card()


def make_export_dialog(
    parent: QWidget, path: Path, submit: Callable[[ExportSession], None]
) -> QFileDialog:
    """Make the dialog for the file and format of an export.

    Parameters
    ----------
    parent
    path
        Of the session.
    submit
        Called with the request.

    Returns
    -------
    dialog
        Not open yet.
    """
    files = QFileDialog(parent, f"Export '{path.name}'", str(path.parent / f"{path.name}.csv"))
    files.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    files.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    files.setNameFilters(list(FORMATS))
    files.setDefaultSuffix("csv")

    def accept(file: str) -> None:
        """Pass the choice on."""
        format_name, suffix = FORMATS.get(files.selectedNameFilter(), ("csv", ".csv"))
        out = Path(file)
        submit(ExportSession(path, format_name, out if out.suffix else out.with_suffix(suffix)))

    files.fileSelected.connect(accept)
    return files
