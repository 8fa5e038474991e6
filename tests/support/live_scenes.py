"""Made-up moments of the live program: camera states, a running calibration, a recording."""

from dataclasses import replace

import numpy as np

from app.presenters.camera_settings import CameraSettings, ControlRow, DeviceList, DeviceRow
from app.presenters.live import LiveContext, Trail
from calibration.rig import Rig
from engine.capture.state import CameraPhase, CameraState
from engine.live.state import CalibrationPhase, CalibrationState, LiveResult, LiveState
from engine.poses import PoseSet3D
from engine.session.state import RecordingState
from engine.stats import TIMED_STAGES, StageTime
from tests.support import scenes


def make_camera_state(
    name: str, phase: CameraPhase = CameraPhase.LIVE, message: str = ""
) -> CameraState:
    """Describe a camera that does well, or is in another phase."""
    return CameraState(
        name,
        f"usb:{name}",
        phase,
        message,
        (640, 480),
        29.97,
        1200,
        2,
        0,
        48.0,
        1.1,
        2.4,
        3.0,
        compressed=True,
    )


def make_camera_states(count: int = 4) -> tuple[CameraState, ...]:
    """Describe cameras that all do well."""
    return tuple(make_camera_state(f"cam_{index}") for index in range(count))


def make_watching_calibration(count: int = 4, progress: float = 0.42) -> CalibrationState:
    """Describe a calibration that still needs motion."""
    random = np.random.default_rng(3)
    coverage = tuple(np.clip(random.uniform(-0.4, 1.6, (3, 4)), 0, 1) for _ in range(count))
    shared = np.clip(random.uniform(0.1, 1.3, (count, count)), 0, 1)
    np.fill_diagonal(shared, 1.0)
    words = "Walk towards camera 'cam_2'"
    return CalibrationState(
        CalibrationPhase.WATCHING,
        progress,
        "Calibrating: 6 s more",
        words,
        coverage,
        np.minimum(shared, shared.T),
    )


def make_calibrated(rig: Rig, verdict: str = "accepted") -> CalibrationState:
    """Describe a calibration that is done."""
    phase = CalibrationPhase.CALIBRATED
    return CalibrationState(
        phase, 1.0, report=scenes.make_report(rig, verdict), rig=rig, rig_source="calibrated now"
    )


def make_live_state(calibration: CalibrationState | None = None, **changes: object) -> LiveState:
    """Describe four cameras that do well."""
    latency = tuple(
        StageTime(name, 8.0 * index + 4, 14.0 * index + 9)
        for index, name in enumerate(TIMED_STAGES)
    )
    usual = LiveState(
        make_camera_states(),
        29.9,
        10.3,
        2.4,
        7,
        latency,
        calibration or make_watching_calibration(),
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def make_recording_state(lost: int = 0) -> RecordingState:
    """Describe a recording that runs."""
    return RecordingState("take-1", 72.4, 8000, lost, 8000.0)


def make_result(rig: Rig | None, index: int = 9, count: int = 4) -> LiveResult:
    """Describe what came of a frameset."""
    full = rig or scenes.make_square_rig(count)
    room = (
        scenes.make_poses_3d(index)
        if rig is not None
        else PoseSet3D(index, index * scenes.FRAME_NS, ())
    )
    return LiveResult(
        scenes.make_frames(full, index),
        scenes.make_poses_2d(full, index),
        room,
        rig,
        index * scenes.FRAME_NS,
    )


def make_window_state(**changes: object) -> LiveContext:
    """Describe a window whose cameras run."""
    skeleton = scenes.load_walker_skeleton()
    usual = LiveContext(skeleton, Trail(skeleton), "Four cameras", running=True, stature_m=1.75)
    return replace(usual, **changes)  # type: ignore[arg-type]


def make_device_list() -> DeviceList:
    """List three cameras, one of them in use by another program."""
    return DeviceList(
        (
            DeviceRow("a", "HD Webcam C615", "1280×720 at 30 per second, USB port 1.2", "usb:a"),
            DeviceRow("b", "HD Webcam C615", "1280×720 at 30 per second, USB port 1.4", "usb:b"),
            DeviceRow(
                "c",
                "Laptop camera",
                "",
                "usb:c",
                "In use by 'zoom'. Close that program, then look again.",
            ),
        )
    )


def make_camera_settings(name: str = "cam_0") -> CameraSettings:
    """Describe a camera whose exposure is automatic."""
    return CameraSettings(
        name,
        "usb:046d-c615",
        ("1280x720@30 mjpeg", "640x480@30 mjpeg", "640x480@30 yuyv"),
        "1280x720@30 mjpeg",
        (
            ControlRow(
                "exposure_us",
                "Exposure",
                50,
                200_000,
                50,
                15_600,
                "µs",
                "auto_exposure",
                is_auto=True,
            ),
            ControlRow("gain", "Gain", 0, 255, 1, 64),
            ControlRow("focus", "Focus", 0, 250, 5, 30, "", "auto_focus"),
            ControlRow(
                "white_balance_k", "White balance", 2800, 6500, 10, 4600, "K", "auto_white_balance"
            ),
        ),
        "The camera sets its exposure by itself: the image changes with the light. Lock it "
        "before you record.",
    )
