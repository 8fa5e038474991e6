"""The player page: synchronized videos with skeletons, the room in 3D, and a timeline."""

import time
from collections.abc import Callable

from PyQt6.QtCore import QSize, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PyQt6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.presenters.player import PlayerSession, PlayerState
from app.presenters.transport import Transport
from app.requests import ShowFolder, ShowSessions
from app.views.elided_label import ElidedLabel
from app.views.live.camera_grid import CameraGrid
from app.views.room.room_3d import Room3D
from app.views.sessions.dialogs import TrackAgainPanel, make_export_dialog
from app.views.sessions.player_transport import PlayerTransport
from app.views.sessions.style import build_sessions_stylesheet
from app.views.theme import choose_window_scale
from app.views.widgets import make_label, make_page_button

_TICK_MS = 8
_ICON_U = 16


class PlayerPage(QWidget):
    """Draws player states; emits the instant it needs and what the user asks for.

    It decodes nothing: while playing it only emits where it should be by now, so that slow decoding
    skips instants and never blocks the window.

    Parameters
    ----------
    clock
        Monotonic seconds; for tests.
    standalone
        True without a list of sessions to go back to.
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
        self._title, self._remark = make_label("page_title"), make_label("page_remark")
        self._facts = ElidedLabel("page_facts")
        self._message = make_label("page_message", wrap=True)
        self._message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._back = make_page_button(
            "Sessions", lambda: self.requested.emit(ShowSessions()), "back", name="flat"
        )
        self._back.setVisible(not standalone)
        self._buttons = (
            make_page_button("Show folder", self._show_folder, "folder"),
            make_page_button("Track again …", self.track_again, "retry"),
            make_page_button("Export …", self.export, "export"),
        )
        for button in (self._back, *self._buttons):
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
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
        """Show this state."""
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
        """Show the progress of background work in place of the session's facts.

        Parameters
        ----------
        text
            If empty, the facts are shown again.
        """
        self._facts.show_text(text or (self._session.facts if self._session else ""))

    def transport(self) -> Transport:
        """Return the transport: position, speed and state."""
        return self._transport

    def toggle(self) -> None:
        """Play or pause."""
        self._apply_transport(self._transport.at(self._clock()).toggle(self._clock()))

    def go_to(self, instant: int) -> None:
        """Go to an instant."""
        self._apply_transport(self._transport.seek(instant, self._clock()))

    def step(self, instants: int) -> None:
        """Pause, and move by so many instants."""
        self._apply_transport(self._transport.at(self._clock()).step(instants))

    def set_speed(self, speed: float) -> None:
        """Play at this speed."""
        self._controls.show_speed(speed)
        self._apply_transport(self._transport.with_speed(speed, self._clock()))

    def pause(self) -> None:
        """Pause at the current instant; called when the page is hidden."""
        self.step(0)

    def track_again(self) -> TrackAgainPanel | None:
        """Open the panel to track again; None where no session is open."""
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
            key.setEnabled(False)  # the panel has the keys while it is open
        panel.closed.connect(lambda: [key.setEnabled(True) for key in self._keys])
        panel.set_scale(self._scale)
        panel.open_card()
        return panel

    def export(self) -> None:
        """Open the dialog for file and format."""
        if self._session is not None:
            self.pause()
            make_export_dialog(self, self._session.path, self.requested.emit).open()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Scale type and spacing to the new size."""
        super().resizeEvent(event)
        scale = choose_window_scale(self)
        if abs(scale - self._scale) > 0.02:
            self._apply_scale(scale)

    def _apply_scale(self, scale: float) -> None:
        """Apply this scale to everything."""
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
        """Apply a transport, and request its instant if it is another one."""
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
        """Advance while playing."""
        self._apply_transport(self._transport.at(self._clock()))

    def _show_session(self, session: PlayerSession | None) -> None:
        """Prepare for another session."""
        self._session = session
        self._transport = Transport(session.count, session.rate_fps) if session else Transport()
        self._timer.stop()
        self._controls.show_playing(playing=False)
        self._controls.show_speed(1.0)
        self._title.setText(session.title if session else "")
        self._facts.show_text(session.facts if session else "")
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
        """Make grid and room for a session, which may have another skeleton."""
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
        """Request the folder of the session."""
        if self._session is not None:
            self.requested.emit(ShowFolder(self._session.path))

    def _lay_out(self) -> None:
        """Lay out head, pictures and controls."""
        head = QWidget()
        head.setObjectName("page_head")
        head.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        head.setLayout(self._head_row)
        for widget in (self._back, self._title):
            self._head_row.addWidget(widget)
        self._head_row.addWidget(self._facts, 1)
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
        """Connect buttons and keys."""
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
