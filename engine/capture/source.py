"""FrameSource: what every camera, file and stream looks like to the engine."""

from typing import Protocol

from engine.frames import Frame


class FrameSource(Protocol):
    """One camera's stream of frames.

    Attributes
    ----------
    name
        The view's name.
    live
        True for a device that does not wait; False for a file or a simulated clock, which blocks
        and loses nothing.
    """

    name: str
    live: bool

    def open(self) -> None:
        """Open the source, all or nothing.

        Raises
        ------
        engine.errors.CameraError
            Its message: what happened, what it means, what to do.
        """
        ...

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the frames as delivered (after rotation), px; known once open."""
        ...

    @property
    def rate_fps(self) -> float:
        """Nominal frames per second; known once open."""
        ...

    @property
    def frame_count(self) -> int | None:
        """How many frames will come; None where unknown, as for a live source."""
        ...

    @property
    def remarks(self) -> tuple[str, ...]:
        """Messages on what was odd (a rotation flag, a damaged tail); grows while reading."""
        ...

    def read(self, timeout_ms: int) -> Frame | None:
        """Return the next frame, or None at the end of the source.

        Raises
        ------
        engine.errors.CameraTimeoutError
            If a live source sent nothing within the time.
        engine.errors.CameraDisconnectedError
            If it is gone.
        """
        ...

    def close(self) -> None:
        """Release the device or file; may be called twice."""
        ...
