"""The ledger of a camera: one line for every frame it took, kept or not, and why not."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np

from calibration.geometry.arrays import I64
from engine.disk import append_atomic, atomic_file
from engine.errors import SessionError
from engine.frames import Frame

COLUMNS = ("sequence", "time_ns", "width", "height", "kept", "why")
# Why a frame is not in the video.
NEVER_CAME = "never came from the camera"
TOO_SLOW = "the disk was too slow"
CUT_OFF = "lost when the recording was cut off"
# Characters that may be buffered, some 15 lines.
BUFFER_CHARS = 512
# Lost frames remembered with their times: 100 s at 30 fps, 0.7 MB.
MAX_WAITING_ROWS = 3000


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One frame, kept or not.

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
    """The exact times of a recorded video's frames; its own stamps are whole milliseconds.

    Parameters
    ----------
    sequence : (N,)
        Increasing.
    time_ns : (N,)
        Increasing.
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
    """Writes a ledger; `put` (or `flush`) returns once the operating system has the line.

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
        self._file = Path(path).open("xb", buffering=0)  # noqa: SIM115 - held open
        self._length = 0
        self._lines = StringIO(newline="")  # that are not in the file yet
        self._csv = csv.writer(self._lines, lineterminator="\n")
        self._csv.writerow(COLUMNS)
        try:
            self.flush()
        except OSError:
            self._file.close()
            raise

    def put(self, row: LedgerRow, *, now: bool = True) -> None:
        """Add one line.

        Parameters
        ----------
        row
        now
            False buffers it until `flush` or until the buffer is full: many lines cost hardly more
            than one.

        Raises
        ------
        OSError
            If the disk refuses; the ledger is as it was.
        """
        self._csv.writerow(_fields_from_row(row))
        if now or self._lines.tell() >= BUFFER_CHARS:
            self.flush()

    def flush(self) -> None:
        """Write the buffered lines in one go, or none of them where the disk refuses.

        Raises
        ------
        OSError
            If the disk refuses; the ledger is as it was.
        """
        lines = self._lines.getvalue().encode()
        self._lines.seek(0)
        self._lines.truncate()
        self._length = append_atomic(self._file, lines, self._length)

    def close(self) -> None:
        """Close the file, without a `flush`; may be called twice."""
        self._file.close()

    def __enter__(self) -> "LedgerWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class MissingFrames:
    """The lost frames that have no line yet, however long the disk blocks.

    Attributes
    ----------
    stop
        One more than the highest sequence number among them.
    """

    def __init__(self) -> None:
        self.stop = 0
        self._rows: dict[int, LedgerRow] = {}
        self._untimed_from: int | None = None  # from here on there is no room for times either

    def add(self, frame: Frame) -> None:
        """Record that a frame was lost; beyond `MAX_WAITING_ROWS` without its time."""
        if self._untimed_from is None and len(self._rows) < MAX_WAITING_ROWS:
            row = LedgerRow(
                frame.sequence, frame.timestamp_ns, frame.size_wh, kept=False, why=TOO_SLOW
            )
            self._rows[frame.sequence] = row
        elif self._untimed_from is None:
            self._untimed_from = frame.sequence
        self.stop = max(self.stop, frame.sequence + 1)

    def pop_row(self, sequence: int, size_wh: tuple[int, int]) -> LedgerRow:
        """Return the line of a frame that is not in the video: it was lost, or never came.

        Parameters
        ----------
        sequence
            Rising from call to call.
        size_wh : px
            Written where the frame itself is not known.
        """
        row = self._rows.pop(sequence, None)
        why = NEVER_CAME
        if self._untimed_from is not None and self._untimed_from <= sequence < self.stop:
            why = TOO_SLOW
        if sequence >= self.stop - 1:
            self._untimed_from = None
        return row or LedgerRow(sequence, None, size_wh, kept=False, why=why)

    def drop_before(self, sequence: int) -> None:
        """Forget the frames before this one."""
        self._rows = {known: row for known, row in list(self._rows.items()) if known >= sequence}
        if sequence >= self.stop:
            self._untimed_from = None


def read_ledger(path: Path) -> tuple[LedgerRow, ...]:
    """Read a ledger, also one whose last line was cut off.

    Returns
    -------
    rows
        In the order of the file; an incomplete last line is left out.

    Raises
    ------
    SessionError
        If it cannot be read or is no ledger.
    """
    try:
        return tuple(_row_from_fields(fields) for fields in csv.reader(_read_lines(path)))
    except (ValueError, csv.Error) as error:
        raise SessionError(
            f"The ledger '{path}' is damaged: {error}. Restore the file, or delete it."
        ) from error


def read_intact_rows(path: Path) -> tuple[LedgerRow, ...]:
    """Read a ledger up to the first line that is damaged.

    Raises
    ------
    SessionError
        If it cannot be read or is no ledger.
    """
    rows: list[LedgerRow] = []
    for line in _read_lines(path):
        try:
            rows += [_row_from_fields(fields) for fields in csv.reader([line])]
        except (ValueError, csv.Error):
            break
    return tuple(rows)


def rewrite_ledger(path: Path, rows: Iterable[LedgerRow]) -> None:
    """Replace a ledger, in one step.

    Parameters
    ----------
    path
    rows
        All of it, in order.

    Raises
    ------
    OSError
        If the disk refuses; then it is as it was.
    """
    with atomic_file(path) as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows(_fields_from_row(row) for row in rows)


def build_frame_times(rows: Iterable[LedgerRow], *, start_ns: int, rate_fps: float) -> FrameTimes:
    """Collect the exact times of the frames that are in the video file.

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
    kept = sorted(
        (row.time_ns, row.sequence) for row in rows if row.kept and row.time_ns is not None
    )
    table = np.array(kept, np.int64).reshape(-1, 2)
    return FrameTimes(table[:, 1], table[:, 0], start_ns, rate_fps)


def _read_lines(path: Path) -> list[str]:
    """Read the whole lines of a ledger, without the names of its columns."""
    try:
        # before decoding: a cut may go through a letter
        whole, _, _ = Path(path).read_bytes().rpartition(b"\n")
        lines = whole.decode("utf-8").split("\n")
    except OSError as error:
        raise SessionError(f"The ledger '{path}' cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SessionError(
            f"'{path}' is not a ledger of frames. Restore the file, or delete it."
        ) from error
    if tuple(lines[0].split(",")) != COLUMNS:
        raise SessionError(f"'{path}' is not a ledger of frames. Restore the file, or delete it.")
    return lines[1:]


def _fields_from_row(row: LedgerRow) -> list[object]:
    """Lay out one line."""
    return [
        row.sequence,
        "" if row.time_ns is None else row.time_ns,
        *row.size_wh,
        int(row.kept),
        row.why,
    ]


def _row_from_fields(fields: list[str]) -> LedgerRow:
    """Read one line; a ValueError says what is wrong with it."""
    sequence, time_ns, width, height, kept, why = fields
    return LedgerRow(
        int(sequence),
        int(time_ns) if time_ns else None,
        (int(width), int(height)),
        kept == "1",
        why,
    )
