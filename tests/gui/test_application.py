"""The whole window with real cameras on the loopback, as a person uses it; the model is a fake."""

import threading
from contextlib import contextmanager
from typing import get_args

import pytest
from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QLineEdit, QPushButton

from app import requests
from app.control.live import LiveControl
from app.control.sessions import SessionControl
from app.settings import Settings, load_settings
from app.views.live.add_camera import AddCameraPanel
from app.views.live.camera_grid import CameraGrid
from app.views.main_window import LIVE
from app.views.sessions.page import SessionsPage
from app.window.application import SESSIONS, Application, make_application
from engine.capture.state import CameraPhase
from engine.session.library import Library
from engine.session.session import Session
from tests.support.controls import PATIENT_CAMERAS
from tests.support.fake_models import FakeWalkerEstimator
from tests.support.ip_cameras import MjpegServer
from tests.support.patience import PATIENCE_MS, PATIENCE_S, wait_until
from tests.support.pixels import grab_pixels

OURS = (
    "camera",
    "record",
    "estimate",
    "reconstruct",
    "worker",
    "player",
    "calibration",
    "look",
)
LONG_MS = 2 * PATIENCE_MS  # kernels may have to be compiled first


@pytest.fixture
def servers():
    with MjpegServer(size_wh=(640, 480)) as one, MjpegServer(size_wh=(640, 480)) as other:
        yield one, other


@pytest.fixture
def opened(tmp_path, qapp, monkeypatch):
    """Return what opens the application with the settings that the last one left."""
    monkeypatch.setattr("app.control.rigs.rig_file", lambda: tmp_path / "last_rig.toml")
    store, apps = tmp_path / "settings.toml", []

    @contextmanager
    def run(**changes):
        settings = (
            load_settings(store)[0]
            if store.exists()
            else Settings(sessions=str(tmp_path / "takes"), **changes)
        )
        control = LiveControl(
            settings,
            store,
            FakeWalkerEstimator,
            lambda _path: sessions.scan_sessions(),
            PATIENT_CAMERAS,
        )
        sessions = SessionControl(
            Library(tmp_path / "index.sqlite", [tmp_path / "takes"]), ("walker",), control.notify
        )
        app = Application(control, sessions)
        apps.append(app)
        app.window.show()
        try:
            yield app
        finally:
            app.window.close()
            app.window.deleteLater()
            qapp.processEvents()

    yield run
    assert wait_until(
        lambda: (
            not [thread.name for thread in threading.enumerate() if thread.name.startswith(OURS)]
        )
    )


def add(app, address):
    """Add a camera as a person does: panel, address, button."""
    app.window.open_add_camera()
    panel = app.window.findChild(AddCameraPanel)
    panel.findChild(QLineEdit).setText(address)
    next(button for button in panel.findChildren(QPushButton) if button.text() == "Add").click()
    app.window.close_topmost()


def phases(app):
    return [camera.phase for camera in app.control.snapshot()[0].cameras]


def frames_recorded(app):
    recording = app.control.snapshot()[0].recording
    return recording.frames if recording is not None else 0


def painted(app):
    """Measure the share of the cameras' place that is brighter than the window's ground."""
    return float((grab_pixels(app.window.findChild(CameraGrid)).max(-1) > 100).mean())


def press_record(app):
    """Press the button whose key is R; without a window manager no key reaches a window."""
    app.window._header.request_recording()


def test_cameras_are_added_seen_recorded_listed_and_played(opened, servers, qtbot, tmp_path):
    with opened(countdown_s=0) as app:
        assert painted(app) < 0.1
        beats: list[int] = []
        heart = QTimer()
        heart.timeout.connect(lambda: beats.append(1))
        heart.start(20)

        for count, server in enumerate(servers, 1):
            add(app, server.address)
            qtbot.waitUntil(
                lambda count=count: phases(app) == [CameraPhase.LIVE] * count, timeout=LONG_MS
            )
        qtbot.waitUntil(lambda: app.control.snapshot()[1] is not None, timeout=LONG_MS)
        qtbot.waitUntil(lambda: painted(app) > 0.1, timeout=LONG_MS)

        qtbot.waitUntil(lambda: app.window._header._record.isEnabled(), timeout=LONG_MS)
        press_record(app)
        qtbot.waitUntil(lambda: frames_recorded(app) > 30, timeout=LONG_MS)
        qtbot.waitUntil(lambda: app.window._header._record.text() != "Record", timeout=LONG_MS)
        press_record(app)
        qtbot.waitUntil(lambda: app.control.snapshot()[0].recording is None, timeout=LONG_MS)

        app.window.show_page(SESSIONS)
        page = app.window.findChild(SessionsPage)
        qtbot.waitUntil(lambda: len(page._state.cards) == 1, timeout=LONG_MS)
        (card,) = page._state.cards
        qtbot.waitUntil(lambda: bool(page._state.cards[0].thumbnail), timeout=LONG_MS)

        page.requested.emit(requests.OpenSession(card.path))
        player = app._player
        qtbot.waitUntil(lambda: player.transport().count > 10, timeout=LONG_MS)
        player.go_to(7)
        qtbot.waitUntil(lambda: player.transport().instant == 7, timeout=LONG_MS)
        player.requested.emit(requests.ShowSessions())
        assert app._stack.currentWidget() is page
        app.window.show_page(LIVE)
        assert len(beats) > 50  # the window's own loop was served all the while
    assert Session.open(card.path).finished


def test_settings_are_remembered_from_one_window_to_the_next(opened, servers, qtbot):
    with opened() as app:
        add(app, servers[0].address)
        qtbot.waitUntil(lambda: phases(app) == [CameraPhase.LIVE], timeout=LONG_MS)
        app.window.setGeometry(10, 20, 1100, 640)
        for request in (
            requests.SetStature(1.62),
            requests.SetCountdown(5),
            requests.SetHandsFree(True),
        ):
            app.window.requested.emit(request)
        qtbot.waitUntil(lambda: app.control.settings.stature_m == 1.62, timeout=LONG_MS)
    with opened() as app:
        place = app.window.geometry()
        assert (place.width(), place.height()) == (1100, 640)
        assert app.control.settings.cameras == (servers[0].address,)
        context = app.control.snapshot()[2]
        assert (context.stature_m, context.countdown_setting_s, context.hands_free) == (
            1.62,
            5,
            True,
        )
        app.control.start()
        qtbot.waitUntil(lambda: phases(app) == [CameraPhase.LIVE], timeout=LONG_MS)


def test_a_window_whose_screen_is_gone_opens_where_it_can_be_seen(opened, qapp):
    with opened(window=(90_000, 90_000, 800, 600)) as app:
        assert qapp.primaryScreen().geometry().intersects(app.window.geometry())


def test_a_recording_that_runs_when_the_window_closes_is_listed_next_time(
    opened, servers, qtbot, tmp_path
):
    with opened(countdown_s=0) as app:
        app.control.start((servers[0].address,))
        qtbot.waitUntil(lambda: phases(app) == [CameraPhase.LIVE], timeout=LONG_MS)
        qtbot.waitUntil(lambda: app.window._header._record.isEnabled(), timeout=LONG_MS)
        press_record(app)
        qtbot.waitUntil(lambda: frames_recorded(app) > 10, timeout=LONG_MS)
    with opened() as app:
        app.window.show_page(SESSIONS)
        page = app.window.findChild(SessionsPage)
        qtbot.waitUntil(lambda: len(page._state.cards) == 1, timeout=LONG_MS)
        assert Session.open(page._state.cards[0].path).finished


def test_closing_while_cameras_start_ends_everything(opened, servers, qapp):
    with opened() as app:
        app.control.start(tuple(server.address for server in servers))
        qapp.processEvents()


def test_the_studio_is_said_to_be_opened_while_it_is_built(opened, qtbot, monkeypatch):
    building, built = threading.Event(), threading.Event()

    def slow(addresses, network):
        building.set()
        assert built.wait(PATIENCE_S)
        return ()

    monkeypatch.setattr("app.control.live.make_camera_sources", slow)
    with opened() as app:
        next(
            one for one in app.window.findChildren(QPushButton) if one.text() == "Simulated cameras"
        ).click()
        assert building.wait(PATIENCE_S)
        qtbot.waitUntil(
            lambda: app.window._state.calibration.headline == "Opening the cameras", timeout=LONG_MS
        )
        assert [tile.name for tile in app.window._state.cameras] == ["The built-in studio"]
        assert not app.window._header._record.isEnabled()
        built.set()


def test_a_sentence_stays_until_it_is_dismissed(opened, qtbot):
    with opened() as app:
        app.window.requested.emit(requests.AddCamera("telnet://somewhere"))
        qtbot.waitUntil(lambda: app.window._state.notice is not None, timeout=LONG_MS)
        assert "telnet://somewhere" in app.window._state.notice.text
        QTest.mouseClick(app.window._notice._dismiss, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: app.window._state.notice is None, timeout=LONG_MS)


def test_every_request_is_handled_by_exactly_one_controller(qapp, tmp_path, monkeypatch):
    monkeypatch.setattr("app.window.application.library_file", lambda: tmp_path / "index.sqlite")
    app = make_application(Settings(sessions=str(tmp_path)), None)  # refuses what two handle
    try:
        classes = {one for one in vars(requests).values() if isinstance(one, type)}
        classes = {one for one in classes if one.__module__ == requests.__name__}
        assert set(app.handlers) == classes == set(get_args(requests.Request))
    finally:
        app.window.close()
        app.window.deleteLater()


def test_closing_twice_is_closing_once(opened):
    with opened() as app:
        app.close()
        app.close()


def test_the_window_draws_when_there_is_something_new_and_rests_otherwise(opened, monkeypatch):
    drawn, news, now_s = [], [], [100.0]
    with opened() as app:
        app._bridge.close()
        monkeypatch.setattr("app.window.application.time.monotonic", lambda: now_s[0])
        monkeypatch.setattr(app, "_has_news", lambda: bool(news))
        app.refresh()
        monkeypatch.setattr(
            app.control, "tick", lambda tick=app.control.tick: drawn.append(now_s[0]) or tick()
        )
        for step in range(1, 16):
            now_s[0] = 100.0 + step / 60
            app._refresh_if_due()
        assert (
            len(drawn) == 2
        )  # a quarter of a second without news: a countdown would have moved on
        news.append(True)
        for step in range(16, 20):
            now_s[0] = 100.0 + step / 60
            app._refresh_if_due()
        assert len(drawn) == 6
