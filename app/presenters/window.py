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
        Tool tip.
    """

    label: str
    value: str
    severity: Severity = Severity.NEUTRAL
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to the user; it can be dismissed."""

    text: str
    severity: Severity = Severity.WARNING


class RecordingPhase(StrEnum):
    """State of the Record button."""

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
        Time of the recording, or number of the countdown.
    can_start, can_calibrate, can_record
        False where the action is not possible.
    lossy
        True where the recording has lost images.
    stature_m
        Of the person; None where unknown.
    person
        Name of the person; empty where unknown.
    countdown_s
        Before a recording; 0 for none.
    hands_free
        True where raised hands start and stop a recording.
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
        0 to 1; None where unknown.
    """

    text: str
    progress: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class WindowState:
    """Everything that the window shows.

    Parameters
    ----------
    title
        What is shown: a session, the studio, the cameras.
    cameras
        In camera order; empty before one is added.
    room
    calibration
    status
        From left to right.
    controls
        None in a picture, where there is nothing to press.
    notice
        The newest one; None where there is none.
    devices
        For the panel that adds cameras.
    settings
        For the panel of camera settings; one per camera that has any.
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
