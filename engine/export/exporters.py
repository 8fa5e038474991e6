"""The formats that a session can be exported to. A new one takes a file and a line here."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from engine.errors import EngineError, SessionError
from engine.loading import load_attribute
from engine.poses import PoseSet3D
from engine.session.session import Session

SmoothPoses: TypeAlias = Callable[[PoseSet3D], PoseSet3D]
Exporter: TypeAlias = Callable[[Session, Path, SmoothPoses | None], None]

EXPORTERS = {
    "csv": "engine.export.csv_3d:export_csv",
    "csv2d": "engine.export.csv_2d:export_csv2d",
}


def export_session(
    session: Session, format_name: str, path: Path, *, smooth: SmoothPoses | None = None
) -> None:
    """Write a session in the format of another program.

    Parameters
    ----------
    session
    format_name
        A key of `EXPORTERS`.
    path
        Replaced only when the new file is complete.
    smooth
        Applied to the 3D poses of each frameset in turn; None exports them as reconstructed.

    Raises
    ------
    EngineError
        If there is no such format, or it cannot be smoothed.
    SessionError
        If the session lacks the poses, or the disk refuses.
    """
    target = EXPORTERS.get(format_name)
    if target is None:
        raise EngineError(f"There is no format '{format_name}'. Known: {', '.join(EXPORTERS)}.")
    exporter: Exporter = load_attribute(target)
    try:
        exporter(session, Path(path), smooth)
    except OSError as error:
        raise SessionError(
            f"'{path}' cannot be written: {error.strerror or error}. Choose another place, or "
            "free some space."
        ) from error
