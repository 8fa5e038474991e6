"""A window that is redrawn with one frameset after another, to measure the cost of drawing."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import cycle

import numpy as np

from app.presenters.live import LiveContext, Trail, present_live
from app.views.main_window import MainWindow
from app.window.snapshot import SIZE_WH, get_offscreen_application
from calibration.geometry.projection import project
from calibration.geometry.transforms import rigid_transform
from calibration.rig import Camera, Rig
from calibration.skeleton import load_skeleton
from engine.capture.state import CameraPhase, CameraState
from engine.frames import FrameSet
from engine.live.state import CalibrationPhase, CalibrationState, LiveResult, LiveState
from engine.poses import Pose2D, Pose3D, PoseSet2D, PoseSet3D, all_measured

_RADIUS_M, _FOCAL_PX = 2.6, 530.0
_PLACES_M = {  # of the left side: distance from the middle, height above the floor
    "shoulder": (0.19, 1.44), "elbow": (0.24, 1.16), "wrist": (0.25, 0.9), "hip": (0.1, 0.9),
    "knee": (0.11, 0.48), "ankle": (0.11, 0.08), "heel": (0.11, 0.02), "foot_index": (0.13, 0.02),
    "pinky": (0.27, 0.82), "thumb": (0.24, 0.83), "index": (0.25, 0.81), "ear": (0.08, 1.64),
    "eye": (0.04, 1.66), "mouth": (0.03, 1.57), "nose": (0.0, 1.62),
}  # fmt: skip


def prepare_redraw(framesets: Sequence[FrameSet]) -> Callable[[], None]:
    """Open the window offscreen, calibrated, with a person in every view and in the room.

    Parameters
    ----------
    framesets
        Images to show in turn.

    Returns
    -------
    redraw
        Presents the next frameset and draws the whole window.
    """
    application = get_offscreen_application()
    skeleton = load_skeleton("blazepose_33")
    names = tuple(frame.camera for frame in framesets[0].frames if frame is not None)
    rig = _make_ring_rig(names)
    results = [_make_result(frames, rig, step) for step, frames in enumerate(framesets)]
    cameras = tuple(
        CameraState(name, name, CameraPhase.LIVE, "", (640, 480), 30.0, 100) for name in names
    )
    calibration = CalibrationState(
        CalibrationPhase.CALIBRATED, 1.0, rig=rig, rig_source="simulated"
    )
    state = LiveState(cameras, 30.0, 10.0, 1.0, calibration=calibration)
    context = LiveContext(skeleton, Trail(skeleton), "Bench", running=True)
    window = MainWindow(present_live(state, None, context))
    window.resize(*SIZE_WH)
    window.show()
    results_in_turn = cycle(enumerate(results))

    def redraw() -> None:
        number, result = next(results_in_turn)
        context.trail.put(result)
        now = replace(state, skew_ms=float(number // 8))  # figures change a few times a second
        window.show_state(present_live(now, result, context))
        application.processEvents()

    return redraw


def _make_ring_rig(names: Sequence[str]) -> Rig:
    """Place cameras on a circle, facing its centre."""
    cameras = []
    for index, name in enumerate(names):
        angle = 2 * np.pi * index / len(names)
        centre = np.array([_RADIUS_M * np.cos(angle), _RADIUS_M * np.sin(angle), 1.7])
        forward = np.array([0, 0, 0.95]) - centre
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, [0, 0, 1])
        right /= np.linalg.norm(right)
        R = np.stack([right, np.cross(forward, right), forward])
        K = np.array([[_FOCAL_PX, 0, 320], [0, _FOCAL_PX, 240], [0, 0, 1.0]])
        cameras.append(Camera(name, (640, 480), K, np.zeros(5), rigid_transform(R, -R @ centre)))
    return Rig(tuple(cameras))


def _make_result(frames: FrameSet, rig: Rig, step: int) -> LiveResult:
    """Place a simulated person in the room, who stands and turns."""
    angle = 0.1 * step
    flat = np.array([_find_joint_place_m(joint) for joint in load_skeleton("blazepose_33").joints])
    xyz = np.column_stack(
        [
            0.5 * np.cos(0.05 * step) - flat[:, 0] * np.sin(angle),
            flat[:, 0] * np.cos(angle),
            flat[:, 1],
        ]
    )
    confidence = np.linspace(0.4, 1.0, 33)
    covariance = np.broadcast_to(np.eye(3) * 1e-4, (33, 3, 3))
    pose = Pose3D(0, xyz, confidence, covariance, np.full(33, len(rig)), all_measured(33))
    poses_by_view = tuple((Pose2D(0, project(xyz, camera), confidence),) for camera in rig)
    times = tuple(None if frame is None else frame.timestamp_ns for frame in frames.frames)
    poses_2d = PoseSet2D(frames.index, frames.timestamp_ns, poses_by_view, times)
    return LiveResult(
        frames, poses_2d, PoseSet3D(frames.index, frames.timestamp_ns, (pose,)), rig, 0
    )


def _find_joint_place_m(joint: str) -> tuple[float, float]:
    """Find a joint of the simulated person: distance from the middle, height above the floor."""
    across, above = next(place for part, place in _PLACES_M.items() if part in joint)
    return (-across if "right" in joint else across), above
