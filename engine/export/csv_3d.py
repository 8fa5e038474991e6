"""The `csv` format: a row per frame, person and joint, in metres; no row for a missing joint."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from calibration.geometry.arrays import F64, I64
from engine.clock import NS_PER_S
from engine.disk import atomic_file
from engine.poses import PoseSet3D
from engine.session.session import Session

HEADER = "frame,time_s,person,joint,x_m,y_m,z_m,confidence,views\n"


def export_csv(
    session: Session, path: Path, smooth: Callable[[PoseSet3D], PoseSet3D] | None
) -> None:
    """Write a session's 3D poses.

    Parameters
    ----------
    session
    path
    smooth
        None leaves them as they were reconstructed.

    Raises
    ------
    SessionError
        If the session holds no 3D poses.
    OSError
        If the disk refuses.
    """
    poses = session.poses_3d()
    pose_sets = poses.sets_3d() if smooth is None else map(smooth, poses.sets_3d())
    write_poses_csv(path, pose_sets, poses.header.joints, start_ns=session.start_ns())


def write_poses_csv(
    path: Path, pose_sets: Iterable[PoseSet3D], joints: Sequence[str], *, start_ns: int
) -> None:
    """Write 3D poses, the whole file or none.

    Parameters
    ----------
    path
    pose_sets
    joints : J names
    start_ns
        Time of frameset 0, from which seconds count.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    with atomic_file(path) as file:
        file.write(HEADER)
        for poses in pose_sets:
            file.writelines(_format_rows(poses, joints, start_ns))


def write_positions_csv(
    path: Path, time_ns: I64, positions: Mapping[str, F64], *, view_count: int
) -> None:
    """Write one person's known joint positions in the same columns, such as the studio's truth.

    Parameters
    ----------
    path
    time_ns : (T,)
        Times of framesets 0 to T - 1.
    positions
        By joint name, (T, 3), m, world; NaN gives no row.
    view_count
        Number of cameras.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    with atomic_file(path) as file:
        file.write(HEADER)
        for frame, now_ns in enumerate(time_ns):
            time_s = (int(now_ns) - int(time_ns[0])) / NS_PER_S
            for joint, xyz in positions.items():
                if np.isfinite(xyz[frame]).all():
                    x, y, z = xyz[frame]
                    file.write(
                        f"{frame},{time_s:.6f},0,{joint},{x:.6g},{y:.6g},{z:.6g},1,{view_count}\n"
                    )


def _format_rows(poses: PoseSet3D, joints: Sequence[str], start_ns: int) -> Iterator[str]:
    """Write the rows of one frameset."""
    time_s = (poses.timestamp_ns - start_ns) / NS_PER_S
    for pose in poses.people:
        xyz = pose.xyz.tolist()
        confidence = pose.confidence.tolist()
        views = pose.view_count.tolist()
        for k in np.flatnonzero(np.isfinite(pose.xyz).all(-1)).tolist():
            x, y, z = xyz[k]
            yield (
                f"{poses.index},{time_s:.6f},{pose.track_id},{joints[k]},{x:.6g},{y:.6g},{z:.6g},"
                f"{confidence[k]:.4g},{views[k]}\n"
            )
