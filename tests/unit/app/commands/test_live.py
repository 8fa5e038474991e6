"""`epipole live --headless` and `epipole record`, with real servers and no model."""

import signal
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from app.cli import main as cli
from app.commands import live, record
from engine.live.cameras import make_camera_sources
from engine.live.live import Live, LiveOptions
from engine.session import disk_gauge
from engine.session.session import Session
from tests.support.fake_models import FakeWalkerEstimator
from tests.support.ip_cameras import MjpegServer, find_free_port
from tests.support.live_recordings import list_our_threads
from tests.support.patience import PATIENCE_S, PATIENT_NETWORK, wait_until
from tests.support.sessions import record_session


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch):
    """Wait for all that a busy machine does late; cameras that refuse are believed soon."""
    make_sources = partial(make_camera_sources, network=PATIENT_NETWORK)
    wait = partial(live.wait_for_images, timeouts=live.ImageTimeouts(PATIENCE_S, 0.3))
    for module in (live, record):
        monkeypatch.setattr(module, "make_camera_sources", make_sources)
        monkeypatch.setattr(module, "wait_for_images", wait)
    monkeypatch.setattr(live, "LiveOptions", partial(LiveOptions, close_s=PATIENCE_S))
    monkeypatch.setattr(live, "create_estimator", lambda _model, views: FakeWalkerEstimator(views))
    yield
    assert wait_until(lambda: not list_our_threads())


@pytest.fixture
def servers():
    with MjpegServer(size_wh=(640, 480)) as one, MjpegServer(size_wh=(640, 480)) as other:
        yield one.address, other.address


def headless(*words: object) -> int:
    return cli.main(["live", *map(str, words), "--headless"])


def recording(folder: Path):
    return lambda: any(folder.glob("**/cameras/*.mkv"))


def when(true, act) -> threading.Thread:
    """Do something once a condition holds, or at a timeout, so that no test waits forever."""
    thread = threading.Thread(target=lambda: (wait_until(true), act()))
    thread.start()
    return thread


def test_one_camera_alone_is_code_0_and_says_why_there_is_no_3d(servers, tmp_path, capsys):
    assert headless(servers[0], "--seconds", 1, "--out", tmp_path / "o") == 0
    assert "Add a second camera" in capsys.readouterr().out
    assert Session.open(tmp_path / "o" / "session").finished


def test_a_camera_that_refuses_is_believed_before_the_time_is_over(tmp_path, capsys):
    address = f"http://me:secret@127.0.0.1:{find_free_port()}/video?password=secret"
    assert headless(address, "--out", tmp_path / "o") == 1
    said = capsys.readouterr()
    assert "refuses the connection" in said.err
    assert "secret" not in said.err + said.out


@pytest.mark.parametrize("command", ["live", "record"])
def test_ctrl_c_is_code_130_with_a_whole_session_that_is_named(command, servers, tmp_path, capsys):
    out = tmp_path / "o"
    waiting = when(
        recording(out),
        lambda: signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT),
    )
    words = ["live", *servers, "--headless"] if command == "live" else ["record", *servers]
    assert cli.main([*words, "--out", str(out)]) == 130
    waiting.join()
    session = out / "session" if command == "live" else out
    assert str(session) in capsys.readouterr().out
    assert Session.open(session).finished
    assert command == "record" or (out / "window.png").is_file()


class UntilItEnded:
    """A clock that jumps once a recording has ended by itself, to shorten the test."""

    sleep = staticmethod(time.sleep)

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._noticed_s = 0.0
        ended = Live.recording_ended.fget
        monkeypatch.setattr(
            Live, "recording_ended", property(lambda live: self._notice(ended(live)))
        )

    def monotonic(self) -> float:
        return time.monotonic() + self._noticed_s

    def _notice(self, ended: bool) -> bool:
        self._noticed_s = 1e6 if ended else self._noticed_s
        return ended


def test_a_disk_that_fills_while_recording_is_said_and_code_1(
    servers, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(live, "time", UntilItEnded(monkeypatch))
    free = [1 << 40]
    monkeypatch.setattr(disk_gauge, "free_bytes", lambda _path: free[0])
    filling = when(recording(tmp_path), lambda: free.__setitem__(0, 1 << 20))
    assert headless(servers[0], "--seconds", 600, "--out", tmp_path / "o") == 1
    filling.join()
    assert (
        capsys.readouterr().out.count("is full: the recording was stopped") == 2
    )  # at once, and in the end
    assert Session.open(tmp_path / "o" / "session").finished


@pytest.mark.parametrize("words", [["--headless", "--record"], ["--record"]])
def test_a_folder_that_holds_something_is_refused_before_a_camera_is_opened(
    servers, tmp_path, capsys, words
):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    assert cli.main(["live", servers[0], *words, str(tmp_path / "full")]) == 1
    assert "never overwritten" in capsys.readouterr().err


def test_a_rig_file_that_is_none_is_refused_before_a_camera_is_opened(servers, tmp_path, capsys):
    (tmp_path / "rig.toml").write_text("nonsense = [")
    assert headless(servers[0], "--rig", tmp_path / "rig.toml", "--out", tmp_path / "o") == 1
    assert "is not a rig file" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_a_video_that_is_missing_of_a_session_is_named(tmp_path, capsys):
    record_session(tmp_path / "s", 20)
    next((tmp_path / "s" / "cameras").glob("*.mkv")).unlink()
    assert headless(tmp_path / "s", "--seconds", 1, "--out", tmp_path / "o") == 0
    assert "The video of camera" in capsys.readouterr().out
