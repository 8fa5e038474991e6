"""A row says how far a rig is from its truth, on rigs moved by known amounts."""

from dataclasses import replace

import numpy as np
import pytest

from calibration import self_calibrate as self_calibration
from calibration.errors import NotEnoughMotionError
from calibration.geometry.transforms import rigid_transform, rotation_from_rotvec
from calibration.judge.report import ACCEPTED, REFUSED, CalibrationReport, CameraReport
from calibration.self_calibrate import Calibration
from training.proving import measure
from training.proving.cells import UNKNOWN, make_cells, select_cells
from training.proving.measure import COLUMNS, CRASHED, measure_seed
from training.proving.scene import draw_scene

(CELL,) = select_cells(make_cells(), ["ring4-walk-unknown"])
SEED = 3


@pytest.fixture(scope="module")
def scene():
    return draw_scene(CELL, SEED)


def say(rig):
    """Report one sigma of 0.5 degrees and 2 percent for each camera."""
    cameras = tuple(CameraReport(name, 0.5, 0.01, 2.0, 1.0) for name in rig.names)
    return CalibrationReport(ACCEPTED, ("Good.",), cameras, {}, "", 1.0, 1.0, 1.75, 20.0)


def measure_with(monkeypatch, found):
    nobody = np.zeros((1, len(found)), bool)
    judged = Calibration(found, say(found), nobody, found)
    monkeypatch.setattr(measure, "self_calibrate", lambda _seen, _options: judged)
    return measure_seed(CELL, SEED)


def test_the_true_rig_has_no_error_in_any_world(monkeypatch, scene):
    turn = rigid_transform(rotation_from_rotvec(np.array([0.3, -0.2, 1.0])), np.array([1, 2, 3.0]))
    row = measure_with(monkeypatch, scene.rig.with_world(turn))
    assert {column.key for column in COLUMNS} == set(row)
    assert row["verdict"] == ACCEPTED
    for key in ("rotation_error_deg", "focal_error_percent", "offset_error_ms"):
        assert row[key] == pytest.approx(0, abs=1e-6)
    assert row["scale_error_percent"] == pytest.approx(0, abs=2)  # of biased joints


def test_known_errors_are_measured(monkeypatch, scene):
    first = scene.rig[0]
    turn = rigid_transform(rotation_from_rotvec(np.radians([0.0, 2.0, 0.0])), np.zeros(3))
    off = replace(
        first,
        cam_from_world=turn @ first.cam_from_world,
        matrix=first.matrix * np.array([[1.04, 1, 1], [1, 1.04, 1], [1, 1, 1]]),
    )
    late = dict(scene.rig.time_offset_ns) | {"cam_2": scene.rig.time_offset_ns["cam_2"] + 9_000_000}
    wrong = replace(scene.rig, cameras=(off, *scene.rig.cameras[1:]), time_offset_ns=late)
    row = measure_with(monkeypatch, wrong)
    assert row["rotation_error_deg"] == pytest.approx(2.0, abs=1e-6)
    # aligned, the four are 1.5, 0.5, 0.5 and 0.5 degrees off
    assert row["rotation_ratio"] == pytest.approx(np.sqrt(3.0) / 2 / 0.5, abs=0.01)
    assert row["focal_error_percent"] == pytest.approx(4.0)
    assert row["focal_ratio"] == pytest.approx(1.0)
    assert row["offset_error_ms"] == pytest.approx(9.0)


def test_a_rig_that_is_too_large_has_a_positive_error_of_scale(monkeypatch, scene):
    true = measure_with(monkeypatch, scene.rig)["scale_error_percent"]
    large = measure_with(monkeypatch, scene.rig.with_world(np.eye(4), 1.05))["scale_error_percent"]
    assert large - true == pytest.approx(5.0, abs=0.1)


def test_a_failure_of_the_program_is_a_row(monkeypatch):
    def fail(_seen, _options):
        raise ZeroDivisionError("nothing there")

    monkeypatch.setattr(measure, "self_calibrate", fail)
    row = measure_seed(CELL, SEED)
    assert (row["verdict"], row["reasons"]) == (CRASHED, "ZeroDivisionError: nothing there")


def test_without_a_rig_a_refusal_has_its_reason_and_no_errors(monkeypatch):
    def refuse(*_):
        raise NotEnoughMotionError("Walk more.")

    monkeypatch.setattr(self_calibration, "solve_rig", refuse)
    row = measure_seed(CELL, SEED)
    assert (row["verdict"], row["reasons"]) == (REFUSED, "Walk more.")
    assert "rotation_error_deg" not in row
    assert CELL.lenses == UNKNOWN
