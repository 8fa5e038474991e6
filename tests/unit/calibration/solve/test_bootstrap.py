from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from calibration.geometry.transforms import rotation_angle_rad
from calibration.solve.bootstrap import bootstrap
from calibration.solve.pairs import PinholeViews, estimate_pair, estimate_pairs, median_parallax
from tests.support.estimates import make_evidence_and_truth


def views_of(evidence, truth):
    """See the evidence through ideal lenses of the true focal length."""
    V = len(truth.focal)
    return PinholeViews(
        evidence.xy.reshape(V, -1, 2),
        evidence.sigma.reshape(V, -1),
        truth.focal,
        evidence.principal,
    )


@pytest.fixture(scope="module")
def case():
    evidence, truth = make_evidence_and_truth(cameras=4, framesets=40, noise_px=2.0, seed=2)
    return views_of(evidence, truth), truth


def pair_error_deg(a, b, rotation, truth):
    return np.degrees(rotation_angle_rad(rotation @ (truth.rotation[b] @ truth.rotation[a].T).T))


def test_every_pair_is_found_to_a_few_degrees(case):
    views, truth = case
    pairs = estimate_pairs(views)
    assert len(pairs) == 6
    assert max(pair_error_deg(p.first, p.second, p.rotation, truth) for p in pairs) < 6


def test_the_strongest_pair_comes_first(case):
    strengths = [pair.strength for pair in estimate_pairs(case[0])]
    assert strengths == sorted(strengths, reverse=True)


def test_a_pair_points_the_way_its_second_camera_lies(case):
    views, truth = case
    pair = estimate_pair(views, 0, 1)
    true = truth.translation[1] - truth.rotation[1] @ truth.rotation[0].T @ truth.translation[0]
    assert np.linalg.norm(pair.translation) == pytest.approx(1)
    assert pair.translation @ true / np.linalg.norm(true) > np.cos(np.radians(8))


def test_too_few_matches_make_no_pair(case):
    views, _ = case
    sigma = views.sigma.copy()
    sigma[1, 30:] = np.inf
    assert estimate_pair(replace(views, sigma=sigma), 0, 1) is None


def test_two_views_of_different_people_make_no_strong_pair(case):
    views, _ = case
    xy = views.xy.copy()
    xy[1] = np.random.default_rng(0).uniform([0, 0], [1280, 720], xy[1].shape)
    matched = (views.seen[0] & views.seen[1]).sum()
    pair = estimate_pair(replace(views, xy=xy), 0, 1)
    assert pair is None or pair.inlier.sum() < 0.3 * matched


def test_the_first_rig_places_every_camera(case):
    views, truth = case
    rig = bootstrap(views)[0]
    assert rig.placed.all()
    for a, b in combinations(range(4), 2):
        assert pair_error_deg(a, b, rig.rotation[b] @ rig.rotation[a].T, truth) < 6


def test_a_camera_that_shares_nothing_is_not_placed(case):
    views, _ = case
    sigma = views.sigma.copy()
    sigma[3] = np.inf
    rig = bootstrap(replace(views, sigma=sigma))[0]
    np.testing.assert_array_equal(rig.placed, [True, True, True, False])
    assert np.isfinite(rig.cost)


def test_no_pair_makes_no_rig(case):
    views, _ = case
    assert bootstrap(replace(views, sigma=np.full_like(views.sigma, np.inf))) == []


def test_the_bootstrap_is_the_same_every_time(case):
    one, other = bootstrap(case[0])[0], bootstrap(case[0])[0]
    np.testing.assert_array_equal(one.rotation, other.rotation)
    np.testing.assert_array_equal(one.translation, other.translation)


def test_parallax_is_the_angle_between_the_rays():
    rays = np.zeros((2, 5, 2))
    quarter = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    assert median_parallax(rays, quarter) == pytest.approx(np.pi / 2)
    assert median_parallax(rays, np.eye(3)) == pytest.approx(0)
