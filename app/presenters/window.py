"""The whole window at one instant, ready to be drawn."""

from dataclasses import dataclass

from app.presenters.calibration import CalibrationCard
from app.presenters.cameras import CameraTile
from app.presenters.room import RoomScene
from app.presenters.tone import Tone


@dataclass(frozen=True, slots=True)
class StatusItem:
    """One figure of the status bar.

    Parameters
    ----------
    label, value
    tone
    """

    label: str
    value: str
    tone: Tone = Tone.NEUTRAL


@dataclass(frozen=True, slots=True, eq=False)
class WindowState:
    """Everything that the window shows.

    Parameters
    ----------
    title
        What is being looked at: a session, the studio, the cameras.
    cameras
        In camera order; empty before any was added.
    room
    calibration
    status
        From left to right.
    """

    title: str
    cameras: tuple[CameraTile, ...]
    room: RoomScene
    calibration: CalibrationCard
    status: tuple[StatusItem, ...] = ()
