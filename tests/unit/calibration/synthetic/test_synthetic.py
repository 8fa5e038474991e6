from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from calibration.geometry.projection import project
from calibration.synthetic.synthetic import (
    NETWORK_NOISE,
    NO_NOISE,
    NoiseConfig,
    RigPlan,
    find_room_middle,
    list_frameset_times,
    make_rig,
    observe,
)
from calibration.synthetic.walker import Walker, walk_room
from tests.support.calibrations import make_scene


@pytest.mark.parametrize("cameras", range(2, 9))
def test_a_rig_stands_in_the_world_of_the_contract(cameras):
    rig = make_rig(RigPlan(cameras=cameras), seed=cameras)
    centres = np.array([camera.centre for camera in rig])
    np.testing.assert_allclose(centres[:, :2].mean(0), 0, atol=1e-9)
    assert centres[0, 1] == pytest.approx(0, abs=1e-9)
    assert centres[0, 0] > 0
    assert ((centres[:, 2] > 1.1) & (centres[:, 2] < 2.5)).all()


def test_cameras_stand_level_and_look_at_the_middle():
    rig = make_rig(RigPlan(cameras=5, arc_deg=120), seed=2)
    middle = np.array([*find_room_middle(rig), 0.95])
    for camera in rig:
        assert camera.R[0, 2] == pytest.approx(0, abs=1e-9)
        x, y = project(middle, camera)
        assert 340 < x < 940
        assert 160 < y < 560


def test_a_rig_is_drawn_within_its_plan():
    plan = RigPlan(cameras=8, focal_of_width=(0.7, 0.8), k1=(-0.1, -0.05), offset_ms=10)
    rig = make_rig(plan, seed=0)
    assert all(0.7 * 1280 <= camera.focal_px <= 0.8 * 1280 for camera in rig)
    assert all(-0.1 <= camera.distortion[0] <= -0.05 for camera in rig)
    assert rig.time_offset_ns["cam_0"] == 0
    assert 0 < max(abs(ns) for ns in rig.time_offset_ns.values()) <= 10e6


def test_alike_cameras_have_one_lens():
    rig = make_rig(RigPlan(identical_lenses=True), seed=0)
    assert len({camera.focal_px for camera in rig}) == 1
    assert len({camera.distortion[0] for camera in rig}) == 1


def test_the_same_seed_gives_the_same_observations_and_another_does_not():
    one, same, other = (
        make_scene(RigPlan(), "room", NETWORK_NOISE, seed=s, seconds=1) for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.seen.observations.xy, same.seen.observations.xy)
    assert not np.array_equal(one.seen.observations.xy, other.seen.observations.xy)


def test_without_noise_a_view_sees_the_projection_of_the_truth():
    take = make_scene(RigPlan(), "room", NO_NOISE, seed=1, seconds=2)
    for v, camera in enumerate(take.rig):
        seen = take.seen.observations.seen[:, v]
        np.testing.assert_allclose(
            take.seen.observations.xy[:, v][seen], project(take.seen.xyz, camera)[seen], atol=1e-9
        )


def test_what_lies_outside_the_image_is_not_seen():
    take = make_scene(RigPlan(focal_of_width=(1.4, 1.5)), "room", NO_NOISE, seed=1, seconds=5)
    xy = take.seen.observations.xy
    assert not take.seen.observations.seen.all()
    assert np.nanmin(xy) >= -0.5
    assert np.nanmax(xy[..., 1]) <= 719.5


def test_a_clock_that_is_wrong_shows_the_person_at_another_time():
    rig = make_rig(RigPlan(cameras=2, offset_ms=40), seed=3)
    motion = partial(walk_room, Walker(1.75, find_room_middle(rig)))
    time_ns = list_frameset_times(2, 10)
    seen = observe(rig, motion, time_ns, NO_NOISE, seed=0).observations
    assert rig.time_offset_ns["cam_1"] != 0
    true_ns = time_ns + rig.time_offset_ns["cam_1"]
    expected = project(motion(true_ns / 1e9), rig[1])
    np.testing.assert_allclose(seen.xy[:, 1][seen.seen[:, 1]], expected[seen.seen[:, 1]], atol=1e-9)
    np.testing.assert_array_equal(seen.view_time_ns[:, 1], time_ns)  # the view does not know


def test_free_running_views_say_their_own_times():
    take = make_scene(RigPlan(), "room", NoiseConfig(free_running=True), seed=1, seconds=2)
    seen = take.seen.observations
    shift = seen.view_time_ns - seen.time_ns[:, None]
    assert (shift == shift[0]).all()
    assert 0 < np.abs(shift).max() <= 0.45e8


@pytest.mark.parametrize(("knob", "low", "high"), [("missed", 0.08, 0.12), ("dropped", 0.05, 0.16)])
def test_shares_are_those_that_were_asked_for(knob, low, high):
    take = make_scene(RigPlan(), "room", NoiseConfig(**{knob: 0.1}), seed=1, seconds=20)
    inside = make_scene(RigPlan(), "room", NO_NOISE, seed=1, seconds=20).seen.observations.seen
    assert low < 1 - take.seen.observations.seen.sum() / inside.sum() < high


def test_a_dropped_image_shows_nobody():
    seen = make_scene(
        RigPlan(), "room", NoiseConfig(dropped=0.2), seed=1, seconds=60
    ).seen.observations.seen
    assert (~seen).all(-1).mean() == pytest.approx(0.2, abs=0.03)


def test_swaps_come_in_bursts_and_are_told():
    take = make_scene(RigPlan(), "room", NoiseConfig(swapped=0.2), seed=1, seconds=60)
    assert 0.1 < take.seen.swapped.mean() < 0.3
    changes = np.abs(np.diff(take.seen.swapped.astype(int), axis=0)).sum()
    assert take.seen.swapped.sum() / changes > 1  # framesets per change
    honest = make_scene(RigPlan(), "room", NO_NOISE, seed=1, seconds=60)
    np.testing.assert_array_equal(
        take.seen.observations.swap_sides(take.seen.swapped).seen, honest.seen.observations.seen
    )


def test_a_networks_errors_are_of_the_measured_size():
    quiet = replace(NETWORK_NOISE, gross=0.0, swapped=0.0)
    shares = []
    for seed in range(4):
        take = make_scene(RigPlan(), "room", quiet, seed=seed, seconds=10)
        for v, camera in enumerate(take.rig):
            torso = camera.focal_px * 0.49 / (take.seen.xyz.mean(1) @ camera.R.T + camera.t)[:, 2:]
            shares.append(
                np.linalg.norm(
                    project(take.seen.xyz, camera) - take.seen.observations.xy[:, v], axis=-1
                )
                / torso
            )
    assert 0.035 < np.nanmean(shares) < 0.065  # measured: 5 % of the torso


def test_errors_last_as_long_as_told():
    take = make_scene(
        RigPlan(cameras=2),
        "stand",
        NoiseConfig(drift_of_torso=0.03, drift_s=1.0),
        seed=0,
        seconds=60,
    )
    error = take.seen.observations.xy - np.stack(
        [project(take.seen.xyz, camera) for camera in take.rig], 1
    )
    error = error[:, :, 11:17, 0].reshape(600, -1)
    later = [np.nanmean(error[k:] * error[:-k]) / np.nanmean(error**2) for k in (1, 10, 40)]
    np.testing.assert_allclose(later, np.exp([-0.1, -1, -4]), atol=0.15)


def test_a_bias_is_the_same_in_every_image_and_on_both_sides():
    take = make_scene(
        RigPlan(cameras=2), "stand", NoiseConfig(body_bias_m=0.02), seed=0, seconds=10
    )
    error = take.seen.observations.xy - np.stack(
        [project(take.seen.xyz, camera) for camera in take.rig], 1
    )
    assert np.nanmax(np.nanstd(error, axis=0)) < 1.0  # px; the person sways a little
    assert np.nanmax(np.abs(error)) > 3


def test_confidence_falls_with_the_error():
    take = make_scene(RigPlan(), "room", NETWORK_NOISE, seed=0, seconds=20)
    seen = take.seen.observations.swap_sides(take.seen.swapped)
    error = np.linalg.norm(
        np.stack([project(take.seen.xyz, camera) for camera in take.rig], 1) - seen.xy, axis=-1
    )[seen.seen]
    ranks = [np.argsort(np.argsort(values)) for values in (error, seen.confidence[seen.seen])]
    assert np.corrcoef(*ranks)[0, 1] < -0.3
    assert seen.confidence[seen.seen].min() > 0
    assert seen.confidence.max() <= 1


def test_a_bystander_is_followed_for_the_share_of_time():
    take = make_scene(RigPlan(), "room", NoiseConfig(bystander=((1, 0.2),)), seed=0, seconds=10)
    away = np.linalg.norm(
        project(take.seen.xyz, take.rig[1]) - take.seen.observations.xy[:, 1], axis=-1
    )
    assert np.nanmin(np.where(away > 1, away, np.nan)) > 1
    assert 0.05 < (np.nanmedian(away, axis=1) > 20).mean() <= 0.21


def test_a_mirrored_view_is_flipped_and_its_sides_with_it():
    plain = make_scene(RigPlan(), "room", NO_NOISE, seed=0, seconds=1).seen.observations
    mirrored = make_scene(
        RigPlan(), "room", NoiseConfig(mirrored=(2,)), seed=0, seconds=1
    ).seen.observations
    left, right = plain.skeleton.index("left_knee"), plain.skeleton.index("right_knee")
    np.testing.assert_allclose(mirrored.xy[:, 2, left, 0], 1279 - plain.xy[:, 2, right, 0])
    np.testing.assert_allclose(mirrored.xy[:, 2, left, 1], plain.xy[:, 2, right, 1])
    np.testing.assert_array_equal(mirrored.xy[:, [0, 1, 3]], plain.xy[:, [0, 1, 3]])
    np.testing.assert_allclose(mirrored.flip_views((2,)).xy, plain.xy, atol=1e-9)
