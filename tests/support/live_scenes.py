"""Made-up moments of the live program: cameras in every state, a calibration under way, a recording."""

from dataclasses import replace

import numpy as np

from app.presenters.camera_settings import CameraSettings, ControlRow, DeviceList, DeviceRow
from app.presenters.live import Look, Trail
from calibration.rig import Rig
from engine.live_state import (
    CalibrationPhase,
    CalibrationState,
    CameraPhase,
    CameraState,
    LiveResult,
    LiveState,
    RecordingState,
    StageTime,
)
from engine.poses import PoseSet3D
from tests.support import scenes

STAGES = ("gather", "estimate", "associate", "reconstruct", "smooth", "in all")


def camera(name: str, phase: CameraPhase = CameraPhase.LIVE, sentence: str = "") -> CameraState:
    """Describe a camera that does well, or is in another phase."""
    return CameraState(
        name, f"usb:{name}", phase, sentence, (640, 480), 29.97, 1200, 2, 0, 48.0, 1.1, 2.4, 3.0, compressed=True
    )


def cameras(count: int = 4) -> tuple[CameraState, ...]:
    """Describe cameras that all do well."""
    return tuple(camera(f"cam_{index}") for index in range(count))


def watching(count: int = 4, progress: float = 0.42) -> CalibrationState:
    """Describe a calibration that still needs motion."""
    random = np.random.default_rng(3)
    coverage = tuple(np.clip(random.uniform(-0.4, 1.6, (3, 4)), 0, 1) for _ in range(count))
    shared = np.clip(random.uniform(0.1, 1.3, (count, count)), 0, 1)
    np.fill_diagonal(shared, 1.0)
    words = "Walk towards camera 'cam_2'"
    return CalibrationState(
        CalibrationPhase.WATCHING, progress, "Calibrating: 6 s more", words, coverage, np.minimum(shared, shared.T)
    )


def calibrated(rig: Rig, verdict: str = "accepted") -> CalibrationState:
    """Describe a calibration that is done."""
    phase = CalibrationPhase.CALIBRATED
    return CalibrationState(phase, 1.0, report=scenes.report(rig, verdict), rig=rig, rig_source="calibrated now")


def state(calibration: CalibrationState | None = None, **changes: object) -> LiveState:
    """Describe four cameras that do well."""
    latency = tuple(StageTime(name, 8.0 * index + 4, 14.0 * index + 9) for index, name in enumerate(STAGES))
    usual = LiveState(cameras(), 29.9, 10.3, 2.4, 7, latency, calibration or watching())
    return replace(usual, **changes)  # type: ignore[arg-type]


def recording(lost: int = 0) -> RecordingState:
    """Describe a recording that runs."""
    return RecordingState("take-1", 72.4, 8000, lost, 8000.0)


def result(rig: Rig | None, index: int = 9, count: int = 4) -> LiveResult:
    """Describe what came of a frameset."""
    full = rig or scenes.square_rig(count)
    room = scenes.poses_3d(index) if rig is not None else PoseSet3D(index, index * scenes.FRAME_NS, ())
    return LiveResult(scenes.frames(full, index), scenes.poses_2d(full, index), room, rig, index * scenes.FRAME_NS)


def look(**changes: object) -> Look:
    """Describe a window whose cameras run."""
    skeleton = scenes.skeleton()
    usual = Look(skeleton, Trail(skeleton), "Four cameras", running=True, stature_m=1.75)
    return replace(usual, **changes)  # type: ignore[arg-type]


def devices() -> DeviceList:
    """List three cameras, one of them in use by another program."""
    return DeviceList(
        (
            DeviceRow("a", "HD Webcam C615", "1280×720 at 30 per second, USB port 1.2", "usb:a"),
            DeviceRow("b", "HD Webcam C615", "1280×720 at 30 per second, USB port 1.4", "usb:b"),
            DeviceRow("c", "Laptop camera", "", "usb:c", "In use by 'zoom'. Close that program, then look again."),
        )
    )


def settings(name: str = "cam_0") -> CameraSettings:
    """Describe a camera whose exposure is automatic."""
    return CameraSettings(
        name,
        "usb:046d-c615",
        ("1280x720@30 mjpeg", "640x480@30 mjpeg", "640x480@30 yuyv"),
        "1280x720@30 mjpeg",
        (
            ControlRow("exposure_us", "Exposure", 50, 200_000, 50, 15_600, "µs", "auto_exposure", is_auto=True),
            ControlRow("gain", "Gain", 0, 255, 1, 64),
            ControlRow("focus", "Focus", 0, 250, 5, 30, "", "auto_focus"),
            ControlRow("white_balance_k", "White balance", 2800, 6500, 10, 4600, "K", "auto_white_balance"),
        ),
        "The camera sets its exposure by itself: the image changes with the light. Lock it before you record.",
    )
