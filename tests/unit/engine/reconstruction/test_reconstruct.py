"""The live reconstruction against the whole take's, and what it does about gaps."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from calibration.rig import Rig
from calibration.skeleton import load_skeleton
from calibration.synthetic.synthetic import (
    NoiseConfig,
    RigPlan,
    find_room_middle,
    list_frameset_times,
    make_rig,
    observe,
)
from calibration.synthetic.walker import MOTIONS, Walker
from engine.reconstruction.reconstruct import Reconstruct, reconstruct_observations
from tests.support.pose_recordings import make_pose_sets

SKELETON = load_skeleton("blazepose_33")


@pytest.fixture(scope="module")
def rig():
    return make_rig(RigPlan(cameras=4), seed=4)


def walk(rig, noise, seconds=2.0):
    walker = Walker(1.75, find_room_middle(rig), 1.0)
    return observe(
        rig, partial(MOTIONS["room"], walker), list_frameset_times(seconds, 30), noise, seed=3
    )


def found(poses):
    return poses.people[0].xyz if poses.people else np.full((33, 3), np.nan)


def test_of_images_taken_at_once_live_and_whole_take_make_the_same(rig):
    seen = walk(rig, NoiseConfig(jitter_of_torso=0.01, missed=0.1, gross=0.05))
    whole = reconstruct_observations(seen.observations, rig)
    reconstruct = Reconstruct(SKELETON)
    live = [reconstruct(poses, rig) for poses in make_pose_sets(seen.observations)]
    miss = np.array([np.linalg.norm(found(a) - found(b), axis=-1) for a, b in zip(live, whole)])
    assert np.nanmedian(miss) < 2e-3  # m; the whole take steadies its noise model over a second
    assert np.mean(np.isfinite(miss)) > 0.9
    assert all(a.timestamp_ns == b.timestamp_ns for a, b in zip(live, whole))


def test_images_that_are_early_or_late_are_carried_to_the_framesets_time(rig):
    apart = replace(rig, time_offset_ns={rig[1].name: 14_000_000, rig[2].name: -12_000_000})
    seen = walk(apart, NoiseConfig())
    sets = make_pose_sets(seen.observations)
    errors = []
    for told in (apart, rig):
        reconstruct = Reconstruct(SKELETON)
        xyz = np.array([found(reconstruct(poses, told)) for poses in sets])
        errors.append(float(np.nanmedian(np.linalg.norm(xyz - seen.xyz, axis=-1)[5:])))
    assert errors[0] < 0.004  # m
    assert errors[0] < 0.5 * errors[1]


def test_the_first_image_after_a_gap_is_not_carried(rig):
    sets = make_pose_sets(walk(rig, NoiseConfig()).observations)
    fresh, gone = Reconstruct(SKELETON), Reconstruct(SKELETON)
    gone(sets[0], rig)
    np.testing.assert_array_equal(found(gone(sets[40], rig)), found(fresh(sets[40], rig)))


def test_a_person_in_one_view_is_not_in_the_room(rig):
    poses = make_pose_sets(walk(rig, NoiseConfig(), 0.1).observations)[0]
    alone = replace(
        poses,
        poses_by_view=(poses.poses_by_view[0], (), (), ()),
        view_time_ns=(0, None, None, None),
    )
    assert Reconstruct(SKELETON)(alone, rig).people == ()


def test_a_rig_of_other_cameras_than_the_views_makes_nobody_and_harms_nothing(rig):
    sets = make_pose_sets(walk(rig, NoiseConfig(), 0.2).observations)
    reconstruct = Reconstruct(SKELETON)
    assert reconstruct(sets[0], Rig(rig.cameras[:3])).people == ()
    assert len(reconstruct(sets[1], rig).people) == 1


def test_another_rig_counts_from_the_next_frameset_on(rig):
    sets = make_pose_sets(walk(rig, NoiseConfig(), 0.2).observations)
    turned = rig.with_world(np.eye(4), 2.0)
    reconstruct = Reconstruct(SKELETON)
    reconstruct(sets[0], rig)
    twice = found(reconstruct(sets[1], turned))
    once = Reconstruct(SKELETON)
    once(sets[0], rig)
    np.testing.assert_allclose(twice, 2 * found(once(sets[1], rig)), atol=1e-6)
