"""The live association: who is who, which side is left, and how it gets out of any state."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from calibration.evidence.evidence import select_calibration_joints
from calibration.geometry.transforms import rigid_transform, rotation_from_rotvec
from calibration.rig import Rig
from calibration.skeleton import load_skeleton
from calibration.synthetic.synthetic import (
    NETWORK_NOISE,
    NoiseConfig,
    RigPlan,
    find_room_middle,
    list_frameset_times,
    make_rig,
    observe,
)
from calibration.synthetic.walker import MOTIONS, Walker
from engine.reconstruction.associate import Associate
from tests.support.crossings import make_crossing_sets
from tests.support.pose_recordings import make_pose_sets

SKELETON = load_skeleton("blazepose_33")
LIMBS = SKELETON.indices(select_calibration_joints(SKELETON))
CLEAN = NoiseConfig(jitter_of_torso=0.01)


@pytest.fixture(scope="module")
def rig():
    return make_rig(RigPlan(cameras=4), seed=1)


def walk(rig, noise=CLEAN, *, seed=1, seconds=3.0, phase=0.0, fps=30.0):
    """A person who walks through the room."""
    walker = Walker(1.75, find_room_middle(rig), 1.2, phase)
    return observe(
        rig, partial(MOTIONS["room"], walker), list_frameset_times(seconds, fps), noise, seed=seed
    )


def is_of(pose, observations, t, v):
    """Whether a pose is this person's, as seen, whatever the sides."""
    xy = observations.xy[t, v]
    return np.array_equal(pose.xy, xy, equal_nan=True) or np.array_equal(
        pose.xy[SKELETON.mirror], xy, equal_nan=True
    )


def wrong_sides(associated, seen):
    """Count the views whose sides are not the true ones."""
    wrong = 0
    for t, poses in enumerate(associated):
        for v, view in enumerate(poses.poses_by_view):
            true = (
                seen.observations.xy[t, v][SKELETON.mirror]
                if seen.swapped[t, v]
                else seen.observations.xy[t, v]
            )
            wrong += bool(view) and not np.array_equal(view[0].xy, true, equal_nan=True)
    return wrong


def test_exchanged_sides_are_put_right(rig):
    seen = walk(rig, replace(NETWORK_NOISE, swapped=0.1), seconds=6)
    assert seen.swapped.sum() > 15
    associate = Associate(SKELETON)
    associated = [associate(poses, rig) for poses in make_pose_sets(seen.observations)]
    assert wrong_sides(associated, seen) <= 5


def test_sides_that_are_wrong_at_first_are_put_right_within_two_seconds(rig):
    seen = walk(rig, seconds=4)
    swapped = seen.swapped.copy()
    swapped[:15] = True  # the network takes the back for the front in all views
    mixed = replace(seen, observations=seen.observations.swap_sides(swapped), swapped=swapped)
    associate = Associate(SKELETON)
    associated = [associate(poses, rig) for poses in make_pose_sets(mixed.observations)]
    late = replace(
        mixed,
        observations=mixed.observations.select_framesets(slice(75, None)),
        swapped=swapped[75:],
    )
    assert wrong_sides(associated[75:], late) == 0


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("cameras", "fps"), [(3, 12), (4, 12)])
def test_two_people_who_cross_are_not_mistaken_for_one_another(cameras, fps, seed):
    rig = make_rig(RigPlan(cameras=cameras, offset_ms=5), seed)
    both = [
        walk(rig, NETWORK_NOISE, seed=i, seconds=9, phase=seed + np.pi * 0.9 * i, fps=fps)
        for i in range(2)
    ]
    sets = make_crossing_sets(
        tuple(s.observations for s in both), tuple(s.xyz for s in both), rig, seed=seed
    )
    associate = Associate(SKELETON)
    whose = []
    for t, poses in enumerate(sets):
        views = associate(poses, rig).poses_by_view
        votes = [is_of(view[0], both[0].observations, t, v) for v, view in enumerate(views) if view]
        if len(votes) > 1:
            whose.append(np.mean(votes) > 0.5)
    assert len(whose) > 0.8 * len(sets)
    assert np.mean(np.array(whose) == whose[0]) > 0.99


def test_views_without_anybody_and_without_an_image_stay_empty(rig):
    seen = walk(rig, seconds=1)
    associate = Associate(SKELETON)
    for t, poses in enumerate(make_pose_sets(seen.observations)):
        some = tuple(() if (t + v) % 3 == 0 else view for v, view in enumerate(poses.poses_by_view))
        times = tuple(None if (t + v) % 3 == 0 else ns for v, ns in enumerate(poses.view_time_ns))
        kept = associate(replace(poses, poses_by_view=some, view_time_ns=times), rig)
        assert [len(view) for view in kept.poses_by_view] == [len(view) for view in some]
        assert all(pose.track_id == 0 for view in kept.poses_by_view for pose in view)


def test_nobody_is_associated_with_nobody(rig):
    poses = replace(make_pose_sets(walk(rig, seconds=0.1).observations)[0], poses_by_view=((),) * 4)
    associate = Associate(SKELETON)
    assert associate(poses, rig).poses_by_view == ((),) * 4
    assert associate(poses, None).poses_by_view == ((),) * 4


def test_a_person_in_one_view_only_is_kept_there(rig):
    associate = Associate(SKELETON)
    poses = make_pose_sets(walk(rig, seconds=0.1).observations)[0]
    alone = replace(poses, poses_by_view=(poses.poses_by_view[0], (), (), ()))
    assert len(associate(alone, rig).poses_by_view[0]) == 1


def only(sets, view, start):
    """Cover all views but one from an instant on."""
    for t, poses in enumerate(sets):
        kept = (
            people if t < start or v == view else () for v, people in enumerate(poses.poses_by_view)
        )
        yield poses if t < start else replace(poses, poses_by_view=tuple(kept))


def test_a_person_whom_one_view_alone_goes_on_seeing_is_never_lost(rig):
    seen = walk(rig, seconds=2)
    associate = Associate(SKELETON)
    for t, poses in enumerate(only(make_pose_sets(seen.observations), 1, 15)):
        associated = associate(poses, rig)
        assert [bool(view) for view in associated.poses_by_view] == [
            bool(view) for view in poses.poses_by_view
        ], t


def test_sides_that_one_view_alone_took_wrongly_are_put_right_once_its_network_is_right_for_long(
    rig,
):
    seen = walk(rig, seconds=4)
    swapped = seen.swapped.copy()
    swapped[30:33, 1] = True  # a side view, say, in which a person turns round
    mixed = seen.observations.swap_sides(swapped)
    associate = Associate(SKELETON)
    wrong = []
    for t, poses in enumerate(only(make_pose_sets(mixed), 1, 30)):
        if t == 30:
            associate = Associate(SKELETON)  # begins with sides exchanged, and follows them
        view = associate(poses, rig).poses_by_view[1]
        wrong.append(
            bool(view)
            and not np.array_equal(view[0].xy, seen.observations.xy[t, 1], equal_nan=True)
        )
    assert all(wrong[30:40])
    assert not any(wrong[70:])


def test_another_rig_is_another_room(rig):
    seen = walk(rig, seconds=1)
    sets = make_pose_sets(seen.observations)
    moved = rig.with_world(
        rigid_transform(rotation_from_rotvec(np.array([0, 0, 2.0])), np.array([30.0, 0, 0]))
    )
    associate = Associate(SKELETON)
    for t, poses in enumerate(sets):
        kept = associate(poses, rig if t < 15 else moved)
        assert all(view for view in kept.poses_by_view), t


def test_a_wrong_rig_does_not_hold_on_once_the_right_one_comes(rig):
    sets = make_pose_sets(walk(rig, seconds=2).observations)
    places = [camera.cam_from_world for camera in rig.cameras[::-1]]
    wrong = replace(
        rig, cameras=tuple(replace(c, cam_from_world=place) for c, place in zip(rig, places))
    )
    associate = Associate(SKELETON)
    for poses in sets[:40]:
        associate(poses, wrong)
    assert all(view for view in associate(sets[40], rig).poses_by_view)


def test_a_rig_of_other_cameras_than_the_views_counts_as_none(rig):
    poses = make_pose_sets(walk(rig, seconds=0.1).observations)[0]
    associate = Associate(SKELETON)
    for number in (2, 4, 3):
        kept = associate(poses, Rig(rig.cameras[:number]))
        assert all(len(view) == 1 for view in kept.poses_by_view)


def test_without_a_rig_a_view_goes_on_with_whom_it_had(rig):
    one, other = walk(rig, seed=1), walk(rig, seed=2, phase=2.8)
    associate = Associate(SKELETON)
    sets = make_pose_sets(one.observations, other.observations)
    first = replace(sets[0], poses_by_view=tuple(view[:1] for view in sets[0].poses_by_view))
    associate(first, None)
    for t, poses in enumerate(sets[1:], 1):
        mixed = replace(
            poses,
            poses_by_view=tuple(view[::-1] if t % 2 else view for view in poses.poses_by_view),
        )
        kept = associate(mixed, None)
        assert all(
            is_of(view[0], one.observations, t, v)
            for v, view in enumerate(kept.poses_by_view)
            if view
        )


def test_a_person_who_was_gone_is_found_anew_elsewhere(rig):
    here, there = walk(rig, seconds=1), walk(rig, seconds=1, phase=3.0)
    associate = Associate(SKELETON)
    for poses in make_pose_sets(here.observations):
        associate(poses, rig)
    later = make_pose_sets(there.observations)[0]
    kept = associate(replace(later, timestamp_ns=3_000_000_000), rig)
    assert all(view for view in kept.poses_by_view)
