"""Start Qt; a missing display ends the program with one message."""

import logging
import os
import sys

from PyQt6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler
from PyQt6.QtWidgets import QApplication

from app.exit_codes import FAILED

logger = logging.getLogger(__name__)


def start_application() -> QApplication:
    """Start Qt, once and in the main thread.

    Returns
    -------
    running
        Lives as long as it is referenced.

    Notes
    -----
    Without a display Qt aborts the process, which cannot be caught. Its last message says why: it
    is turned into one message of ours, and the process ends at once with exit code 1. Nothing is
    open at that moment.
    """
    qt_messages: list[str] = []

    def on_message(kind: QtMsgType, _context: QMessageLogContext, text: str | None) -> None:
        """Keep the messages of Qt; end the program when Qt would."""
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
    """Explain why no window can be opened, and what to do.

    Parameters
    ----------
    qt_messages
        Messages of Qt, line by line.
    platform
        Value of QT_QPA_PLATFORM; may be empty.
    display
        Value of DISPLAY; may be empty.
    """
    alternative = "add --headless to draw the window as a picture."
    if any("Could not find the Qt platform plugin" in line for line in qt_messages):
        return (
            f"No window can be opened: Qt knows no platform '{platform}'. Unset "
            f"QT_QPA_PLATFORM, or {alternative}"
        )
    if any("could not connect to display" in line or "wl_display" in line for line in qt_messages):
        where = f"there is no display '{display}'" if display else "no display is named"
        return f"No window can be opened: {where}. Set DISPLAY to an existing one, or {alternative}"
    first = next((line for line in qt_messages if line), "no reason given").rstrip(".")
    return (
        f"No window can be opened: Qt cannot start ({first}). Run 'epipole doctor' to see "
        f"what is missing, or {alternative}"
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
