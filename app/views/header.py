"""The header: page tabs, title, the buttons of a live window, and the calibration verdict."""

from collections.abc import Callable

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtGui import QAction, QActionGroup, QFontMetricsF
from PyQt6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QWidget

from app.presenters.calibration import CalibrationCard
from app.presenters.window import Controls, RecordingPhase
from app.requests import Calibrate, Record, SetCountdown, SetHandsFree, Start, Stop, StopRecording
from app.views.elided_label import ElidedLabel
from app.views.theme import PALETTE, load_icon, make_font, set_property
from app.views.widgets import make_button, make_label

COUNTDOWNS_S = (0, 3, 5, 10)
_MAX_CHIP_U = 200  # width of the verdict


class Header(QWidget):
    """Shows title, controls and verdict; `requested` emits what the user asks for."""

    requested = pyqtSignal(object)
    page_requested = pyqtSignal(str)
    add_requested = pyqtSignal()
    plots_requested = pyqtSignal()
    help_requested = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("header")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._controls: Controls | None = Controls()
        self._scale = 1.0
        self._title, self._chip = ElidedLabel("title"), make_label("chip")
        self._pages: dict[str, QPushButton] = {}
        self._tabs = QHBoxLayout()
        self._add = _make_button("plus", "", "Add a camera (A)", self.add_requested.emit)
        self._plots = _make_button(
            "plots", "", "Plots of the last minute (P)", self.plots_requested.emit
        )
        self._help = _make_button("help", "", "Help (?)", self.help_requested.emit)
        self._start = _make_button(
            "play", "Start", "Start or stop the cameras (Space)", self.request_start_or_stop
        )
        self._calibrate = _make_button(
            "target",
            "Calibrate",
            "Discard the rig and calibrate again (C)",
            self.request_calibration,
        )
        self._record = _make_button(
            "record", "Record", "Start a recording (R)", self.request_recording
        )
        self._record.setObjectName("record")
        self._menu = QMenu(self)
        self._more = _make_button("more", "", "Countdown and hands-free recording", self._open_menu)
        self._hands_free, self._countdowns = self._fill_menu()
        self._buttons = self._list_buttons()
        self._row = self._lay_out()
        self._plots.setCheckable(True)
        self.show_controls(None)

    def _list_buttons(self) -> tuple[QPushButton, ...]:
        """Return the buttons in the order of the row."""
        looking = (self._add, self._plots, self._help)
        return (*looking, self._start, self._calibrate, self._record, self._more)

    def add_page(self, name: str) -> None:
        """Add a tab; a single page shows none."""
        tab = QPushButton(name)
        tab.setObjectName("tab")
        tab.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        tab.clicked.connect(lambda: self.page_requested.emit(name))
        self._pages[name] = tab
        self._tabs.addWidget(tab)
        for button in self._pages.values():
            button.setVisible(len(self._pages) > 1)

    def show_page(self, name: str) -> None:
        """Mark the current page."""
        for page, tab in self._pages.items():
            set_property(tab, "chosen", "yes" if page == name else "no")

    def set_page_note(self, name: str, note: str) -> None:
        """Show a note beside the name of a page; empty for none."""
        self._pages[name].setText(f"{name} · {note}" if note else name)

    def show_title(self, title: str) -> None:
        """Show the title."""
        self._title.show_text(title)

    def _fit_chip(self) -> None:
        """Shorten a long verdict; the panel shows all of it."""
        metrics = QFontMetricsF(make_font(self._scale, 12, bold=True))
        room = _MAX_CHIP_U * self._scale
        self._chip.setText(
            metrics.elidedText(self._chip.toolTip(), Qt.TextElideMode.ElideRight, room)
        )

    def show_verdict(self, card: CalibrationCard) -> None:
        """Show the verdict of the calibration."""
        if self._chip.toolTip() != card.headline or not self._chip.text():
            self._chip.setToolTip(card.headline)
            self._fit_chip()
        set_property(self._chip, "tone", str(card.severity))

    def show_plots_open(self, is_open: bool) -> None:
        """Mark whether the plots are open."""
        self._plots.setChecked(is_open)

    def show_controls(self, controls: Controls | None) -> None:
        """Update the buttons; None hides them."""
        if controls == self._controls:
            return
        self._controls = controls
        for widget in self._buttons:
            widget.setVisible(controls is not None)
        if controls is None:
            return
        self._start.setText("Stop" if controls.running else "Start")
        self._start.setIcon(load_icon("stop" if controls.running else "play"))
        first = controls.can_start and not controls.running
        set_property(self._start, "role", "primary" if first else "")
        if first:
            self._start.setIcon(load_icon("play", PALETTE.ground))
        self._start.setEnabled(controls.running or controls.can_start)
        self._calibrate.setEnabled(controls.can_calibrate)
        self._show_recording(controls)
        self._hands_free.setChecked(controls.hands_free)
        for seconds, action in self._countdowns.items():
            action.setChecked(seconds == controls.countdown_s)

    def set_scale(self, scale: float) -> None:
        """Scale spacing to the window."""
        self._scale = scale
        self._fit_chip()
        self.setFixedHeight(round(48 * scale))
        self._row.setContentsMargins(round(16 * scale), 0, round(16 * scale), 0)
        self._row.setSpacing(round(8 * scale))
        self._tabs.setSpacing(round(2 * scale))
        size = QSize(round(16 * scale), round(16 * scale))
        for button in self._buttons:
            button.setIconSize(size)

    def request_start_or_stop(self) -> None:
        """Request to start or stop the cameras."""
        if self._controls and self._start.isEnabled():
            self.requested.emit(Stop() if self._controls.running else Start())

    def request_calibration(self) -> None:
        """Request a new calibration, where possible."""
        if self._controls and self._controls.can_calibrate:
            self.requested.emit(Calibrate())

    def request_recording(self) -> None:
        """Request to start or stop a recording."""
        if self._controls and self._controls.recording is not RecordingPhase.READY:
            self.requested.emit(StopRecording())
        elif self._controls and self._controls.can_record:
            self.requested.emit(Record())

    def _show_recording(self, controls: Controls) -> None:
        """Update the Record button."""
        ready = controls.recording is RecordingPhase.READY
        self._record.setEnabled(controls.can_record or not ready)
        self._record.setText("Record" if ready else controls.clock)
        self._record.setIcon(
            load_icon("record", PALETTE.bad) if ready else load_icon("stop", "#ffffff")
        )
        set_property(self._record, "phase", str(controls.recording))
        self._record.setToolTip("Start a recording (R)" if ready else "Stop the recording (R)")

    def _open_menu(self) -> None:
        """Open the menu below its button."""
        self._menu.popup(self._more.mapToGlobal(self._more.rect().bottomLeft()))

    def _fill_menu(self) -> tuple[QAction, dict[int, QAction]]:
        """Fill the menu beside Record; return hands-free, and the countdowns by seconds."""
        menu = self._menu
        hands_free = QAction("Raise both hands to start and stop", menu)
        hands_free.setCheckable(True)
        hands_free.triggered.connect(lambda on: self.requested.emit(SetHandsFree(bool(on))))
        menu.addAction(hands_free)
        menu.addSeparator()
        group, countdowns = QActionGroup(menu), {}
        for seconds in COUNTDOWNS_S:
            action = QAction(f"Countdown of {seconds} s" if seconds else "No countdown", menu)
            action.setCheckable(True)
            action.triggered.connect(
                lambda _, seconds=seconds: self.requested.emit(SetCountdown(seconds))
            )
            group.addAction(action)
            menu.addAction(action)
            countdowns[seconds] = action
        return hands_free, countdowns

    def _lay_out(self) -> QHBoxLayout:
        """Lay out everything in a row."""
        row = QHBoxLayout(self)
        row.addWidget(make_label("wordmark", "Epipole"))
        row.addLayout(self._tabs)
        row.addWidget(self._title, 1)
        for widget in self._buttons:
            row.addWidget(widget, alignment=Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._chip, alignment=Qt.AlignmentFlag.AlignVCenter)
        return row


def _make_button(icon: str, text: str, tip: str, press: Callable[[], object]) -> QPushButton:
    """Make a button with an icon; without text it is flat."""
    button = make_button(text, press, name="" if text else "flat", icon=icon, tip=tip)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
