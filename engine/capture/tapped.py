"""TappedSource: shows a source's frames to a listener before they are synchronized."""

from collections.abc import Callable

from engine.capture.source import FrameSource
from engine.frames import Frame


class TappedSource:
    """Shows every frame to a listener on its way out.

    Recording happens here, per camera: framesets leave out frames that fit no instant, a recording
    must not.

    Parameters
    ----------
    source
    listener
        Gets each frame in the thread that reads; for instance the `put` of a `CameraRecorder`.

    Attributes
    ----------
    name, live
        Of the source.
    """

    def __init__(self, source: FrameSource, listener: Callable[[Frame], None]) -> None:
        self.name, self.live = source.name, source.live
        self._source, self._listener = source, listener

    def open(self) -> None:
        """Open the source."""
        self._source.open()

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
        """What was odd."""
        return self._source.remarks

    def read(self, timeout_ms: int) -> Frame | None:
        """Return the next frame after the listener has seen it, or None at the end."""
        frame = self._source.read(timeout_ms)
        if frame is not None:
            self._listener(frame)
        return frame

    def close(self) -> None:
        """Close the source."""
        self._source.close()
