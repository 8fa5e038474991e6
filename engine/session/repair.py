"""Sets right a session that was broken off by a kill, a loss of power or a full disk, and says what that cost."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.capture.video.presentation import LedgerTimes
from engine.clock import NS_PER_S
from engine.disk import PARTIAL, FolderLock, InUseError, disk_errors
from engine.errors import SessionError
from engine.ledger import (
    CUT_OFF,
    TOO_SLOW,
    LedgerRow,
    build_frame_times,
    read_intact_rows,
    rewrite_ledger,
)
from engine.session.pose_files import PoseReader
from engine.session.repair_video import VideoScan, scan_video
from engine.session.session import (
    CAMERAS,
    NO_IMAGE_WH,
    POSES_2D,
    POSES_2D_RAW,
    POSES_3D,
    Session,
    SessionCamera,
    read_manifest,
    replace_manifest,
)

# A camera that ends earlier than another by more is named.
MAX_END_DIFFERENCE_S = 0.2


@dataclass(frozen=True, slots=True)
class _CameraRepair:
    """What is there of a camera after a break.

    Parameters
    ----------
    camera
        With what its files tell.
    rows
        Its ledger, right again.
    lost
        How many images stand in the ledger but cannot be read.
    message
        What is wrong with its files; empty if nothing.
    """

    camera: SessionCamera
    rows: tuple[LedgerRow, ...]
    lost: int = 0
    message: str = ""

    @property
    def times_ns(self) -> tuple[int, ...]:
        """Times of the images that are there."""
        return tuple(row.time_ns for row in self.rows if row.kept and row.time_ns is not None)

    @property
    def too_slow(self) -> int:
        """How many images the disk was too slow for."""
        return sum(row.why == TOO_SLOW for row in self.rows)


def repair(path: Path) -> tuple[str, ...]:
    """Set right a session that was broken off; one that is whole, or repaired already, is left as
    it is.

    Torn ends of ledgers and pose files go, each camera's ledger is brought in line with the images
    that can be read, its video gets the index that a finished one has, and session.toml says what
    was lost. No image is ever deleted.

    Parameters
    ----------
    path
        The session's folder.

    Returns
    -------
    sentences
        What was lost, for a person, or why nothing could be done now; empty where there was nothing
        to do.

    Raises
    ------
    SessionError
        If it is no session, is damaged, was written by a newer program, or the disk refuses.
    """
    path = Path(path)
    if not _is_interrupted(read_manifest(path)):
        return ()
    with disk_errors(path):
        try:
            hold = FolderLock(path)
        except InUseError:
            return (
                (
                    f"The session '{path.name}' is being recorded at this moment. Open it again "
                    "when that has ended."
                ),
            )
        try:
            table = read_manifest(path)  # again: it may have been finished in between
            return _repair_files(path, table) if _is_interrupted(table) else ()
        finally:
            hold.release()


def _is_interrupted(table: dict[str, Any]) -> bool:
    """Whether session.toml says that the take was broken off and never set right."""
    return not table.get("finished", False) and not table.get("repaired", False)


def _repair_files(path: Path, table: dict[str, Any]) -> tuple[str, ...]:
    """Set right every file, the manifest last, so that a break in the middle is repaired again."""
    session = Session.open(path)
    for leftover in [*path.glob(f"*{PARTIAL}"), *(path / CAMERAS).glob(f"*{PARTIAL}")]:
        leftover.unlink()
    found = [_repair_camera(path, camera) for camera in session.cameras]
    damaged = [
        message
        for name in (POSES_2D_RAW, POSES_2D, POSES_3D)
        if (message := _trim_poses(path / name))
    ]
    lost = (_summarize(path.name, found), *_describe_oddities(found), *damaged)
    for entry, one in zip(table.get("camera", []), found):
        entry["size_wh"], entry["start_ns"] = one.camera.size_wh, one.camera.start_ns
    lossy = {one.camera.name: one.too_slow for one in found if one.too_slow}
    replace_manifest(
        path, {**table, "repaired": True, "lost": lost, **({"lossy": lossy} if lossy else {})}
    )
    return lost


def _repair_camera(path: Path, camera: SessionCamera) -> _CameraRepair:
    """Bring a camera's ledger in line with its video; one without a ledger was copied whole."""
    if not camera.ledger:
        return _CameraRepair(camera, ())
    ledger = path / camera.ledger
    rows = _read_rows(ledger)
    scan = scan_video(path / camera.video, camera.name)
    if scan.keep_ledger:
        return _CameraRepair(camera, rows, message=scan.message)
    first_ns = next((row.time_ns for row in rows if row.kept and row.time_ns is not None), None)
    if camera.start_ns is None:
        camera = replace(camera, start_ns=first_ns)
    if camera.size_wh == NO_IMAGE_WH and scan.stamps_ns:
        camera = replace(camera, size_wh=scan.size_wh)
    repaired = _align_rows(rows, scan, camera)
    if repaired != rows or not _ends_with_newline(ledger):
        rewrite_ledger(ledger, repaired)
    lost = sum(row.why == CUT_OFF for row in repaired)
    return _CameraRepair(camera, repaired, lost)


def _read_rows(ledger: Path) -> tuple[LedgerRow, ...]:
    """Read what is left of a ledger."""
    try:
        return read_intact_rows(ledger)
    except SessionError:
        return ()  # gone with the power: the video's own stamps take its place


def _ends_with_newline(ledger: Path) -> bool:
    """Whether a ledger is there and its last line has its end."""
    return ledger.is_file() and ledger.read_bytes()[-1:] == b"\n"


def _align_rows(
    rows: tuple[LedgerRow, ...], scan: VideoScan, camera: SessionCamera
) -> tuple[LedgerRow, ...]:
    """Keep the lines of images that can be read, and add lines for images that have none."""
    start_ns = camera.start_ns or 0
    times = LedgerTimes(build_frame_times(rows, start_ns=start_ns, rate_fps=camera.rate_fps))
    there, strays_ns = set(), []
    for stamp_ns in scan.stamps_ns:
        moment = times.next_moment(stamp_ns)
        if moment is not None:
            there.add(moment[0])
        else:
            strays_ns.append(start_ns + stamp_ns)
    aligned = [
        row if not row.kept or row.sequence in there else replace(row, kept=False, why=CUT_OFF)
        for row in rows
    ]
    sequence = rows[-1].sequence if rows else -1
    last_ns = max(
        (row.time_ns for row in aligned if row.kept and row.time_ns is not None), default=None
    )
    for time_ns in strays_ns:
        if last_ns is not None and time_ns <= last_ns:
            # between two lines: whose it is nobody can say, and the times stay as they are
            continue
        steps = 1 if last_ns is None else round((time_ns - last_ns) * camera.rate_fps / NS_PER_S)
        sequence, last_ns = sequence + max(1, steps), time_ns
        aligned.append(LedgerRow(sequence, time_ns, scan.size_wh))
    return tuple(aligned)


def _trim_poses(poses: Path) -> str:
    """Cut a torn end off a file of poses; say what is wrong with one that cannot be read."""
    if not poses.is_file():
        return ""
    if b"\n" not in poses.read_bytes():
        poses.unlink()  # the take ended while its first line was written: it holds no pose
        return ""
    try:
        reader = PoseReader(poses)
    except SessionError as error:
        return str(error)
    if reader.torn:
        os.truncate(poses, reader.whole_bytes)
    return ""


def _summarize(name: str, found: Sequence[_CameraRepair]) -> str:
    """Say how much there is of the take."""
    starts = [one.times_ns[0] + one.camera.offset_ns for one in found if one.times_ns]
    ends = [one.times_ns[-1] + one.camera.offset_ns for one in found if one.times_ns]
    if not starts:
        return f"The recording '{name}' was broken off before an image of it was on the disk."
    length_s = (max(ends) - min(starts)) / NS_PER_S
    images = sum(len(one.times_ns) for one in found)
    losers = [one for one in found if one.lost]
    each = ", ".join(
        f"'{one.camera.name}' {one.lost} ({one.lost / one.camera.rate_fps:.2f} s)" for one in losers
    )
    cost = (
        f"the last ones cannot be read: {each}"
        if losers
        else "all that reached the disk can be read"
    )
    return (
        f"The recording '{name}' was broken off after {length_s:.1f} s and has been repaired: "
        f"{images} images of "
        f"{len(starts)} camera{'s' if len(starts) != 1 else ''} are there; {cost}."
    )


def _describe_oddities(found: Sequence[_CameraRepair]) -> list[str]:
    """Say what is odd about a camera."""
    ends = [one.times_ns[-1] + one.camera.offset_ns for one in found if one.times_ns]
    messages = []
    for one in found:
        name = one.camera.name
        if one.message:
            messages.append(one.message)
        if (
            one.times_ns
            and max(ends) - one.times_ns[-1] - one.camera.offset_ns
            > MAX_END_DIFFERENCE_S * NS_PER_S
        ):
            early_s = (max(ends) - one.times_ns[-1] - one.camera.offset_ns) / NS_PER_S
            messages.append(f"Camera '{name}' ends {early_s:.1f} s before the last one.")
        if one.camera.ledger and not one.times_ns and not one.message:
            messages.append(f"Camera '{name}' has no image.")
    return messages
