"""Tables of results: plain text of a fixed width for people, one CSV for all tables."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from engine.disk import atomic_file

Cell: TypeAlias = str | float | int | None
Row: TypeAlias = Mapping[str, Cell]
"""Values by the key of their column; what is missing is None, NaN or absent."""

MISSING = "—"


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Parameters
    ----------
    key
        In rows and in the CSV, with the unit.
    heading
        For people; empty for a column that stands in the CSV only.
    decimals
        Of numbers.
    signed
        Write a plus before positive numbers.
    interval
        Two keys whose values are written behind this one's, as its range.
    is_note
        Its texts are too long for a cell, and stand below the table by number.
    """

    key: str
    heading: str = ""
    decimals: int = 1
    signed: bool = False
    interval: tuple[str, str] | None = None
    is_note: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table of results.

    Parameters
    ----------
    name
        For the CSV.
    title
        For people.
    columns
    rows
        In the order in which they are shown.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...] = field(default_factory=tuple)


def format_table(table: Table) -> str:
    """Format a table as plain text; a column of which nothing is known stays, with dashes."""
    shown = [column for column in table.columns if column.heading]
    notes: list[str] = []
    lines = [[column.heading for column in shown]]
    lines += [[_format_cell(row, column, notes) for column in shown] for row in table.rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(shown))]
    is_text = [
        column.is_note or any(isinstance(row.get(column.key), str) for row in table.rows)
        for column in shown
    ]
    text = [table.title, ""]
    for number, line in enumerate(lines):
        cells = [
            cell.ljust(width) if left else cell.rjust(width)
            for cell, width, left in zip(line, widths, is_text)
        ]
        text.append("  ".join(cells).rstrip())
        if number == 0:
            text.append("  ".join("-" * width for width in widths))
    text += [f"[{number}] {note}" for number, note in enumerate(notes, 1)]
    return "\n".join(text)


def write_csv(tables: Sequence[Table], path: Path) -> None:
    """Write all tables into one file.

    Parameters
    ----------
    tables
        The first column names the table; the others are those of all tables.
    path
        Replaced only when the new file is complete.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    keys = dict.fromkeys(
        key
        for table in tables
        for column in table.columns
        for key in (column.key, *(column.interval or ()))
    )
    with atomic_file(path) as file:
        rows = csv.writer(file)
        rows.writerow(["table", *keys])
        for table in tables:
            for row in table.rows:
                rows.writerow([table.name, *(format_value(row.get(key)) for key in keys)])


def is_missing(value: Cell) -> bool:
    """Return whether a cell is empty."""
    return value is None or value == "" or (isinstance(value, float) and not math.isfinite(value))


def format_value(value: Cell) -> str:
    """Format a value for a program; empty where it is missing."""
    if value is None or is_missing(value):
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _format_cell(row: Row, column: Column, notes: list[str]) -> str:
    """Format a cell for people; a note is put at the end of the list, once."""
    value = row.get(column.key)
    if value is None or is_missing(value):
        return "" if column.is_note else MISSING
    if column.is_note:
        if str(value) not in notes:
            notes.append(str(value))
        return f"[{notes.index(str(value)) + 1}]"
    if isinstance(value, str):
        return value
    text = _format_number(value, column)
    if column.interval is None:
        return text
    bounds = [row.get(key) for key in column.interval]
    if any(is_missing(bound) for bound in bounds):
        return text
    low, high = (_format_number(float(bound or 0), column) for bound in bounds)
    return f"{text} ({low}–{high})"


def _format_number(value: float, column: Column) -> str:
    """Format a number for people."""
    if isinstance(value, int) and not column.signed:
        return str(value)
    text = f"{value:{'+' if column.signed else ''}.{column.decimals}f}"
    return text.lstrip("+-") if float(text) == 0 else text
