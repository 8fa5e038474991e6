"""Meter and Stopwatch: speed and waiting since the last row of a history; time without pauses."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class ThroughputMeter:
    """Measures the speed since the last row; until the first step after it, the one before."""

    def __init__(self) -> None:
        self._samples_per_s, self._waiting_share = 0.0, 0.0
        self.reset()

    def reset(self) -> None:
        """Begin the next row."""
        self._samples = 0
        self._waited_s = 0.0
        self._trained_s = 0.0

    def add(self, samples: int, *, waited_s: float, trained_s: float) -> None:
        """Add a step.

        Parameters
        ----------
        samples
            Of all processes.
        waited_s
            For the data.
        trained_s
            With them.
        """
        self._samples += samples
        self._waited_s += waited_s
        self._trained_s += trained_s
        total_s = max(self._waited_s + self._trained_s, 1e-9)
        self._samples_per_s = self._samples / total_s
        self._waiting_share = self._waited_s / total_s

    @property
    def samples_per_s(self) -> float:
        """Samples per second, the time spent waiting for data included."""
        return self._samples_per_s

    @property
    def waiting_share(self) -> float:
        """Share of the time spent waiting for data."""
        return self._waiting_share


class Stopwatch:
    """Seconds of work, without those in which it was halted.

    Parameters
    ----------
    elapsed_s
        From before.
    """

    def __init__(self, elapsed_s: float) -> None:
        self._started_s = time.monotonic() - elapsed_s

    @property
    def seconds(self) -> float:
        """Elapsed time, s, without pauses."""
        return time.monotonic() - self._started_s

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Do not count the time spent within this context."""
        paused_s = time.monotonic()
        try:
            yield
        finally:
            self._started_s += time.monotonic() - paused_s
