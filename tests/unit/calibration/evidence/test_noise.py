from dataclasses import replace

import numpy as np
import pytest

from calibration.evidence.noise import (
    GATE_SIGMAS,
    MIN_SIGMA_PX,
    SIGMA_OF_TORSO,
    compute_gate_px,
    estimate_sigma_px,
    measure_torso_px,
)
from calibration.synthetic.network_errors import TORSO_M
from calibration.synthetic.synthetic import NETWORK_NOISE, NO_NOISE, RigPlan
from tests.support.calibrations import make_scene


@pytest.fixture(scope="module")
def take():
    return make_scene(RigPlan(cameras=3), "room", NO_NOISE, seed=1, seconds=6)


def true_torso_px(take):
    depth = np.stack([(take.seen.xyz.mean(1) @ c.R.T + c.t)[:, 2] for c in take.rig], 1)
    return np.array([camera.focal_px for camera in take.rig]) * TORSO_M / depth


def test_the_torso_is_as_large_as_if_parallel_to_the_image(take):
    ratio = measure_torso_px(take.seen.observations) / true_torso_px(take)
    assert np.nanmedian(ratio) == pytest.approx(1.0, abs=0.08)
    assert (np.abs(ratio - 1) < 0.25).mean() > 0.95


def test_sigma_grows_with_the_person_in_the_image(take):
    observations = take.seen.observations
    doubled = replace(observations, xy=2 * observations.xy)
    np.testing.assert_allclose(
        estimate_sigma_px(doubled, 0.5), 2 * estimate_sigma_px(observations, 0.5)
    )


def test_hips_are_less_certain_than_shoulders_and_faces_least(take):
    sigma = np.median(estimate_sigma_px(take.seen.observations, 0.5), axis=(0, 1))
    joint = take.seen.observations.skeleton.index
    assert sigma[joint("left_shoulder")] < sigma[joint("left_hip")] < sigma[joint("left_eye_inner")]
    assert sigma[joint("left_foot_index")] < sigma[joint("left_index")]  # a finger is not a toe


def test_a_tiny_person_still_has_some_error(take):
    observations = take.seen.observations
    sigma = estimate_sigma_px(replace(observations, xy=0.01 * observations.xy), 0.5)
    assert MIN_SIGMA_PX <= sigma[np.isfinite(sigma)].min() < 2 * MIN_SIGMA_PX


def test_unseen_and_doubtful_joints_have_infinite_sigma(take):
    observations = take.seen.observations
    t, v = np.argwhere(observations.seen.all(-1))[0]
    confidence = observations.confidence.copy()
    confidence[t, v, 11], confidence[t, v, 12] = 0.0, 0.4
    sigma = estimate_sigma_px(replace(observations, confidence=confidence), 0.5)[t, v]
    assert np.isinf(sigma[[11, 12]]).all()
    assert np.isfinite(sigma[13:]).all()


def test_nobody_in_a_view_is_no_error(take):
    observations = take.seen.observations
    nobody = replace(
        observations,
        xy=np.full_like(observations.xy, np.nan),
        confidence=0 * observations.confidence,
    )
    assert np.isnan(measure_torso_px(nobody)).all()
    assert np.isinf(estimate_sigma_px(nobody, 0.5)).all()


def test_one_wild_frame_does_not_inflate_the_person(take):
    observations = take.seen.observations
    xy = observations.xy.copy()
    xy[20, 0] *= 5
    before, after = measure_torso_px(observations), measure_torso_px(replace(observations, xy=xy))
    np.testing.assert_allclose(after[20, 0], before[20, 0], rtol=0.1)


def test_the_gate_is_that_of_the_least_certain_view_that_saw_the_joint():
    gate = compute_gate_px(np.array([[2.0, np.inf], [5.0, np.inf]]))
    assert gate[0] == GATE_SIGMAS * 5.0
    assert gate[1] == MIN_SIGMA_PX


def test_the_expected_error_is_of_the_size_of_a_networks():
    take = make_scene(
        RigPlan(cameras=4), "room", replace(NETWORK_NOISE, gross=0, swapped=0), seed=2, seconds=10
    )
    perfect = make_scene(RigPlan(cameras=4), "room", NO_NOISE, seed=2, seconds=10)
    error = take.seen.observations.xy[:, :, 11:] - perfect.seen.observations.xy[:, :, 11:]
    whitened = error / estimate_sigma_px(take.seen.observations, 0.0)[:, :, 11:, None]
    assert 0.5 < np.nanstd(whitened) < 1.5
    assert 0.02 < SIGMA_OF_TORSO < 0.05
