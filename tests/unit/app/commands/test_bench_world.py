"""`epipole bench world`: its tables, its CSV, and how it ends."""

import pytest

from app.cli import main as cli
from app.commands import bench_world
from training.world.clip import FoundClip
from training.world.run import BenchResult
from training.world.table import Column, Table

COLUMNS = (Column("clip", "clip"), Column("error_mm", "error mm", 0))
FIRST, BOTH = (
    Table("rigs", "Rigs", COLUMNS, tuple({"clip": name, "error_mm": 7.0} for name in names))
    for names in (("sit",), ("sit", "walk"))
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of two clips, whose measuring is replaced."""
    clips = tuple(FoundClip(name, tmp_path, lambda: None) for name in ("sit", "walk"))
    monkeypatch.setattr(bench_world, "find_clips", lambda _folder: clips)
    return tmp_path


def run_as(monkeypatch, results, error=None):
    """Let the bench give these results, and then perhaps end badly."""

    def run_bench(clips, options, progress):
        yield from results
        if error is not None:
            raise error

    monkeypatch.setattr(bench_world, "run_bench", run_bench)


def test_tables_are_printed_and_written(folder, monkeypatch, capsys):
    run_as(monkeypatch, [BenchResult((FIRST,)), BenchResult((BOTH,))])
    out = folder / "errors.csv"
    assert cli.main(["bench", "world", "--data", str(folder), "--out", str(out)]) == 0
    assert "walk         7" in capsys.readouterr().out
    assert out.read_text().splitlines() == ["table,clip,error_mm", "rigs,sit,7", "rigs,walk,7"]


def test_ctrl_c_leaves_what_was_measured(folder, monkeypatch, capsys):
    run_as(monkeypatch, [BenchResult((FIRST,))], KeyboardInterrupt())
    assert cli.main(["bench", "world", "--data", str(folder)]) == 130
    assert "sit          7" in capsys.readouterr().out


def test_a_clip_that_is_left_out_is_said_and_all_of_them_are_a_failure(folder, monkeypatch, capsys):
    run_as(monkeypatch, [BenchResult((FIRST,), ("Clip 'walk' is left out.",))])
    assert cli.main(["bench", "world", "--data", str(folder)]) == 0
    assert "Clip 'walk' is left out." in capsys.readouterr().out
    run_as(monkeypatch, [BenchResult((), ("Clip 'sit' is left out.", "Clip 'walk' too."))])
    assert cli.main(["bench", "world", "--data", str(folder)]) == 1
    assert "None of the 2 clips" in capsys.readouterr().err


def test_a_folder_that_is_missing_is_one_sentence(tmp_path, capsys):
    assert cli.main(["bench", "world", "--data", str(tmp_path / "none")]) == 1
    error = capsys.readouterr().err
    assert "There is no folder" in error
    assert error.count("\n") == 1
