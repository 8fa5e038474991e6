"""The window as a picture: drawn without a display, the same widgets as on one."""

import os
from pathlib import Path

from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QApplication

from app.presenters.window import WindowState
from app.views.main_window import MainWindow

SIZE_WH = (1280, 720)


def draw_window(state: WindowState, path: Path, size_wh: tuple[int, int] = SIZE_WH) -> None:
    """Draw the window offscreen and write it as PNG.

    Parameters
    ----------
    state
    path
        Its folder must exist.
    size_wh
        Of the picture, px.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    application = offscreen_application()
    window = MainWindow(state)
    window.resize(*size_wh)
    window.show()
    application.processEvents()
    written = window.grab().save(str(path), "PNG")
    window.close()
    window.deleteLater()
    application.processEvents()
    if not written:
        raise OSError(None, "the picture was not written", str(path))


def offscreen_application() -> QGuiApplication:
    """Return the application, started without a display where none runs yet."""
    running = QApplication.instance()
    if isinstance(running, QApplication):
        return running
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    return QApplication(["epipole"])
