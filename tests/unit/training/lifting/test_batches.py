"""Motion, bodies, cameras, errors: what a lifter is shown, and what it should answer."""

from dataclasses import replace

import numpy as np
import pytest

from engine.monocular.joint_window import HIPS, NOW, OFFSETS_S, measure_unit
from engine.reconstruction.body_size import LIMBS
from training.lifting.batches import BatchPlan, draw_motion, draw_sightings
from training.lifting.bodies import (
    MIRROR,
    Proportions,
    build_bodies,
    mirror_some,
    mix_bodies,
    straighten,
)
from training.lifting.cameras import LookConfig, draw_looks, place_before_camera
from training.lifting.detector_errors import detect
from training.lifting.motion_bank import face_forward

LEFT_HIP, RIGHT_HIP = HIPS
KNEE, ANKLE = LIMBS.index("left_knee"), LIMBS.index("left_ankle")


def knee_bend(xyz):
    """Cosine between thigh and shank; 1 for a straight leg."""
    thigh = xyz[..., KNEE, :] - xyz[..., LEFT_HIP, :]
    shank = xyz[..., ANKLE, :] - xyz[..., KNEE, :]
    lengths = np.linalg.norm(thigh, axis=-1) * np.linalg.norm(shank, axis=-1)
    return (thigh * shank).sum(-1) / lengths


def test_windows_are_of_one_clip_and_what_lies_beyond_is_marked(bank):
    xyz, present = bank.draw(500, np.random.default_rng(0))
    assert xyz.shape == (500, len(OFFSETS_S), 12, 3)
    assert present[:, NOW].all()
    assert 0 < (~present).mean() < 0.2
    step = np.linalg.norm(np.diff(xyz, axis=1), axis=-1)
    assert step.max() < 3.0  # metres in a fifth of a second: nobody jumps from clip to clip


def test_a_bank_draws_as_much_simulated_motion_as_it_should(bank):
    simulated = bank.clip >= bank.clip.max() - 1
    assert bank.share[simulated].sum() == pytest.approx(0.3)
    assert bank.share.sum() == pytest.approx(1)


def test_poses_that_face_forward_do(bank):
    turned = face_forward(bank.xyz[::50].astype(float))
    across = turned[:, LEFT_HIP] - turned[:, RIGHT_HIP]
    np.testing.assert_allclose(across[:, 1], 0, atol=1e-6)
    assert (across[:, 0] > 0).all()


def test_straightening_straightens_and_keeps_the_bones(bank):
    xyz, _ = bank.draw(400, np.random.default_rng(1))
    straighter = straighten(xyz, np.random.default_rng(2))
    assert (knee_bend(straighter) >= knee_bend(xyz) - 1e-9).all()
    assert (knee_bend(straighter) > knee_bend(xyz) + 1e-3).mean() > 0.2
    np.testing.assert_allclose(measure_unit(straighter[:, NOW]), measure_unit(xyz[:, NOW]))


def test_bodies_have_the_lengths_of_their_proportions(bank):
    xyz, _ = bank.draw(300, np.random.default_rng(1))
    plain = Proportions(spread=0.0)
    made = build_bodies(xyz, plain, np.random.default_rng(0))
    thigh = np.linalg.norm(made[..., KNEE, :] - made[..., LEFT_HIP, :], axis=-1)
    np.testing.assert_allclose(thigh, plain.thigh_m, rtol=1e-9)
    different = build_bodies(xyz, Proportions(), np.random.default_rng(0))
    shank = np.linalg.norm(different[..., ANKLE, :] - different[..., KNEE, :], axis=-1)
    assert np.ptp(shank, axis=1).max() < 1e-9  # of one person over the window
    assert shank[:, 0].std() / shank.mean() == pytest.approx(Proportions().spread, rel=0.2)


def test_a_mixed_body_has_the_legs_of_one_and_the_arms_of_another(bank):
    one, other = (bank.draw(50, np.random.default_rng(seed))[0] for seed in (1, 2))
    mixed = mix_bodies(one, other)
    np.testing.assert_array_equal(mixed[:, :, LEFT_HIP:], one[:, :, LEFT_HIP:])
    elbow = LIMBS.index("left_elbow")

    def arm(xyz):
        return np.linalg.norm(xyz[:, :, elbow] - xyz[:, :, elbow - 2], axis=-1)

    np.testing.assert_allclose(arm(mixed), arm(other))


def test_half_of_the_people_are_mirrored(bank):
    xyz, _ = bank.draw(400, np.random.default_rng(1))
    mirrored = mirror_some(xyz, np.random.default_rng(3))
    changed = (mirrored != xyz).any((1, 2, 3))
    assert 0.4 < changed.mean() < 0.6
    np.testing.assert_allclose(mirrored[changed], (xyz * [-1.0, 1.0, 1.0])[:, :, MIRROR][changed])


def test_cameras_look_at_the_hips_with_up_where_it_is(bank):
    xyz, _ = bank.draw(200, np.random.default_rng(1))
    xyz = xyz - xyz[:, NOW, list(HIPS)].mean(1)[:, None, None]
    rotation, distance_m = draw_looks(200, LookConfig(), np.random.default_rng(4))
    seen = place_before_camera(xyz, rotation, distance_m)
    middle = seen[:, NOW, list(HIPS)].mean(1)
    np.testing.assert_allclose(middle[:, :2], 0, atol=1e-9)
    np.testing.assert_allclose(middle[:, 2], distance_m)
    np.testing.assert_allclose(np.linalg.det(rotation), 1)
    level = draw_looks(
        5, LookConfig((0, 0), steep_share=0, roll_deg=0, tilted_share=0, turned_share=0),
        np.random.default_rng(4),
    )[0]  # fmt: skip
    np.testing.assert_allclose(level[:, :, 2], np.tile([0, -1, 0], (5, 1)), atol=1e-12)


def test_a_model_without_errors_sees_the_joints_where_they_are(bank, no_errors, monkeypatch):
    for name in ("_MIN_JITTER", "_SWAPPED_WINDOWS", "_SWAPPED_ALWAYS", "_LEGS_SWAPPED"):
        monkeypatch.setattr(f"training.lifting.detector_errors.{name}", 0.0)
    xyz, _ = bank.draw(100, np.random.default_rng(1))
    xyz = xyz - xyz[:, NOW, list(HIPS)].mean(1)[:, None, None]
    seen = place_before_camera(xyz, *draw_looks(100, LookConfig(), np.random.default_rng(4)))
    rays, confidence, own = detect(seen, no_errors, np.random.default_rng(5))
    np.testing.assert_allclose(rays, seen[..., :2] / np.maximum(seen[..., 2:], 0.25), atol=1e-6)
    assert (confidence > 0.89).all()
    np.testing.assert_allclose(measure_unit(own), 1, atol=0.03)  # of another pose's float32


def test_errors_come_from_people_in_like_poses(no_errors):
    rng = np.random.default_rng(0)
    index = no_errors.find_alike(no_errors.pose[:30] + 0.001, rng)
    away = np.linalg.norm(no_errors.pose[index] - no_errors.pose[:30], axis=(1, 2))
    usual = np.linalg.norm(no_errors.pose[rng.permutation(30)] - no_errors.pose[:30], axis=(1, 2))
    assert away.mean() < 0.5 * usual.mean()


def test_what_a_batch_asks_for_is_what_its_inputs_show(bank, exact, no_errors):
    """Of exact sightings, the answer projects onto the directions in the inputs."""
    batch = draw_sightings(exact, 200, np.random.default_rng(0))
    moment = 4 * len(LIMBS) + 1
    now = batch.inputs[:, NOW * moment : (NOW + 1) * moment]
    flat = now[:, : 2 * len(LIMBS)].reshape(-1, 12, 2)
    size = np.exp(batch.inputs[:, len(OFFSETS_S) * moment])
    rays = flat * size[:, None, None]
    # About the root, and far enough: x of a joint is nearly its direction times a common depth.
    likeness = [
        np.corrcoef(one[:, axis], two[:, axis])[0, 1]
        for one, two in zip(rays, batch.joints)
        for axis in (0, 1)
    ]
    assert np.median(likeness) > 0.98
    np.testing.assert_allclose(measure_unit(batch.joints), 1, atol=1e-4)
    np.testing.assert_allclose(batch.joints[:, list(HIPS)].mean(1), 0, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(batch.up, axis=1), 1, atol=1e-4)


def test_a_batch_follows_from_its_number_alone(bank, exact, no_errors):
    plan = BatchPlan(bank, no_errors, exact, motion_count=60, sighting_count=10)
    one, again, other = (plan.draw(np.random.default_rng([0, step])) for step in (3, 3, 4))
    np.testing.assert_array_equal(one.inputs, again.inputs)
    assert (one.inputs != other.inputs).any()
    assert one.inputs.shape[0] == 70
    assert all(np.isfinite(part).all() for part in (one.inputs, one.joints, one.up))


def test_some_windows_have_no_future_and_some_people_no_legs(bank, exact, no_errors):
    plan = BatchPlan(bank, no_errors, exact)
    inputs = draw_motion(plan, 600, np.random.default_rng(1)).inputs
    moment = 4 * len(LIMBS) + 1
    present = inputs[:, moment - 1 : len(OFFSETS_S) * moment : moment]
    assert 0.2 < (present[:, NOW + 1 :].sum(1) == 0).mean() < 0.7
    seen_hips = inputs[:, NOW * moment + 36 + LEFT_HIP]
    assert 0.02 < (seen_hips == 0).mean() < 0.3


def test_mirrored_sightings_are_as_exact_as_the_others(exact):
    flipped = replace(exact, rays=exact.rays * np.float32([-1, 1]))
    assert np.abs(exact.compute_errors()).max() < 1e-5
    assert np.abs(flipped.compute_errors()).max() > 0.1
