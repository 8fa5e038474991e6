"""The player in a window of its own, on the screen or as a picture."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PyQt6.QtGui import QCloseEvent, QResizeEvent
from PyQt6.QtWidgets import QMainWindow

from app.control.controller import Handlers, dispatch
from app.control.jobs import Job, JobPhase, Progress, Worker
from app.control.player import Player, load_moment
from app.presenters.player import describe_playback, present_moment, present_problem
from app.requests import ExportSession, ShowFolder, TrackAgain
from app.views.sessions.player_page import PlayerPage
from app.views.theme import build_stylesheet, choose_scale
from app.window.bridge import Bridge
from app.window.desktop import open_on_desktop
from app.window.snapshot import (
    SIZE_WH,
    draw_widget,
    get_application,
    get_offscreen_application,
    show_until_closed,
)
from engine.export.exporters import export_session
from engine.offline.track import TrackOptions, track_again
from engine.session.playback import Playback
from engine.session.session import Session

logger = logging.getLogger(__name__)
JOB_CLOSE_TIMEOUT_S = 2.0


class PlayerWindow(QMainWindow):
    """Holds the player's page alone."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Epipole player")
        self._scale = 0.0
        self.page = PlayerPage(standalone=True)
        self.setCentralWidget(self.page)
        self.setMinimumSize(960, 540)
        self.resize(*SIZE_WH)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Choose type for the new size."""
        super().resizeEvent(event)
        scale = choose_scale(self.size())
        if abs(scale - self._scale) > 0.02:
            self._scale = scale
            self.setStyleSheet(build_stylesheet(scale))


class InteractivePlayerWindow(PlayerWindow):
    """The player: fetches the instants that its page requests, and does what its buttons say.

    Parameters
    ----------
    path
        Of the session.
    models
        Names of the pose models there are.
    """

    def __init__(self, path: Path, models: tuple[str, ...]) -> None:
        super().__init__()
        self._player = Player(path, models)
        self._worker = Worker()
        self._job: Job | None = None
        handlers: Handlers = {
            ShowFolder: lambda r: open_on_desktop(r.path, self.page.show_activity),
            ExportSession: self._export,
            TrackAgain: self._track_again,
        }
        self.page.seek_requested.connect(self._player.seek)
        self.page.requested.connect(partial(dispatch, handlers))
        self._bridge = Bridge(self._refresh)
        self._refresh()

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Release everything."""
        self._bridge.close()
        self._player.close()
        self._worker.close(JOB_CLOSE_TIMEOUT_S)
        super().closeEvent(event)

    def _refresh(self) -> None:
        """Show what is new."""
        state = self._player.take()
        if state is not None:
            self.page.show_moment(state)
        if self._job is not None:
            self._show_job(self._job)

    def _export(self, request: ExportSession) -> None:
        """Export the session in the background."""
        self._start_job(
            "Writing the file",
            lambda _: export_session(Session.open(request.path), request.format_name, request.out),
        )

    def _track_again(self, request: TrackAgain) -> None:
        """Track the session again in the background."""
        self._start_job(
            "Tracking again",
            lambda progress: track_again(
                request.path,
                TrackOptions(request.model, request.rig),
                lambda done: progress(done.step, done.share),
            ),
        )

    def _start_job(self, name: str, work: Callable[[Progress], object]) -> None:
        """Start long work; nothing happens where some is under way."""
        if self._job is None:
            self._job = self._worker.start(name, work)

    def _show_job(self, job: Job) -> None:
        """Show how far the work in the background is."""
        state = job.state()
        share = f" {100 * state.share:.0f} %" if state.share == state.share else ""
        message = {
            JobPhase.RUNNING: f"{state.name}: {state.step.lower()}{share}"
            if state.step
            else f"{state.name} …",
            JobPhase.DONE: f"{state.name}: done.",
            JobPhase.FAILED: state.message,
            JobPhase.CANCELLED: "",
        }[state.phase]
        self.page.show_activity(message)
        if state.phase is not JobPhase.RUNNING:
            self._job = None


def show_player(path: Path, models: tuple[str, ...]) -> None:
    """Show a session until the window is closed.

    Raises
    ------
    KeyboardInterrupt
        If Ctrl-C was pressed in the terminal.
    """
    qt_application = get_application()
    window = InteractivePlayerWindow(path, models)
    try:
        show_until_closed(window)
    finally:
        window.close()
        qt_application.processEvents()


def draw_player(
    playback: Playback, instant: int, picture: Path, size_wh: tuple[int, int] = SIZE_WH
) -> None:
    """Draw a session at one instant and write it as PNG.

    Parameters
    ----------
    playback
    instant
    picture
        Its folder must exist.
    size_wh
        px.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    qt_application = get_offscreen_application()
    window = PlayerWindow()
    if len(playback):
        window.page.show_moment(
            present_moment(describe_playback(playback), load_moment(playback, instant))
        )
        window.page.go_to(instant)
    else:
        window.page.show_moment(present_problem(f"'{playback.session.path.name}' holds no images."))
    draw_widget(window, picture, size_wh)
    qt_application.processEvents()
