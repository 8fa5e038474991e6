"""The ledger of a camera: one line for every frame it took, kept or not, and why not."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np

from calibration.geometry.arrays import I64
from engine.errors import SessionError

COLUMNS = ("sequence", "time_ns", "width", "height", "kept", "why")


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """What became of one frame.

    Parameters
    ----------
    sequence
        0-based count of the camera's images, lost ones included.
    time_ns
        When it was taken; None for a frame that never came.
    size_wh : px
    kept
        Whether it is in the video file.
    why
        Why not; empty where it was kept.
    """

    sequence: int
    time_ns: int | None
    size_wh: tuple[int, int]
    kept: bool = True
    why: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class FrameTimes:
    """The exact times of the frames in a recorded video file, whose own stamps are whole milliseconds.

    Parameters
    ----------
    sequence : (N,)
        Rising.
    time_ns : (N,)
        Rising.
    start_ns
        The time at the file's stamp 0.
    rate_fps
        Nominal frames per second.
    """

    sequence: I64
    time_ns: I64
    start_ns: int
    rate_fps: float


class LedgerWriter:
    """Writes a ledger line by line; every line is on its way to the disk before `put` returns.

    Parameters
    ----------
    path
        Must not exist.

    Raises
    ------
    OSError
        If the disk refuses, or the file exists.
    """

    def __init__(self, path: Path) -> None:
        self._file = Path(path).open("x", encoding="utf-8", newline="", buffering=1)  # noqa: SIM115 - held open
        self._csv = csv.writer(self._file, lineterminator="\n")
        self._csv.writerow(COLUMNS)

    def put(self, row: LedgerRow) -> None:
        """Add one line."""
        time_ns = "" if row.time_ns is None else row.time_ns
        self._csv.writerow([row.sequence, time_ns, *row.size_wh, int(row.kept), row.why])

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._file.close()

    def __enter__(self) -> "LedgerWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_ledger(path: Path) -> tuple[LedgerRow, ...]:
    """Read a ledger, also one whose last line was cut off.

    Parameters
    ----------
    path

    Returns
    -------
    rows
        In the order of the file; a last line without its end is left out.

    Raises
    ------
    SessionError
        If it cannot be read or is no ledger.
    """
    try:
        whole, _, _ = Path(path).read_bytes().rpartition(b"\n")  # before decoding: a cut may go through a letter
        lines = whole.decode("utf-8").split("\n")
    except OSError as error:
        raise SessionError(f"The ledger '{path}' cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SessionError(f"'{path}' is not a ledger of frames. Restore the file, or delete it.") from error
    if tuple(lines[0].split(",")) != COLUMNS:
        raise SessionError(f"'{path}' is not a ledger of frames. Restore the file, or delete it.")
    try:
        return tuple(_row_from_fields(fields) for fields in csv.reader(lines[1:]))
    except ValueError as error:
        raise SessionError(f"The ledger '{path}' is damaged: {error}. Restore the file, or delete it.") from error


def frame_times(rows: Iterable[LedgerRow], *, start_ns: int, rate_fps: float) -> FrameTimes:
    """Keep the exact times of the frames that are in the video file.

    Parameters
    ----------
    rows
    start_ns
        The time at the file's stamp 0.
    rate_fps
        Nominal frames per second.

    Returns
    -------
    times
        Sorted by time.
    """
    kept = sorted((row.time_ns, row.sequence) for row in rows if row.kept and row.time_ns is not None)
    table = np.array(kept, np.int64).reshape(-1, 2)
    return FrameTimes(table[:, 1], table[:, 0], start_ns, rate_fps)


def _row_from_fields(fields: list[str]) -> LedgerRow:
    """Read one line; a ValueError says what is wrong with it."""
    sequence, time_ns, width, height, kept, why = fields
    return LedgerRow(int(sequence), int(time_ns) if time_ns else None, (int(width), int(height)), kept == "1", why)
