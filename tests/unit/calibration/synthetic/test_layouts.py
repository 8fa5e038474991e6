from dataclasses import replace

import numpy as np
import pytest

from calibration.geometry.projection import project
from calibration.synthetic.layouts import (
    ACTION,
    PHONE,
    LayoutPlan,
    draw_arc,
    draw_corners,
    draw_ring,
)

DRAWS = [draw_arc, draw_ring, draw_corners]
SEEDS = range(12)


@pytest.mark.parametrize("draw", DRAWS)
def test_a_rig_stands_in_the_world_of_the_contract_and_looks_at_the_place(draw):
    setup = draw(LayoutPlan(4, roll_deg=90.0), 3)
    centres = np.array([camera.centre for camera in setup.rig])
    np.testing.assert_allclose(centres[:, :2].mean(0), 0, atol=1e-9)
    assert centres[0, 1] == pytest.approx(0, abs=1e-9)
    middle = np.array([*setup.middle_m, 0.95])
    for camera in setup.rig:
        offset = (project(middle, camera) - camera.principal_px) / camera.focal_px
        assert np.linalg.norm(offset) < 0.25  # radians, about


@pytest.mark.parametrize("draw", DRAWS)
def test_the_same_seed_gives_the_same_rig_and_another_does_not(draw):
    one, same, other = (draw(LayoutPlan(3, offset_ms=50.0), seed).rig for seed in (1, 1, 2))
    for a, b in zip(one, same):
        np.testing.assert_array_equal(a.cam_from_world, b.cam_from_world)
        np.testing.assert_array_equal(a.matrix, b.matrix)
    assert one.time_offset_ns == same.time_offset_ns != other.time_offset_ns


def test_two_phones_are_25_to_60_degrees_apart_at_the_height_of_eyes():
    for seed in SEEDS:
        setup = draw_arc(LayoutPlan(portrait=0.5), seed)
        away = np.array([camera.centre[:2] for camera in setup.rig]) - setup.middle_m
        distance = np.linalg.norm(away, axis=1)
        assert ((distance >= 2.4) & (distance <= 4.0)).all()
        angle = np.degrees(np.arccos(away[0] @ away[1] / distance.prod()))
        assert 25 <= angle <= 60
        assert all(1.2 <= camera.centre[2] <= 1.65 for camera in setup.rig)
        assert all(0.70 <= c.focal_px / max(c.size_wh) <= 0.95 for c in setup.rig)


def test_phones_are_held_upright_or_on_their_side():
    sizes = {c.size_wh for seed in SEEDS for c in draw_arc(LayoutPlan(portrait=0.5), seed).rig}
    assert sizes == {(1920, 1080), (1080, 1920)}


def test_a_camera_steps_back_until_the_person_is_in_its_image():
    for seed in SEEDS:
        setup = draw_arc(LayoutPlan(framed_m=2.0), seed)
        for camera in setup.rig:
            distance = np.linalg.norm(camera.centre[:2] - setup.middle_m)
            assert distance * camera.size_wh[1] / camera.focal_px >= 2.0 - 1e-9


def test_a_rolled_camera_turns_about_its_own_axis():
    plan = LayoutPlan(roll_deg=0.0)
    level, rolled = (draw_arc(p, 5).rig[0] for p in (plan, replace(plan, roll_deg=90.0)))
    np.testing.assert_allclose(level.centre, rolled.centre, atol=1e-9)
    np.testing.assert_allclose(level.R[2], rolled.R[2], atol=1e-9)
    tilt = np.degrees(np.arcsin([abs(camera.R[0, 2]) for camera in (level, rolled)]))
    assert tilt[0] < 1e-6
    assert tilt[1] > 1


def test_a_shared_lens_is_one_lens():
    rig = draw_ring(LayoutPlan(4, shared_lens=True), 2).rig
    assert len({(camera.focal_px, *camera.distortion) for camera in rig}) == 1


def test_barrel_lenses_pull_the_corners_in_and_never_fold_over():
    for seed in SEEDS:
        for camera in draw_arc(LayoutPlan(3, lens=ACTION), seed).rig:
            k1, k2 = camera.distortion[:2]
            assert -0.35 <= k1 <= -0.25
            radius = np.linspace(0, 3, 400)
            bent = radius * (1 + k1 * radius**2 + k2 * radius**4)
            assert (np.diff(bent) > 0).all()
            edge = np.array([0.9, 0.0, 1.0]) @ camera.R - camera.R.T @ camera.t
            expected = camera.focal_px * 0.9 * (1 + k1 * 0.81 + k2 * 0.6561)
            assert project(edge, camera)[0] - camera.principal_px[0] == pytest.approx(expected)


def test_lenses_of_phones_have_a_k2():
    rig = draw_arc(LayoutPlan(lens=PHONE), 1).rig
    assert all(camera.distortion[1] > 0 for camera in rig)
