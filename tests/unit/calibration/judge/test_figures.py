"""The data of the report's figures, against values that are known."""

from dataclasses import replace

import numpy as np
import pytest

from calibration.evidence.evidence import gather_evidence
from calibration.evidence.observations import Observations
from calibration.judge.figures import (
    MIN_JOINTS_OF_CELL,
    describe_lenses,
    list_expected_bones,
    list_position_covariances,
    measure_residual_cells,
)
from calibration.rig import Camera
from calibration.solve.lens_priors import (
    FOCAL_LOG_SIGMA,
    K1_MEAN,
    K1_SIGMA,
    OFFSET_SIGMA_S,
    build_lens_priors,
)
from calibration.solve.residuals import Estimate
from calibration.synthetic.synthetic import NO_NOISE, RigPlan, SyntheticObservations, make_rig
from tests.support.calibrations import make_scene
from tests.support.estimates import estimate_from_rig, make_evidence_and_truth


@pytest.fixture(scope="module")
def seen() -> SyntheticObservations:
    return make_scene(RigPlan(3), "room", NO_NOISE, seed=1, seconds=3).seen


def place_in_cell(common: Observations, column: int, row: int, count: int) -> np.ndarray:
    """Put joints into the middle of one cell of every image, (V, N, 2)."""
    sizes = np.array(common.sizes_wh, float)
    xy = (np.array([column, row]) + 0.5) / [8, 6] * sizes
    return np.repeat(xy[:, None], count, axis=1)


def test_a_known_shift_is_the_residual_of_its_cell_alone(seen):
    common = seen.observations
    xy = place_in_cell(common, 5, 2, 20)
    shift = np.array([[3.0, -1.5], [0.0, 2.0], [-4.0, 0.25]])
    cells = measure_residual_cells(common, xy, np.repeat(shift[:, None], 20, axis=1))
    for name, expected in zip(common.view_names, shift):
        rows = cells[name]
        assert len(rows) == 6
        assert all(len(row) == 8 for row in rows)
        assert rows[2][5] == pytest.approx(expected)
        assert sum(cell is not None for row in rows for cell in row) == 1


def test_a_cell_with_few_joints_has_no_residual_and_outliers_do_not_count_for_much(seen):
    common = seen.observations
    few = MIN_JOINTS_OF_CELL - 1
    xy = place_in_cell(common, 0, 0, 20)
    residual = np.full((3, 20, 2), np.nan)
    residual[0, :few] = 1.0
    residual[1] = 1.0
    residual[1, :5] = 500.0
    cells = measure_residual_cells(common, xy, residual)
    assert cells[common.view_names[0]][0][0] is None
    assert cells[common.view_names[1]][0][0] == [1.0, 1.0]


def test_joints_outside_of_the_image_are_in_no_cell(seen):
    common = seen.observations
    xy = place_in_cell(common, -1, 2, 20)
    cells = measure_residual_cells(common, xy, np.ones((3, 20, 2)))
    assert all(cell is None for rows in cells.values() for row in rows for cell in row)


def test_a_covariance_keeps_its_shape_and_has_the_sigma_of_the_report():
    rig = make_rig(RigPlan(2), 0)
    shape = np.array([[4.0, 1.0, 0.0], [1.0, 2.0, 0.5], [0.0, 0.5, 3.0]])
    listed = list_position_covariances(rig, np.stack([shape, 0 * shape]), np.array([0.03, 0.0]))
    assert np.trace(listed[rig[0].name]) == pytest.approx(0.03**2)
    np.testing.assert_allclose(np.array(listed[rig[0].name]) / 0.03**2, shape / 9, atol=1e-6)
    assert np.array(listed[rig[1].name]).tolist() == np.zeros((3, 3)).tolist()


def test_a_camera_of_unknown_sigma_has_no_covariance():
    rig = make_rig(RigPlan(2), 0)
    listed = list_position_covariances(rig, np.stack([np.eye(3)] * 2), np.array([np.nan, 0.02]))
    assert list(listed) == [rig[1].name]


def make_lenses(seen, known: tuple[Camera | None, ...]):
    """A rig whose first lens is given, the priors, and an estimate that fits both."""
    rig = make_rig(RigPlan(3), 1)
    lenses = build_lens_priors(seen.observations, known, shared=False)[0]
    evidence, _ = make_evidence_and_truth(cameras=3, framesets=4, seed=1)
    xyz = np.random.default_rng(0).normal(size=(4, len(evidence.joints), 3))
    return rig, lenses, estimate_from_rig(rig, evidence, xyz)


def strain_lenses(seen, known, offset_ns=(0, 0, 0), **changes: float):
    """Describe lenses after changes that are known: focal and k1 are sigmas off the prior."""
    rig, lenses, estimate = make_lenses(seen, known)
    moved: Estimate = replace(
        estimate,
        focal=lenses.focal * np.exp(changes.get("focal", 0.0) * FOCAL_LOG_SIGMA),
        k1=np.full(3, K1_MEAN + changes.get("k1", 0.0) * K1_SIGMA),
        k2=np.zeros(3),
    )
    return rig, describe_lenses(rig, lenses, moved, np.array(offset_ns))


def test_strain_is_the_deviation_from_the_prior_in_its_sigmas(seen):
    late_ns = (0, round(1.5 * OFFSET_SIGMA_S * 1e9), round(-OFFSET_SIGMA_S * 1e9))
    rig, lenses = strain_lenses(seen, (None,) * 3, late_ns, focal=-1.25, k1=2.5)
    for name, clock in zip(rig.names, (None, 1.5, -1.0)):
        assert lenses[name]["strain"] == pytest.approx(
            {"focal": -1.25, "k1": 2.5, "k2": 0.0, "clock": clock}, abs=0.002
        )
        assert lenses[name]["given"] is False


def test_a_given_lens_has_no_strain(seen):
    rig = make_rig(RigPlan(3), 1)
    named, lenses = strain_lenses(seen, (None, rig[1], None))
    given = lenses[named.names[1]]
    assert given["given"] is True
    assert given["strain"]["focal"] is given["strain"]["k1"] is given["strain"]["k2"] is None
    assert given["strain"]["clock"] == 0.0


def test_the_field_of_view_is_that_of_the_image_width(seen):
    rig, lenses = strain_lenses(seen, (None,) * 3)
    for camera in rig:
        half = np.degrees(np.arctan(camera.size_wh[0] / 2 / camera.focal_px))
        assert lenses[camera.name]["field_of_view_deg"] == pytest.approx(2 * half, abs=0.01)


def test_a_person_of_the_mean_stature_has_the_bones_that_are_expected(seen):
    common = seen.observations
    sigma = np.ones(common.confidence.shape)
    principal = np.array(common.sizes_wh) / 2
    evidence = gather_evidence(common, sigma, principal, np.arange(5))
    expected = list_expected_bones(evidence, 1.71)
    assert expected["left_hip-left_knee"] == pytest.approx([0.391, 0.391 * 0.08], abs=2e-4)
    assert expected["right_elbow-right_wrist"][0] == pytest.approx(0.262, abs=2e-4)
    taller = list_expected_bones(evidence, 1.71 * 1.1)
    for bone, (length, spread) in expected.items():
        assert taller[bone] == pytest.approx([1.1 * length, 1.1 * spread], abs=2e-4)
