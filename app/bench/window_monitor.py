"""What a running window costs: processor time by thread, paints, and gaps between events."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PyQt6.QtCore import QEvent, QEventLoop, QObject, Qt, QTimer
from PyQt6.QtWidgets import QWidget

from app.views.live.camera_grid import CameraGrid
from app.views.room.room_3d import Room3D

_TICK_MS = 10
_OTHERS = "native and ended threads"


@dataclass(frozen=True, slots=True)
class ResourceUsage:
    """What was used during a measurement.

    Parameters
    ----------
    cores
        Of this process.
    by_thread
        The same by name of the thread.
    paints_hz
        Paints per second, by widget.
    """

    cores: float
    by_thread: dict[str, float]
    paints_hz: dict[str, float]


class WindowMonitor(QObject):
    """Counts the paints of a window and the ticks of its event loop.

    Parameters
    ----------
    window
        Not shown yet.

    Attributes
    ----------
    event_gaps_s, startup_gaps_s
        Between two ticks of the event loop: since `begin`, and before.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__()
        self._paints: Counter[str] = Counter()
        self.event_gaps_s: list[float] = []
        self._last_s = time.perf_counter()
        self.startup_gaps_s: tuple[float, ...] = ()
        self._names: dict[QObject, str] = {}
        for name, kind in (("cameras", CameraGrid), ("room", Room3D)):
            for widget in window.findChildren(kind):
                self._names[widget] = name
                widget.installEventFilter(self)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._record_gap)
        self._timer.start(_TICK_MS)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Count a paint."""
        if watched is not None and event is not None and event.type() == QEvent.Type.Paint:
            self._paints[self._names[watched]] += 1
        return False

    def wait(self, seconds: float, done: Callable[[], bool] = lambda: False) -> None:
        """Run the event loop until `done`, or for so many seconds."""
        loop, end_s = QEventLoop(), time.perf_counter() + seconds
        timer = QTimer()
        timer.timeout.connect(
            lambda: loop.quit() if time.perf_counter() >= end_s or done() else None
        )
        timer.start(100)
        loop.exec()
        timer.stop()

    def begin(self) -> None:
        """Start counting; what came before was the start-up."""
        self.startup_gaps_s = tuple(self.event_gaps_s)
        self.event_gaps_s = []

    def measure(self, seconds: float) -> ResourceUsage:
        """Measure for so many seconds."""
        self._paints.clear()
        threads = _read_thread_cpu_s()
        cpu_s = time.process_time()
        start_s = time.perf_counter()
        self.wait(seconds)
        passed_s = time.perf_counter() - start_s
        cores = (time.process_time() - cpu_s) / passed_s
        now = _read_thread_cpu_s()
        by_thread: defaultdict[str, float] = defaultdict(float)
        for (name, number), spent_s in now.items():
            by_thread[name] += (spent_s - threads.get((name, number), 0.0)) / passed_s
        by_thread[_OTHERS] = cores - sum(by_thread.values()) if by_thread else 0.0
        paints = {
            name: self._paints[name] / passed_s for name in dict.fromkeys(self._names.values())
        }
        return ResourceUsage(cores, dict(by_thread), paints)

    def close(self) -> None:
        """Stop counting."""
        self._timer.stop()
        for widget in self._names:
            widget.removeEventFilter(self)

    def _record_gap(self) -> None:
        """Record a tick of the event loop."""
        now_s = time.perf_counter()
        self.event_gaps_s.append(now_s - self._last_s)
        self._last_s = now_s


def _read_thread_cpu_s() -> dict[tuple[str, int], float]:
    """Read the processor time of each Python thread, by name and id; empty where unavailable."""
    used = {}
    for thread in threading.enumerate():
        try:
            fields = Path(f"/proc/self/task/{thread.native_id}/schedstat").read_text().split()
        except OSError:  # it has just ended, or this is not Linux
            continue
        used[thread.name.partition(" ")[0], thread.native_id or 0] = int(fields[0]) / 1e9
    return used
