"""From a file's time stamps to the times of its frames; exact where there is a ledger."""

import numpy as np

from engine.ledger import FrameTimes

# A ledger's time and a file's stamp of the same frame differ by less: two stamps of 1 ms.
SAME_FRAME_TOLERANCE_NS = 2_000_000


class IncreasingTimes:
    """Times since the first frame, repaired where they do not increase.

    Parameters
    ----------
    first_ns
        Stamp of the first frame.
    period_ns
        The usual time between two frames.

    Attributes
    ----------
    repaired_count
        How many frames had no stamp, or one that did not increase.
    last_ns
        Time of the last frame.
    """

    def __init__(self, first_ns: int, period_ns: int) -> None:
        self._shift_ns = -first_ns
        self._period_ns = period_ns
        self._sequence = -1
        self.last_ns = -period_ns
        self.repaired_count = 0

    def next_moment(self, stamp_ns: int | None) -> tuple[int, int]:
        """Return sequence and time of the next frame.

        Parameters
        ----------
        stamp_ns
            As in the file; None where it has none.

        Returns
        -------
        sequence, time_ns
            A frame without a stamp comes one period after the last, one that repeats a stamp half a
            period after it (its real time is unknown), and a file whose stamps restart continues
            where it was.
        """
        time_ns = self.last_ns + self._period_ns
        if stamp_ns is None:
            self.repaired_count += 1
        elif self._sequence < 0 or stamp_ns + self._shift_ns > self.last_ns:
            time_ns = stamp_ns + self._shift_ns
        elif stamp_ns + self._shift_ns < self.last_ns - self._period_ns:
            self.repaired_count += 1
            self._shift_ns = time_ns - stamp_ns
        else:
            self.repaired_count += 1
            time_ns = self.last_ns + self._period_ns // 2
        self._sequence += 1
        self.last_ns = time_ns
        return self._sequence, time_ns


class LedgerTimes:
    """Exact times of a recorded video, by its stamps; frames not in the ledger are not used.

    Parameters
    ----------
    times
        From the ledger.
    """

    def __init__(self, times: FrameTimes) -> None:
        self._times = times
        self._row = 0

    def next_moment(self, stamp_ns: int | None) -> tuple[int, int] | None:
        """Return sequence and time of the frame with this stamp; None if the ledger has none."""
        time_ns = self._times.time_ns
        if stamp_ns is None or self._row >= len(time_ns):
            return None
        stamp_ns += self._times.start_ns
        row = self._row + int(np.searchsorted(time_ns[self._row :], stamp_ns))
        near = [r for r in (row - 1, row) if self._row <= r < len(time_ns)]
        row = min(near, key=lambda r: abs(int(time_ns[r]) - stamp_ns))
        if abs(int(time_ns[row]) - stamp_ns) > SAME_FRAME_TOLERANCE_NS:
            return None
        self._row = row + 1
        return int(self._times.sequence[row]), int(time_ns[row])
