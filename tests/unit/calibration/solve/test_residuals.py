from dataclasses import replace

import numpy as np
import pytest

from calibration.evidence.evidence import Evidence
from calibration.geometry.projection import project
from calibration.solve.refine import apply_step
from calibration.solve.residuals import (
    CAMERA_PARAMETERS,
    cauchy,
    compute_bone_residuals,
    compute_reprojection,
    compute_reprojection_jacobians,
)
from tests.support.estimates import cameras_from_estimate, make_evidence_and_truth

STEP = 1e-6


@pytest.fixture(scope="module")
def case():
    """Evidence with noise, from an estimate a little off, so that no derivative vanishes."""
    evidence, truth = make_evidence_and_truth(cameras=3, framesets=4, noise_px=2.0)
    random = np.random.default_rng(0)
    V, lengths = len(truth.focal), evidence.length_count
    return evidence, apply_step(
        truth,
        random.normal(0, 0.02, (V, CAMERA_PARAMETERS)),
        random.normal(0, 0.05, lengths),
        random.normal(0, 0.02, truth.xyz.shape),
    )


@pytest.mark.parametrize("parameter", range(CAMERA_PARAMETERS))
def test_the_slope_by_every_camera_parameter_is_that_of_finite_differences(case, parameter):
    evidence, estimate = case
    at = compute_reprojection(evidence, estimate)
    by_camera = compute_reprojection_jacobians(evidence, estimate, at)[0]
    step = np.zeros((3, CAMERA_PARAMETERS))
    step[:, parameter] = STEP
    nothing = np.zeros(evidence.length_count), np.zeros(estimate.xyz.shape)
    ahead = compute_reprojection(evidence, apply_step(estimate, step, *nothing)).residual
    behind = compute_reprojection(evidence, apply_step(estimate, -step, *nothing)).residual
    slope = (ahead - behind) / (2 * STEP)
    np.testing.assert_allclose(
        by_camera[..., parameter] * at.valid[..., None], slope, rtol=1e-5, atol=1e-4
    )


@pytest.mark.parametrize("axis", range(3))
def test_the_slope_by_the_points_is_that_of_finite_differences(case, axis):
    evidence, estimate = case
    at = compute_reprojection(evidence, estimate)
    by_point = compute_reprojection_jacobians(evidence, estimate, at)[1]
    step = STEP * np.eye(3)[axis]
    ahead = compute_reprojection(evidence, replace(estimate, xyz=estimate.xyz + step)).residual
    behind = compute_reprojection(evidence, replace(estimate, xyz=estimate.xyz - step)).residual
    np.testing.assert_allclose(
        by_point[..., axis] * at.valid[..., None],
        (ahead - behind) / (2 * STEP),
        rtol=1e-5,
        atol=1e-4,
    )


@pytest.mark.parametrize("axis", range(3))
def test_the_slope_of_the_bones_is_that_of_finite_differences(case, axis):
    evidence, estimate = case
    by_end = compute_bone_residuals(evidence, estimate)[1]
    for b, ends in enumerate(evidence.bones):
        for end, sign in zip(ends, (1, -1)):
            xyz = np.zeros_like(estimate.xyz)
            xyz[:, end, axis] = STEP
            ahead = compute_bone_residuals(evidence, replace(estimate, xyz=estimate.xyz + xyz))[0][
                :, b
            ]
            behind = compute_bone_residuals(evidence, replace(estimate, xyz=estimate.xyz - xyz))[0][
                :, b
            ]
            np.testing.assert_allclose(
                sign * by_end[:, b, axis], (ahead - behind) / (2 * STEP), rtol=1e-5, atol=1e-4
            )


def test_a_longer_bone_has_a_residual_in_its_own_sigmas(case):
    evidence, estimate = case
    longer = replace(estimate, log_length=estimate.log_length + 0.01)
    change = (
        compute_bone_residuals(evidence, longer)[0] - compute_bone_residuals(evidence, estimate)[0]
    )
    np.testing.assert_allclose(
        change, -0.01 / np.broadcast_to(evidence.bone_sigma, change.shape), atol=1e-9
    )


def test_the_truth_has_no_residuals():
    evidence, truth = make_evidence_and_truth(cameras=3, framesets=4)
    np.testing.assert_allclose(compute_reprojection(evidence, truth).residual, 0, atol=1e-8)
    assert (
        np.abs(compute_bone_residuals(evidence, truth)[0]).max() < 0.3
    )  # sigmas: the trunk of a walker bends a little


def test_reprojection_is_the_projection_of_the_geometry_floor():
    evidence, truth = make_evidence_and_truth(cameras=2, framesets=3)
    for v, camera in enumerate(cameras_from_estimate(evidence, truth)):
        seen = np.isfinite(evidence.sigma[v])
        np.testing.assert_allclose(
            project(truth.xyz, camera)[seen], evidence.xy[v][seen], atol=1e-8
        )


def test_what_is_missing_has_neither_residual_nor_slope(case):
    evidence, estimate = case
    sigma = evidence.sigma.copy()
    sigma[1, 2] = np.inf
    blind = replace(evidence, sigma=sigma)
    at = compute_reprojection(blind, estimate)
    by_camera, by_point = compute_reprojection_jacobians(blind, estimate, at)
    for array in (at.residual, by_camera, by_point):
        assert (array[1, 2] == 0).all()


def test_a_joint_that_is_unknown_does_not_count(case):
    evidence, estimate = case
    xyz = estimate.xyz.copy()
    xyz[0, 3] = np.nan
    unknown = replace(estimate, xyz=xyz)
    at = compute_reprojection(evidence, unknown)
    assert not at.valid[:, 0, 3].any()
    residual, by_end = compute_bone_residuals(evidence, unknown)
    assert np.isfinite(residual).all()
    assert np.isfinite(by_end).all()


def test_a_joint_behind_a_camera_does_not_count(case):
    evidence, estimate = case
    turned = replace(estimate, translation=estimate.translation - [0, 0, 100])
    assert not compute_reprojection(evidence, turned).valid.any()


def test_cauchy_is_quadratic_near_zero_and_weighs_outliers_down():
    cost, weight = cauchy(np.array([0.0, 1e-6, 4.0, 1e6]), 2.0)
    np.testing.assert_allclose(cost[:2], [0, 1e-6], rtol=1e-3, atol=1e-12)
    np.testing.assert_allclose(weight, [1, 1, 0.5, 4e-6], rtol=1e-3)
    slope = (cauchy(np.array(3.0 + 1e-6), 2.0)[0] - cauchy(np.array(3.0 - 1e-6), 2.0)[0]) / 2e-6
    assert slope == pytest.approx(cauchy(np.array(3.0), 2.0)[1], rel=1e-6)


def test_evidence_counts_its_lengths(case):
    assert isinstance(case[0], Evidence)
    assert (
        case[0].length_count == 8
    )  # upper arm, forearm, thigh, shank, shoulders, hips, trunk, foot
