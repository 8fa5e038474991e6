"""The curves of a training on disk."""

import csv
import math
from pathlib import Path

import pytest

from training.loop.history import CSV, FIELDS, JSONL, History, Row, read_history


def row(step: int, judged_mm: float = math.nan) -> Row:
    return Row(
        step, 32 * step, step / 100, 1.5 * step, 1e-3, 0.1 / (step + 1), judged_mm, 200.0, 0.01
    )


def test_each_row_is_on_the_disk_as_soon_as_it_is_added(tmp_path: Path):
    history = History(tmp_path)
    assert read_history(tmp_path) == ()
    for step in (1, 2):
        history.add(row(step, 50.0))
        assert read_history(tmp_path)[-1] == row(step, 50.0)


def test_the_table_for_people_has_a_head_and_nothing_where_nothing_is_known(tmp_path: Path):
    history = History(tmp_path)
    history.add(row(1))
    with (tmp_path / CSV).open() as file:
        lines = list(csv.DictReader(file))
    assert tuple(lines[0]) == FIELDS
    assert lines[0]["judged_mm"] == ""
    assert float(lines[0]["loss"]) == 0.05
    assert math.isnan(read_history(tmp_path)[0].judged_mm)


def test_a_last_line_that_is_half_there_is_left_out(tmp_path: Path):
    history = History(tmp_path)
    history.add(row(1, 50.0))
    with (tmp_path / JSONL).open("a") as file:
        file.write('{"step": 2, "sam')
    assert read_history(tmp_path) == (row(1, 50.0),)


def test_rows_from_after_the_state_that_is_gone_on_from_are_forgotten(tmp_path: Path):
    history = History(tmp_path)
    for step in (1, 2, 3):
        history.add(row(step, 50.0))
    again = History(tmp_path, history.rows[:2])
    again.add(row(4, 40.0))
    assert [r.step for r in read_history(tmp_path)] == [1, 2, 4]
    assert len((tmp_path / CSV).read_text().splitlines()) == 4


def test_a_training_that_has_not_begun_has_no_rows(tmp_path: Path):
    assert read_history(tmp_path) == ()


def test_a_folder_that_refuses_is_an_error(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        History(tmp_path / "file")
