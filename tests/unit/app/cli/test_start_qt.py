"""A window that cannot be opened is one message and code 1; Qt alone would abort."""

import os
import subprocess
import sys

import pytest

from app.cli.start_qt import explain_no_window


def test_a_display_that_is_not_there_is_one_sentence_and_code_1():
    environment = {**os.environ, "DISPLAY": ":77", "QT_QPA_PLATFORM": "xcb"}
    command = [
        sys.executable,
        "-c",
        "from app.window.snapshot import get_application; get_application()",
    ]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("epipole: No window can be opened: ")
    assert "--headless" in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("said", "platform", "display", "words"),
    [
        (["qt.qpa.xcb: could not connect to display :77"], "", ":77", "there is no display ':77'"),
        (["could not connect to display "], "xcb", "", "no display is named"),
        (['Could not find the Qt platform plugin "x" in ""'], "x", "", "Qt knows no platform 'x'"),
        (
            ["libxcb-cursor0 is needed."],
            "",
            ":0",
            "(libxcb-cursor0 is needed). Run 'epipole doctor'",
        ),
        ([], "", "", "no reason given"),
    ],
)
def test_the_sentence_names_what_is_missing_and_what_to_do(said, platform, display, words):
    message = explain_no_window(said, platform, display)
    assert words in message
    assert "--headless" in message
