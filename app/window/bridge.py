"""Bridge: the only place where the engine's threads meet Qt; polls at twice the cameras' rate."""

from collections.abc import Callable

from PyQt6.QtCore import QObject, Qt, QTimer

POLL_HZ = 60
"""At the rate of the cameras, two results that come in a burst would be one picture."""


class Bridge(QObject):
    """Calls the window in its own thread, so that it sees whether there is anything new.

    Nothing is sent across threads: the engine leaves its newest result where it can be taken, and
    the window takes it when it has time. A slow window therefore shows fewer results, and no queue
    can grow.

    Parameters
    ----------
    poll
        Takes what is new and shows it; must not wait for anything, and be quick where nothing is
        new.
    rate_hz
        How often.
    """

    def __init__(self, poll: Callable[[], None], rate_hz: float = POLL_HZ) -> None:
        super().__init__()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(poll)
        self._timer.start(round(1000 / rate_hz))

    def close(self) -> None:
        """Stop polling."""
        self._timer.stop()
