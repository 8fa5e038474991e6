"""The player's page: synchronized videos with their skeletons, the room in 3D, and a time line to scrub."""

import time
from collections.abc import Callable

from PyQt6.QtCore import QSize, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from app.presenters.player import PlayerSession, PlayerState
from app.presenters.transport import Transport
from app.requests import ShowFolder, ShowSessions
from app.views.live.camera_grid import CameraGrid
from app.views.room.room_3d import Room3D
from app.views.sessions.dialogs import TrackAgainPanel, make_export_dialog
from app.views.sessions.player_transport import PlayerTransport
from app.views.sessions.style import build_sessions_stylesheet
from app.views.theme import PALETTE, choose_scale, load_icon

_TICK_MS = 8
_ICON_U = 16


class PlayerPage(QWidget):
    """Draws player states, says which instant it wants (`seek_requested`) and what a person asks
    for (`requested`).

    It decodes nothing: while it plays it only says where it should be by now, so that slow decoding
    leaves instants out and never holds up the window.

    Parameters
    ----------
    clock
        Seconds that only rise; for tests.
    standalone
        True where there is no list of sessions to go back to.
    """

    requested = pyqtSignal(object)
    seek_requested = pyqtSignal(int)

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, standalone: bool = False
    ) -> None:
        super().__init__()
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._clock, self._scale = clock, 0.0
        self._session: PlayerSession | None = None
        self._transport = Transport()
        self._cameras: CameraGrid | None = None
        self._room: Room3D | None = None
        self._title, self._facts, self._remark = (
            _make_label(n) for n in ("page_title", "page_facts", "page_remark")
        )
        self._message = _make_label("page_message")
        self._message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._message.setWordWrap(True)
        self._back = _make_button(
            "Sessions", "flat", "back", lambda: self.requested.emit(ShowSessions())
        )
        self._back.setVisible(not standalone)
        self._buttons = (
            _make_button("Show folder", "action", "folder", self._show_folder),
            _make_button("Track again …", "action", "retry", self.track_again),
            _make_button("Export …", "action", "export", self.export),
        )
        self._controls = PlayerTransport()
        self._keys: list[QShortcut] = []
        self._head_row, self._body = QHBoxLayout(), QHBoxLayout()
        self._stack = QStackedWidget()
        self._lay_out()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._connect()
        self.show_moment(PlayerState())

    def show_moment(self, state: PlayerState) -> None:
        """Show this state from now on."""
        if state.session is not self._session:
            self._show_session(state.session)
        self._message.setText(state.message)
        self._message.setProperty("tone", str(state.severity))
        self._stack.setCurrentIndex(0 if state.session is None else 1)
        if state.room is not None and self._cameras is not None and self._room is not None:
            self._cameras.show_cameras(state.cameras)
            self._room.show_room(state.room)
        elif state.room is not None and state.session is not None:
            self._make_pictures(state)
        self._controls.show_state(state)

    def show_activity(self, text: str) -> None:
        """Say how work in the background goes, in place of the session's facts.

        Parameters
        ----------
        text
            Empty shows the facts again.
        """
        self._facts.setText(text or (self._session.facts if self._session else ""))

    def transport(self) -> Transport:
        """Return where it is, and whether it plays."""
        return self._transport

    def toggle(self) -> None:
        """Play or pause."""
        self._apply_transport(self._transport.at(self._clock()).toggle(self._clock()))

    def go_to(self, instant: int) -> None:
        """Go to an instant."""
        self._apply_transport(self._transport.seek(instant, self._clock()))

    def step(self, instants: int) -> None:
        """Pause, so many instants on."""
        self._apply_transport(self._transport.at(self._clock()).step(instants))

    def set_speed(self, speed: float) -> None:
        """Play at this speed."""
        self._controls.show_speed(speed)
        self._apply_transport(self._transport.with_speed(speed, self._clock()))

    def pause(self) -> None:
        """Stand where it is; for whoever puts the page away."""
        self.step(0)

    def track_again(self) -> TrackAgainPanel | None:
        """Ask for model and rig; None where no session is open."""
        if self._session is None:
            return None
        self.pause()
        panel = TrackAgainPanel(
            self,
            self._session.path,
            self._session.models,
            has_rig=self._session.rig is not None,
            submit=self.requested.emit,
        )
        for key in self._keys:
            key.setEnabled(False)  # keys are for the panel as long as it is open
        panel.closed.connect(lambda: [key.setEnabled(True) for key in self._keys])
        panel.set_scale(self._scale)
        panel.open_card()
        return panel

    def export(self) -> None:
        """Ask for a file and a format."""
        if self._session is not None:
            self.pause()
            make_export_dialog(self, self._session.path, self.requested.emit).open()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Choose type and spacing for the new size."""
        super().resizeEvent(event)
        window = self.window()
        scale = choose_scale(window.size() if window is not None else self.size())
        if abs(scale - self._scale) > 0.02:
            self._apply_scale(scale)

    def _apply_scale(self, scale: float) -> None:
        """Draw everything at this scale."""
        self._scale = scale
        self.setStyleSheet(build_sessions_stylesheet(scale))
        self._controls.set_scale(scale)
        for part in (self._cameras, self._room):
            if part is not None:
                part.set_scale(scale)
        gap = round(8 * scale)
        self._head_row.setContentsMargins(
            gap if self._back.isVisibleTo(self) else 2 * gap, gap, 2 * gap, gap
        )
        self._head_row.setSpacing(gap)
        self._body.setContentsMargins(gap, gap, gap, gap)
        self._body.setSpacing(gap)
        self._message.setContentsMargins(10 * gap, 0, 10 * gap, 0)
        for button in (self._back, *self._buttons):
            button.setIconSize(QSize(round(_ICON_U * scale), round(_ICON_U * scale)))

    def _apply_transport(self, transport: Transport) -> None:
        """Be there from now on, and say so where it is another instant."""
        moved = transport.instant != self._transport.instant
        self._transport = transport
        self._controls.show_playing(playing=transport.playing)
        self._controls.timeline.show_instant(transport.instant)
        if transport.playing and not self._timer.isActive():
            self._timer.start()
        elif not transport.playing:
            self._timer.stop()
        if moved:
            self.seek_requested.emit(transport.instant)

    def _tick(self) -> None:
        """Go on while it plays."""
        self._apply_transport(self._transport.at(self._clock()))

    def _show_session(self, session: PlayerSession | None) -> None:
        """Prepare for another session."""
        self._session = session
        self._transport = Transport(session.count, session.rate_fps) if session else Transport()
        self._timer.stop()
        self._controls.show_playing(playing=False)
        self._controls.show_speed(1.0)
        self._title.setText(session.title if session else "")
        self._facts.setText(session.facts if session else "")
        remarks = session.remarks if session else ()
        more = f"  (and {len(remarks) - 1} more)" if len(remarks) > 1 else ""
        self._remark.setText(f"{remarks[0]}{more}" if remarks else "")
        self._remark.setToolTip("\n\n".join(remarks))
        self._remark.setVisible(bool(remarks))
        for button in self._buttons:
            button.setEnabled(session is not None)
        self._buttons[2].setEnabled(session is not None and session.can_export)
        for part in (self._cameras, self._room):
            if part is not None:
                self._body.removeWidget(part)
                part.deleteLater()
        self._cameras = self._room = None

    def _make_pictures(self, state: PlayerState) -> None:
        """Make grid and room for a session: its skeleton may be another."""
        if state.session is None or state.room is None:
            return
        self._cameras = CameraGrid(state.session.skeleton)
        self._room = Room3D(state.room)
        self._body.addWidget(self._cameras, 3)
        self._body.addWidget(self._room, 2)
        if self._scale:
            self._cameras.set_scale(self._scale)
            self._room.set_scale(self._scale)
        self._cameras.show_cameras(state.cameras)

    def _show_folder(self) -> None:
        """Ask for the session's folder."""
        if self._session is not None:
            self.requested.emit(ShowFolder(self._session.path))

    def _lay_out(self) -> None:
        """Put head, pictures and controls below each other."""
        head = QWidget()
        head.setObjectName("page_head")
        head.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        head.setLayout(self._head_row)
        for widget in (self._back, self._title, self._facts):
            self._head_row.addWidget(widget)
        self._head_row.addStretch(1)
        for button in self._buttons:
            self._head_row.addWidget(button)
        pictures = QWidget()
        pictures.setLayout(self._body)
        self._stack.addWidget(self._message)
        self._stack.addWidget(pictures)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget, stretch in (
            (head, 0),
            (self._remark, 0),
            (self._stack, 1),
            (self._controls, 0),
        ):
            column.addWidget(widget, stretch)

    def _connect(self) -> None:
        """Let buttons and keys do what they say."""
        controls = self._controls
        controls.seek_requested.connect(self.go_to)
        controls.stepped.connect(self.step)
        controls.toggled.connect(self.toggle)
        controls.speed_chosen.connect(self.set_speed)
        controls.went_to_start.connect(lambda: self.go_to(0))
        controls.went_to_end.connect(lambda: self.go_to(self._transport.count - 1))
        second = lambda sign: self.step(sign * self._transport.count_instants(1.0))  # noqa: E731
        keys: dict[str, Callable[[], None]] = {
            "Space": self.toggle,
            "Left": lambda: self.step(-1),
            "Right": lambda: self.step(1),
            "Shift+Left": lambda: second(-1),
            "Shift+Right": lambda: second(1),
            "Home": lambda: self.go_to(0),
            "End": lambda: self.go_to(self._transport.count - 1),
        }
        for key, press in keys.items():
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(press)
            self._keys.append(shortcut)


def _make_label(name: str) -> QLabel:
    """Make a label that the style sheet knows by name."""
    label = QLabel()
    label.setObjectName(name)
    return label


def _make_button(text: str, name: str, icon_name: str, press: Callable[[], object]) -> QPushButton:
    """Make a button with a sign that the style sheet knows by name."""
    button = QPushButton(f"\u2002{text}")  # a little air between sign and words
    button.setObjectName(name)
    button.setIcon(load_icon(icon_name, PALETTE.muted))
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    button.clicked.connect(lambda: press())
    return button
