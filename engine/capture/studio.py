"""Studio sources: the virtual studio's cameras, behind the protocol of all cameras."""

from engine.frames import Frame
from engine.studio.address import parse_address
from engine.studio.scene import Studio


class StudioSource:
    """One camera of a studio, on a simulated clock.

    It waits for its reader and loses nothing but what it drops itself.

    Parameters
    ----------
    studio
    camera_index
        In the order of the studio's rig.

    Attributes
    ----------
    name, live
        `live` is False.
    """

    def __init__(self, studio: Studio, camera_index: int) -> None:
        self.name = studio.rig.names[camera_index]
        self.live = False
        self._studio, self._camera_index = studio, camera_index
        self._next = 0

    def open(self) -> None:
        """Start at the first frame."""
        self._next = 0

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the frames, px."""
        return self._studio.config.size_wh

    @property
    def rate_fps(self) -> float:
        """Frames per second."""
        return self._studio.config.rate_fps

    @property
    def frame_count(self) -> int:
        """How many frames the camera has, dropped ones included."""
        return self._studio.frame_count(self._camera_index)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Nothing is odd about a studio."""
        return ()

    def read(self, timeout_ms: int = 0) -> Frame | None:  # noqa: ARG002 - a simulated clock is never late
        """Return the next frame that was not dropped, or None at the end.

        Parameters
        ----------
        timeout_ms
            Not used: the clock is simulated.

        Returns
        -------
        frame
            Its sequence number skips the dropped ones; its time is the camera's own clock.
        """
        while self._next < self.frame_count:
            frame = self._studio.render(self._camera_index, self._next)
            self._next += 1
            if frame is not None:
                return frame
        return None

    def skip_to(self, number: int) -> None:
        """Continue with the frame of this number; those before it are never rendered.

        Parameters
        ----------
        number
            Frames that were already read do not come again.
        """
        self._next = max(self._next, number)

    def close(self) -> None:
        """Hold nothing; may be called twice."""


def open_studio(address: str) -> tuple[Studio, list[StudioSource]]:
    """Build the studio of an address and open its cameras.

    Parameters
    ----------
    address
        For instance ``studio:walk?cameras=4&seed=1``.

    Returns
    -------
    studio
        With the truth.
    sources : V of them, open
        In camera order; to be read in any order or from a thread each.

    Raises
    ------
    engine.errors.CameraNotFoundError
        If there is no such motion or option.
    """
    studio = Studio(parse_address(address))
    sources = [StudioSource(studio, index) for index in range(len(studio.rig))]
    for source in sources:
        source.open()
    return studio, sources
