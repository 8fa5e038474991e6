"""Sources that give frames at the times a test wants, without a file or a real picture."""

from collections.abc import Sequence

import numpy as np

from engine.frames import Frame

PIXEL = np.zeros((2, 4, 3), np.uint8)


class ScriptedSource:
    """Gives one frame at each given time; frame k has sequence number `sequences[k]`."""

    def __init__(
        self,
        name: str,
        times_ns: Sequence[int],
        rate_fps: float,
        sequences: Sequence[int] | None = None,
    ) -> None:
        self.name, self.live, self.rate_fps = name, False, rate_fps
        self.size_wh = (4, 2)
        self.remarks = ()
        self._times_ns = list(times_ns)
        self._sequences = (
            list(sequences) if sequences is not None else list(range(len(self._times_ns)))
        )
        self._next = 0

    @property
    def frame_count(self) -> int | None:
        return len(self._times_ns)

    def open(self) -> None:
        self._next = 0

    def read(self, timeout_ms: int) -> Frame | None:
        if self._next >= len(self._times_ns):
            return None
        self._next += 1
        return Frame(
            self.name, self._sequences[self._next - 1], self._times_ns[self._next - 1], PIXEL
        )

    def close(self) -> None:
        pass
