"""The whole window at one instant, ready to be drawn."""

from dataclasses import dataclass, field
from enum import StrEnum

from app.presenters.calibration import CalibrationCard
from app.presenters.camera_settings import CameraSettings, DeviceList
from app.presenters.cameras import CameraTile
from app.presenters.room import RoomScene
from app.presenters.severity import Severity


@dataclass(frozen=True, slots=True)
class StatusItem:
    """One figure of the status bar.

    Parameters
    ----------
    label, value
    severity
    tip
        More about it, shown when the mouse rests on it.
    """

    label: str
    value: str
    severity: Severity = Severity.NEUTRAL
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence that a person should read; it can be dismissed."""

    text: str
    severity: Severity = Severity.WARNING


class RecordingPhase(StrEnum):
    """What the Record button does next."""

    READY = "ready"
    COUNTING = "counting"
    RECORDING = "recording"


@dataclass(frozen=True, slots=True)
class Controls:
    """The buttons of a live window.

    Parameters
    ----------
    running
        True while the cameras run: the button says Stop.
    recording
    clock
        Time of the recording, or the digits of the countdown.
    can_start, can_calibrate, can_record
        False where a click could only be refused.
    lossy
        True where the recording lost images.
    stature_m
        Of the person; None where not known.
    person
        Their name; empty where nobody said it.
    countdown_s
        Before a recording; 0 for none.
    hands_free
        True where raised hands start and end a recording.
    """

    running: bool = False
    recording: RecordingPhase = RecordingPhase.READY
    clock: str = ""
    can_start: bool = True
    can_calibrate: bool = False
    can_record: bool = False
    lossy: bool = False
    stature_m: float | None = None
    person: str = ""
    countdown_s: int = 0
    hands_free: bool = False


@dataclass(frozen=True, slots=True)
class JobCard:
    """Work in the background.

    Parameters
    ----------
    text
        What is being done.
    progress
        0 to 1; None where it is not known.
    """

    text: str
    progress: float | None = None


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
    controls
        None where there is nothing to press: a picture of a take.
    notice
        The newest sentence; None where there is nothing to say.
    devices
        For the panel that adds cameras.
    settings
        For the panel that sets a camera; one per camera that lets itself be set.
    job
        Work in the background; None where there is none.
    """

    title: str
    cameras: tuple[CameraTile, ...]
    room: RoomScene
    calibration: CalibrationCard
    status: tuple[StatusItem, ...] = ()
    controls: Controls | None = None
    notice: Notice | None = None
    devices: DeviceList = field(default_factory=DeviceList)
    settings: tuple[CameraSettings, ...] = ()
    job: JobCard | None = None
