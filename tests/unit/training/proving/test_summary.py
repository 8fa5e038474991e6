"""What counts as wrong but trusted, on rows made up for it."""

import numpy as np
import pytest

from calibration.judge.report import ACCEPTED, REFUSED, USABLE
from training.proving.measure import CRASHED
from training.proving.summary import (
    describe_false_accepts,
    is_false_accept,
    is_good_refused,
    summarise_cells,
)
from training.world.table import format_table

NAN = float("nan")


def row(verdict, degrees, focal=None, sigma=0.5, cell="a", seed=1000):
    return {
        "cell": cell,
        "seed": seed,
        "verdict": verdict,
        "rotation_error_deg": degrees,
        "rotation_sigma_deg": sigma,
        "focal_error_percent": focal,
        "cpu_s": 1.0,
    }


@pytest.mark.parametrize(
    ("verdict", "degrees", "focal", "sigma", "expected"),
    [
        (ACCEPTED, 1.9, 4.9, 0.1, False),
        (ACCEPTED, 2.1, 0.0, 5.0, True),
        (ACCEPTED, 0.1, 5.1, 0.1, True),
        (ACCEPTED, 1.9, None, 0.1, False),
        (USABLE, 3.9, 9.9, 1.4, False),
        (USABLE, 4.1, 0.0, 5.0, True),
        (USABLE, 0.1, 10.1, 0.1, True),
        (USABLE, 2.5, 0.0, 0.8, True),
        (USABLE, 2.5, 0.0, 0.9, False),
        (USABLE, 1.9, 0.0, 0.1, False),
        (REFUSED, 90.0, 90.0, 0.1, False),
        (CRASHED, None, None, None, False),
        (REFUSED, NAN, NAN, NAN, False),
    ],
)
def test_a_false_accept_is_a_rig_that_is_worse_than_its_verdict_allows(
    verdict, degrees, focal, sigma, expected
):
    assert is_false_accept(row(verdict, degrees, focal, sigma)) is expected


@pytest.mark.parametrize(
    ("verdict", "degrees", "expected"),
    [(REFUSED, 0.9, True), (REFUSED, 1.1, False), (REFUSED, None, False), (USABLE, 0.5, False)],
)
def test_a_good_rig_that_was_refused_is_counted(verdict, degrees, expected):
    assert is_good_refused(row(verdict, degrees)) is expected


def test_a_cell_is_summed_up():
    rows = [
        row(ACCEPTED, 0.4, 1.0) | {"rotation_ratio": 3.0, "scale_error_percent": -2.0},
        row(USABLE, 4.5, 3.0, seed=1001) | {"rotation_ratio": 4.0, "scale_error_percent": 1.0},
        row(REFUSED, 0.5, 2.0, seed=1002) | {"rotation_ratio": 100.0},
        row(REFUSED, None, seed=1003),
        row(CRASHED, None, seed=1004),
        row(ACCEPTED, 0.1, cell="b"),
    ]
    first, second = summarise_cells(rows).rows
    counts = {key: first[key] for key in ("rigs", "accepted", "usable", "refused", "crashed")}
    assert counts == {"rigs": 5, "accepted": 1, "usable": 1, "refused": 2, "crashed": 1}
    assert (first["false_accepts"], first["good_refused"]) == (1, 1)
    assert first["rotation_median_deg"] == pytest.approx(0.5)
    assert (first["rotation_max_deg"], first["rotation_kept_max_deg"]) == (4.5, 4.5)
    assert first["focal_median_percent"] == pytest.approx(2.0)
    assert first["rotation_ratio"] == pytest.approx(np.sqrt(12.5))  # of rigs that were given
    assert first["scale_median_percent"] == pytest.approx(1.5)
    assert (second["cell"], second["rigs"]) == ("b", 1)
    assert np.isnan(second["focal_median_percent"])


def test_the_table_is_for_people_and_false_accepts_have_their_seeds():
    rows = [row(USABLE, 4.5, 3.0, seed=1007), row(ACCEPTED, 0.1, seed=1008)]
    assert "FALSE" in format_table(summarise_cells(rows))
    (line,) = describe_false_accepts(rows)
    assert line == "False: a, seed 1007: usable, 4.5° off (says ± 0.5°), focal 3.0 %"
