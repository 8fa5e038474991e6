"""The main window: cameras and calibration on the left, the room on the right, figures below."""

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QMainWindow, QVBoxLayout, QWidget

from app.presenters.window import WindowState
from app.views.calibration_panel import CalibrationPanel
from app.views.camera_grid import CameraGrid
from app.views.room_3d import Room3D
from app.views.status_bar import StatusBar
from app.views.theme import scale_for, stylesheet


class MainWindow(QMainWindow):
    """Draws a window state; it decides nothing.

    Parameters
    ----------
    state
        What to show first.
    """

    def __init__(self, state: WindowState) -> None:
        super().__init__()
        self.setWindowTitle("Epipole")
        self._scale = 0.0
        self._title, self._chip = QLabel(), QLabel()
        self._cameras = CameraGrid(state.room.skeleton)
        self._room = Room3D(state.room)
        self._calibration = CalibrationPanel()
        self._status = StatusBar()
        self._header_row = QHBoxLayout()
        self._header = self._make_header()
        self._left, self._body = QVBoxLayout(), QHBoxLayout()
        self.setCentralWidget(self._make_canvas())
        self.setMinimumSize(960, 540)
        self.resize(1280, 720)
        self.show_state(state)

    def show_state(self, state: WindowState) -> None:
        """Show this state from now on.

        Parameters
        ----------
        state
        """
        self._title.setText(state.title)
        card = state.calibration
        self._chip.setText(card.headline)
        if self._chip.property("tone") != str(card.tone):
            self._chip.setProperty("tone", str(card.tone))
            self._chip.setStyleSheet(self._chip.styleSheet())
        self._cameras.show_cameras(state.cameras)
        self._room.show_room(state.room)
        self._calibration.show_calibration(card)
        self._status.show_status(state.status)

    def room(self) -> Room3D:
        """Return the 3D view, to look from elsewhere."""
        return self._room

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Choose type and spacing for the new size."""
        super().resizeEvent(event)
        scale = scale_for(self.size())
        if abs(scale - self._scale) > 0.02:
            self._scale = scale
            self._apply_scale(scale)

    def _apply_scale(self, scale: float) -> None:
        """Draw everything at this scale."""
        self.setStyleSheet(stylesheet(scale))
        for part in (self._cameras, self._room, self._calibration, self._status):
            part.set_scale(scale)
        gap = round(8 * scale)
        self._header.setFixedHeight(round(48 * scale))
        self._header_row.setContentsMargins(2 * gap, 0, 2 * gap, 0)
        self._header_row.setSpacing(round(14 * scale))
        self._body.setContentsMargins(gap, gap, gap, gap)
        self._body.setSpacing(gap)
        self._left.setSpacing(gap)

    def _make_header(self) -> QWidget:
        """Lay out name, title and verdict."""
        header = QWidget()
        header.setObjectName("header")
        header.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        wordmark = QLabel("Epipole")
        wordmark.setObjectName("wordmark")
        self._title.setObjectName("title")
        self._chip.setObjectName("chip")
        row = self._header_row
        header.setLayout(row)
        row.addWidget(wordmark)
        row.addWidget(self._title)
        row.addStretch(1)
        row.addWidget(self._chip, alignment=Qt.AlignmentFlag.AlignVCenter)
        return header

    def _make_canvas(self) -> QWidget:
        """Lay out the parts on one grid, two fifths and three fifths; the cameras get all height that is left."""
        canvas = QWidget()
        canvas.setObjectName("canvas")
        column = QVBoxLayout(canvas)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self._left.addWidget(self._cameras, 1)
        self._left.addWidget(self._calibration)
        self._body.addLayout(self._left, 2)
        self._body.addWidget(self._room, 3)
        column.addWidget(self._header)
        column.addLayout(self._body, 1)
        column.addWidget(self._status)
        return canvas
