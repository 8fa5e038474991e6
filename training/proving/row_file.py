"""RowFile: rows on the disk as soon as they are measured, so that no interruption costs any."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from engine.disk import append_atomic, write_atomic
from training.errors import DatasetError
from training.proving.measure import COLUMNS
from training.world import table
from training.world.table import Row, format_value

KEYS = tuple(column.key for column in COLUMNS)
_TEXTS = ("cell", "verdict", "reasons")
_INTEGERS = ("seed",)


class RowFile:
    """A CSV of rows that grows by one row at a time.

    Parameters
    ----------
    path
        Continued if it exists; None keeps the rows in memory.

    Raises
    ------
    DatasetError
        If the file has other columns or cannot be read.
    OSError
        If the disk refuses.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._rows: dict[tuple[str, int], Row] = {}
        if path is None:
            return
        if path.exists():
            self._rows = {_name(row): row for row in _read(path)}
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, _format(KEYS))

    def find(self, cell: str, seed: int) -> Row | None:
        """Return the row of a cell and a seed; None if it was not measured."""
        return self._rows.get((cell, seed))

    def add(self, row: Row) -> None:
        """Add a row: all of it is on the disk, or nothing.

        Raises
        ------
        OSError
            If the disk refuses.
        """
        self._rows[_name(row)] = row
        if self._path is None:
            return
        with self._path.open("ab", buffering=0) as file:
            append_atomic(file, _format(format_value(row.get(key)) for key in KEYS), file.tell())


def _name(row: Row) -> tuple[str, int]:
    """Name a row by its cell and seed."""
    return str(row["cell"]), int(row["seed"] or 0)


def _format(cells: Iterator[str] | tuple[str, ...]) -> bytes:
    """Format one line of a CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


def _read(path: Path) -> list[Row]:
    """Read all rows; a last line without its end, left by a loss of power, is cut off."""
    try:
        data = path.read_bytes()
        text = data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"'{path}' cannot be read: {error}. Choose another --out.") from error
    whole = text[: text.rfind("\n") + 1]
    lines = csv.reader(io.StringIO(whole))
    if tuple(next(lines, ())) != KEYS:
        raise DatasetError(
            f"'{path}' has other columns than this measurement writes, so it cannot be continued. "
            "Choose another --out, or delete it."
        )
    rows = [_parse(cells) for cells in lines if len(cells) == len(KEYS)]
    if len(whole) < len(text):
        write_atomic(path, whole.encode())
    return rows


def _parse(cells: list[str]) -> Row:
    """Parse one line."""
    row: dict[str, table.Cell] = {}
    for key, text in zip(KEYS, cells):
        if key in _TEXTS:
            row[key] = text
        elif key in _INTEGERS:
            row[key] = int(text)
        else:
            row[key] = float(text) if text else None
    return row
