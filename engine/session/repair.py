"""Repair a session interrupted by a kill, a loss of power or a full disk, and report the loss."""

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

# A camera that ends earlier than another by more is reported.
MAX_END_DIFFERENCE_S = 0.2


@dataclass(frozen=True, slots=True)
class _CameraRepair:
    """What is left of a camera after an interruption.

    Parameters
    ----------
    camera
        With the facts that its files contain.
    rows
        Its ledger, repaired.
    lost
        How many images of the ledger cannot be read.
    message
        What is wrong with its files; empty if nothing.
    """

    camera: SessionCamera
    rows: tuple[LedgerRow, ...]
    lost: int = 0
    message: str = ""

    @property
    def times_ns(self) -> tuple[int, ...]:
        """The times of the images that can be read."""
        return tuple(row.time_ns for row in self.rows if row.kept and row.time_ns is not None)

    @property
    def too_slow(self) -> int:
        """The number of images that the disk was too slow for."""
        return sum(row.why == TOO_SLOW for row in self.rows)


def repair(path: Path) -> tuple[str, ...]:
    """Repair an interrupted session; one that is whole, or already repaired, is not changed.

    Incomplete ends of ledgers and pose files are removed, each camera's ledger is aligned with the
    images that can be read, its video gets the index that it lacks, and session.toml lists what was
    lost. No image is ever deleted.

    Parameters
    ----------
    path
        The session's folder.

    Returns
    -------
    messages
        What was lost, or why nothing could be done now; empty where there was nothing to do.

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
            message = (
                f"The session '{path.name}' is being recorded at this moment. Open it again "
                "when the recording has ended."
            )
            return (message,)
        try:
            table = read_manifest(path)  # again: it may have been finished in between
            return _repair_files(path, table) if _is_interrupted(table) else ()
        finally:
            hold.release()


def _is_interrupted(table: dict[str, Any]) -> bool:
    """Return whether session.toml marks the session as interrupted and not repaired."""
    return not table.get("finished", False) and not table.get("repaired", False)


def _repair_files(path: Path, table: dict[str, Any]) -> tuple[str, ...]:
    """Repair every file, the manifest last, so that an interrupted repair is done again."""
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
    """Align a camera's ledger with its video; one without a ledger was copied whole."""
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
    """Read the intact rows of a ledger."""
    try:
        return read_intact_rows(ledger)
    except SessionError:
        return ()  # lost with the power: the video's own stamps take its place


def _ends_with_newline(ledger: Path) -> bool:
    """Return whether a ledger is there and its last line is complete."""
    return ledger.is_file() and ledger.read_bytes()[-1:] == b"\n"


def _align_rows(
    rows: tuple[LedgerRow, ...], scan: VideoScan, camera: SessionCamera
) -> tuple[LedgerRow, ...]:
    """Mark rows whose image cannot be read as lost, and add rows for images without one."""
    start_ns = camera.start_ns or 0
    times = LedgerTimes(build_frame_times(rows, start_ns=start_ns, rate_fps=camera.rate_fps))
    there: set[int] = set()
    strays_ns: list[int] = []
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
            # Between two rows: it cannot be assigned, and the times are not changed.
            continue
        steps = 1 if last_ns is None else round((time_ns - last_ns) * camera.rate_fps / NS_PER_S)
        sequence, last_ns = sequence + max(1, steps), time_ns
        aligned.append(LedgerRow(sequence, time_ns, scan.size_wh))
    return tuple(aligned)


def _trim_poses(poses: Path) -> str:
    """Cut an incomplete end off a pose file; return a message if it cannot be read."""
    if not poses.is_file():
        return ""
    if b"\n" not in poses.read_bytes():
        poses.unlink()  # interrupted while the first line was written: it holds no pose
        return ""
    try:
        reader = PoseReader(poses)
    except SessionError as error:
        return str(error)
    if reader.torn:
        os.truncate(poses, reader.whole_bytes)
    return ""


def _summarize(name: str, found: Sequence[_CameraRepair]) -> str:
    """Summarize how much of the recording is left."""
    starts = [one.times_ns[0] + one.camera.offset_ns for one in found if one.times_ns]
    ends = [one.times_ns[-1] + one.camera.offset_ns for one in found if one.times_ns]
    if not starts:
        return f"The recording '{name}' was interrupted before any image of it was on the disk."
    length_s = (max(ends) - min(starts)) / NS_PER_S
    images = sum(len(one.times_ns) for one in found)
    losers = [one for one in found if one.lost]
    each = ", ".join(
        f"'{one.camera.name}' {one.lost} ({one.lost / one.camera.rate_fps:.2f} s)" for one in losers
    )
    cost = (
        f"the last images cannot be read: {each}"
        if losers
        else "everything that reached the disk can be read"
    )
    return (
        f"The recording '{name}' was interrupted after {length_s:.1f} s and has been repaired: "
        f"{images} images of {len(starts)} camera{'s' if len(starts) != 1 else ''} are there; "
        f"{cost}."
    )


def _describe_oddities(found: Sequence[_CameraRepair]) -> list[str]:
    """Describe what is unusual about the cameras."""
    ends = [one.times_ns[-1] + one.camera.offset_ns for one in found if one.times_ns]
    messages: list[str] = []
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
