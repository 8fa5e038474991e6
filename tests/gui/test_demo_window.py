"""The demo in its window: whenever it is closed, everything so far is on the disk."""

import signal
import threading
from argparse import Namespace

import pytest

from app.window import application
from app.window import demo as demo_window
from app.window.demo import show_demo
from engine.capture import studio as capture
from engine.session.session import Session
from tests.support.backdrops import rooms_drawn_once  # noqa: F401
from tests.support.fake_models import FakeWalkerEstimator
from tests.support.patience import PATIENCE_MS, wait_until

OURS = ("camera", "record", "estimate", "reconstruct", "worker", "calibration")
OPTIONS = Namespace(cameras=2, seconds=None, seed=3)


@pytest.fixture(autouse=True)
def made_up(monkeypatch, tmp_path, qapp):
    """Let a made-up network see, and keep the user's own folders out of it."""
    monkeypatch.setattr(
        application, "create_estimator", lambda _model, views: FakeWalkerEstimator(views)
    )
    monkeypatch.setattr(application, "library_file", lambda: tmp_path / "index.sqlite")
    yield
    assert wait_until(
        lambda: not [one.name for one in threading.enumerate() if one.name.startswith(OURS)]
    )


@pytest.fixture
def closed_when(monkeypatch, qtbot):
    """Return what closes the window, or ends the program, as soon as something is true."""

    def prepare(true, act=lambda window: window.close()):
        apps, make = [], demo_window.make_application

        def kept(*words):
            apps.append(make(*words))
            return apps[-1]

        def show(window):
            window.show()
            try:
                qtbot.waitUntil(lambda: true(apps[-1]), timeout=2 * PATIENCE_MS)
                act(window)
            finally:
                window.hide()
                window.deleteLater()

        monkeypatch.setattr(demo_window, "make_application", kept)
        monkeypatch.setattr(demo_window, "show_until_closed", show)

    return prepare


def frames(app):
    recording = app.control.snapshot()[0].recording
    return recording.frames if recording is not None else 0


def test_a_demo_that_is_closed_before_it_was_calibrated_leaves_session_truth_and_picture(
    closed_when, tmp_path, capsys
):
    closed_when(lambda app: frames(app) > 30)
    assert show_demo(OPTIONS, tmp_path) == 0
    said = capsys.readouterr().out
    assert "closed before the cameras were calibrated" in said
    assert {"window.png", "session", "truth_rig.toml", "truth_3d.csv"} <= {
        path.name for path in tmp_path.iterdir()
    }
    session = Session.open(tmp_path / "session")
    assert session.finished
    assert len(session.cameras) == 2


def test_the_studio_is_built_once_for_its_cameras_and_for_the_truth(
    closed_when, tmp_path, monkeypatch
):
    built, build = [], capture.Studio
    monkeypatch.setattr(capture, "Studio", lambda config: built.append(config) or build(config))
    closed_when(lambda app: frames(app) > 0)
    assert show_demo(OPTIONS, tmp_path) == 0
    assert len(built) == 1


def test_a_demo_that_is_closed_before_the_studio_is_there_leaves_a_picture_only(
    closed_when, tmp_path
):
    closed_when(lambda app: True)
    assert show_demo(OPTIONS, tmp_path) == 0
    assert (tmp_path / "window.png").is_file()


def test_ctrl_c_leaves_as_much_as_closing_the_window(closed_when, tmp_path):
    def interrupt(_window):
        raise KeyboardInterrupt(signal.SIGINT)

    closed_when(lambda app: frames(app) > 10, interrupt)
    with pytest.raises(KeyboardInterrupt):
        show_demo(OPTIONS, tmp_path)
    assert Session.open(tmp_path / "session").finished
    assert (tmp_path / "window.png").is_file()
