"""What the live program knows about itself: its calibration, its state and each result."""

from dataclasses import dataclass
from enum import StrEnum
from math import nan

from calibration.geometry.arrays import F64
from calibration.judge.report import CalibrationReport
from calibration.rig import Rig
from engine.capture.state import CameraState
from engine.frames import FrameSet
from engine.poses import PoseSet2D, PoseSet3D
from engine.session.state import RecordingState
from engine.stats import StageTime


class CalibrationPhase(StrEnum):
    """How far the live calibration is."""

    OFF = "off"  # fewer than two cameras
    WATCHING = "watching"  # collecting motion
    SOLVING = "solving"
    CALIBRATED = "calibrated"
    REFUSED = "refused"  # not to be trusted yet; it goes on watching
    TESTING = "testing"  # a rig from before is being compared with what the cameras see


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationState:
    """The live calibration at this moment.

    Parameters
    ----------
    phase
    progress
        0 to 1: how much of the motion that is needed was seen; while solving, how much of the work
        is done.
    headline, instruction
        In plain words: how it stands, and what to do now.
    coverage : V arrays of (rows, columns), 0 to 1
        How well each view's image was filled by the person so far, by cell; 1 is enough.
    view_overlap : (V, V), 0 to 1
        How well each two views have seen the person at the same time; 1 is enough, the diagonal is
        1.
    report
        Of the newest solution; None before there was one.
    rig
        The rig in use; None where there is none that can be trusted.
    rig_source
        In words where the rig comes from: ``calibrated now``, a file's name.
    """

    phase: CalibrationPhase = CalibrationPhase.OFF
    progress: float = 0.0
    headline: str = ""
    instruction: str = ""
    coverage: tuple[F64, ...] = ()
    view_overlap: F64 | None = None
    report: CalibrationReport | None = None
    rig: Rig | None = None
    rig_source: str = ""


@dataclass(frozen=True, slots=True)
class MonocularState:
    """What is done where one camera alone sees the person.

    Parameters
    ----------
    model
        Its name in words; empty where there is none, and poses need two cameras.
    view
        Name of the camera whose guess is shown now; empty while the room is measured, or nobody is
        seen.
    message
        What went wrong; empty while all is well.
    """

    model: str = ""
    view: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class LiveState:
    """Everything beside the images and poses.

    Parameters
    ----------
    cameras
        In camera order.
    framesets_hz, pose_hz
        Framesets, and poses estimated by the 2D model, per second; NaN before that is known.
    skew_ms
        Largest distance of an image from its frameset's instant, median of the last seconds.
    skipped
        Framesets skipped since the start, because the stages were busy.
    latency
        By stage, and last ``in all``: from the image being taken to the pose being ready.
    calibration
    recording
        None while nothing is recorded.
    notices
        Messages for the user, newest last.
    monocular
    """

    cameras: tuple[CameraState, ...] = ()
    framesets_hz: float = nan
    pose_hz: float = nan
    skew_ms: float = nan
    skipped: int = 0
    latency: tuple[StageTime, ...] = ()
    calibration: CalibrationState = CalibrationState()
    recording: RecordingState | None = None
    notices: tuple[str, ...] = ()
    monocular: MonocularState = MonocularState()


@dataclass(frozen=True, slots=True, eq=False)
class LiveResult:
    """What came of one frameset.

    Parameters
    ----------
    frames
    poses_2d
        Associated, sides repaired.
    poses_3d
        Smoothed.
    rig
        That was used, made up where there is one camera alone (`engine.monocular.guessed_room`);
        None where there was none.
    ready_ns
        When it was ready, on the host's clock.
    """

    frames: FrameSet
    poses_2d: PoseSet2D
    poses_3d: PoseSet3D
    rig: Rig | None
    ready_ns: int
