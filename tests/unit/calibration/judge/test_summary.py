"""The report of a solved rig, and of the same rig with one camera that is known to be off."""

import json
from dataclasses import replace

import numpy as np
import pytest

from calibration.judge.summary import summarise
from calibration.rig import Rig
from calibration.self_calibrate import CalibrationOptions, measure_rig, solve_rig
from calibration.solve.lens_priors import build_lens_priors
from calibration.synthetic.synthetic import NoiseConfig, RigPlan
from tests.support.calibrations import make_scene

OPTIONS = CalibrationOptions(stature_m=1.75)
OLD_KEYS = {
    "verdict",
    "reasons",
    "remarks",
    "cameras",
    "time_offsets_ms",
    "scale",
    "holdout_median_px",
    "stature_m",
    "seconds_used",
    "bones",
    "details",
}
OLD_DETAILS = {
    "camera_positions_m",
    "camera_forward",
    "path_m",
    "coverage_cells",
    "residual_edges_px",
    "residual_counts",
    "vertical_sigma_deg",
    "vertical_source",
    "focal_px",
    "k1",
}
NEW_DETAILS = {
    "position_covariance_m2",
    "residual_cells_px",
    "time_offset_sigma_ms",
    "lenses",
    "expected_bones_m",
}


@pytest.fixture(scope="module")
def solved():
    """Solve four cameras whose joints are sharp."""
    noise = NoiseConfig(jitter_of_torso=0.005)
    seen = make_scene(RigPlan(4), "room", noise, seed=2, seconds=8).seen.observations
    lenses, _ = build_lens_priors(seen, (None,) * 4, shared=False)
    solution = solve_rig(seen, lenses, OPTIONS, lambda _step, _share: None)
    return solution, measure_rig(seen, solution, OPTIONS)


@pytest.fixture(scope="module")
def report(solved):
    return summarise(*solved, ())


def list_residuals(report, name: str) -> np.ndarray:
    """List the residuals of the cells of a camera, (N, 2)."""
    rows = report.details["residual_cells_px"][name]
    return np.array([cell for row in rows for cell in row if cell is not None])


def test_what_programs_read_is_still_there(report):
    values = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert set(values) == OLD_KEYS
    assert set(values["details"]) == OLD_DETAILS | NEW_DETAILS


def test_a_true_rig_misses_by_little_everywhere(report):
    for camera in report.cameras:
        residuals = list_residuals(report, camera.name)
        assert len(residuals) > 5
        assert np.linalg.norm(residuals, axis=1).max() < 1.5  # px


def test_a_camera_whose_image_is_shifted_has_residuals_along_the_shift(solved):
    solution, measured = solved
    shift_px = np.array([-40.0, 25.0])
    camera = measured.rig[2]
    matrix = camera.matrix.copy()
    matrix[:2, 2] += shift_px
    off = (*measured.rig.cameras[:2], replace(camera, matrix=matrix), measured.rig[3])
    rig = Rig(off, measured.rig.time_offset_ns, measured.rig.metadata)
    shifted = summarise(solution, replace(measured, rig=rig), ())
    np.testing.assert_allclose(
        np.median(list_residuals(shifted, camera.name), axis=0), shift_px, atol=4
    )
    other = list_residuals(shifted, measured.rig[0].name)
    assert np.linalg.norm(np.median(other, axis=0)) < 4


def test_covariances_are_of_the_world_and_have_the_sigmas_of_the_report(solved, report):
    _, measured = solved
    turn = measured.rig[1].R.T @ solved[0].refined.estimate.rotation[1]
    for v, camera in enumerate(report.cameras):
        covariance = np.array(report.details["position_covariance_m2"][camera.name])
        assert np.sqrt(np.trace(covariance)) == pytest.approx(camera.position_sigma_m, rel=1e-3)
        in_scene = measured.uncertainty.position_covariance[v]
        expected = turn @ in_scene @ turn.T / np.trace(in_scene)
        np.testing.assert_allclose(covariance / np.trace(covariance), expected, atol=1e-3)
