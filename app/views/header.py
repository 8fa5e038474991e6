"""The upper edge: name, pages, what is being looked at, the buttons of a live window, and the verdict."""

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtGui import QAction, QActionGroup, QFontMetricsF
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QWidget

from app.presenters.calibration import CalibrationCard
from app.presenters.window import Controls, RecordingPhase
from app.requests import Calibrate, Record, SetCountdown, SetHandsFree, Start, Stop, StopRecording
from app.views.elided_label import ElidedLabel
from app.views.theme import PALETTE, load_icon, make_font, set_property

COUNTDOWNS_S = (0, 3, 5, 10)
_MAX_CHIP_U = 200  # of words; at most


class Header(QWidget):
    """Shows title, controls and verdict; emits what a person asks for."""

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
        self._title, self._chip = ElidedLabel("title"), QLabel()
        self._chip.setObjectName("chip")
        self._pages: dict[str, QPushButton] = {}
        self._tabs = QHBoxLayout()
        self._add = _make_button("plus", "", "Add a camera (A)")
        self._plots = _make_button("plots", "", "Curves of the last minute (P)")
        self._help = _make_button("help", "", "Help (?)")
        self._start = _make_button("play", "Start", "Start the cameras (Space)")
        self._calibrate = _make_button(
            "target", "Calibrate", "Forget the rig and calibrate anew (C)"
        )
        self._record = _make_button("record", "Record", "Record a take (R)")
        self._record.setObjectName("record")
        self._more = _make_button("more", "", "Countdown and hands-free recording")
        self._hands_free, self._countdowns = self._make_menu()
        self._row = self._lay_out()
        for button, act in (
            (self._start, self.request_start_or_stop), (self._calibrate, self.request_calibration),
            (self._record, self.request_recording), (self._add, self.add_requested.emit),
            (self._plots, self.plots_requested.emit), (self._help, self.help_requested.emit),
        ):  # fmt: skip
            button.clicked.connect(lambda _, act=act: act())
        self._plots.setCheckable(True)
        self.show_controls(None)

    def add_page(self, name: str) -> None:
        """Add a tab; one page alone needs none."""
        tab = QPushButton(name)
        tab.setObjectName("tab")
        tab.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        tab.clicked.connect(lambda: self.page_requested.emit(name))
        self._pages[name] = tab
        self._tabs.addWidget(tab)
        for button in self._pages.values():
            button.setVisible(len(self._pages) > 1)

    def show_page(self, name: str) -> None:
        """Mark the page that is seen."""
        for page, tab in self._pages.items():
            set_property(tab, "chosen", "yes" if page == name else "no")

    def set_page_note(self, name: str, note: str) -> None:
        """Say beside a page's name what goes on there; an empty note says nothing."""
        self._pages[name].setText(f"{name} · {note}" if note else name)

    def show_title(self, title: str) -> None:
        """Say what is being looked at."""
        self._title.show_text(title)

    def _fit_chip(self) -> None:
        """Shorten a long verdict; the panel has it whole."""
        metrics = QFontMetricsF(make_font(self._scale, 12, bold=True))
        room = _MAX_CHIP_U * self._scale
        self._chip.setText(
            metrics.elidedText(self._chip.toolTip(), Qt.TextElideMode.ElideRight, room)
        )

    def show_verdict(self, card: CalibrationCard) -> None:
        """Say in a word how the calibration stands."""
        if self._chip.toolTip() != card.headline or not self._chip.text():
            self._chip.setToolTip(card.headline)
            self._fit_chip()
        set_property(self._chip, "tone", str(card.severity))

    def show_plots_open(self, is_open: bool) -> None:
        """Mark whether the curves are seen."""
        self._plots.setChecked(is_open)

    def show_controls(self, controls: Controls | None) -> None:
        """Show the buttons as they now are; None hides them."""
        if controls == self._controls:
            return
        self._controls = controls
        for widget in (
            self._add,
            self._plots,
            self._help,
            self._start,
            self._calibrate,
            self._record,
            self._more,
        ):
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
        """Space things for this size of window."""
        self._scale = scale
        self._fit_chip()
        self.setFixedHeight(round(48 * scale))
        self._row.setContentsMargins(round(16 * scale), 0, round(16 * scale), 0)
        self._row.setSpacing(round(8 * scale))
        self._tabs.setSpacing(round(2 * scale))
        size = QSize(round(16 * scale), round(16 * scale))
        for button in (
            self._add,
            self._plots,
            self._help,
            self._start,
            self._calibrate,
            self._record,
            self._more,
        ):
            button.setIconSize(size)

    def request_start_or_stop(self) -> None:
        """Ask for the cameras to start, or to stop."""
        if self._controls and self._start.isEnabled():
            self.requested.emit(Stop() if self._controls.running else Start())

    def request_calibration(self) -> None:
        """Ask for a new calibration, where one is possible."""
        if self._controls and self._controls.can_calibrate:
            self.requested.emit(Calibrate())

    def request_recording(self) -> None:
        """Ask for a recording, or for its end."""
        if self._controls and self._controls.recording is not RecordingPhase.READY:
            self.requested.emit(StopRecording())
        elif self._controls and self._controls.can_record:
            self.requested.emit(Record())

    def _show_recording(self, controls: Controls) -> None:
        """Let the Record button say what it does next."""
        ready = controls.recording is RecordingPhase.READY
        self._record.setEnabled(controls.can_record or not ready)
        self._record.setText("Record" if ready else controls.clock)
        self._record.setIcon(
            load_icon("record", PALETTE.bad) if ready else load_icon("stop", "#ffffff")
        )
        set_property(self._record, "phase", str(controls.recording))
        self._record.setToolTip("Record a take (R)" if ready else "End the recording (R)")

    def _make_menu(self) -> tuple[QAction, dict[int, QAction]]:
        """Make the menu beside Record."""
        menu = QMenu(self)
        hands_free = QAction("Raise both hands to start and end", menu)
        hands_free.setCheckable(True)
        hands_free.triggered.connect(lambda on: self.requested.emit(SetHandsFree(bool(on))))
        menu.addAction(hands_free)
        menu.addSeparator()
        group, countdowns = QActionGroup(menu), {}
        for seconds in COUNTDOWNS_S:
            action = QAction(f"Count down {seconds} s" if seconds else "No countdown", menu)
            action.setCheckable(True)
            action.triggered.connect(
                lambda _, seconds=seconds: self.requested.emit(SetCountdown(seconds))
            )
            group.addAction(action)
            menu.addAction(action)
            countdowns[seconds] = action
        self._more.clicked.connect(
            lambda: menu.popup(self._more.mapToGlobal(self._more.rect().bottomLeft()))
        )
        return hands_free, countdowns

    def _lay_out(self) -> QHBoxLayout:
        """Put everything in a row."""
        row = QHBoxLayout(self)
        wordmark = QLabel("Epipole")
        wordmark.setObjectName("wordmark")
        row.addWidget(wordmark)
        row.addLayout(self._tabs)
        row.addWidget(self._title, 1)
        for widget in (
            self._add,
            self._plots,
            self._help,
            self._start,
            self._calibrate,
            self._record,
            self._more,
        ):
            row.addWidget(widget, alignment=Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._chip, alignment=Qt.AlignmentFlag.AlignVCenter)
        return row


def _make_button(name: str, text: str, tip: str) -> QPushButton:
    """Make a button with an icon; without words it is a flat one."""
    button = QPushButton(load_icon(name), text)
    button.setObjectName("" if text else "flat")
    button.setToolTip(tip)
    button.setAccessibleName(text or tip)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
