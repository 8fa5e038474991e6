"""The state of a recording while it is being written."""

from dataclasses import dataclass
from math import nan


@dataclass(frozen=True, slots=True)
class RecordingState:
    """A recording that is being written.

    Parameters
    ----------
    path
        The session's folder.
    seconds
        Since it began.
    frames
        Written, all cameras.
    lost
        Images that found no room, all cameras; more than 0 makes the recording lossy.
    disk_left_s
        For how long the disk lasts at the present rate; NaN before that is known.
    message
        What went wrong; empty while all is well.
    silent_cameras
        Names of cameras of which no image has come.
    """

    path: str
    seconds: float
    frames: int = 0
    lost: int = 0
    disk_left_s: float = nan
    message: str = ""
    silent_cameras: tuple[str, ...] = ()

    @property
    def silence_messages(self) -> tuple[str, ...]:
        """Messages, once it has ended, on each camera that sent nothing."""
        return tuple(
            (
                f"Camera '{name}' gave no image: the recording is without it. Check its cable, "
                "then record again."
            )
            for name in self.silent_cameras
        )
