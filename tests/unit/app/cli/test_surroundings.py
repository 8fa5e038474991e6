"""Where the program writes by itself, what it keeps out of it, and whether it has a screen."""

import logging
from datetime import datetime
from pathlib import Path

import pytest

from app.cli.display import is_headless
from app.logs import hide_passwords, start_log
from app.paths import choose_new_folder


@pytest.fixture
def root_logger():
    """Give the root logger back as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield root
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


def test_a_log_holds_no_password_not_even_in_a_traceback(tmp_path: Path, root_logger):
    assert start_log(tmp_path / "deep" / "epipole.log")
    try:
        raise ConnectionError("http://anna:secret@host/stream refused")
    except ConnectionError:
        logging.getLogger("engine").exception("rtsp://bob:hidden@host failed")
    text = (tmp_path / "deep" / "epipole.log").read_text()
    assert "http://host/stream refused" in text
    assert "secret" not in text
    assert "hidden" not in text


def test_a_log_that_cannot_be_written_is_done_without(tmp_path: Path, root_logger):
    (tmp_path / "file").write_text("in the way")
    assert not start_log(tmp_path / "file" / "epipole.log")


def test_a_password_in_a_query_is_hidden_and_the_example_in_our_own_sentence_stays():
    assert (
        hide_passwords("no 'http://cam/v?user=me&pwd=secret'.")
        == "no 'http://cam/v?user=***&pwd=***"
    )
    assert (
        hide_passwords("Put them in: http://user:password@host…")
        == "Put them in: http://user:password@host…"
    )


def test_an_address_without_password_stays_as_it_is():
    assert hide_passwords("rtsp://10.0.0.7/live@home") == "rtsp://10.0.0.7/live@home"


def test_two_folders_of_one_second_have_two_names(tmp_path: Path):
    now = datetime(2026, 1, 31, 17, 5, 9)
    first = choose_new_folder(tmp_path, now)
    first.mkdir()
    second = choose_new_folder(tmp_path, now)
    assert first.name == "epipole-2026-01-31-17h05m09"
    assert second.name == "epipole-2026-01-31-17h05m09-2"


@pytest.mark.parametrize(
    ("asked", "environment", "platform", "headless"),
    [
        (False, {}, "linux", True),
        (False, {"DISPLAY": ":0"}, "linux", False),
        (False, {"WAYLAND_DISPLAY": "wayland-0"}, "linux", False),
        (False, {"QT_QPA_PLATFORM": "offscreen"}, "linux", False),
        (True, {"DISPLAY": ":0"}, "linux", True),
        (False, {}, "win32", False),
        (False, {}, "darwin", False),
    ],
)
def test_the_window_is_a_picture_where_asked_for_or_where_there_is_no_screen(
    asked, environment, platform, headless
):
    assert is_headless(requested=asked, environment=environment, platform=platform) is headless
