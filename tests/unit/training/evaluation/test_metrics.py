"""Metrics on poses whose errors are known."""

import numpy as np
import pytest

from calibration.geometry.alignment import align_similarity
from calibration.geometry.transforms import rotation_from_rotvec
from training.evaluation.intervals import bootstrap_interval, mean_by_joint, mean_by_label
from training.evaluation.metrics import (
    auc,
    joint_errors,
    mpjpe,
    n_mpjpe,
    p_mpjpe,
    pck,
    pckh,
    rerooted_p_mpjpe,
)


def truth(seed: int, count: int = 5, joints: int = 16):
    return np.random.default_rng(seed).normal(0, 0.4, (count, joints, 3))


def noisy(poses, seed: int, sd_m: float = 0.05):
    return poses + np.random.default_rng(seed).normal(0, sd_m, poses.shape)


def test_mpjpe_of_one_joint_3_4_and_0_mm_away_is_5_mm_there():
    wanted = truth(1)
    predicted = wanted.copy()
    predicted[2, 7] += (0.003, 0.004, 0.0)
    errors = mpjpe(predicted, wanted, root=0)
    assert errors[2, 7] == pytest.approx(0.005)
    assert errors.sum() == pytest.approx(0.005)


def test_mpjpe_charges_an_error_of_the_root_to_all_others():
    wanted = truth(2)
    predicted = wanted.copy()
    predicted[:, 6] += (0.0, 0.0, 0.01)
    errors = mpjpe(predicted, wanted, root=6)
    np.testing.assert_allclose(errors[:, 6], 0.0)
    np.testing.assert_allclose(np.delete(errors, 6, 1), 0.01)


def test_the_scale_of_n_mpjpe_is_the_one_of_least_squares():
    wanted, predicted = truth(3), noisy(truth(3), 4)
    best = (n_mpjpe(predicted, wanted, 0) ** 2).sum(1)
    p, g = predicted - predicted[:, :1], wanted - wanted[:, :1]
    for scale in np.linspace(0.8, 1.2, 41):
        assert (best <= (joint_errors(scale * p, g) ** 2).sum(1) + 1e-12).all()


def test_n_mpjpe_is_not_the_error_at_the_scale_of_procrustes():
    wanted, predicted = truth(3), noisy(truth(3), 4, 0.2)
    p, g = predicted - predicted[:, :1], wanted - wanted[:, :1]
    a, b = predicted - predicted.mean(1, keepdims=True), wanted - wanted.mean(1, keepdims=True)
    scale = np.linalg.svd(np.swapaxes(b, 1, 2) @ a)[1].sum(1) / (a**2).sum((1, 2))
    assert (
        np.abs(n_mpjpe(predicted, wanted, 0) - joint_errors(scale[:, None, None] * p, g)).max()
        > 1e-3
    )


def test_n_mpjpe_of_a_pose_without_size_is_the_size_of_the_truth():
    wanted = truth(5)
    np.testing.assert_allclose(
        n_mpjpe(np.zeros_like(wanted), wanted, 0), np.linalg.norm(wanted - wanted[:, :1], axis=-1)
    )


def test_p_mpjpe_agrees_with_the_alignment_of_the_ground_floor():
    wanted, predicted = truth(6), noisy(truth(6), 7) * 1.3
    expected = []
    for p, g in zip(predicted, wanted):
        scale, R, t = align_similarity(p, g)
        expected.append(joint_errors(scale * p @ R.T + t, g))
    np.testing.assert_allclose(p_mpjpe(predicted, wanted), expected, atol=1e-12)


def test_a_mirrored_pose_is_not_aligned_away():
    wanted = truth(8)
    assert p_mpjpe(wanted * (-1, 1, 1), wanted).mean() > 0.05


def test_rerooting_after_procrustes_raises_the_squared_error():
    wanted, predicted = truth(9, 50), noisy(truth(9, 50), 10)
    standard, rerooted = p_mpjpe(predicted, wanted), rerooted_p_mpjpe(predicted, wanted, 0)
    assert ((rerooted**2).mean(1) > (standard**2).mean(1)).all()
    np.testing.assert_allclose(rerooted[:, 0], 0.0)
    assert rerooted.mean() > 1.05 * standard.mean()  # the millimetres that the papers' variant adds


def test_a_missing_joint_is_left_out_and_the_rest_counts():
    wanted, predicted = truth(11), noisy(truth(11), 12)
    wanted[1, 3] = np.nan
    predicted[2, 5] = np.nan
    for errors in (
        mpjpe(predicted, wanted, 0),
        n_mpjpe(predicted, wanted, 0),
        p_mpjpe(predicted, wanted),
    ):
        assert np.isnan(errors[1, 3])
        assert np.isnan(errors[2, 5])
        assert np.isfinite(errors).sum() == errors.size - 2


def test_p_mpjpe_without_the_missing_joint_is_that_of_the_others():
    wanted, predicted = truth(13), noisy(truth(13), 14)
    predicted[:, 4] = np.nan
    expected = p_mpjpe(np.delete(predicted, 4, 1), np.delete(wanted, 4, 1))
    np.testing.assert_allclose(np.delete(p_mpjpe(predicted, wanted), 4, 1), expected)


def test_two_joints_give_no_p_mpjpe():
    wanted = truth(15)
    wanted[0, 2:] = np.nan
    errors = p_mpjpe(truth(15), wanted)
    assert np.isnan(errors[0]).all()
    assert np.isfinite(errors[1:]).all()


def test_a_point_for_a_pose_is_given_its_mean_and_no_warning():
    wanted = truth(16)
    errors = p_mpjpe(np.ones_like(wanted), wanted)
    np.testing.assert_allclose(errors, joint_errors(wanted, wanted.mean(1, keepdims=True)))


def test_pck_counts_what_is_within_150_mm():
    errors = np.array([[0.149, 0.150, 0.151, np.nan]])
    np.testing.assert_array_equal(pck(errors), [[1.0, 1.0, 0.0, np.nan]])


def test_auc_is_the_mean_pck_over_its_thresholds():
    errors = np.abs(np.random.default_rng(17).normal(0, 0.1, (40, 16)))
    expected = np.mean([pck(errors, threshold).mean() for threshold in np.linspace(0, 0.15, 31)])
    assert auc(errors).mean() == pytest.approx(expected)
    np.testing.assert_array_equal(auc(np.array([[0.0, 0.2, np.nan]])), [[1.0, 0.0, np.nan]])


def test_pckh_counts_what_is_within_half_a_head_and_says_nothing_without_one():
    correct = pckh(np.array([[14.9, 15.1], [1.0, 1.0]]), np.array([30.0, 0.0]))
    np.testing.assert_array_equal(correct, [[1.0, 0.0], [np.nan, np.nan]])


def test_means_by_joint_and_by_action_leave_out_what_is_missing():
    errors = np.array([[0.01, 0.03], [0.02, np.nan], [0.06, np.nan]])
    assert mean_by_joint(errors, ["hip", "knee"]) == pytest.approx({"hip": 0.03, "knee": 0.03})
    assert mean_by_label(errors, ["sit", "sit", "walk"]) == pytest.approx(
        {"sit": 0.02, "walk": 0.06}
    )


def test_a_joint_that_was_never_seen_has_no_mean():
    assert np.isnan(mean_by_joint(np.full((3, 1), np.nan), ["hip"])["hip"])


def test_the_interval_covers_the_true_mean_about_as_often_as_it_says():
    rng, covered, clips = np.random.default_rng(18), 0, np.repeat(np.arange(20), 30)
    for seed in range(100):
        errors = 0.05 + rng.normal(0, 0.01, 20)[clips] + rng.normal(0, 0.01, len(clips))
        interval = bootstrap_interval(errors, clips, seed=seed, resamples=400)
        covered += interval.low <= 0.05 <= interval.high
    assert 85 <= covered <= 100


def test_frames_of_one_clip_do_not_pass_for_many():
    rng, clips = np.random.default_rng(19), np.repeat(np.arange(8), 200)
    errors = 0.05 + rng.normal(0, 0.01, 8)[clips]
    by_clip, by_frame = (
        bootstrap_interval(errors, c, seed=1) for c in (clips, np.arange(len(clips)))
    )
    assert by_clip.high - by_clip.low > 5 * (by_frame.high - by_frame.low)
    assert by_clip.mean == by_frame.mean


def test_one_clip_alone_has_a_mean_and_no_bounds():
    interval = bootstrap_interval(np.array([[0.01, 0.03]]), ["only"], seed=0)
    assert interval.mean == pytest.approx(0.02)
    assert np.isnan([interval.low, interval.high]).all()


def test_the_interval_is_the_same_for_the_same_seed():
    errors, clips = np.random.default_rng(20).random((60, 4)), np.repeat(np.arange(6), 10)
    assert bootstrap_interval(errors, clips, seed=3) == bootstrap_interval(errors, clips, seed=3)


def test_nothing_measured_is_no_number():
    assert np.isnan(bootstrap_interval(np.full((4, 2), np.nan), list("aabb"), seed=0).mean)


def test_similarities_are_taken_off_by_p_mpjpe_alone():
    wanted = truth(21)
    moved = 1.7 * wanted @ rotation_from_rotvec(np.array([0.2, 0.5, -0.4])).T + 3.0
    assert p_mpjpe(moved, wanted).max() < 1e-12
    assert n_mpjpe(moved, wanted, 0).mean() > 0.05
    assert n_mpjpe(1.7 * wanted + 3.0, wanted, 0).max() < 1e-12
    assert mpjpe(1.7 * wanted + 3.0, wanted, 0).mean() > 0.05
