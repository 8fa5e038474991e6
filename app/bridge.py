"""Bridge: the only place where the engine's threads meet Qt. The window looks for news at screen rate."""

from collections.abc import Callable

from PyQt6.QtCore import QObject, Qt, QTimer

SCREEN_HZ = 30


class Bridge(QObject):
    """Calls the window's refresh at screen rate, in the window's own thread.

    Nothing is sent across threads: the engine leaves its newest result where it can be taken, and the window takes it
    when it is its turn. A slow window therefore sees fewer results, and no queue can grow.

    Parameters
    ----------
    refresh
        Takes what is new and shows it; must not wait for anything.
    rate_hz
        How often.
    """

    def __init__(self, refresh: Callable[[], None], rate_hz: float = SCREEN_HZ) -> None:
        super().__init__()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(refresh)
        self._timer.start(round(1000 / rate_hz))

    def close(self) -> None:
        """Look no more."""
        self._timer.stop()
