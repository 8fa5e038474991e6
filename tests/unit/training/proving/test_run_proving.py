from pathlib import Path

import pytest

from training.proving import run
from training.proving.cells import make_cells, select_cells
from training.proving.run import ProvingOptions, leave_out_mocap, run_proving

CELLS = select_cells(make_cells(), ["phones-squat-given", "ring4-bump"])
MOCAP = select_cells(make_cells(), ["*mocap*"])


@pytest.fixture
def measured(monkeypatch):
    """The cells and seeds that are measured, without calibrating."""
    done = []

    def measure_seed(cell, seed, windows):
        del windows
        done.append((cell.name, seed))
        return {"cell": cell.name, "seed": seed, "verdict": "usable", "rotation_error_deg": 0.5}

    monkeypatch.setattr(run, "measure_seed", measure_seed)
    return done


def test_every_seed_of_every_cell_is_measured_once(measured):
    rows = list(run_proving(CELLS, ProvingOptions(rigs=2, first_seed=7)))
    assert measured == [(cell.name, seed) for cell in CELLS for seed in (7, 8)]
    assert [(row["cell"], row["seed"]) for row in rows] == measured


def test_an_interrupted_run_goes_on_where_it_was(measured, tmp_path):
    options = ProvingOptions(rigs=3, out=tmp_path / "rows.csv")

    def interrupt(step):
        if step.done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(run_proving(CELLS, options, interrupt))
    assert len(measured) == 4
    steps = []
    rows = list(run_proving(CELLS, options, steps.append))
    assert len(measured) == len(set(measured)) == 6
    assert len(rows) == 6
    assert (steps[0].done, steps[0].total) == (0, 2)
    assert (steps[-1].done, steps[-1].share) == (2, 1.0)
    stored = list(run_proving(CELLS, options))  # all of it from the file
    assert [{key: row[key] for key in rows[-1]} for row in stored[-2:]] == rows[-2:]
    assert len(measured) == 6


def test_more_rigs_add_to_those_that_are_there(measured, tmp_path):
    out = tmp_path / "rows.csv"
    list(run_proving(CELLS[:1], ProvingOptions(rigs=2, out=out)))
    assert len(list(run_proving(CELLS, ProvingOptions(rigs=3, out=out)))) == 6
    assert len(measured) == len(set(measured)) == 6


def test_cells_of_real_motion_are_left_out_with_a_sentence():
    kept, messages = leave_out_mocap((*CELLS, *MOCAP), ProvingOptions())
    assert kept == CELLS
    assert "--motion" in messages[0]
    assert all(cell.name in messages[0] for cell in MOCAP)
    given = ProvingOptions(motion=(Path("walk.bvh"),))
    assert leave_out_mocap((*CELLS, *MOCAP), given) == ((*CELLS, *MOCAP), ())
