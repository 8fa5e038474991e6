from dataclasses import replace

import numpy as np
import pytest

from calibration.evidence.evidence import Evidence
from calibration.geometry.transforms import (
    nearest_rotation,
    rotation_angle_rad,
    rotation_from_rotvec,
)
from calibration.judge.uncertainty import estimate_uncertainty
from calibration.solve.free_parameters import FreeParameters
from calibration.solve.refine import RefinementSettings, refine
from calibration.solve.residuals import CAMERA_PARAMETERS, FOCAL, OFFSET, Estimate
from tests.support.estimates import make_evidence_and_truth

SETTINGS = RefinementSettings(iterations=10, tolerance=1e-4)
NOISE_PX, DRAWS = 8.0, 12


def free_poses_and_focals(views, gauge=0):
    identity = np.eye(CAMERA_PARAMETERS * views)
    rows = [CAMERA_PARAMETERS * v + p for v in range(views) if v != gauge for p in range(6)]
    rows += [CAMERA_PARAMETERS * v + FOCAL for v in range(views)] + [
        CAMERA_PARAMETERS * v + OFFSET for v in range(views) if v != gauge
    ]
    sigma = np.full(CAMERA_PARAMETERS * views, np.inf)
    sigma[OFFSET::CAMERA_PARAMETERS] = 0.05
    return FreeParameters(identity[:, rows], sigma, np.zeros(CAMERA_PARAMETERS * views))


def errors(estimate, truth):
    """Errors of rotation and position after the rig as a whole is aligned with the truth."""
    turned = nearest_rotation(np.einsum("vji,vjk->ik", truth.rotation, estimate.rotation))
    rotation = rotation_angle_rad(truth.rotation @ turned @ np.swapaxes(estimate.rotation, 1, 2))
    centres, true = (-np.einsum("vji,vj->vi", e.rotation, e.translation) for e in (estimate, truth))
    size = np.exp((truth.log_length - estimate.log_length).mean())
    moved = size * centres @ turned.T
    return rotation, np.linalg.norm(moved - moved.mean(0) - true + true.mean(0), axis=1)


@pytest.fixture(scope="module")
def repeated():
    """Solve the same scene with fresh noise, and ask every time how sure the solution is."""
    evidence, truth = make_evidence_and_truth(cameras=3, framesets=16)
    free, found, said = free_poses_and_focals(3), [], []
    for draw in range(DRAWS):
        noise = np.random.default_rng(draw).normal(0, NOISE_PX, evidence.xy.shape)
        noisy = replace(evidence, xy=evidence.xy + noise * np.isfinite(evidence.sigma)[..., None])
        estimate = refine(noisy, truth, free, SETTINGS).estimate
        rotation, position = errors(estimate, truth)
        found.append((rotation, position, np.log(estimate.focal / truth.focal), estimate.offset_s))
        uncertainty = estimate_uncertainty(noisy, estimate, free, SETTINGS)
        said.append(
            (
                uncertainty.rotation_rad,
                uncertainty.position,
                uncertainty.log_focal,
                uncertainty.offset_s,
            )
        )
    true = [np.sqrt(np.mean(np.square([f[i] for f in found]))) for i in range(4)]
    promised = [np.sqrt(np.mean(np.square([s[i] for s in said]))) for i in range(4)]
    return true, promised


@pytest.mark.parametrize(
    ("which", "name"), list(enumerate(["rotation", "position", "focal length", "time offset"]))
)
def test_sigmas_predict_the_scatter_of_repeated_draws_within_a_factor_of_two(repeated, which, name):
    true, promised = repeated
    assert 0.5 < true[which] / promised[which] < 2, (
        f"{name}: scatter {true[which]:.3g}, promised {promised[which]:.3g}"
    )


@pytest.fixture(scope="module")
def solved():
    evidence, truth = make_evidence_and_truth(cameras=3, framesets=15, noise_px=4.0, seed=1)
    return evidence, refine(evidence, truth, free_poses_and_focals(3), SETTINGS).estimate


def in_order(evidence: Evidence, estimate: Estimate, order):
    views = {
        name: getattr(evidence, name)[order]
        for name in ("xy", "sigma", "velocity", "principal", "size_px")
    }
    cameras = {
        n: getattr(estimate, n)[order]
        for n in ("rotation", "translation", "focal", "k1", "k2", "offset_s")
    }
    return replace(evidence, **views), replace(estimate, **cameras)


def test_the_order_of_the_cameras_does_not_matter(solved):
    order = [2, 0, 1]
    straight = estimate_uncertainty(*solved, free_poses_and_focals(3), SETTINGS)
    turned = estimate_uncertainty(
        *in_order(*solved, order), free_poses_and_focals(3, gauge=1), SETTINGS
    )
    np.testing.assert_allclose(turned.rotation_rad, straight.rotation_rad[order], rtol=1e-4)
    np.testing.assert_allclose(turned.position, straight.position[order], rtol=1e-4)
    np.testing.assert_allclose(turned.log_focal, straight.log_focal[order], rtol=1e-4)
    np.testing.assert_allclose(
        turned.position_covariance, straight.position_covariance[order], rtol=1e-3, atol=1e-9
    )


def test_which_camera_is_held_fixed_does_not_matter(solved):
    one = estimate_uncertainty(*solved, free_poses_and_focals(3, gauge=0), SETTINGS)
    other = estimate_uncertainty(*solved, free_poses_and_focals(3, gauge=2), SETTINGS)
    np.testing.assert_allclose(one.rotation_rad, other.rotation_rad, rtol=0.02)
    np.testing.assert_allclose(one.position, other.position, rtol=0.02)


def test_the_covariance_of_a_position_has_its_sigma_and_is_one(solved):
    uncertainty = estimate_uncertainty(*solved, free_poses_and_focals(3), SETTINGS)
    covariance = uncertainty.position_covariance
    np.testing.assert_allclose(
        np.sqrt(np.einsum("vii->v", covariance)), uncertainty.position, rtol=1e-9
    )
    np.testing.assert_array_equal(covariance, np.swapaxes(covariance, 1, 2))
    assert (np.linalg.eigvalsh(covariance) > -1e-12).all()


def test_the_covariance_of_a_position_turns_with_the_scene(solved):
    evidence, estimate = solved
    turn = rotation_from_rotvec(np.array([0.3, -0.8, 0.5]))  # new axes from the old
    rotated = replace(estimate, rotation=estimate.rotation @ turn.T, xyz=estimate.xyz @ turn.T)
    free = free_poses_and_focals(3)
    before, after = (
        estimate_uncertainty(evidence, each, free, SETTINGS).position_covariance
        for each in (estimate, rotated)
    )
    np.testing.assert_allclose(after, turn @ before @ turn.T, atol=1e-4 * before.max())


def test_more_framesets_make_a_surer_rig():
    sigmas = []
    for framesets in (12, 48):
        evidence, truth = make_evidence_and_truth(cameras=3, framesets=framesets, noise_px=4.0)
        free = free_poses_and_focals(3)
        estimate = refine(evidence, truth, free, SETTINGS).estimate
        sigmas.append(estimate_uncertainty(evidence, estimate, free, SETTINGS).rotation_rad.max())
    # the biases of the joints stay
    assert sigmas[1] < 0.9 * sigmas[0]


def test_a_lens_that_may_not_move_is_certain(solved):
    evidence, estimate = solved
    free = free_poses_and_focals(3)
    poses = replace(free, basis=free.basis[:, ~free.basis[FOCAL::CAMERA_PARAMETERS].any(0)])
    uncertainty = estimate_uncertainty(evidence, estimate, poses, SETTINGS)
    assert (uncertainty.log_focal == 0).all()
    assert uncertainty.offset_s[0] == 0
    assert (uncertainty.rotation_rad > 0).all()
