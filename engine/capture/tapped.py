"""TappedSource: shows a source's frames to a listener before they are synchronized."""

from collections.abc import Callable

from engine.capture.source import FrameSource
from engine.capture.wrapped import WrappedSource
from engine.frames import Frame


class TappedSource(WrappedSource):
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
        super().__init__(source)
        self._listener = listener

    def read(self, timeout_ms: int) -> Frame | None:
        """Return the next frame after the listener has seen it, or None at the end."""
        frame = self._source.read(timeout_ms)
        if frame is not None:
            self._listener(frame)
        return frame
