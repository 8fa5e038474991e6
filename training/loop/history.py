"""History: how a training went, on disk while it runs: `history.csv` and `history.jsonl`."""

import csv
import dataclasses
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.disk import atomic_file

CSV, JSONL = "history.csv", "history.jsonl"


@dataclass(frozen=True, slots=True)
class Row:
    """One point of the curves.

    Parameters
    ----------
    step, samples
        Done so far.
    share
        Of the budget.
    elapsed_s
        Without pauses.
    learning_rate
    loss
        Mean since the row before; NaN before the first step.
    judged_mm
        Of the averaged weights; NaN where not judged.
    samples_per_s
        Since the row before, without judging.
    waiting_share
        Of that time, spent waiting for data.
    """

    step: int
    samples: int
    share: float
    elapsed_s: float
    learning_rate: float
    loss: float
    judged_mm: float
    samples_per_s: float
    waiting_share: float

    def table(self) -> dict[str, Any]:
        """Return the row as JSON can hold it: None for NaN."""
        values = dataclasses.asdict(self)
        return {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in values.items()
        }


FIELDS = tuple(field.name for field in dataclasses.fields(Row))


def row_from_table(table: dict[str, Any]) -> Row:
    """Return the row that `Row.table` wrote; raises KeyError where a value is missing."""
    values: dict[str, Any] = {
        name: math.nan if table[name] is None else table[name] for name in FIELDS
    }
    return Row(**values)


class InMemoryHistory:
    """The rows of a process that leaves writing to another."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def add(self, row: Row) -> None:
        """Add a row."""
        self.rows.append(row)


class History(InMemoryHistory):
    """The rows of one training and their two files.

    Parameters
    ----------
    folder
        Exists.
    rows
        Of the same training, from before it was stopped. Files with later ones, from between its
        last state and a kill, are brought back to these.

    Raises
    ------
    OSError
        If the disk refuses.
    """

    def __init__(self, folder: Path, rows: Sequence[Row] = ()) -> None:
        super().__init__()
        self.rows += rows
        self._files = ((folder / CSV, _format_csv_line), (folder / JSONL, _format_json_line))
        with atomic_file(folder / CSV) as file:
            file.write(",".join(FIELDS) + "\n" + "".join(map(_format_csv_line, rows)))
        with atomic_file(folder / JSONL) as file:
            file.write("".join(map(_format_json_line, rows)))

    def add(self, row: Row) -> None:
        """Add a row, which others can read at once.

        Raises
        ------
        OSError
            If the disk refuses.
        """
        super().add(row)
        for path, line in self._files:
            with path.open("a", encoding="utf-8", newline="") as file:
                file.write(line(row))


def read_history(folder: Path) -> tuple[Row, ...]:
    """Read the rows of a training, also while it runs.

    Parameters
    ----------
    folder
        Of the run.

    Returns
    -------
    rows
        Empty where it has not begun. A last line that is only half written is left out.
    """
    path = folder / JSONL
    if not path.exists():
        return ()
    lines = path.read_text(encoding="utf-8").split("\n")
    return tuple(row_from_table(json.loads(line)) for line in lines[:-1])


def _format_csv_line(row: Row) -> str:
    """Write a row for people: nothing where nothing is known."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(
        "" if value is None else value for value in row.table().values()
    )
    return text.getvalue()


def _format_json_line(row: Row) -> str:
    """Write a row for programs."""
    return json.dumps(row.table(), allow_nan=False) + "\n"
