"""What a person requests in the window, as the widgets send it. Widgets decide nothing."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class AddCamera:
    """Add the cameras of an address: ``usb:…``, ``rtsp://…``, a video, a session, ``studio:…``."""

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
    """Keep the values that a camera's automatics found, and switch them off."""

    name: str


@dataclass(frozen=True, slots=True)
class SetMode:
    """Switch a camera to another size, rate or format, named as in `engine.capture.usb.devices`."""

    name: str
    mode: str


@dataclass(frozen=True, slots=True)
class ScanCameras:
    """List the cameras of this machine again."""


@dataclass(frozen=True, slots=True)
class Start:
    """Start the cameras."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop the cameras."""


@dataclass(frozen=True, slots=True)
class Calibrate:
    """Forget the rig and calibrate again."""


@dataclass(frozen=True, slots=True)
class OpenRig:
    """Use the rig of a file, once it agrees with the cameras' images."""

    path: Path


@dataclass(frozen=True, slots=True)
class SaveRig:
    """Write the rig to a file."""

    path: Path


@dataclass(frozen=True, slots=True)
class CompareRig:
    """Compare the rig of a file with the one in use."""

    path: Path


@dataclass(frozen=True, slots=True)
class SetStature:
    """Set the person's height, m; None where it is not known."""

    metres: float | None


@dataclass(frozen=True, slots=True)
class SetPerson:
    """Set who is in front of the cameras; empty for no person. Models are kept by person."""

    name: str


@dataclass(frozen=True, slots=True)
class Record:
    """Start a recording; the countdown runs first where one is set."""


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
    """Track a session again, into a new session."""

    path: Path
    model: str
    rig: Path | None


@dataclass(frozen=True, slots=True)
class ExportSession:
    """Export a session's poses; `format_name` as in `engine.export.exporters`."""

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
    """Turn to the page of fine-tuning, with this session chosen."""

    path: Path


@dataclass(frozen=True, slots=True)
class StartFinetune:
    """Fine-tune the model on these sessions, in its own process; `person` may be empty."""

    sessions: tuple[Path, ...]
    person: str
    minutes: float


@dataclass(frozen=True, slots=True)
class PauseFinetune:
    """Pause the fine-tuning."""


@dataclass(frozen=True, slots=True)
class ResumeFinetune:
    """Resume the fine-tuning, with `minutes` in all where that is more than it had."""

    minutes: float = 0.0


@dataclass(frozen=True, slots=True)
class CancelFinetune:
    """Cancel the fine-tuning; it can be resumed."""


@dataclass(frozen=True, slots=True)
class UseModel:
    """Use a model of the library for a person and a rig; empty is everybody, and any rig."""

    name: str
    person: str
    rig_id: str = ""


@dataclass(frozen=True, slots=True)
class RollBackModel:
    """Use the model that was used for a person and a rig before."""

    person: str
    rig_id: str = ""


@dataclass(frozen=True, slots=True)
class OpenReport:
    """Show a report in the desktop's browser."""

    path: Path


@dataclass(frozen=True, slots=True)
class ScanSessions:
    """List the sessions again."""


@dataclass(frozen=True, slots=True)
class CancelJob:
    """End the work in the background."""


@dataclass(frozen=True, slots=True)
class DismissNotice:
    """Dismiss the notice that is shown."""


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
