from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from calibration.errors import DidNotConvergeError
from calibration.geometry.alignment import align_similarity
from calibration.geometry.transforms import rotation_angle_rad
from calibration.solve.free_parameters import FreeParameters
from calibration.solve.refine import (
    RefinementSettings,
    apply_step,
    build_normal_equations,
    compute_total_cost,
    refine,
)
from calibration.solve.residuals import CAMERA_PARAMETERS, FOCAL, K1
from tests.support.estimates import make_evidence_and_truth

SETTINGS = RefinementSettings(iterations=60, tolerance=1e-12)


def poses_free(views, *, focal=(), k1=False):
    """Let all but the first camera's pose move, and the focal lengths of groups of views."""
    columns = [
        np.eye(CAMERA_PARAMETERS * views)[CAMERA_PARAMETERS * v + p]
        for v in range(1, views)
        for p in range(6)
    ]
    for parameter, groups in ((FOCAL, focal), (K1, [[v] for v in range(views)] if k1 else [])):
        for group in groups:
            column = np.zeros(CAMERA_PARAMETERS * views)
            column[[CAMERA_PARAMETERS * v + parameter for v in group]] = 1
            columns.append(column)
    return FreeParameters(
        np.stack(columns, 1),
        np.full(CAMERA_PARAMETERS * views, np.inf),
        np.zeros(CAMERA_PARAMETERS * views),
    )


def disturbed(truth, random, *, focal=0.0):
    """Push the cameras and joints off their true places; the first camera's pose stays."""
    V = len(truth.focal)
    step = np.concatenate(
        [random.normal(0, 0.03, (V, 3)), random.normal(0, 0.1, (V, 3)), np.zeros((V, 4))], 1
    )
    step[0] = 0
    step[:, FOCAL] = random.normal(0, focal, V) if focal else 0
    return apply_step(
        truth, step, np.zeros(len(truth.log_length)), random.normal(0, 0.05, truth.xyz.shape)
    )


def rotation_errors_deg(estimate, truth):
    return np.degrees(rotation_angle_rad(estimate.rotation @ np.swapaxes(truth.rotation, 1, 2)))


@pytest.fixture(scope="module")
def exact():
    return make_evidence_and_truth(cameras=4, framesets=25)


def test_exact_images_lead_back_to_the_true_cameras(exact):
    evidence, truth = exact
    start = disturbed(truth, np.random.default_rng(0))
    refined = refine(evidence, start, poses_free(4), SETTINGS)
    assert rotation_errors_deg(refined.estimate, truth).max() < 0.01
    xyz = refined.estimate.xyz
    scale, R, t = align_similarity(
        xyz.reshape(-1, 3), truth.xyz.reshape(-1, 3)
    )  # the size of the scene is free
    found = scale * xyz @ R.T + t
    assert np.nanmax(np.abs(found - truth.xyz)) < 0.002  # m


def test_exact_images_lead_back_to_the_true_lenses(exact):
    evidence, truth = exact
    start = disturbed(truth, np.random.default_rng(1), focal=0.08)
    free = poses_free(4, focal=[[0], [1], [2], [3]], k1=True)
    refined = refine(evidence, replace(start, k1=np.zeros(4)), free, SETTINGS)
    assert rotation_errors_deg(refined.estimate, truth).max() < 0.05
    np.testing.assert_allclose(refined.estimate.focal, truth.focal, rtol=0.002)
    np.testing.assert_allclose(refined.estimate.k1, truth.k1, atol=0.01)


def test_a_shared_focal_length_stays_shared(exact):
    evidence, truth = exact
    start = replace(disturbed(truth, np.random.default_rng(2)), focal=np.full(4, 1000.0))
    refined = refine(
        evidence, start, poses_free(4, focal=[[0, 1], [2, 3]]), RefinementSettings(iterations=5)
    )
    assert refined.estimate.focal[0] == refined.estimate.focal[1]
    assert refined.estimate.focal[2] == refined.estimate.focal[3]
    assert refined.estimate.focal[0] != refined.estimate.focal[2]


def test_what_may_not_move_does_not_move(exact):
    evidence, truth = exact
    start = disturbed(truth, np.random.default_rng(3))
    refined = refine(evidence, start, poses_free(4), RefinementSettings(iterations=5)).estimate
    np.testing.assert_array_equal(refined.rotation[0], start.rotation[0])
    np.testing.assert_array_equal(refined.translation[0], start.translation[0])
    np.testing.assert_array_equal(refined.focal, start.focal)
    np.testing.assert_array_equal(refined.offset_s, start.offset_s)


def test_the_cost_never_rises(exact):
    evidence, truth = exact
    costs = []
    start = disturbed(truth, np.random.default_rng(4))
    refine(evidence, start, poses_free(4), SETTINGS, lambda _count, cost: costs.append(cost))
    first = compute_total_cost(evidence, start, poses_free(4), SETTINGS)
    assert costs[0] < first
    assert all(later <= earlier for earlier, later in pairwise(costs))


def test_a_tenth_of_gross_outliers_hardly_moves_the_cameras():
    evidence, truth = make_evidence_and_truth(cameras=4, framesets=25, noise_px=2.0)
    random = np.random.default_rng(5)
    wild = random.random(evidence.sigma.shape) < 0.1
    xy = evidence.xy + np.where(wild[..., None], random.normal(0, 150, evidence.xy.shape), 0)
    start = disturbed(truth, random)
    clean = refine(evidence, start, poses_free(4), SETTINGS).estimate
    dirty = refine(replace(evidence, xy=xy), start, poses_free(4), SETTINGS).estimate
    assert rotation_errors_deg(clean, truth).max() < 0.15
    assert rotation_errors_deg(dirty, truth).max() < 0.3


def test_a_prior_holds_what_the_images_do_not_tell(exact):
    evidence, truth = exact
    free = poses_free(4, focal=[[0], [1], [2], [3]])
    sigma, mean = np.full(4 * CAMERA_PARAMETERS, np.inf), np.zeros(4 * CAMERA_PARAMETERS)
    sigma[FOCAL::CAMERA_PARAMETERS], mean[FOCAL::CAMERA_PARAMETERS] = 1e-6, np.log(1234.0)
    held = refine(
        evidence,
        replace(truth, focal=np.full(4, 1234.0)),
        replace(free, prior_sigma=sigma, prior_mean=mean),
        SETTINGS,
    )
    np.testing.assert_allclose(held.estimate.focal, 1234.0, rtol=1e-3)


def test_missing_joints_stay_missing(exact):
    evidence, truth = exact
    xyz = truth.xyz.copy()
    xyz[3, 4] = np.nan
    refined = refine(
        evidence, replace(truth, xyz=xyz), poses_free(4), RefinementSettings(iterations=3)
    ).estimate
    assert np.isnan(refined.xyz[3, 4]).all()
    np.testing.assert_array_equal(np.isnan(refined.xyz), np.isnan(xyz))


def test_a_start_that_is_no_number_is_refused_with_a_sentence(exact):
    evidence, truth = exact
    with pytest.raises(DidNotConvergeError, match="first estimate of the rig fits nothing"):
        refine(evidence, replace(truth, focal=np.full(4, np.nan)), poses_free(4), SETTINGS)


def test_a_callback_may_cancel(exact):
    evidence, truth = exact

    def stop(_count, _cost):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        refine(evidence, disturbed(truth, np.random.default_rng(6)), poses_free(4), SETTINGS, stop)


def test_the_gradient_of_the_equations_is_the_slope_of_the_cost(exact):
    evidence, truth = exact
    estimate = disturbed(truth, np.random.default_rng(7), focal=0.01)
    free = poses_free(4, focal=[[0], [1], [2], [3]], k1=True)
    gradient = build_normal_equations(evidence, estimate, free, SETTINGS).shared_gradient
    none = np.zeros(len(truth.log_length)), np.zeros(truth.xyz.shape)
    for q in range(free.basis.shape[1]):
        step = 1e-6 * free.basis[:, q].reshape(4, CAMERA_PARAMETERS)
        ahead = compute_total_cost(evidence, apply_step(estimate, step, *none), free, SETTINGS)
        behind = compute_total_cost(evidence, apply_step(estimate, -step, *none), free, SETTINGS)
        assert 2 * gradient[q] == pytest.approx((ahead - behind) / 2e-6, rel=2e-4, abs=1.0)
