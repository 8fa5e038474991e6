"""The `csv2d` format: a row per frame, view, person and joint, in pixels of the original image."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from engine.clock import NS_PER_S
from engine.disk import atomic_file
from engine.errors import EngineError
from engine.poses import PoseSet2D, PoseSet3D
from engine.session.session import Session

HEADER = "frame,time_s,view,person,joint,x_px,y_px,confidence\n"


def export_csv2d(
    session: Session, path: Path, smooth: Callable[[PoseSet3D], PoseSet3D] | None
) -> None:
    """Write a session's 2D poses, after association and left/right repair.

    Parameters
    ----------
    session
    path
    smooth
        Must be None: only 3D poses are smoothed.

    Raises
    ------
    EngineError
        If smoothing is requested.
    SessionError
        If the session holds no 2D poses.
    OSError
        If the disk refuses.
    """
    if smooth is not None:
        raise EngineError(
            "csv2d holds what each view saw and cannot be smoothed. Leave out --smooth, or "
            "choose csv."
        )
    poses = session.poses_2d()
    write_poses_csv2d(
        path,
        poses.sets_2d(),
        poses.header.joints,
        poses.header.view_names,
        start_ns=session.start_ns(),
    )


def write_poses_csv2d(
    path: Path,
    pose_sets: Iterable[PoseSet2D],
    joints: Sequence[str],
    view_names: Sequence[str],
    *,
    start_ns: int,
) -> None:
    """Write 2D poses, the whole file or none.

    Parameters
    ----------
    path
    pose_sets
    joints : J names
    view_names : V names
        Names with a comma or a quotation mark are quoted as in RFC 4180.
    start_ns
        Time of frameset 0, from which seconds count.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    quoted = [_quote(view) for view in view_names]
    with atomic_file(path) as file:
        file.write(HEADER)
        for poses in pose_sets:
            file.writelines(_format_rows(poses, joints, quoted, start_ns))


def _format_rows(
    poses: PoseSet2D, joints: Sequence[str], view_names: Sequence[str], start_ns: int
) -> Iterator[str]:
    """Write the rows of one frameset."""
    time_s = (poses.timestamp_ns - start_ns) / NS_PER_S
    for view, people in zip(view_names, poses.poses_by_view):
        for pose in people:
            xy, confidence = pose.xy.tolist(), pose.confidence.tolist()
            for k in np.flatnonzero(np.isfinite(pose.xy).all(-1)).tolist():
                x, y = xy[k]
                yield (
                    f"{poses.index},{time_s:.6f},{view},{pose.track_id},{joints[k]},"
                    f"{x:.7g},{y:.7g},{confidence[k]:.4g}\n"
                )


def _quote(text: str) -> str:
    """Quote a field that would break its row."""
    return '"' + text.replace('"', '""') + '"' if any(char in text for char in ',"\n\r') else text
