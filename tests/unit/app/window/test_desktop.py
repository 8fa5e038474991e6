"""What the desktop cannot open is reported with its path."""

from pathlib import Path

from PyQt6.QtGui import QDesktopServices

from app.window.desktop import open_on_desktop


def test_what_the_desktop_cannot_open_is_named(monkeypatch):
    messages = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda _url: False)
    open_on_desktop(Path("/takes/walk"), messages.append)
    assert len(messages) == 1
    assert "'/takes/walk'" in messages[0]


def test_what_the_desktop_opens_needs_no_message(monkeypatch):
    messages = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda _url: True)
    open_on_desktop(Path("/takes/walk"), messages.append)
    assert messages == []
