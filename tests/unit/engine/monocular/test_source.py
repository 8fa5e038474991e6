"""Lifters in service: what they see of the instants before, and what becomes of it."""

from dataclasses import replace

import numpy as np
import pytest

from calibration.synthetic.synthetic import RigPlan, make_rig
from engine.monocular.guessed_room import guess_rig
from engine.monocular.joint_window import NOW, OFFSETS_S
from engine.monocular.own_pose import OwnPose
from engine.monocular.reconstruct import MonocularReconstructor
from engine.monocular.source import LifterSource, PictureSource, make_source
from engine.offline.single_view import OfflineMonocular, follow_person
from engine.reconstruction.body_size import LIMBS
from tests.support.fake_models import FakeMonocularEstimator
from tests.support.lifters import KnowingLifter
from tests.support.monocular import (
    EARS,
    HIPS,
    LIMB,
    SKELETON,
    STATURE_M,
    film_walk,
    keep_views,
    make_empty_set,
)
from tests.support.pose_recordings import make_pose_sets, make_recording

VIEW = 1


@pytest.fixture(scope="module")
def rig():
    return make_rig(RigPlan(cameras=4), 3)


@pytest.fixture(scope="module")
def walk(rig):
    return film_walk(rig, 1.5, fps=30)


@pytest.fixture
def lifter(rig, walk):
    return KnowingLifter(SKELETON, walk.xyz, rig[VIEW])


def run_live(source, walk, rig, reconstructor):
    made = []
    for poses in make_pose_sets(walk.observations):
        alone = keep_views(poses, VIEW)
        shape = source.bind(None, alone, rig)
        made.append(reconstructor(shape, alone, make_empty_set(alone), rig))
    return made


def test_a_lifter_that_knows_puts_the_person_where_they_are(rig, walk, lifter):
    made = run_live(
        LifterSource(lifter, SKELETON), walk, rig, MonocularReconstructor(SKELETON, STATURE_M)
    )
    found = [(poses.people[0], truth) for poses, truth in zip(made, walk.xyz) if poses.people]
    assert len(found) > 0.8 * len(made)
    off = [np.linalg.norm(one.xyz[LIMB] - truth[LIMB], axis=-1).mean() for one, truth in found]
    assert np.median(off) < 0.06
    person, truth = found[-1]
    assert person.guessed[LIMB].all()
    assert np.linalg.norm(person.xyz[EARS] - truth[EARS], axis=-1).max() < 0.25
    assert np.isfinite(person.covariance[LIMB]).all()


def test_live_it_sees_the_past_and_never_the_future(rig, walk, lifter):
    run_live(LifterSource(lifter, SKELETON), walk, rig, MonocularReconstructor(SKELETON))
    first, last = lifter.shown[0], lifter.shown[-1]
    assert first.present[0].tolist() == [offset == 0 for offset in OFFSETS_S]
    assert last.present[0].tolist() == [offset <= 0 for offset in OFFSETS_S]
    # A tenth of a second before is three frames before, at thirty a second.
    np.testing.assert_allclose(last.rays[0, NOW - 1], lifter.shown[-4].rays[0, NOW], atol=1e-9)


def test_it_is_told_where_up_is_where_that_is_known(rig, walk, lifter):
    run_live(LifterSource(lifter, SKELETON), walk, rig, MonocularReconstructor(SKELETON))
    np.testing.assert_allclose(lifter.told_up[-1], rig[VIEW].R[:, 2][None])
    lifter.told_up.clear()
    guess = guess_rig("cam", rig[VIEW].size_wh)
    one = make_pose_sets(walk.observations)[5]
    alone = replace(
        one, poses_by_view=one.poses_by_view[VIEW : VIEW + 1], view_time_ns=one.view_time_ns[:1]
    )
    LifterSource(lifter, SKELETON).bind(None, alone, guess)(0, alone.poses_by_view[0][0])
    assert lifter.told_up == [None]


def test_a_clock_that_goes_back_starts_again(rig, walk, lifter):
    source = LifterSource(lifter, SKELETON)
    sets = make_pose_sets(walk.observations)
    for poses in (*sets[10:20], sets[0]):
        alone = keep_views(poses, VIEW)
        shape = source.bind(None, alone, rig)
    shape(VIEW, sets[0].poses_by_view[VIEW][0])
    assert lifter.shown[-1].present.sum() == 1


def test_a_bound_instant_can_be_asked_later(rig, walk, lifter):
    source = LifterSource(lifter, SKELETON)
    sets = [keep_views(poses, VIEW) for poses in make_pose_sets(walk.observations)]
    early = source.bind(None, sets[4], rig)
    for poses in sets[5:15]:
        source.bind(None, poses, rig)
    early(VIEW, sets[4].poses_by_view[VIEW][0])
    again = LifterSource(lifter, SKELETON).bind(None, sets[4], rig)
    again(VIEW, sets[4].poses_by_view[VIEW][0])
    late, now = lifter.shown
    np.testing.assert_array_equal(late.rays[:, NOW], now.rays[:, NOW])


def test_without_a_rig_or_a_person_nothing_is_lifted(rig, walk, lifter):
    source = LifterSource(lifter, SKELETON)
    poses = make_pose_sets(walk.observations)[3]
    seen = poses.poses_by_view[VIEW][0]
    assert source.bind(None, keep_views(poses, VIEW), None)(VIEW, seen) is None
    assert source.bind(None, keep_views(poses, 0), rig)(VIEW, seen) is None


def test_models_are_put_into_service_by_what_they_see(lifter):
    estimator = FakeMonocularEstimator()
    pictures, joints = make_source(estimator, SKELETON), make_source(lifter, SKELETON)
    assert isinstance(pictures, PictureSource)
    assert isinstance(joints, LifterSource)
    assert (pictures.sees_images, joints.sees_images) == (True, False)
    for source, model in ((pictures, estimator), (joints, lifter)):
        source.close()
        assert model.closed


def make_single(rig, walk):
    recording = make_recording(walk.observations)
    sets = tuple(
        replace(
            poses,
            poses_by_view=poses.poses_by_view[VIEW : VIEW + 1],
            view_time_ns=poses.view_time_ns[VIEW : VIEW + 1],
        )
        for poses in recording.pose_sets
    )
    single = replace(
        recording, pose_sets=sets, view_names=(rig[VIEW].name,), sizes_wh=(rig[VIEW].size_wh,)
    )
    return single, type(rig)((rig[VIEW],))


def test_offline_it_sees_what_comes_after_as_well(rig, walk, lifter):
    single, alone = make_single(rig, walk)
    offline = OfflineMonocular(lifter, SKELETON)
    assert not offline.sees_images
    found = offline.fill(follow_person(single), alone, STATURE_M)
    assert len(lifter.shown) == 1  # all instants at once
    middle = len(found.poses_3d) // 2
    assert lifter.shown[0].present[middle].all()
    off = [
        np.linalg.norm(poses.people[0].xyz[LIMB] - truth[LIMB], axis=-1).mean()
        for poses, truth in zip(found.poses_3d, walk.xyz)
        if poses.people
    ]
    assert len(off) > 0.8 * len(found.poses_3d)
    assert np.median(off) < 0.06
    live = OfflineMonocular(lifter, SKELETON, sees_future=False)
    live.fill(follow_person(single), alone, STATURE_M)
    assert not lifter.shown[-1].present[:, NOW + 1 :].any()


def test_the_2d_models_own_pose_serves_as_a_lifter(rig, walk):
    single, alone = make_single(rig, walk)
    camera, sets = rig[VIEW], []
    for poses, truth in zip(single.pose_sets, walk.xyz):
        own = truth @ camera.R.T + camera.t
        own = own - own[HIPS].mean(0)  # the person is near the middle of the image
        people = tuple(replace(person, own_xyz=own) for person in poses.poses_by_view[0])
        sets.append(replace(poses, poses_by_view=(people,)))
    followed = follow_person(replace(single, pose_sets=tuple(sets)))
    found = OfflineMonocular(OwnPose(), SKELETON).fill(followed, alone, STATURE_M)
    off = [
        np.linalg.norm(poses.people[0].xyz[LIMB] - truth[LIMB], axis=-1).mean()
        for poses, truth in zip(found.poses_3d, walk.xyz)
        if poses.people
    ]
    assert len(off) > 0.8 * len(found.poses_3d)
    assert np.median(off) < 0.25
    without = OfflineMonocular(OwnPose(), SKELETON).fill(follow_person(single), alone, STATURE_M)
    assert not any(poses.people for poses in without.poses_3d)
    assert len(LIMBS) == 12
