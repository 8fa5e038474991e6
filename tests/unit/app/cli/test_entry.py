"""Ctrl-C: the first ends the program, the next ones do not disturb its ending."""

import signal
import threading

import pytest

from app.cli import entry
from app.cli import main as cli


@pytest.fixture(autouse=True)
def handler_of_before():
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def test_the_exit_code_of_the_command_is_handed_on(monkeypatch):
    monkeypatch.setattr(cli, "main", lambda: 3)
    assert entry.main() == 3


def test_ctrl_c_before_anything_was_begun_is_code_130(monkeypatch, capsys):
    def interrupted() -> int:
        signal.raise_signal(signal.SIGINT)
        return 0

    monkeypatch.setattr(cli, "main", interrupted)
    assert entry.main() == 130
    assert capsys.readouterr().err == "epipole: Stopped before anything was started.\n"


def test_a_second_ctrl_c_does_not_disturb_the_closing(monkeypatch):
    closed = threading.Event()

    def closing() -> int:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            signal.raise_signal(signal.SIGINT)
            closed.set()
        return 130

    monkeypatch.setattr(cli, "main", closing)
    assert entry.main() == 130
    assert closed.is_set()


def test_ctrl_c_ends_a_closing_that_hangs(monkeypatch):
    codes: list[int] = []
    monkeypatch.setattr(entry.os, "_exit", codes.append)
    hears = entry.InterruptHandler(force_exit_after_s=-1.0)
    with pytest.raises(KeyboardInterrupt):
        hears(signal.SIGINT, None)
    hears(signal.SIGINT, None)
    assert codes == [130]
