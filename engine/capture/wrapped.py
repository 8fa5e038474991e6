"""WrappedSource: a source that passes another one on; a subclass says what it changes."""

from engine.capture.source import FrameSource


class WrappedSource:
    """Answers for the source within, of which it holds `name` and `live` too.

    Parameters
    ----------
    source
        The source within; its messages are passed on.
    """

    def __init__(self, source: FrameSource) -> None:
        self.name, self.live = source.name, source.live
        self._source = source

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the frames, px."""
        return self._source.size_wh

    @property
    def rate_fps(self) -> float:
        """Nominal frames per second."""
        return self._source.rate_fps

    @property
    def frame_count(self) -> int | None:
        """How many frames will come; None where unknown."""
        return self._source.frame_count

    @property
    def remarks(self) -> tuple[str, ...]:
        """Messages on what was odd."""
        return self._source.remarks

    def open(self) -> None:
        """Open the source."""
        self._source.open()

    def close(self) -> None:
        """Close the source; may be called twice."""
        self._source.close()
