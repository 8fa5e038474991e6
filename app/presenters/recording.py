"""A finished recording in the window, at the frame that shows it best."""

from dataclasses import dataclass

import numpy as np

from app.presenters.calibration import present_calibration
from app.presenters.cameras import present_cameras
from app.presenters.room import TRAIL_FRAMESETS, present_room
from app.presenters.severity import Severity
from app.presenters.window import StatusItem, WindowState
from calibration.judge.report import CalibrationReport
from calibration.rig import Rig
from calibration.skeleton import Skeleton
from engine.frames import FrameSet
from engine.poses import PoseSet2D, PoseSet3D
from engine.reconstruction.body_size import LIMBS

_GOOD_SHARE = 0.9


@dataclass(frozen=True, slots=True, eq=False)
class RecordingResult:
    """A recording and all its results.

    Parameters
    ----------
    title
        Title of the window.
    view_names
        Names of the cameras.
    skeleton
    rate_fps
        Framesets per second.
    report
    rig
        None where refused; then there are no 3D poses.
    poses_2d, poses_3d
        Of every frameset.
    """

    title: str
    view_names: tuple[str, ...]
    skeleton: Skeleton
    rate_fps: float
    report: CalibrationReport
    rig: Rig | None
    poses_2d: tuple[PoseSet2D, ...]
    poses_3d: tuple[PoseSet3D, ...]


def find_best_row(result: RecordingResult) -> int:
    """Choose the frameset in the second half with the most joints in 3D and in the images.

    Returns
    -------
    row
        Index into the poses.
    """
    rows = range(len(result.poses_2d) // 2, len(result.poses_2d))

    def score(row: int) -> float:
        poses_3d = result.poses_3d[row] if row < len(result.poses_3d) else None
        return score_content(result.poses_2d[row], poses_3d)

    return max(rows, key=score, default=0)


def score_content(poses_2d: PoseSet2D, poses_3d: PoseSet3D | None) -> float:
    """Score how much an instant shows: joints in the images, and four times those in the room.

    Parameters
    ----------
    poses_2d
        Only the first person of each view counts.
    poses_3d
        None where there is no room.
    """
    seen = sum(
        float(pose.confidence.sum()) for people in poses_2d.poses_by_view for pose in people[:1]
    )
    people_3d = poses_3d.people if poses_3d is not None else ()
    return seen + 4 * sum(float(pose.confidence.sum()) for pose in people_3d)


def present_recording(result: RecordingResult, frames: FrameSet, row: int) -> WindowState:
    """Describe the window at one frameset of a recording.

    Parameters
    ----------
    result
    frames
        Its images.
    row
        Its index into the poses.
    """
    details = {
        frame.camera: f"{frame.size_wh[0]}×{frame.size_wh[1]} · {_format_rate(result.rate_fps)}"
        for frame in frames.frames
        if frame is not None
    }
    recent = result.poses_3d[max(0, row + 1 - TRAIL_FRAMESETS) : row + 1]
    return WindowState(
        result.title,
        present_cameras(
            result.view_names, frames, result.poses_2d[row] if result.poses_2d else None, details
        ),
        present_room(result.rig, result.skeleton, recent),
        present_calibration(result.report),
        _build_status(result),
    )


def measure_joints_found(result: RecordingResult) -> float:
    """Measure the share of the body's joints that were reconstructed, 0 to 1.

    Returns
    -------
    share
        Of shoulders, elbows, wrists, hips, knees and ankles over all framesets.
    """
    body = [index for index, joint in enumerate(result.skeleton.joints) if joint in LIMBS]
    found = [
        np.isfinite(poses.people[0].xyz[body, 0]).mean() if poses.people else 0.0
        for poses in result.poses_3d
    ]
    return float(np.mean(found)) if found else 0.0


def _build_status(result: RecordingResult) -> tuple[StatusItem, ...]:
    """Choose the figures that show whether all is well."""
    found = measure_joints_found(result)
    images = [time_ns for poses in result.poses_2d for time_ns in poses.view_time_ns]
    lost = sum(time_ns is None for time_ns in images)
    offsets = [abs(value) for value in result.report.time_offsets_ms.values() if value == value]
    return (
        StatusItem("Cameras", f"{len(result.view_names)} at {_format_rate(result.rate_fps)}"),
        StatusItem("Frames", f"{len(result.poses_2d)}"),
        StatusItem(
            "Joints found",
            f"{100 * found:.0f} %",
            Severity.GOOD if found >= _GOOD_SHARE else Severity.WARNING,
        ),
        StatusItem("Frames lost", f"{100 * lost / max(len(images), 1):.1f} %"),
        StatusItem("Clock offset", f"{max(offsets, default=0.0):.1f} ms, corrected"),
    )


def _format_rate(rate_fps: float) -> str:
    """Format a rate."""
    return f"{rate_fps:.4g} fps"
