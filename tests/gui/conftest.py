"""Fixtures of every test of the window: one application, no widget left open, no warning of Qt."""

import gc

import pytest
from PyQt6.QtCore import QEvent, qInstallMessageHandler
from PyQt6.QtWidgets import QApplication

from app.window.snapshot import get_offscreen_application

# the offscreen screen says so of every dialog
HARMLESS = "This plugin does not support propagateSizeHints()"


@pytest.fixture(scope="session")
def qapp():
    """Start the application as the program does."""
    return get_offscreen_application()


@pytest.fixture(autouse=True)
def tidy(qapp: QApplication):
    """Fail a test that leaves a widget behind or makes Qt complain."""
    complaints: list[str] = []
    previous = qInstallMessageHandler(lambda kind, context, text: complaints.append(text or ""))
    before = set(QApplication.topLevelWidgets())
    yield
    gc.collect()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    left = [
        widget
        for widget in QApplication.topLevelWidgets()
        if widget not in before and widget.isVisible()
    ]
    qInstallMessageHandler(previous)
    assert not left, f"widgets left open: {left}"
    serious = [complaint for complaint in complaints if complaint != HARMLESS]
    assert not serious, f"Qt complained: {serious}"
