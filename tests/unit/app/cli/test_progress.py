"""Progress in the terminal: the time left is right, and nothing is garbled."""

import io
import re

import pytest

from app.cli.progress import Progress
from app.duration import format_duration


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that is set by hand."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def work(stream: io.StringIO, steps: int, step_s: float, until: int | None = None) -> str:
    """Do steady work and return all that was written."""
    clock = Clock()
    with Progress("Finding joints", steps, stream=stream, clock=clock) as progress:
        for step in range(until or steps):
            clock.now_s += step_s
            progress(step + 1)
    return stream.getvalue()


def test_the_time_left_of_steady_work_is_right():
    text = work(Screen(), 900, 0.1)
    middle = re.search(r"450 of 900 framesets  (\S+)/s  (\S+) s left", text)
    assert middle
    assert float(middle[1]) == pytest.approx(10, rel=0.02)
    assert float(middle[2]) == pytest.approx(45, abs=1)


def test_a_terminal_gets_one_line_that_is_drawn_again():
    text = work(Screen(), 50, 0.2)
    assert text.count("\n") == 1
    assert text.endswith("Finding joints: 50 framesets in 10 s.\n")


def test_no_line_is_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "40")
    drawn = work(Screen(), 50, 0.2).split("\n")[0].split("\r\x1b[K")
    assert max(map(len, drawn)) < 40


def test_a_log_file_gets_plain_lines_every_few_seconds():
    text = work(io.StringIO(), 100, 0.2)
    assert "\r" not in text
    assert "\x1b" not in text
    assert 3 <= text.count("\n") <= 6


def test_quick_work_leaves_one_line_in_a_log_file():
    assert work(io.StringIO(), 10, 0.01) == "Finding joints: 10 framesets in 0.1 s.\n"


def fail_after(steps: int, stream: io.StringIO) -> None:
    """Do some steps of ten, then fail."""
    with Progress("Finding joints", 10, stream=stream) as progress:
        progress(steps)
        raise ValueError("no")


def test_work_that_fails_says_how_far_it_came():
    stream = io.StringIO()
    with pytest.raises(ValueError, match="no"):
        fail_after(3, stream)
    assert stream.getvalue().endswith("Finding joints: stopped after 3 of 10 framesets.\n")


def test_bytes_are_shown_as_megabytes():
    stream = io.StringIO()
    with Progress("Model", unit="bytes", stream=stream) as progress:
        progress(9_400_000, 9_400_000)
    assert "9.4 MB" in stream.getvalue()


def test_an_unknown_total_has_no_bar_and_no_time_left():
    screen = Screen()
    clock = Clock()
    with Progress("Reading", None, stream=screen, clock=clock) as progress:
        clock.now_s = 1.0
        progress(30)
    assert "left" not in screen.getvalue()
    assert "%" not in screen.getvalue()


def test_lengths_of_time_are_said_in_two_words_at_most():
    assert [format_duration(s) for s in (0.42, 17.2, 190, 7320)] == [
        "0.4 s",
        "17 s",
        "3 min 10 s",
        "2 h 2 min",
    ]
