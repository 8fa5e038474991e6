"""What must hold for the errors of any poses."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from calibration.geometry.transforms import rotation_from_rotvec
from training.evaluation.metrics import auc, mpjpe, n_mpjpe, p_mpjpe, pck

seeds = st.integers(0, 10_000)
shifts = arrays(np.float64, 3, elements=st.floats(-10, 10))
rotvecs = arrays(np.float64, 3, elements=st.floats(-3, 3))
scales = st.floats(0.1, 10.0)
FEW = settings(max_examples=40, deadline=None)


def two_poses(seed):
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 0.4, (3, 16, 3))
    return truth + rng.normal(0, 0.08, truth.shape), truth


@given(seeds, shifts)
@FEW
def test_mpjpe_does_not_mind_where_a_pose_stands(seed, shift):
    predicted, truth = two_poses(seed)
    np.testing.assert_allclose(
        mpjpe(predicted + shift, truth, 0), mpjpe(predicted, truth, 0), atol=1e-12
    )


@given(seeds, shifts, scales)
@FEW
def test_n_mpjpe_does_not_mind_place_and_size(seed, shift, scale):
    predicted, truth = two_poses(seed)
    np.testing.assert_allclose(
        n_mpjpe(scale * predicted + shift, truth, 0), n_mpjpe(predicted, truth, 0), atol=1e-11
    )


@given(seeds, shifts, scales, rotvecs)
@FEW
def test_p_mpjpe_does_not_mind_place_size_and_turn(seed, shift, scale, rotvec):
    predicted, truth = two_poses(seed)
    moved = scale * predicted @ rotation_from_rotvec(rotvec).T + shift
    np.testing.assert_allclose(p_mpjpe(moved, truth), p_mpjpe(predicted, truth), atol=1e-10)


@given(seeds, rotvecs)
@FEW
def test_errors_do_not_mind_the_frame_that_both_are_given_in(seed, rotvec):
    predicted, truth = two_poses(seed)
    turned, turned_truth = (poses @ rotation_from_rotvec(rotvec).T for poses in (predicted, truth))
    for metric in (lambda p, g: mpjpe(p, g, 0), lambda p, g: n_mpjpe(p, g, 0), p_mpjpe):
        np.testing.assert_allclose(
            metric(turned, turned_truth), metric(predicted, truth), atol=1e-12
        )


@given(seeds)
@FEW
def test_more_freedom_means_less_squared_error(seed):
    predicted, truth = two_poses(seed)
    squares = [
        (e**2).sum(1)
        for e in (
            mpjpe(predicted, truth, 0),
            n_mpjpe(predicted, truth, 0),
            p_mpjpe(predicted, truth),
        )
    ]
    assert (squares[0] >= squares[1] - 1e-12).all()
    assert (squares[1] >= squares[2] - 1e-12).all()


@given(seeds, st.permutations(range(1, 16)))
@FEW
def test_errors_go_with_their_joints_in_any_order(seed, others):
    predicted, truth = two_poses(seed)
    order = [0, *others]
    for metric in (lambda p, g: mpjpe(p, g, 0), lambda p, g: n_mpjpe(p, g, 0), p_mpjpe):
        np.testing.assert_allclose(
            metric(predicted[:, order], truth[:, order]),
            metric(predicted, truth)[:, order],
            atol=1e-12,
        )


@given(arrays(np.float64, (4, 5), elements=st.floats(0, 1)), st.floats(0, 1), st.floats(0, 1))
@FEW
def test_pck_grows_with_its_threshold_and_auc_stays_between_0_and_1(errors, one, other):
    low, high = sorted((one, other))
    assert (pck(errors, low) <= pck(errors, high)).all()
    assert ((auc(errors) >= 0) & (auc(errors) <= 1)).all()
