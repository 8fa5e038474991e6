"""`epipole bench calibration`: its table, its CSV, and how it ends."""

import csv

import pytest

from app.cli import main as cli
from training.proving import run

QUICK = ["bench", "calibration", "--rigs", "1", "--only", "phones-reach-given", "--seed", "11"]


def made_up(cell, seed, windows):
    del windows
    return {"cell": cell.name, "seed": seed, "verdict": "usable", "rotation_error_deg": 9.0}


def test_one_rig_is_drawn_calibrated_and_written(tmp_path, capsys):
    out = tmp_path / "rigs.csv"
    assert cli.main([*QUICK, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "phones-reach-given" in printed
    assert str(out) in printed
    with out.open() as file:
        (row,) = csv.DictReader(file)
    assert (row["cell"], row["seed"]) == ("phones-reach-given", "11")
    assert row["verdict"] in ("accepted", "usable", "refused")


def test_ctrl_c_leaves_what_was_measured_and_the_next_run_goes_on(tmp_path, monkeypatch, capsys):
    def interrupt(cell, seed, windows):
        if seed == 1002:
            raise KeyboardInterrupt
        return made_up(cell, seed, windows)

    words = ["bench", "calibration", "--only", "ring4-bump", "--rigs", "3"]
    words += ["--out", str(tmp_path / "rigs.csv")]
    monkeypatch.setattr(run, "measure_seed", interrupt)
    assert cli.main(words) == 130
    assert "ring4-bump  2 " in capsys.readouterr().out
    monkeypatch.setattr(run, "measure_seed", made_up)
    assert cli.main(words) == 0
    printed = capsys.readouterr().out
    assert "ring4-bump  3 " in printed
    assert "False: ring4-bump, seed 1002: usable, 9.0° off" in printed


def test_cells_of_real_motion_need_it(monkeypatch, capsys):
    monkeypatch.setattr(run, "measure_seed", made_up)
    assert cli.main(["bench", "calibration", "--only", "ring4-*", "--rigs", "1"]) == 0
    captured = capsys.readouterr()
    assert "Left out, for want of the motion of real people: ring4-mocap" in captured.out
    assert cli.main(["bench", "calibration", "--only", "*mocap*"]) == 1
    assert "--motion" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--only", "ring9"], "There is no cell 'ring9'"),
        (["--only", "*mocap*", "--motion", "none.bvh"], "none.bvh"),
    ],
)
def test_what_does_not_exist_is_one_sentence(words, message, capsys):
    assert cli.main(["bench", "calibration", *words]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
