"""A session in a few facts and a thumbnail, for a list of sessions."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

from calibration.geometry.arrays import U8
from engine.clock import NS_PER_S
from engine.errors import CameraError, EngineError, SessionError
from engine.ledger import LedgerRow
from engine.reconstruction.body_size import LIMBS
from engine.session.pose_files import PoseReader
from engine.session.seek_video import SeekableVideo
from engine.session.session import POSES_3D, Session

THUMBNAIL_WIDTH_PX = 480
THUMBNAIL_QUALITY = 82
NEVER_CAME = "never came"  # begins the ledger's reason for a frame that the camera did not send


@dataclass(frozen=True, slots=True, eq=False)
class SessionSummary:
    """The facts of a session that are shown before it is opened.

    Parameters
    ----------
    path
    created
        When it was started; where that cannot be read, when its folder was changed.
    seconds
        Duration of the longest camera.
    cameras
        Their names.
    frames
        Number of images, over all cameras.
    lost
        Number of images that the disk was too slow for; more than 0 makes the recording lossy.
    missing
        Number of images that never came from a camera.
    joints_found
        Share of the body's joints with a 3D position, 0 to 1; NaN where it was not tracked.
    model
        Of the 2D poses; empty where there was none.
    person
        Name of the person; empty if not given.
    has_rig
    verdict
        Of the rig: ``accepted``, ``usable``; empty where it is not known.
    finished
        False where the recording was interrupted, or is still running.
    remarks
        Messages on what is missing or was not finished.
    problem
        Why it cannot be opened; empty where it can.
    thumbnail
        JPEG from the middle of the first video; empty where there is none.
    stamp_ns
        Unix time of the newest change in its folder.
    """

    path: Path
    created: datetime
    seconds: float = 0.0
    cameras: tuple[str, ...] = ()
    frames: int = 0
    lost: int = 0
    missing: int = 0
    joints_found: float = math.nan
    model: str = ""
    person: str = ""
    has_rig: bool = False
    verdict: str = ""
    finished: bool = True
    remarks: tuple[str, ...] = ()
    problem: str = ""
    thumbnail: bytes = b""
    stamp_ns: int = 0

    @property
    def name(self) -> str:
        """The name for messages and lists."""
        return display_name(self.path)


def display_name(path: Path) -> str:
    """Return the name of a session for messages and lists.

    Returns
    -------
    name
        The folder's; with its parent's where the folder is called ``session``, as in a demo.

    Examples
    --------
    >>> display_name(Path("/takes/walk")), display_name(Path("/takes/epipole-1/session"))
    ('walk', 'epipole-1 / session')
    """
    return f"{path.parent.name} / {path.name}" if path.name.startswith("session") else path.name


def summarize(path: Path) -> SessionSummary:
    """Summarize a session folder.

    Returns
    -------
    summary
        Also of one that cannot be opened: `problem` says why.
    """
    stamp_ns = find_newest_change_ns(path)
    changed = datetime.fromtimestamp(stamp_ns / NS_PER_S, UTC)
    try:
        session = Session.open(path)
        return _summarize_session(session, stamp_ns)
    except EngineError as error:
        return SessionSummary(path, changed, problem=str(error), stamp_ns=stamp_ns)
    except OSError as error:
        problem = (
            f"The session '{path}' cannot be read: {error.strerror or error}. Check its "
            "permissions and its disk."
        )
        return SessionSummary(path, changed, problem=problem, stamp_ns=stamp_ns)


def find_newest_change_ns(path: Path) -> int:
    """Find the newest change in a session, from the times of its files and folders alone.

    Returns
    -------
    stamp_ns
        Unix time; 0 where nothing can be read.
    """
    newest = 0
    for folder in (path, path / "cameras"):
        try:
            newest = max(
                newest,
                folder.stat().st_mtime_ns,
                *(item.lstat().st_mtime_ns for item in folder.iterdir()),
            )
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue
    return newest


def _summarize_session(session: Session, stamp_ns: int) -> SessionSummary:
    """Collect the facts of a session that can be opened."""
    remarks = list(session.remarks)
    rows = [_read_ledger(session, index, remarks) for index in range(len(session.cameras))]
    videos = _VideoSummary(session)
    lengths_s = [
        _measure_seconds(kept, session.cameras[view].rate_fps) for view, kept in enumerate(rows)
    ]
    created = session.facts.created
    verdict = ""
    if session.has_rig:
        try:
            verdict = str(session.rig().metadata.get("verdict", ""))
        except SessionError as error:
            remarks.append(str(error))
    joints_found = _measure_joints_found(session, remarks)
    return SessionSummary(
        path=session.path,
        created=created if created.tzinfo else created.replace(tzinfo=UTC),
        seconds=max([*lengths_s, videos.seconds], default=0.0),
        cameras=tuple(camera.name for camera in session.cameras),
        frames=sum(row.kept for kept in rows for row in kept) + videos.frames,
        lost=sum(_was_lost(row) for kept in rows for row in kept),
        missing=sum(not row.kept and not _was_lost(row) for kept in rows for row in kept),
        joints_found=joints_found,
        model=session.facts.model.get("name", "") if joints_found == joints_found else "",
        person=session.facts.person,
        has_rig=session.has_rig,
        verdict=verdict,
        finished=session.finished,
        remarks=tuple(dict.fromkeys((*remarks, *videos.remarks))),
        thumbnail=videos.thumbnail,
        stamp_ns=stamp_ns,
    )


class _VideoSummary:
    """What the video files tell: a thumbnail, and the duration of those without a ledger."""

    def __init__(self, session: Session) -> None:
        self.seconds = 0.0
        self.frames = 0
        self.thumbnail = b""
        self.remarks: list[str] = []
        for camera in session.cameras:
            path = session.path / camera.video
            has_ledger = bool(camera.ledger) and (session.path / camera.ledger).is_file()
            if not path.is_file() or (has_ledger and self.thumbnail):
                continue
            try:
                video = SeekableVideo(path, camera.name, session.frame_times(camera))
            except (CameraError, SessionError) as error:
                self.remarks.append(f"Camera '{camera.name}' cannot be shown: {error}")
                continue
            try:
                if not has_ledger:
                    self.frames += len(video)
                    self.seconds = max(self.seconds, len(video) / video.rate_fps)
                self.thumbnail = self.thumbnail or _read_thumbnail(video)
            finally:
                video.close()


def _read_thumbnail(video: SeekableVideo) -> bytes:
    """Make a thumbnail from the middle of a video; empty where it has no image."""
    image = video.image(len(video) // 2) if len(video) else None
    return b"" if image is None else encode_thumbnail(image)


def encode_thumbnail(image_bgr: U8) -> bytes:
    """Make a thumbnail.

    Parameters
    ----------
    image_bgr : (H, W, 3)

    Returns
    -------
    jpeg
        At most `THUMBNAIL_WIDTH_PX` wide and as high.
    """
    height, width = image_bgr.shape[:2]
    zoom = min(1.0, THUMBNAIL_WIDTH_PX / max(width, height))
    size_wh = max(1, round(width * zoom)), max(1, round(height * zoom))
    small = cv2.resize(image_bgr, size_wh, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, THUMBNAIL_QUALITY])[1].tobytes()


def _read_ledger(session: Session, index: int, remarks: list[str]) -> tuple[LedgerRow, ...]:
    """Read a camera's ledger; empty where it is missing or damaged."""
    camera = session.cameras[index]
    if not camera.ledger or not (session.path / camera.ledger).is_file():
        return ()
    try:
        return session.ledger(camera)
    except SessionError as error:
        remarks.append(str(error))
        return ()


def _measure_seconds(rows: tuple[LedgerRow, ...], rate_fps: float) -> float:
    """Measure how long a camera recorded, s."""
    times_ns = [row.time_ns for row in rows if row.kept and row.time_ns is not None]
    return (max(times_ns) - min(times_ns)) / NS_PER_S + 1 / rate_fps if times_ns else 0.0


def _was_lost(row: LedgerRow) -> bool:
    """Return whether a frame was lost here, not one that the camera never sent."""
    return not row.kept and row.time_ns is not None and not row.why.startswith(NEVER_CAME)


def _measure_joints_found(session: Session, remarks: list[str]) -> float:
    """Measure the share of the body's joints with a 3D position; NaN without 3D poses."""
    if not (session.path / POSES_3D).is_file():
        return math.nan
    try:
        reader = PoseReader(session.path / POSES_3D)
    except SessionError as error:
        remarks.append(str(error))
        return math.nan
    # Limbs only: face and hands are seen or not by the way a person turns.
    body = [index for index, joint in enumerate(reader.header.joints) if joint in LIMBS]
    if not len(reader.records) or not body:
        return math.nan
    return float(np.isfinite(reader.records["xyz"][reader.starts][:, body]).all(-1).mean())
