"""What a person asks for in the window: frozen words from the widgets to the program. Widgets decide nothing."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class AddCamera:
    """Add the camera of an address (``usb:…``, ``rtsp://…``, ``http://…``, a video, ``studio:…``)."""

    address: str


@dataclass(frozen=True, slots=True)
class RemoveCamera:
    """Remove a camera."""

    name: str


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Try a camera again now."""

    name: str


@dataclass(frozen=True, slots=True)
class SetControl:
    """Set a camera's control, for instance ``exposure_us``, and remember it."""

    name: str
    control: str
    value: float


@dataclass(frozen=True, slots=True)
class LockControls:
    """Keep what a camera's automatic found, and switch the automatic off."""

    name: str


@dataclass(frozen=True, slots=True)
class SetMode:
    """Let a camera send images of another size, rate or format, as `engine.capture.usb.devices` names it."""

    name: str
    mode: str


@dataclass(frozen=True, slots=True)
class ScanCameras:
    """List the cameras of this machine anew."""


@dataclass(frozen=True, slots=True)
class Start:
    """Start the cameras."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop the cameras."""


@dataclass(frozen=True, slots=True)
class Calibrate:
    """Forget the rig and calibrate anew."""


@dataclass(frozen=True, slots=True)
class OpenRig:
    """Use the rig of a file, once it agrees with what the cameras see."""

    path: Path


@dataclass(frozen=True, slots=True)
class SaveRig:
    """Write the rig to a file."""

    path: Path


@dataclass(frozen=True, slots=True)
class CompareRig:
    """Say how the rig of a file differs from the one in use."""

    path: Path


@dataclass(frozen=True, slots=True)
class SetStature:
    """Take this as the person's height, m; None where it is not known."""

    metres: float | None


@dataclass(frozen=True, slots=True)
class SetPerson:
    """This person is in front of the cameras; empty where nobody says who. Networks are kept for people."""

    name: str


@dataclass(frozen=True, slots=True)
class Record:
    """Record from now on; the countdown runs first where one is set."""


@dataclass(frozen=True, slots=True)
class StopRecording:
    """End the recording, or the countdown."""


@dataclass(frozen=True, slots=True)
class SetHandsFree:
    """Start and end recordings when the person raises both hands."""

    on: bool


@dataclass(frozen=True, slots=True)
class SetCountdown:
    """Count down so many seconds before a recording."""

    seconds: int


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Show a session in the player."""

    path: Path


@dataclass(frozen=True, slots=True)
class TrackAgain:
    """Find the poses of a session anew, into a new session."""

    path: Path
    model: str
    rig: Path | None


@dataclass(frozen=True, slots=True)
class ExportSession:
    """Write a session's poses into a file for other programs; `format_name` as in `engine.export.exporters`."""

    path: Path
    format_name: str
    out: Path


@dataclass(frozen=True, slots=True)
class ShowFolder:
    """Open a session's folder in the desktop's file browser."""

    path: Path


@dataclass(frozen=True, slots=True)
class ShowSessions:
    """Go back from the player to the list of sessions."""


@dataclass(frozen=True, slots=True)
class ChooseForFinetune:
    """Turn to the page where networks are taught, with this session chosen."""

    path: Path


@dataclass(frozen=True, slots=True)
class StartFinetune:
    """Teach the network from these sessions, in a process of its own; `person` may be empty."""

    sessions: tuple[Path, ...]
    person: str
    minutes: float


@dataclass(frozen=True, slots=True)
class PauseFinetune:
    """Let the teaching rest."""


@dataclass(frozen=True, slots=True)
class ResumeFinetune:
    """Let the teaching go on, paused or wherever it stopped; `minutes` in all where that is more than it had."""

    minutes: float = 0.0


@dataclass(frozen=True, slots=True)
class CancelFinetune:
    """End the teaching; it can be resumed."""


@dataclass(frozen=True, slots=True)
class UseModel:
    """Let a network of the library serve a person before a rig; empty is everybody, and any rig."""

    name: str
    person: str
    rig_id: str = ""


@dataclass(frozen=True, slots=True)
class RollBackModel:
    """Let the network serve a person before a rig that served them before."""

    person: str
    rig_id: str = ""


@dataclass(frozen=True, slots=True)
class OpenReport:
    """Show a report in the desktop's browser."""

    path: Path


@dataclass(frozen=True, slots=True)
class ScanSessions:
    """Look at the folders of the sessions anew."""


@dataclass(frozen=True, slots=True)
class CancelJob:
    """End the work in the background."""


@dataclass(frozen=True, slots=True)
class DismissNotice:
    """A person has read the notice."""


Request = (
    AddCamera
    | RemoveCamera
    | Reconnect
    | SetControl
    | LockControls
    | SetMode
    | ScanCameras
    | Start
    | Stop
    | Calibrate
    | OpenRig
    | SaveRig
    | CompareRig
    | SetStature
    | SetPerson
    | Record
    | StopRecording
    | SetHandsFree
    | SetCountdown
    | OpenSession
    | TrackAgain
    | ExportSession
    | ShowFolder
    | ChooseForFinetune
    | StartFinetune
    | PauseFinetune
    | ResumeFinetune
    | CancelFinetune
    | UseModel
    | RollBackModel
    | OpenReport
    | ShowSessions
    | ScanSessions
    | CancelJob
    | DismissNotice
)
