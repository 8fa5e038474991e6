"""One-camera rows: exact poses have no error, and claims are judged by what they claim."""

import numpy as np
import pytest

from training.world.monocular import MonocularPoses, describe
from training.world.truth import LIMBS

RNG = np.random.default_rng(0)
TRUTH = RNG.normal(0, 0.4, (400, len(LIMBS), 3)) + np.array([0.0, 0.0, 4.0])
BLOCK = np.arange(400) // 20


def row(limbs, sigma=None):
    claimed = np.full(TRUTH.shape, 0.05) if sigma is None else sigma
    return describe(MonocularPoses(limbs, TRUTH, claimed, BLOCK, "joints"))


def test_the_truth_has_no_error_wherever_it_is_and_however_large():
    cells = row(TRUTH + 1.0)
    assert cells["mpjpe_mm"] == pytest.approx(0, abs=1e-6)
    smaller = row(0.8 * TRUTH)
    assert smaller["mpjpe_mm"] > 50
    assert smaller["n_mpjpe_mm"] == pytest.approx(0, abs=1e-6)
    assert smaller["pa_mpjpe_mm"] == pytest.approx(0, abs=1e-6)
    assert (cells["poses"], cells["found_percent"]) == (400, 100)


def test_errors_that_are_as_large_as_claimed_lie_within_one_and_two_sigmas():
    sigma = np.exp(RNG.normal(-3, 0.5, TRUTH.shape[:2]))[..., None] * np.ones(3)
    noise = sigma * RNG.standard_normal(TRUTH.shape)
    noise[:, [6, 7]] = 0.0  # the hips are the root: within whatever they claim
    cells = row(TRUTH + noise, sigma)
    assert cells["within_1_percent"] == pytest.approx(100 * (10 * 0.683 + 2) / 12, abs=3)
    assert cells["within_2_percent"] == pytest.approx(100 * (10 * 0.954 + 2) / 12, abs=2)
    assert cells["sigma_correlation"] > 0.5


def test_a_constant_sigma_of_a_joint_says_nothing():
    assert row(TRUTH + RNG.normal(0, 0.05, TRUTH.shape))["sigma_correlation"] < 0.35
    assert row(TRUTH.copy())["n_mpjpe_low_mm"] == pytest.approx(0, abs=1e-6)


def test_what_a_method_does_not_find_is_counted():
    limbs = TRUTH.copy()
    limbs[:100] = np.nan
    assert row(limbs)["found_percent"] == 75
    nobody = row(np.full(TRUTH.shape, np.nan))
    assert nobody["poses"] == 0
    assert "sigma_correlation" not in nobody
