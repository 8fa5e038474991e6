"""The application: the window, what feeds it at screen rate, and what its buttons do, put together."""

import gc
import time
from argparse import Namespace
from dataclasses import replace
from functools import partial
from pathlib import Path

from PyQt6.QtCore import QObject, QRect, QTimer, QUrl
from PyQt6.QtGui import QDesktopServices, QGuiApplication
from PyQt6.QtWidgets import QStackedWidget

from app import requests
from app.bridge import Bridge
from app.faults import faults_told
from app.finetune_control import FinetuneControl, Surroundings
from app.live_control import LiveControl
from app.network_shelf import NetworkShelf
from app.paths import runs_folder
from app.presenters.live import present_live
from app.presenters.plots import PlotHistory, present_plots
from app.session_control import SessionControl
from app.settings import Settings, library_file, settings_file
from app.snapshot import application, show_until_closed
from app.swap_network import swap_network
from app.views.finetune_page import FinetunePage
from app.views.main_window import LIVE, MainWindow
from app.views.player_page import PlayerPage
from app.views.plots import import_curves
from app.views.sessions_page import SessionsPage
from calibration.geometry.fast_instant import wake_compiler
from engine.clock import host_ns
from engine.inference.estimator import create_estimator
from engine.inference.models import list_models
from engine.inference.network_library import NetworkLibrary
from engine.library import Library

SESSIONS, TEACH = "Sessions", "Teach"
SEEN_S, UNSEEN_S = 0.5, 3.0  # between two looks at what is being taught
AT_REST_S, PLAYED_S = 0.1, 0.03  # between two refreshes: of a live page without news, of the others
DONE = 0


class Application(QObject):
    """The live program in a window.

    Parameters
    ----------
    control
        Cameras, calibration, recording.
    sessions
        What was recorded.
    finetune
        What is taught from it; None leaves that page out.

    Attributes
    ----------
    window
    control
    """

    def __init__(self, control: LiveControl, sessions: SessionControl, finetune: FinetuneControl | None = None) -> None:
        super().__init__()
        self.control, self._sessions, self._finetune = control, sessions, finetune
        self._history = PlotHistory()
        self.window = MainWindow(present_live(*control.look()))
        self._list, self._player, self._stack = SessionsPage(), PlayerPage(), QStackedWidget()
        self._teach = FinetunePage()
        self._teach.asked.connect(self._asked)
        for page in (self._list, self._player):
            self._stack.addWidget(page)
            page.asked.connect(self._asked)
        self._player.wanted.connect(sessions.want)
        self.window.add_page(SESSIONS, self._stack)
        if finetune is not None:
            self.window.add_page(TEACH, self._teach)
        self.window.asked.connect(self._asked)
        self.window.page_changed.connect(self._page_changed)
        self.window.closing.connect(self.close)
        self._place(control.settings.window)
        self._refreshed_s = 0.0
        self._bridge = Bridge(self._look)
        self._closed = False

    def _look(self) -> None:
        """Refresh where cameras have news; else as often as countdowns and players need it."""
        rest_s = AT_REST_S if self.window.page() == LIVE else PLAYED_S
        if self._has_news() or time.monotonic() - self._refreshed_s >= rest_s:
            self.refresh()

    def _has_news(self) -> bool:
        """Whether the cameras have a result that was not shown; costs nothing."""
        live = self.control.live
        return live is not None and len(live.newest) > 0

    def refresh(self) -> None:
        """Show all as it is now, in the window's thread."""
        self._refreshed_s = time.monotonic()
        state, result, look = self.control.look()
        look = replace(look, job=self._sessions.job())
        self.window.show_state(present_live(state, result, look))
        if self._finetune is not None:
            taught = self._finetune.look(SEEN_S if self.window.page() == TEACH else UNSEEN_S)
            if taught is not None:
                self._teach.show_finetune(taught)
                self.window.note_page(TEACH, taught.run.progress if taught.run else "")
        if self.window.page() == LIVE:
            if self._history.put(host_ns(), state, result) and self.window.plots_shown():
                self.window.show_plots(present_plots(self._history))
            return
        if self.window.page() == TEACH:
            return
        listed, moment = self._sessions.sessions(), self._sessions.moment()
        if listed is not None:
            self._list.show_sessions(listed)
        if moment is not None:
            self._player.show_moment(moment)

    def close(self) -> None:
        """End everything; may be called twice."""
        if self._closed:
            return
        self._closed = True
        self._bridge.close()
        place = self.window.normalGeometry()
        self.control.remember(window=(place.x(), place.y(), place.width(), place.height()))
        self.control.close()  # first: it finishes what is being recorded
        self._sessions.close()
        if self._finetune is not None:
            self._finetune.close()

    def _asked(self, request: requests.Request) -> None:
        """Hand a request to who serves it."""
        if isinstance(request, requests.ChooseToLearn) and self._finetune is not None:
            self._teach.choose(request.path)
            self.window.show_page(TEACH)
            return
        if isinstance(request, requests.Finetune) and request.person and not self.control.settings.person:
            self.control.ask(requests.SetPerson(request.person))  # whoever teaches a network for Anna is Anna
        if isinstance(request, requests.ShowFolder | requests.OpenReport):
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(request.path)))
            return
        others = [self._sessions.ask, *([self._finetune.ask] if self._finetune is not None else [])]
        if not any(ask(request) for ask in others):
            self.control.ask(request)
        if isinstance(request, requests.OpenSession):
            self.window.show_page(SESSIONS)
            self._stack.setCurrentWidget(self._player)
        elif isinstance(request, requests.ShowSessions):
            self._stack.setCurrentWidget(self._list)

    def _page_changed(self, name: str) -> None:
        """Look at the folders when the sessions are looked at."""
        if name != LIVE:
            self._sessions.look_for_sessions()
        if name != SESSIONS:
            self._player.pause()

    def _place(self, place: tuple[int, ...]) -> None:
        """Put the window where it was, if there is still a screen."""
        rectangle = QRect(*place) if len(place) == 4 else QRect()
        if any(screen.geometry().contains(rectangle.center()) for screen in QGuiApplication.screens()):
            self.window.setGeometry(rectangle)


def show_live(options: Namespace, settings: Settings, sentence: str) -> int:
    """Show live cameras in a window until it is closed.

    Parameters
    ----------
    options
        `sources`, `rig`, `stature`, `person`, `model`, `lift`, `record`, `seconds`.
    settings
        As remembered.
    sentence
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
    running = application()
    lift, stature_m = options.lift or settings.lift, options.stature or settings.stature_m
    person = options.person or settings.person
    settings = replace(settings, model=options.model, lift=lift, stature_m=stature_m, person=person)
    app = make_application(settings, settings_file())
    if sentence:
        app.control.tell(sentence)
    app.control.start(tuple(options.sources))
    if options.rig is not None:
        app.control.use_rig(Path(options.rig))
    if options.record is not None:
        app.control.record_to(options.record)
    gc.freeze()  # else the whole program is looked through for garbage now and then, and stands still for 0.1 s
    if options.seconds is not None:
        QTimer.singleShot(round(1000 * options.seconds), app.window.close)
    try:
        with faults_told(app.control.tell):
            show_until_closed(app.window)
    finally:
        app.close()
        running.processEvents()
    return DONE


def make_application(settings: Settings, store: Path | None) -> Application:
    """Put window, cameras and sessions together; nothing is opened yet.

    Parameters
    ----------
    settings
    store
        The file that keeps the settings; None keeps them to this run.

    Returns
    -------
    app
    """
    import_curves()
    wake_compiler()
    control = LiveControl(
        settings, store, partial(create_estimator, settings.model), lambda _path: sessions.look_for_sessions()
    )
    models = tuple(state.card.name for state in list_models() if state.present and state.card.task == "pose2d")
    library = Library(library_file(), [settings.folder()])
    sessions = SessionControl(library, models, control.tell)
    networks = NetworkLibrary()
    around = Surroundings(
        control.tell,
        lambda: control.live is not None,
        partial(swap_network, control),
        person=lambda: control.settings.person,
        looked=lambda: sessions.looked,
    )
    shelf = NetworkShelf(networks)
    return Application(control, sessions, FinetuneControl(runs_folder(), library, shelf, around))
