"""Starting Qt, where a display that is not there becomes one sentence."""

import logging
import os
import sys

from PyQt6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler
from PyQt6.QtWidgets import QApplication

logger = logging.getLogger(__name__)

FAILED = 1


def start_application() -> QApplication:
    """Start Qt, which runs in the first thread and once only.

    Returns
    -------
    running
        It lives as long as somebody holds it.

    Notes
    -----
    Without a display Qt ends the process by an abort, and nobody can catch that. It says why
    before: that becomes one sentence, and the process ends at once with exit code 1. Nothing is
    open at that moment.
    """
    qt_messages: list[str] = []

    def on_message(kind: QtMsgType, _context: QMessageLogContext, text: str | None) -> None:
        """Keep what Qt says; end the program when Qt would."""
        qt_messages.append(text or "")
        logger.info("Qt: %s", text)
        if kind == QtMsgType.QtFatalMsg:
            _exit_with_message(qt_messages)

    earlier = qInstallMessageHandler(on_message)
    try:
        return QApplication(["epipole"])
    finally:
        qInstallMessageHandler(earlier)


def explain_no_window(qt_messages: list[str], platform: str, display: str) -> str:
    """Say why there is no window, and what to do.

    Parameters
    ----------
    qt_messages
        What Qt said, line by line.
    platform
        What QT_QPA_PLATFORM asks for; may be empty.
    display
        What DISPLAY names; may be empty.

    Returns
    -------
    sentence
    """
    alternative = "add --headless: the window is then written as a picture."
    if any("Could not find the Qt platform plugin" in line for line in qt_messages):
        return (
            f"No window can be opened: Qt knows no platform '{platform}'. Unset "
            f"QT_QPA_PLATFORM, or {alternative}"
        )
    if any("could not connect to display" in line or "wl_display" in line for line in qt_messages):
        where = f"there is no display '{display}'" if display else "no display is named"
        return (
            f"No window can be opened: {where}. Set DISPLAY to one that is there, or {alternative}"
        )
    first = next((line for line in qt_messages if line), "no reason given").rstrip(".")
    return (
        f"No window can be opened: Qt cannot start ({first}). 'epipole doctor' says what is "
        f"missing; or {alternative}"
    )


def _exit_with_message(qt_messages: list[str]) -> None:
    """End the program in place of Qt."""
    message = explain_no_window(
        qt_messages, os.environ.get("QT_QPA_PLATFORM", ""), os.environ.get("DISPLAY", "")
    )
    logger.info("%s", message)
    sys.stderr.write(f"epipole: {message}\n")
    sys.stderr.flush()
    sys.stdout.flush()
    os._exit(FAILED)
