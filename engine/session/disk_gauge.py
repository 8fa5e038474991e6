"""DiskGauge: how much room the disk has for a recording, and how long it will last."""

from collections import deque
from math import inf, isfinite, nan
from pathlib import Path

from engine.clock import NS_PER_S, host_ns
from engine.disk import disk_errors, free_bytes
from engine.errors import SessionError

# The rate of writing is measured over this many samples.
RATE_SAMPLES = 20
# Below either of the first two there is a warning; below the last, the recording ends while there
# is room to finish its files.
LOW_BYTES = 1 << 30
LOW_S = 60.0
RESERVED_BYTES = 64 << 20


class DiskGauge:
    """Watches the free space on the disk of a recording.

    Parameters
    ----------
    path
        The recording's folder; it need not exist.

    Attributes
    ----------
    left_s
        How long the disk will last at the current rate; NaN before that is known.
    """

    def __init__(self, path: Path) -> None:
        self.left_s = nan
        self._path = path
        self._free: float = inf
        self._samples: deque[tuple[int, int]] = deque(maxlen=RATE_SAMPLES)

    def require_space(self) -> None:
        """Raise SessionError where there is no room for a recording at all."""
        with disk_errors(self._path):
            free = free_bytes(self._path)
        if free < RESERVED_BYTES:
            raise SessionError(
                f"The disk of '{self._path}' has only {free / 1e6:.0f} MB left: nothing was "
                "recorded. Free some space, or choose another folder."
            )

    def measure(self, written: int) -> None:
        """Measure the free space after a number of bytes in total have been written.

        Raises
        ------
        SessionError
            If the disk is too full for the recording to go on, or cannot be read.
        """
        with disk_errors(self._path):
            self._free = free_bytes(self._path)
        if self._free < RESERVED_BYTES:
            raise SessionError(
                f"The disk of '{self._path}' is full: the recording was stopped, and everything "
                "until now is kept. Free some space, then record again."
            )
        self._samples.append((host_ns(), written))
        (begin_ns, begin), (end_ns, end) = self._samples[0], self._samples[-1]
        if end > begin:
            self.left_s = (
                (self._free - RESERVED_BYTES) * (end_ns - begin_ns) / NS_PER_S / (end - begin)
            )

    @property
    def message(self) -> str:
        """Warn of a disk that is nearly full; empty while it is not."""
        if self._free >= LOW_BYTES and not self.left_s < LOW_S:
            return ""
        left = (
            f"{self.left_s:.0f} s at this rate"
            if isfinite(self.left_s)
            else f"{self._free / 1e6:.0f} MB"
        )
        return (
            f"The disk of '{self._path}' is nearly full (room for {left}). Free some space, "
            "or end the recording."
        )
