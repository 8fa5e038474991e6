"""The window on the screen, or as a picture drawn without one; the same widgets in both."""

import os
import signal
from pathlib import Path

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication, QWidget

from app.cli.start_qt import start_application
from app.exit_codes import INTERRUPTED
from app.presenters.window import WindowState
from app.views.main_window import MainWindow

SIZE_WH = (1280, 720)
HEARTBEAT_MS = 200


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
    qt_application = get_offscreen_application()
    draw_widget(MainWindow(state), path, size_wh)
    qt_application.processEvents()


def draw_widget(window: QWidget, path: Path, size_wh: tuple[int, int] = SIZE_WH) -> None:
    """Draw a window, write it as PNG and delete it.

    Parameters
    ----------
    window
        Made after `get_offscreen_application`.
    path
        Its folder must exist.
    size_wh
        Of the picture, px.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    qt_application = get_application()
    window.resize(*size_wh)
    window.show()
    qt_application.processEvents()
    written = window.grab().save(str(path), "PNG")
    window.close()
    window.deleteLater()
    qt_application.processEvents()
    if not written:
        raise OSError(None, "the picture was not written", str(path))


def show_until_closed(window: QWidget) -> None:
    """Show a window on the screen until it is closed, and delete it.

    Parameters
    ----------
    window
        Made after `get_application`.

    Raises
    ------
    KeyboardInterrupt
        If Ctrl-C was pressed in the terminal.
    """
    qt_application = get_application()
    window.show()
    heartbeat = QTimer()  # Python sees Ctrl-C only when Qt lets it run
    heartbeat.timeout.connect(lambda: None)
    heartbeat.start(HEARTBEAT_MS)
    earlier = signal.signal(signal.SIGINT, lambda *_: qt_application.exit(INTERRUPTED))
    try:
        code = qt_application.exec()
    finally:
        signal.signal(signal.SIGINT, earlier)
        heartbeat.stop()
        window.deleteLater()
    if code == INTERRUPTED:
        signal.raise_signal(signal.SIGINT)  # handled as the first Ctrl-C again


def get_application() -> QApplication:
    """Return the application, started where none runs yet; the caller must hold it.

    Where Qt cannot start, a message says so and the program ends: Qt itself would abort it.
    """
    return _find_running_application() or start_application()


def get_offscreen_application() -> QApplication:
    """Return the application, started without a display where none runs yet."""
    running = _find_running_application()
    if running:
        return running
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    return start_application()


def _find_running_application() -> QApplication | None:
    """Return the application that runs already."""
    running = QApplication.instance()
    return running if isinstance(running, QApplication) else None
