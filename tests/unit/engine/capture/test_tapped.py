"""A tapped source: the listener sees what the reader gets, in its order."""

import numpy as np

from engine.capture.tapped import TappedSource
from engine.frames import Frame


class Three:
    """A source of three frames."""

    name, live, size_wh, rate_fps, frame_count, remarks = "left", False, (8, 6), 30.0, 3, ("odd",)

    def __init__(self) -> None:
        self.sequence, self.calls = 0, []

    def open(self) -> None:
        self.calls.append("open")

    def close(self) -> None:
        self.calls.append("close")

    def read(self, timeout_ms: int) -> Frame | None:
        if self.sequence == 3:
            return None
        self.sequence += 1
        return Frame("left", self.sequence, self.sequence, np.zeros((6, 8, 3), np.uint8))


def test_the_listener_sees_every_frame_once_and_nothing_of_the_end():
    heard = []
    source = TappedSource(Three(), heard.append)
    read = [source.read(0) for _ in range(4)]
    assert read[:3] == heard
    assert read[3] is None


def test_a_tapped_source_is_the_source_in_all_else():
    inner = Three()
    source = TappedSource(inner, lambda frame: None)
    source.open()
    source.close()
    assert inner.calls == ["open", "close"]
    facts = ("name", "live", "size_wh", "rate_fps", "frame_count", "remarks")
    assert [getattr(source, name) for name in facts] == [getattr(inner, name) for name in facts]
