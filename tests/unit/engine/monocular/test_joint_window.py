from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.geometry.transforms import rotation_from_rotvec
from engine.monocular.joint_window import (
    HIPS,
    NOW,
    OFFSETS_S,
    JointWindows,
    build_inputs,
    find_middle,
    look_at,
    measure_unit,
)
from engine.reconstruction.body_size import LIMBS

angles = st.floats(-0.4, 0.4)


def make_people(count=3, seed=0):
    """People of about a metre, 4 m before the camera, at every moment of the window."""
    rng = np.random.default_rng(seed)
    shape = (count, len(OFFSETS_S), len(LIMBS), 3)
    return rng.normal(0, 0.35, shape) + np.array([0.0, 0.0, 4.0])


def see(xyz):
    rays = xyz[..., :2] / xyz[..., 2:]
    return JointWindows(rays, np.full(rays.shape[:3], 0.9), np.ones(rays.shape[:2], bool))


@settings(max_examples=25, deadline=None)
@given(st.tuples(angles, angles))
def test_a_camera_that_looks_past_the_person_tells_a_lifter_the_same(turn):
    """Pan and tilt move the person in the image, and stretch them; a lifter must not see it."""
    xyz = make_people()
    rotation = rotation_from_rotvec(np.array([*turn, 0.0]))
    straight, look = build_inputs(see(xyz))
    turned, other_look = build_inputs(see(xyz @ rotation.T))
    # A pan and a tilt together also roll the image a little: that is left to compare by length.
    size = len(OFFSETS_S) * (4 * len(LIMBS) + 1)
    np.testing.assert_allclose(turned[:, size], straight[:, size], atol=5e-3)
    middle = (xyz[:, NOW, HIPS[0]] + xyz[:, NOW, HIPS[1]]) / 2
    for axes, place in ((look, middle), (other_look, middle @ rotation.T)):
        seen = np.einsum("nji,nj->ni", axes, place)
        assert (np.abs(seen[:, :2]) < 0.2 * seen[:, 2:]).all()


def test_near_and_far_people_of_one_pose_differ_in_their_extent_alone():
    xyz = make_people(1)
    pose = xyz - np.array([0.0, 0.0, 4.0])
    far, farther = (
        build_inputs(see(0.02 * pose + np.array([0.0, 0.0, depth])))[0] for depth in (4.0, 8.0)
    )
    place = len(OFFSETS_S) * (4 * len(LIMBS) + 1)
    assert far[0, place] - farther[0, place] == pytest.approx(np.log(2), abs=0.01)
    np.testing.assert_allclose(far[:, :place], farther[:, :place], atol=0.03)


def test_a_joint_that_is_not_found_is_zero_whatever_stands_in_its_place():
    windows = see(make_people())
    windows.confidence[:, :, 4] = 0.0
    blank, noisy = windows.rays.copy(), windows.rays.copy()
    blank[:, :, 4], noisy[:, :, 4] = np.nan, 99.0
    first, second = (build_inputs(replace(windows, rays=rays))[0] for rays in (blank, noisy))
    np.testing.assert_array_equal(first, second)
    assert np.isfinite(first).all()


def test_a_person_whose_hips_are_not_seen_is_looked_at_in_the_middle_of_what_is():
    windows = see(make_people())
    windows.confidence[:, :, list(HIPS)] = 0.0
    seen = windows.confidence[:, NOW] > 0
    middle = find_middle(windows.rays[:, NOW], seen)
    np.testing.assert_allclose(
        middle, np.delete(windows.rays[:, NOW], list(HIPS), axis=1).mean(1), atol=1e-12
    )
    assert np.isfinite(build_inputs(windows)[0]).all()


def test_nobody_at_all_gives_finite_inputs():
    windows = see(make_people())
    nobody = replace(windows, confidence=np.zeros_like(windows.confidence))
    inputs, axes = build_inputs(nobody)
    assert np.isfinite(inputs).all()
    np.testing.assert_allclose(axes, np.broadcast_to(np.eye(3), axes.shape))


def test_moments_without_an_image_do_not_count():
    windows = see(make_people())
    windows.present[:, NOW + 1 :] = False
    other = replace(windows, rays=windows.rays.copy())
    other.rays[:, NOW + 1 :] = 7.0
    np.testing.assert_array_equal(build_inputs(windows)[0], build_inputs(other)[0])


def test_up_and_the_own_guess_are_marked_as_known_or_not():
    windows, count = see(make_people()), 3
    up = np.tile([0.0, -1.0, 0.0], (count, 1))
    up[1] = np.nan
    own = np.random.default_rng(1).normal(0, 1, (count, 12, 3))
    own[2] = np.nan
    inputs, axes = build_inputs(windows, up, own)
    told = inputs[:, -41:-37]
    np.testing.assert_array_equal(told[:, 3], (1, 0, 1))
    np.testing.assert_allclose(told[0, :3], axes[0].T @ up[0], atol=1e-6)
    np.testing.assert_array_equal(inputs[:, -1], (1, 1, 0))
    guess = inputs[:2, -37:-1].reshape(2, 12, 3)
    np.testing.assert_allclose(guess[:, list(HIPS)].mean(1), 0, atol=1e-5)
    np.testing.assert_allclose(measure_unit(guess), 1, atol=1e-5)
    np.testing.assert_array_equal(build_inputs(windows)[0][:, -41:], 0)


def test_looking_at_a_direction_turns_the_line_of_sight_onto_it():
    middle = np.array([[0.3, -0.2], [0.0, 0.0], [-1.0, 2.0]])
    axes = look_at(middle)
    expected = np.concatenate([middle, np.ones((3, 1))], -1)
    expected /= np.linalg.norm(expected, axis=-1, keepdims=True)
    np.testing.assert_allclose(axes[:, :, 2], expected, atol=1e-12)
    np.testing.assert_allclose(
        axes @ np.swapaxes(axes, 1, 2), np.broadcast_to(np.eye(3), (3, 3, 3)), atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(axes), 1)
