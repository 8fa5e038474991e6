"""The application: the window, the controllers behind it, and the bridge that refreshes it."""

import gc
import time
from argparse import Namespace
from dataclasses import replace
from functools import partial
from pathlib import Path

from PyQt6.QtCore import QObject, QTimer
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QStackedWidget

from app import requests
from app.control.controller import Controller, Handlers, dispatch, merge_handlers
from app.control.finetune import FinetuneCallbacks, FinetuneControl
from app.control.live import LiveControl
from app.control.model_list import ModelList
from app.control.monocular_models import swap_model
from app.control.sessions import SessionControl
from app.exit_codes import DONE
from app.paths import runs_folder
from app.presenters.live import present_live
from app.presenters.plots import PlotHistory, present_plots
from app.settings import Settings, library_file, settings_file
from app.views.finetune.page import FinetunePage
from app.views.live.plots import import_pyqtgraph
from app.views.main_window import LIVE, MainWindow
from app.views.sessions.page import SessionsPage
from app.views.sessions.player_page import PlayerPage
from app.window.bridge import Bridge
from app.window.desktop import open_on_desktop
from app.window.snapshot import get_application, show_until_closed
from app.window.uncaught_errors import report_uncaught_errors
from calibration.geometry.fast_instant import load_compiler
from engine.clock import host_ns
from engine.inference.estimator import create_estimator
from engine.models.library import ModelLibrary
from engine.models.shelf import list_models
from engine.session.library import Library

SESSIONS, FINETUNE = "Sessions", "Fine-tune"
# How often the state of a fine-tuning is read from the disk.
VISIBLE_INTERVAL_S, HIDDEN_INTERVAL_S = 0.5, 3.0
# Between two refreshes: of a live page without news, of the other pages.
IDLE_REFRESH_S, PLAYER_REFRESH_S = 0.1, 0.03


class Application(QObject):
    """The live program in a window.

    Parameters
    ----------
    control
        Cameras, calibration, recording.
    sessions
        What was recorded.
    finetune
        Fine-tuning; None leaves that page out.

    Attributes
    ----------
    handlers
        What handles each class of request of the window.
    """

    def __init__(
        self,
        control: LiveControl,
        sessions: SessionControl,
        finetune: FinetuneControl | None = None,
    ) -> None:
        super().__init__()
        self.control = control
        self._sessions = sessions
        self._finetune = finetune
        # The cameras first: closing them finishes what is being recorded.
        live: tuple[Controller, ...] = (control, sessions)
        self._controllers = live if finetune is None else (*live, finetune)
        self.handlers = self._build_handlers()
        self._history = PlotHistory()
        self.window = MainWindow(present_live(*control.snapshot()))
        self._sessions_page = SessionsPage()
        self._player = PlayerPage()
        self._stack = QStackedWidget()
        self._finetune_page = FinetunePage()
        self._finetune_page.requested.connect(self.handle)
        for page in (self._sessions_page, self._player):
            self._stack.addWidget(page)
            page.requested.connect(self.handle)
        self._player.seek_requested.connect(sessions.seek)
        self.window.add_page(SESSIONS, self._stack)
        if finetune is not None:
            self.window.add_page(FINETUNE, self._finetune_page)
        self.window.requested.connect(self.handle)
        self.window.page_changed.connect(self._on_page_changed)
        self.window.closing.connect(self.close)
        screens = [screen.availableGeometry() for screen in QGuiApplication.screens()]
        self.window.place(control.settings.window, screens)
        self._refreshed_s = 0.0
        self._bridge = Bridge(self._refresh_if_due)
        self._closed = False

    def _refresh_if_due(self) -> None:
        """Refresh where cameras have a new result, else as often as countdowns and players need."""
        rest_s = IDLE_REFRESH_S if self.window.page() == LIVE else PLAYER_REFRESH_S
        if self._has_news() or time.monotonic() - self._refreshed_s >= rest_s:
            self.refresh()

    def _has_news(self) -> bool:
        """Whether the cameras have a result that was not shown; costs nothing."""
        live = self.control.live
        return live is not None and len(live.newest) > 0

    def refresh(self) -> None:
        """Show all as it is now, in the window's thread."""
        self._refreshed_s = time.monotonic()
        is_finetune_shown = self.window.page() == FINETUNE
        if self._finetune is not None:
            self._finetune.interval_s = (
                VISIBLE_INTERVAL_S if is_finetune_shown else HIDDEN_INTERVAL_S
            )
        for controller in self._controllers:
            controller.tick()
        state, result, context = self.control.snapshot()
        context = replace(context, job=self._sessions.job_card)
        self.window.show_state(present_live(state, result, context))
        if self._finetune is not None:
            finetune_state = self._finetune.take_state()
            if finetune_state is not None:
                self._finetune_page.show_finetune(finetune_state)
                self.window.set_page_note(
                    FINETUNE, finetune_state.run.progress if finetune_state.run else ""
                )
        if self.window.page() == LIVE:
            if self._history.put(host_ns(), state, result) and self.window.is_showing_plots():
                self.window.show_plots(present_plots(self._history))
            return
        if is_finetune_shown:
            return
        sessions_state = self._sessions.take_sessions()
        player_state = self._sessions.take_player()
        if sessions_state is not None:
            self._sessions_page.show_sessions(sessions_state)
        if player_state is not None:
            self._player.show_moment(player_state)

    def close(self) -> None:
        """End everything; may be called twice."""
        if self._closed:
            return
        self._closed = True
        self._bridge.close()
        geometry = self.window.normalGeometry()
        self.control.update_settings(
            window=(geometry.x(), geometry.y(), geometry.width(), geometry.height())
        )
        for controller in self._controllers:
            controller.close()

    def handle(self, request: requests.Request) -> None:
        """Hand a request to what handles it; never waits."""
        dispatch(self.handlers, request)

    def _build_handlers(self) -> Handlers:
        """Put together the tables of all controllers, and what only turns pages."""
        pages: Handlers = {
            requests.ShowFolder: lambda r: open_on_desktop(r.path, self.control.notify),
            requests.OpenReport: lambda r: open_on_desktop(r.path, self.control.notify),
            requests.OpenSession: self._open_session,
            requests.ShowSessions: lambda _: self._show_sessions(),
            requests.ChooseForFinetune: self._choose_for_finetune,
        }
        return merge_handlers(pages, *(one.handlers for one in self._controllers))

    def _open_session(self, request: requests.OpenSession) -> None:
        """Show a session in the player."""
        self._sessions.open_player(request.path)
        self.window.show_page(SESSIONS)
        self._stack.setCurrentWidget(self._player)

    def _show_sessions(self) -> None:
        """Go back to the list of sessions."""
        self._sessions.close_player()
        self._stack.setCurrentWidget(self._sessions_page)

    def _choose_for_finetune(self, request: requests.ChooseForFinetune) -> None:
        """Turn to the page of fine-tuning, with a session chosen."""
        if self._finetune is not None:
            self._finetune_page.choose(request.path)
            self.window.show_page(FINETUNE)

    def _on_page_changed(self, name: str) -> None:
        """List the sessions when their page or the page of fine-tuning is opened."""
        if name != LIVE:
            self._sessions.scan_sessions()
        if name != SESSIONS:
            self._player.pause()


def show_live(options: Namespace, settings: Settings, message: str) -> int:
    """Show live cameras in a window until it is closed.

    Parameters
    ----------
    options
        `sources`, `rig`, `stature`, `person`, `model`, `lift`, `record`, `seconds`.
    settings
        As remembered.
    message
        What was wrong with them; empty where nothing was.

    Returns
    -------
    code
        0.

    Raises
    ------
    KeyboardInterrupt
        If Ctrl-C was pressed in the terminal.
    """
    qt_application = get_application()
    lift_model = options.lift or settings.lift
    stature_m = options.stature or settings.stature_m
    person = options.person or settings.person
    settings = replace(
        settings, model=options.model, lift=lift_model, stature_m=stature_m, person=person
    )
    app = make_application(settings, settings_file())
    if message:
        app.control.notify(message)
    app.control.start(tuple(options.sources))
    if options.rig is not None:
        app.control.use_rig(Path(options.rig))
    if options.record is not None:
        app.control.record_to(options.record)
    # Else the garbage collector walks the whole program now and then, which takes 0.1 s.
    gc.freeze()
    if options.seconds is not None:
        QTimer.singleShot(round(1000 * options.seconds), app.window.close)
    try:
        with report_uncaught_errors(app.control.notify):
            show_until_closed(app.window)
    finally:
        app.close()
        qt_application.processEvents()
    return DONE


def make_application(settings: Settings, store: Path | None) -> Application:
    """Build the window and its controllers; nothing is opened yet.

    Parameters
    ----------
    settings
    store
        The file that keeps the settings; None keeps them to this run.
    """
    import_pyqtgraph()
    load_compiler()
    control = LiveControl(
        settings,
        store,
        partial(create_estimator, settings.model),
        lambda _path: sessions.scan_sessions(),
    )
    models = tuple(
        state.card.name for state in list_models() if state.present and state.card.task == "pose2d"
    )
    library = Library(library_file(), [settings.sessions_folder()])
    sessions = SessionControl(library, models, control.notify)
    model_library = ModelLibrary()
    callbacks = FinetuneCallbacks(
        control.notify,
        lambda: control.live is not None,
        partial(swap_model, control),
        get_person=lambda: control.settings.person,
        set_person=control.set_person,
        has_scanned=lambda: sessions.has_scanned,
    )
    model_list = ModelList(model_library)
    return Application(
        control, sessions, FinetuneControl(runs_folder(), library, model_list, callbacks)
    )
