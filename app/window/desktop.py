"""Open a folder or a page in the desktop's own program."""

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QUrl
from PyQt6.QtGui import QDesktopServices


def open_on_desktop(path: Path, notify: Callable[[str], object]) -> None:
    """Open a folder or a page; report where the desktop has no program for it.

    Parameters
    ----------
    path
    notify
        Shows a message.
    """
    if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
        notify(f"The desktop opened nothing for '{path}'. Open it in a program of your choice.")
