"""Starting Qt, where a display that is not there becomes one sentence."""

import logging
import os
import sys

from PyQt6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler
from PyQt6.QtWidgets import QApplication

logger = logging.getLogger(__name__)

FAILED = 1


def started() -> QApplication:
    """Start Qt, which runs in the first thread and once only.

    Returns
    -------
    running
        It lives as long as somebody holds it.

    Notes
    -----
    Without a display Qt ends the process by an abort, and nobody can catch that. It says why before: that becomes
    one sentence, and the process ends at once with exit code 1. Nothing is open at that moment.
    """
    said: list[str] = []

    def hear(kind: QtMsgType, _context: QMessageLogContext, text: str | None) -> None:
        """Keep what Qt says; end the program when Qt would."""
        said.append(text or "")
        logger.info("Qt: %s", text)
        if kind == QtMsgType.QtFatalMsg:
            _end(said)

    earlier = qInstallMessageHandler(hear)
    try:
        return QApplication(["epipole"])
    finally:
        qInstallMessageHandler(earlier)


def why_no_window(said: list[str], platform: str, display: str) -> str:
    """Say why there is no window, and what to do.

    Parameters
    ----------
    said
        What Qt said, line by line.
    platform
        What QT_QPA_PLATFORM asks for; may be empty.
    display
        What DISPLAY names; may be empty.

    Returns
    -------
    sentence
    """
    without = "add --headless: the window is then written as a picture."
    if any("Could not find the Qt platform plugin" in line for line in said):
        return f"No window can be opened: Qt knows no platform '{platform}'. Unset QT_QPA_PLATFORM, or {without}"
    if any("could not connect to display" in line or "wl_display" in line for line in said):
        where = f"there is no display '{display}'" if display else "no display is named"
        return f"No window can be opened: {where}. Set DISPLAY to one that is there, or {without}"
    first = next((line for line in said if line), "no reason given").rstrip(".")
    return f"No window can be opened: Qt cannot start ({first}). 'epipole doctor' says what is missing; or {without}"


def _end(said: list[str]) -> None:
    """End the program in place of Qt."""
    sentence = why_no_window(said, os.environ.get("QT_QPA_PLATFORM", ""), os.environ.get("DISPLAY", ""))
    logger.info("%s", sentence)
    sys.stderr.write(f"epipole: {sentence}\n")
    sys.stderr.flush()
    sys.stdout.flush()
    os._exit(FAILED)
