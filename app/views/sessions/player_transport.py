"""The controls of the player: timeline, steps, play and pause, speed, and position."""

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.presenters.player import PlayerState, format_clock
from app.presenters.transport import SPEEDS
from app.views.sessions.player_timeline import PlayerTimeline
from app.views.theme import PALETTE, load_icon
from app.views.widgets import make_label

_SPEED_LABELS = {0.5: "½×", 1.0: "1×", 2.0: "2×"}
_FEW_SHARE = 0.6  # share of the joints
_STEP_ICON_U = 20
_PLAY_U = 40
_PLAY_ICON_U = 22


class PlayerTransport(QWidget):
    """Draws the controls and emits what was pressed, for `PlayerPage`."""

    seek_requested = pyqtSignal(int)
    stepped = pyqtSignal(int)
    toggled = pyqtSignal()
    went_to_start = pyqtSignal()
    went_to_end = pyqtSignal()
    speed_chosen = pyqtSignal(float)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("transport")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.timeline = PlayerTimeline()
        self.timeline.seek_requested.connect(self.seek_requested)
        self._steps: list[QToolButton] = []
        self._speeds: list[QPushButton] = []
        self._play = QToolButton()
        self._clock, self._total, self._frame = (
            make_label(name) for name in ("clock", "clock_total", "frame_number")
        )
        self._legend = make_label("legend")
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self._column, self._row = QVBoxLayout(self), QHBoxLayout()
        self._column.addWidget(self.timeline)
        self._column.addLayout(self._row)
        self._fill_row()
        self.show_playing(playing=False)

    def show_state(self, state: PlayerState) -> None:
        """Show position and legend."""
        session = state.session
        self.setEnabled(session is not None)
        self.timeline.show_session(session)
        self._clock.setText(state.clock)
        self._frame.setText(state.frame)
        self._total.setText(
            f"/ {format_clock(float(session.time_s[-1]))}" if session is not None else ""
        )
        self._legend.setText(_format_legend(state))

    def show_playing(self, *, playing: bool) -> None:
        """Show a pause icon while playing."""
        self._play.setIcon(load_icon("pause" if playing else "play", PALETTE.ground))
        self._play.setToolTip("Pause (Space)" if playing else "Play (Space)")

    def show_speed(self, speed: float) -> None:
        """Mark a speed as chosen."""
        for button, value in zip(self._speeds, SPEEDS):
            button.setChecked(value == speed)

    def set_scale(self, scale: float) -> None:
        """Scale spacing to the window."""
        self.timeline.set_scale(scale)
        edge = round(10 * scale)
        self._column.setContentsMargins(edge, round(6 * scale), edge, edge)
        self._column.setSpacing(round(4 * scale))
        self._row.setSpacing(round(5 * scale))
        for button in self._steps:
            button.setIconSize(QSize(round(_STEP_ICON_U * scale), round(_STEP_ICON_U * scale)))
        self._play.setFixedSize(round(_PLAY_U * scale), round(_PLAY_U * scale))
        self._play.setIconSize(QSize(round(_PLAY_ICON_U * scale), round(_PLAY_ICON_U * scale)))

    def _fill_row(self) -> None:
        """Lay out the buttons."""
        self._add_step("to_start", "To the start (Home)", self.went_to_start.emit)
        self._add_step(
            "step_back", "One frame back (←), one second with Shift", lambda: self.stepped.emit(-1)
        )
        self._play.setObjectName("play")
        self._play.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._play.setAccessibleName("Play or pause")
        self._play.clicked.connect(self.toggled)
        self._row.addWidget(self._play)
        self._add_step(
            "step_on", "One frame forward (→), one second with Shift", lambda: self.stepped.emit(1)
        )
        self._add_step("to_end", "To the end (End)", self.went_to_end.emit)
        self._row.addSpacing(8)
        for label in (self._clock, self._total):
            self._row.addWidget(label, alignment=Qt.AlignmentFlag.AlignVCenter)
        self._row.addSpacing(16)
        self._row.addWidget(self._frame)
        self._row.addStretch(1)
        self._row.addWidget(self._legend)
        self._row.addSpacing(12)
        group = QButtonGroup(self)
        for speed in SPEEDS:
            self._speeds.append(self._make_speed_button(speed))
            group.addButton(self._speeds[-1])
            self._row.addWidget(self._speeds[-1])
        self.show_speed(1.0)

    def _add_step(self, name: str, tip: str, press) -> None:
        """Add a small button with an icon."""
        button = QToolButton()
        button.setObjectName("step")
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setIcon(load_icon(name))
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setAutoRepeat(name.startswith("step"))
        button.clicked.connect(press)
        self._steps.append(button)
        self._row.addWidget(button)

    def _make_speed_button(self, speed: float) -> QPushButton:
        """Make a button for a speed."""
        button = QPushButton(_SPEED_LABELS[speed])
        button.setObjectName("speed")
        button.setCheckable(True)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setToolTip("Real time" if speed == 1 else f"{_SPEED_LABELS[speed]} real time")
        button.clicked.connect(lambda: self.speed_chosen.emit(speed))
        return button


def _format_legend(state: PlayerState) -> str:
    """Explain the colours of the timeline that occur."""
    session = state.session
    if session is None or not session.count:
        return ""
    parts = []
    if session.can_export:
        parts.append(f"<span style='color:{PALETTE.good}'>■</span> joints found")
        if (session.joints_found < _FEW_SHARE).any():
            parts.append(f"<span style='color:{PALETTE.bad}'>■</span> few or none")
    else:
        parts.append("not tracked yet")
    if (session.missing > 0).any():
        parts.append(f"<span style='color:{PALETTE.care}'>■</span> an image is missing")
    return "&nbsp;&nbsp; ".join(parts)
