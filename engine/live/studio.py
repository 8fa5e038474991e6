"""The virtual studio played in real time, together with its truth."""

from engine.capture.studio import open_studio
from engine.live.cameras import LiveSource, make_studio_cameras
from engine.live.real_time import FrameBarrier, PlaybackGroup, SharedStart
from engine.studio.scene import Studio


def play_studio(address: str) -> tuple[Studio, tuple[LiveSource, ...]]:
    """Build a studio once, for its cameras in real time and for its truth.

    Building takes seconds.

    Parameters
    ----------
    address
        For instance ``studio:walk?cameras=4&seed=1``.

    Returns
    -------
    studio
        With the truth.
    sources
        As `make_camera_sources` gives them.

    Raises
    ------
    engine.errors.CameraNotFoundError
        If there is no such motion or option.
    """
    studio, sources = open_studio(address)
    return studio, make_studio_cameras(
        address, sources, PlaybackGroup(SharedStart(), FrameBarrier())
    )
