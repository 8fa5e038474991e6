"""The main window: cameras and calibration on the left, the room on the right, status below."""

from collections.abc import Callable, Sequence

from PyQt6.QtCore import QRect, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QCloseEvent, QKeySequence, QResizeEvent, QShortcut
from PyQt6.QtWidgets import QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from app.presenters.plots import PlotsCard
from app.presenters.window import WindowState
from app.requests import ScanCameras
from app.views.header import Header
from app.views.help_overlay import HelpOverlay
from app.views.live.add_camera import AddCameraPanel
from app.views.live.calibration_panel import CalibrationPanel
from app.views.live.camera_grid import CameraGrid
from app.views.live.camera_settings import CameraSettingsPanel
from app.views.live.plots import PlotsDrawer
from app.views.live.recording_indicators import RecordingIndicators
from app.views.live.status_bar import StatusBar
from app.views.notice_bar import NoticeBar
from app.views.overlay import Overlay
from app.views.room.room_3d import Room3D
from app.views.theme import build_stylesheet, choose_scale

LIVE = "Live"
MIN_SIZE_WH, DESIGN_SIZE_WH = (960, 540), (1280, 720)
_MIN_HEIGHT_FOR_WORDS_U = 660  # with plots open
_MAX_SMALL_SCREEN_WH = (1366, 768)  # on a screen up to this size the window is maximised


class MainWindow(QMainWindow):
    """Draws a window state and emits what the user asks for; it decides nothing.

    Parameters
    ----------
    state
        What to show first.
    """

    requested = pyqtSignal(object)
    closing = pyqtSignal()
    page_changed = pyqtSignal(str)

    def __init__(self, state: WindowState) -> None:
        super().__init__()
        self.setWindowTitle("Epipole")
        self._scale, self._state = 0.0, state
        self._header = Header()
        self._notice = NoticeBar()
        self._status = StatusBar()
        self._cameras = CameraGrid(state.room.skeleton)
        self._room = Room3D(state.room)
        self._calibration = CalibrationPanel()
        self._plots = PlotsDrawer()
        self._left = QWidget()
        self._body = QHBoxLayout()
        self._page = QVBoxLayout()
        self._left_column = QVBoxLayout(self._left)
        self._pages, self._names = QStackedWidget(), [LIVE]
        canvas = self._make_canvas()
        self.setCentralWidget(canvas)
        self._recording_indicators = RecordingIndicators(canvas)
        self._add = AddCameraPanel(canvas)
        self._settings = CameraSettingsPanel(canvas)
        self._help = HelpOverlay(canvas)
        self._header.add_page(LIVE)
        self._shortcuts = self._make_shortcuts()
        self._connect()
        self.setMinimumSize(*MIN_SIZE_WH)
        self.resize(*DESIGN_SIZE_WH)
        self.show_page(LIVE)
        self.show_state(state)
        canvas.setFocus()

    def place(self, remembered: tuple[int, ...], screens: Sequence[QRect]) -> None:
        """Choose size and position before the window is shown; see `choose_geometry`.

        Parameters
        ----------
        remembered
            Position and size of the last time; empty for none.
        screens
            Their available areas, the primary one first.
        """
        geometry, maximised = choose_geometry(remembered, screens)
        if geometry is not None:
            self.setGeometry(geometry)
        if maximised:
            self.setWindowState(Qt.WindowState.WindowMaximized)

    def show_state(self, state: WindowState) -> None:
        """Show this state; what has not changed is not redrawn."""
        self._state = state
        self._header.show_title(state.title)
        self._header.show_verdict(state.calibration)
        self._header.show_controls(state.controls)
        self._notice.show_notice(state.notice)
        self._cameras.set_live(state.controls is not None)
        self._cameras.show_cameras(state.cameras)
        self._room.show_room(state.room)
        self._calibration.show_calibration(state.calibration)
        self._calibration.show_controls(state.controls)
        self._status.show_status(state.status)
        self._status.show_job(state.job)
        self._recording_indicators.show_controls(state.controls)
        self._show_panels(state)

    def show_plots(self, card: PlotsCard) -> None:
        """Show these plots, if the drawer is open."""
        self._plots.show_plots(card)

    def is_showing_plots(self) -> bool:
        """Return whether the plots are open, so that they are only computed if needed."""
        return self._plots.isVisible()

    def room(self) -> Room3D:
        """Return the 3D view, to change its viewpoint."""
        return self._room

    def add_page(self, name: str, page: QWidget) -> None:
        """Add a page with a tab in the header.

        Parameters
        ----------
        name
            On its tab.
        page
            Owned by the window from now on; its ``set_scale(scale)``, if it has one, follows the
            size of the window.
        """
        self._names.append(name)
        self._pages.addWidget(page)
        self._header.add_page(name)
        self._scale_page(page)

    def show_page(self, name: str) -> None:
        """Show the page of this name."""
        self._pages.setCurrentIndex(self._names.index(name))
        self._header.show_page(name)
        for shortcut in self._shortcuts:
            shortcut.setEnabled(name == LIVE)
        self.page_changed.emit(name)

    def set_page_note(self, name: str, note: str) -> None:
        """Show a note on the tab of a page; empty for none."""
        self._header.set_page_note(name, note)

    def page(self) -> str:
        """Return the name of the current page."""
        return self._names[self._pages.currentIndex()]

    def open_add_camera(self) -> None:
        """Open the panel that adds cameras, and scan for them again."""
        if self._state.controls is not None:
            self._add.open_card()
            self.requested.emit(ScanCameras())

    def open_settings(self, name: str) -> None:
        """Open the settings of a camera, if it has any."""
        for settings in self._state.settings:
            if settings.name == name:
                self._settings.show_settings(settings)
                self._settings.open_card()

    def open_help(self) -> None:
        """Open or close the help."""
        if self._help.isVisible():
            self._help.close_card()
        else:
            self._help.open_card()

    def toggle_plots(self) -> None:
        """Open or close the drawer of plots."""
        self._plots.setVisible(not self._plots.isVisible())
        self._share_height()
        self._header.show_plots_open(self._plots.isVisible())

    def toggle_room(self) -> None:
        """Show only the room, or everything again."""
        self._left.setVisible(not self._left.isVisible())

    def close_topmost(self) -> None:
        """Close the topmost panel, else an enlarged camera, else the room alone."""
        for overlay in self._list_overlays():
            if overlay.isVisible():
                overlay.close_card()
                return
        if self._cameras.enlarged_camera():
            self._cameras.enlarge(None)
        elif not self._left.isVisible():
            self.toggle_room()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Scale type and spacing to the new size."""
        super().resizeEvent(event)
        scale = choose_scale(self.size())
        if abs(scale - self._scale) > 0.02:
            self._scale = scale
            self._apply_scale(scale)
        self._share_height()
        self._recording_indicators.place(self._scale)

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Emit `closing`, so that its source of states can stop."""
        self.closing.emit()
        super().closeEvent(event)

    def _show_panels(self, state: WindowState) -> None:
        """Update the open panels."""
        if self._add.isVisible():
            self._add.show_devices(state.devices)
        if self._settings.isVisible():
            known = {settings.name: settings for settings in state.settings}
            shown = known.get(self._settings.name() or "")
            if shown:
                self._settings.show_settings(shown)
            else:
                self._settings.close_card()

    def _list_overlays(self) -> tuple[Overlay, ...]:
        """Return the panels over the window."""
        return self._help, self._add, self._settings

    def _connect(self) -> None:
        """Connect the requests of the parts to those of the window."""
        for part in (
            self._header,
            self._notice,
            self._cameras,
            self._calibration,
            self._add,
            self._settings,
        ):
            part.requested.connect(self.requested)
        self._header.page_requested.connect(self.show_page)
        self._header.add_requested.connect(self.open_add_camera)
        self._header.plots_requested.connect(self.toggle_plots)
        self._header.help_requested.connect(self.open_help)
        self._cameras.add_requested.connect(self.open_add_camera)
        self._cameras.settings_requested.connect(self.open_settings)

    def _make_shortcuts(self) -> list[QShortcut]:
        """Make the keys of the live page; a text field with focus keeps its letters."""
        acts: dict[str, Callable[[], None]] = {
            "Space": self._header.request_start_or_stop,
            "C": self._header.request_calibration,
            "R": self._header.request_recording,
            "A": self.open_add_camera,
            "F": self.toggle_room,
            "P": self.toggle_plots,
            "?": self.open_help,
            "F1": self.open_help,
            "Esc": self.close_topmost,
        }
        for number in range(9):
            acts[str(number + 1)] = lambda number=number: self._cameras.enlarge_number(number)
        shortcuts = []
        for key, act in acts.items():
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setAutoRepeat(False)
            shortcut.activated.connect(act)
            shortcuts.append(shortcut)
        return shortcuts

    def _apply_scale(self, scale: float) -> None:
        """Apply this scale to everything."""
        self.setStyleSheet(build_stylesheet(scale))
        gap = round(8 * scale)
        self._body.setSpacing(gap)
        self._left_column.setSpacing(gap)
        self._page.setContentsMargins(gap, gap, gap, gap)
        self._page.setSpacing(gap)
        parts = (
            self._header,
            self._notice,
            self._cameras,
            self._room,
            self._calibration,
            self._plots,
            self._status,
        )
        for part in (*parts, *self._list_overlays()):
            part.set_scale(scale)
        for index in range(1, self._pages.count()):
            self._scale_page(self._pages.widget(index))

    def _share_height(self) -> None:
        """Share the height between plots and calibration: a low window has no room for all."""
        self._plots.limit_height(self.height())
        has_plots = not self._plots.isHidden()
        has_room = self.height() >= _MIN_HEIGHT_FOR_WORDS_U * self._scale
        # at 1280x720 there is no room for both plots and table
        self._calibration.show_details(table=not has_plots, words=has_room or not has_plots)

    def _scale_page(self, page: QWidget | None) -> None:
        """Scale a page, if it can be scaled."""
        set_scale = getattr(page, "set_scale", None)
        if set_scale and self._scale:
            set_scale(self._scale)

    def _make_canvas(self) -> QWidget:
        """Lay out the parts, 2 : 3 in width; the cameras get the height that is left."""
        canvas, live = QWidget(), QWidget()
        canvas.setObjectName("canvas")
        column = QVBoxLayout(canvas)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self._left_column.setContentsMargins(0, 0, 0, 0)
        self._left_column.addWidget(self._cameras, 1)
        self._left_column.addWidget(self._calibration)
        self._body.addWidget(self._left, 2)
        self._body.addWidget(self._room, 3)
        live.setLayout(self._page)
        self._page.addLayout(self._body, 1)
        self._page.addWidget(self._plots)
        self._pages.addWidget(live)
        for part in (self._header, self._notice):
            column.addWidget(part)
        column.addWidget(self._pages, 1)
        column.addWidget(self._status)
        canvas.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        canvas.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        return canvas


def choose_geometry(
    remembered: tuple[int, ...], screens: Sequence[QRect]
) -> tuple[QRect | None, bool]:
    """Choose where the window opens: as before, or as large as is useful on its screen.

    Parameters
    ----------
    remembered
        x, y, width, height of the last time; empty for none.
    screens
        Available areas, the primary one first.

    Returns
    -------
    geometry
        None leaves it to the window system: no screen has room for the window.
    maximised
        True on a small screen. The geometry is then the whole screen, because without a window
        manager nothing else would maximise it.
    """
    before = QRect(*remembered) if len(remembered) == 4 else QRect()
    screen = next((area for area in screens if area.contains(before.center())), None)
    if screen is None:
        before, screen = QRect(), screens[0] if screens else QRect()
    if screen.width() < MIN_SIZE_WH[0] or screen.height() < MIN_SIZE_WH[1]:
        return None if before.isEmpty() else before, False
    if screen.width() <= _MAX_SMALL_SCREEN_WH[0] or screen.height() <= _MAX_SMALL_SCREEN_WH[1]:
        return screen, True
    if not before.isEmpty():
        return before, False
    design = QRect(screen.topLeft(), QSize(*DESIGN_SIZE_WH))
    design.moveCenter(screen.center())
    return design, False
