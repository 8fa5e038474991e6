"""One camera's guess of the whole person, against the truth that it was made from."""

from dataclasses import replace

import numpy as np
import pytest

from calibration.rig import Rig
from calibration.synthetic.synthetic import NoiseConfig, RigPlan, make_rig
from engine.inference.preprocess import Region
from engine.monocular.crop_shape import CropErrors, ShapeFromCrop
from engine.monocular.estimator import LiftedCrop
from engine.monocular.guessed_room import guess_rig
from engine.monocular.reconstruct import MonocularReconstructor
from engine.reconstruction.reconstruct import Reconstruct
from tests.support.monocular import (
    EARS,
    LIMB,
    MODEL_SKELETON,
    SHOULDERS,
    SKELETON,
    STATURE_M,
    WIDE,
    Oracle,
    film_walk,
    keep_views,
    make_empty_set,
)
from tests.support.pose_recordings import make_pose_sets


@pytest.fixture(scope="module")
def rig():
    return make_rig(RigPlan(cameras=4), seed=4)


def lifted(lift, oracle, sets, rig):
    """Lift a take whose views are as given; limbs (T, 12, 3), and their covariances."""
    xyz, covariance = [], []
    reconstruct = Reconstruct(SKELETON)
    for t, poses in enumerate(sets):
        oracle.t = t
        made = lift(oracle, poses, reconstruct(poses, rig), rig)
        assert len(made.people) == 1
        xyz.append(made.people[0].xyz[LIMB])
        covariance.append(made.people[0].covariance[LIMB])
    return np.array(xyz), np.array(covariance)


def in_view(rig, seen, view):
    """Whether all limbs are well within a view's image, (T,)."""
    return np.isfinite(seen.observations.xy[:, view][:, LIMB]).all((-2, -1))


def test_where_several_cameras_see_the_person_nothing_changes_and_no_network_is_asked(rig):
    seen = film_walk(rig, 0.5)
    oracle, reconstruct, lift = (
        Oracle(rig, seen.xyz),
        Reconstruct(SKELETON),
        MonocularReconstructor(SKELETON),
    )
    for poses in make_pose_sets(seen.observations):
        room = reconstruct(poses, rig)
        assert lift(oracle, poses, room, rig) is room
    assert oracle.queried_views == []


def test_a_perfect_network_and_known_bones_give_the_truth_back(rig):
    seen = film_walk(rig, 5.0)
    sets = make_pose_sets(seen.observations)
    rows = np.flatnonzero(in_view(rig, seen, 1))
    start = 45  # so long that the bones are known
    sets = [poses if t < start else keep_views(poses, 1) for t, poses in enumerate(sets)]
    xyz, _ = lifted(MonocularReconstructor(SKELETON), Oracle(rig, seen.xyz), sets, rig)
    miss = np.linalg.norm(xyz - seen.xyz[:, LIMB], axis=-1)[[t for t in rows if t >= start]]
    assert len(miss) > 10
    assert np.median(miss) < 0.03
    assert miss.max() < 0.12


def test_a_lifted_person_has_a_head_whose_left_ear_is_on_their_left(rig):
    seen = film_walk(rig, 1.0)
    for t in (3, 8, 12):
        made = look_once(rig, seen, Oracle(rig, seen.xyz), t=t, view=2)
        body = made.xyz[LIMB].mean(0) - seen.xyz[t][LIMB].mean(0)
        miss = np.linalg.norm(made.xyz[EARS] - body - seen.xyz[t][EARS], axis=-1)
        assert (
            miss.max() < 0.05
        )  # m; the walker's head is a little narrower than its shoulders tell
        left = np.subtract(*made.xyz[SHOULDERS])
        assert np.subtract(*made.xyz[EARS]) @ left > 0
        assert np.trace(made.covariance[EARS[0]]) > np.trace(made.covariance[SHOULDERS[0]])


def test_a_network_that_gives_no_crown_lifts_nobodys_head(rig):
    class Headless(Oracle):
        def estimate_crop(self, view, seen):
            glance = super().estimate_crop(view, seen)
            glance.uvw[MODEL_SKELETON.index("head_top")] = np.nan
            return glance

    seen = film_walk(rig, 0.5)
    made = look_once(rig, seen, Headless(rig, seen.xyz), t=4, view=2)
    assert np.isnan(made.xyz[EARS]).all()
    assert np.isfinite(made.xyz[LIMB]).all()
    assert (made.view_count[EARS] == 0).all()


def test_one_view_is_what_a_lifted_joint_counts_and_other_joints_stay_missing(rig):
    seen = film_walk(rig, 0.5)
    poses = keep_views(make_pose_sets(seen.observations)[3], 2)
    oracle = Oracle(rig, seen.xyz)
    oracle.t = 3
    made = MonocularReconstructor(SKELETON, STATURE_M)(
        oracle, poses, make_empty_set(poses), rig
    ).people[0]
    assert made.track_id == 0
    assert (made.view_count[LIMB] == 1).all()
    assert made.guessed[LIMB].all()
    rest = np.setdiff1d(np.arange(33), [*LIMB, *EARS])
    assert np.isnan(made.xyz[rest]).all()
    assert (made.view_count[rest] == 0).all()
    assert (made.confidence[rest] == 0).all()


def first_looks(rig, seen, errors, stature_m: float | None = STATURE_M):
    """Lift unrelated instants; return errors along and across the sight, and sigmas."""
    sets = make_pose_sets(seen.observations)
    oracle = Oracle(rig, seen.xyz, errors, seed=1, claimed=CropErrors(*errors))
    along, across, sigma_along, sigma_across = [], [], [], []
    for view in range(len(rig)):
        for t in np.flatnonzero(in_view(rig, seen, view))[::3]:
            oracle.t, poses = int(t), keep_views(sets[t], view)
            lift = MonocularReconstructor(SKELETON, stature_m)
            made = lift(oracle, poses, make_empty_set(poses), rig).people[0]
            sight = seen.xyz[t][LIMB] - rig[view].centre
            sight /= np.linalg.norm(sight, axis=-1, keepdims=True)
            miss = made.xyz[LIMB] - seen.xyz[t][LIMB]
            far = np.einsum("ji,ji->j", miss, sight)
            spread = made.covariance[LIMB]
            variance = np.einsum("ji,jik,jk->j", sight, spread, sight)
            along.append(far)
            across.append(np.linalg.norm(miss - far[:, None] * sight, axis=-1) / np.sqrt(2))
            sigma_along.append(np.sqrt(variance))
            sigma_across.append(np.sqrt((np.trace(spread, axis1=1, axis2=2) - variance) / 2))
    return tuple(np.array(values) for values in (along, across, sigma_along, sigma_across))


def test_the_errors_that_are_told_are_those_that_are_made(rig):
    seen = film_walk(rig, 6.0, NoiseConfig(jitter_of_torso=0.02), fps=10)
    along, across, sigma_along, sigma_across = first_looks(rig, seen, (0.03, 0.06))
    for miss, sigma in ((along, sigma_along), (across, sigma_across)):
        assert 0.7 < np.sqrt(np.mean((miss / sigma) ** 2)) < 1.2
    assert (
        0.6 < np.mean(np.abs(along) < sigma_along) < 0.85
    )  # 0.68 were they normal and independent
    assert np.mean(np.abs(along) < 2 * sigma_along) > 0.92
    assert np.mean(sigma_along) > 3 * np.mean(sigma_across)  # long along the line of sight


def test_a_worse_known_size_is_a_worse_known_depth(rig):
    seen = film_walk(rig, 1.0, fps=10)
    sigma = [
        np.mean(first_looks(rig, seen, (0.01, 0.01), stature_m)[2])
        for stature_m in (STATURE_M, None)
    ]
    assert sigma[1] > 1.3 * sigma[0]


def look_once(rig, seen, oracle, *, t, view, stature_m=STATURE_M):
    """Lift one instant of one view; person, or None."""
    poses = keep_views(make_pose_sets(seen.observations)[t], view)
    oracle.t = t
    return MonocularReconstructor(SKELETON, stature_m)(
        oracle, poses, make_empty_set(poses), rig
    ).people[0]


def test_sides_that_the_network_exchanged_are_put_right_by_the_joints_found(rig):
    seen = film_walk(rig, 0.5)

    class Exchanged(Oracle):
        def estimate_crop(self, view, seen):
            glance = super().estimate_crop(view, seen)
            return replace(glance, uvw=glance.uvw[MODEL_SKELETON.mirror])

    made = [
        look_once(rig, seen, kind(rig, seen.xyz), t=4, view=1).xyz[LIMB]
        for kind in (Oracle, Exchanged)
    ]
    np.testing.assert_allclose(made[0], made[1], atol=1e-9)


def test_a_joint_whose_heat_map_is_wide_is_less_sure(rig):
    seen = film_walk(rig, 0.5)

    class Unsure(Oracle):
        def estimate_crop(self, view, seen):
            wide = WIDE.copy()
            wide[MODEL_SKELETON.index("left_wrist")] *= 2.5
            return replace(super().estimate_crop(view, seen), spread=wide)

    sure, unsure = (
        look_once(rig, seen, kind(rig, seen.xyz), t=4, view=1) for kind in (Oracle, Unsure)
    )
    wrist, knee = SKELETON.index("left_wrist"), SKELETON.index("left_knee")
    assert unsure.confidence[wrist] < 0.6 * sure.confidence[wrist]
    assert np.trace(unsure.covariance[wrist]) > 1.1 * np.trace(sure.covariance[wrist])
    assert unsure.confidence[knee] == sure.confidence[knee]


def test_feet_are_never_below_the_floor(rig):
    seen = film_walk(rig, 2.0, fps=10)
    oracle, lift = (
        Oracle(rig, seen.xyz),
        MonocularReconstructor(SKELETON, 2.1),
    )  # taller than they are: placed too far away
    for t, poses in enumerate(make_pose_sets(seen.observations)):
        oracle.t = t
        for view in range(len(rig)):
            alone = keep_views(poses, view)
            people = lift(oracle, alone, make_empty_set(alone), rig).people
            assert all(np.nanmin(person.xyz[:, 2]) > -1e-9 for person in people)


def test_with_one_camera_of_unknown_place_the_feet_stand_on_the_floor_at_the_persons_size(rig):
    seen = film_walk(rig, 1.0, fps=10)
    room = guess_rig("webcam", (1280, 720))
    oracle, lift = (
        Oracle(Rig((rig[0],)), seen.xyz),
        MonocularReconstructor(SKELETON, STATURE_M),
    )
    for t, poses in enumerate(make_pose_sets(seen.observations)):
        oracle.t = t
        one = replace(
            poses, poses_by_view=poses.poses_by_view[:1], view_time_ns=poses.view_time_ns[:1]
        )
        person = lift(oracle, one, make_empty_set(one), room).people[0]
        ankles = person.xyz[SKELETON.indices(["left_ankle", "right_ankle"]), 2]
        assert 0.04 < ankles.min() < 0.14
        thigh = np.linalg.norm(
            np.subtract(*person.xyz[SKELETON.indices(["left_hip", "left_knee"])])
        )
        assert 0.3 < thigh < 0.55


def test_without_a_rig_or_an_image_or_enough_joints_nothing_is_lifted(rig):
    seen = film_walk(rig, 0.3)
    poses = keep_views(make_pose_sets(seen.observations)[2], 0)
    oracle, lift = Oracle(rig, seen.xyz), MonocularReconstructor(SKELETON, STATURE_M)
    assert lift(oracle, poses, make_empty_set(poses), None).people == ()
    assert lift(lambda _view, _seen: None, poses, make_empty_set(poses), rig).people == ()
    pose = poses.poses_by_view[0][0]
    few = np.where(np.arange(33) < 15, pose.confidence, 0.0)
    poor = replace(poses, poses_by_view=((replace(pose, confidence=few),), (), (), ()))
    assert lift(oracle, poor, make_empty_set(poor), rig).people == ()


def test_a_network_that_gives_no_numbers_lifts_nobody(rig):
    seen = film_walk(rig, 0.3)
    poses = keep_views(make_pose_sets(seen.observations)[2], 0)
    empty = LiftedCrop(
        Region((9.0, 9.0), (9.0, 9.0)), np.full((16, 3), np.nan), np.full((16, 3), np.nan)
    )
    convert = ShapeFromCrop(SKELETON, "mpii_16")
    assert (
        MonocularReconstructor(SKELETON)(
            lambda view, _seen: convert(empty, rig[view]), poses, make_empty_set(poses), rig
        ).people
        == ()
    )


def test_joints_that_two_views_see_stay_and_the_rest_is_brought_to_their_distance(rig):
    seen = film_walk(rig, 0.5)
    t = 4
    poses = make_pose_sets(seen.observations)[t]
    legs = SKELETON.indices(["left_knee", "right_knee", "left_ankle", "right_ankle"])
    room = Reconstruct(SKELETON)(poses, rig)
    whole, twice = room.people[0], np.isin(np.arange(33), legs)
    partly = replace(
        whole,
        xyz=np.where(twice[:, None], whole.xyz, np.nan),
        view_count=np.where(twice, whole.view_count, 0),
        confidence=np.where(twice, whole.confidence, 0.0),
    )
    oracle = Oracle(rig, seen.xyz)
    oracle.t = t
    lift = MonocularReconstructor(SKELETON, 1.95)  # a wrong size, corrected by the legs
    made = lift(oracle, keep_views(poses, 1), replace(room, people=(partly,)), rig).people[0]
    np.testing.assert_array_equal(made.xyz[legs], whole.xyz[legs])
    assert (made.view_count[legs] == whole.view_count[legs]).all()
    assert np.linalg.norm(made.xyz[LIMB] - seen.xyz[t][LIMB], axis=-1).max() < 0.08


def test_a_depth_that_was_measured_a_moment_ago_is_surer_than_a_look(rig):
    seen = film_walk(rig, 5.0)
    sets = [
        poses if t < 40 else keep_views(poses, 1)
        for t, poses in enumerate(make_pose_sets(seen.observations))
    ]
    _, covariance = lifted(
        MonocularReconstructor(SKELETON, None),
        Oracle(rig, seen.xyz, (0.02, 0.06)),
        sets,
        rig,
    )
    sigma = np.sqrt(np.trace(covariance[40:], axis1=2, axis2=3)).mean(1)
    assert sigma[0] < sigma[2]
    assert sigma[0] < 0.95 * sigma[5:].mean()


def raised(rig, seen, by_m):
    """The same take in a room whose floor is out of play."""
    cameras = []
    for camera in rig:
        place = camera.cam_from_world.copy()
        place[:3, 3] -= camera.R @ np.array([0.0, 0.0, by_m])
        cameras.append(replace(camera, cam_from_world=place))
    return Rig(tuple(cameras)), replace(seen, xyz=seen.xyz + np.array([0.0, 0.0, by_m]))


class Deep(Oracle):
    """A network whose people are deeper than they are: all of them are placed too near."""

    def estimate_crop(self, view, seen):
        glance = super().estimate_crop(view, seen)
        return replace(glance, uvw=glance.uvw * np.array([1.0, 1.0, 1.2]))


def off_along_sight(lift, oracle, rig, seen, sets):
    """Measure how far one view places the limbs' middle behind the truth, m, and its sigma."""
    off, sigma = [], []
    for t, poses in enumerate(sets):
        for view in np.flatnonzero([in_view(rig, seen, v)[t] for v in range(len(rig))]):
            oracle.t, alone = t, keep_views(poses, int(view))
            late = replace(
                alone, timestamp_ns=alone.timestamp_ns + int(view + 1) * 10**10
            )  # nothing is followed
            person = lift(oracle, late, make_empty_set(late), rig).people[0]
            true = seen.xyz[t][LIMB].mean(0)
            sight = (true - rig[view].centre) / np.linalg.norm(true - rig[view].centre)
            off.append((person.xyz[LIMB].mean(0) - true) @ sight)
            sigma.append(
                np.sqrt(np.mean([sight @ spread @ sight for spread in person.covariance[LIMB]]))
            )
    return np.array(off), np.array(sigma)


def test_looks_while_several_cameras_see_the_person_undo_what_the_network_is_off_by(rig):
    rig, seen = raised(rig, film_walk(rig, 75.0, fps=1), 5.0)
    oracle, reconstruct = (
        Deep(rig, seen.xyz, (0.01, 0.03), seed=2, claimed=CropErrors(0.01, 0.03)),
        Reconstruct(SKELETON),
    )
    corrected, plain = (MonocularReconstructor(SKELETON, STATURE_M) for _ in range(2))
    sets, samples = list(make_pose_sets(seen.observations)), 0
    for t, poses in enumerate(sets[:60]):
        oracle.t, room = t, reconstruct(poses, rig)
        for lift in (corrected, plain):
            assert lift(oracle, poses, room, rig) is room
        sample = corrected.sample_depth(poses, room, rig)
        if sample is not None:
            corrected.learn_depth(sample, oracle(sample.view, sample.seen))
            samples += 1
    assert samples > 20
    before, _ = off_along_sight(plain, oracle, rig, seen, sets)
    after, sigma = off_along_sight(corrected, oracle, rig, seen, sets)
    assert abs(before.mean()) > 0.1
    assert abs(after.mean()) < 0.03
    assert np.sqrt((after**2).mean()) < 0.6 * np.sqrt((before**2).mean())
    assert 0.5 < np.sqrt(np.mean((after / sigma) ** 2)) < 1.3


def test_batches_wait_for_the_bones_come_once_a_second_and_go_round_the_cameras(rig):
    seen = film_walk(rig, 6.0, fps=10)
    oracle, reconstruct, lift = (
        Oracle(rig, seen.xyz),
        Reconstruct(SKELETON),
        MonocularReconstructor(SKELETON),
    )
    taken = []
    for t, poses in enumerate(make_pose_sets(seen.observations)):
        room = reconstruct(poses, rig)
        lift(oracle, poses, room, rig)
        sample = lift.sample_depth(poses, room, rig)
        if sample is not None:
            taken.append((t, sample.view))
    assert oracle.queried_views == []
    assert taken[0][0] >= 15
    assert 3 <= len(taken) <= 5
    assert np.diff([t for t, _ in taken]).min() >= 10
    assert len({view for _, view in taken}) >= 2


def test_of_a_rig_that_is_gone_nothing_is_learned(rig):
    seen = film_walk(rig, 3.0, fps=10)
    sets, reconstruct = list(make_pose_sets(seen.observations)), Reconstruct(SKELETON)
    oracle, lift = Oracle(rig, seen.xyz), MonocularReconstructor(SKELETON)
    samples = []
    for poses in sets:
        room = reconstruct(poses, rig)
        lift(oracle, poses, room, rig)
        samples.append(lift.sample_depth(poses, room, rig))
    sample = next(one for one in samples if one is not None)
    other = Rig(
        tuple(replace(camera, cam_from_world=camera.cam_from_world.copy()) for camera in rig)
    )
    lift(oracle, sets[-1], reconstruct(sets[-1], other), other)
    far = replace(sample, depth_m=9.0)
    oracle.t = 29
    for _ in range(9):
        lift.learn_depth(far, oracle(sample.view, sample.seen))
    alone = keep_views(sets[-1], sample.view)
    person = lift(oracle, alone, make_empty_set(alone), other).people[0]
    assert np.linalg.norm(person.xyz[LIMB] - seen.xyz[29][LIMB], axis=-1).mean() < 0.5


def test_the_cards_errors_are_taken_where_it_tells_any_that_can_be():
    usual = CropErrors()
    assert CropErrors.from_metrics({}) == usual
    assert CropErrors.from_metrics({"across_mm": 21.0, "along_mm": 48.0}) == CropErrors(
        across_m=0.021, along_m=0.048
    )
    assert CropErrors.from_metrics({"across_mm": float("nan"), "along_mm": 0.0}) == usual


def test_a_made_up_room_that_is_turned_forgets_nothing_of_the_person(rig):
    seen = film_walk(rig, 1.0, NoiseConfig())
    sets = [keep_views(poses, 0) for poses in make_pose_sets(seen.observations)]
    sets = [replace(poses, poses_by_view=poses.poses_by_view[:1]) for poses in sets]
    level, turned = (guess_rig("cam", rig[0].size_wh, up) for up in (None, rig[0].R[:, 2]))
    oracle = Oracle(rig, seen.xyz, (0.03, 0.06))
    glances = []
    for t, poses in enumerate(sets):
        oracle.t = t
        glances.append(oracle(0, poses.poses_by_view[0][0]))

    def last(rigs):
        """Lift a take in these rooms, one after the other; the last instant's limbs."""
        lift, people = MonocularReconstructor(SKELETON, STATURE_M), ()
        for poses, glance, room in zip(sets, glances, rigs):
            people = lift(
                lambda _view, _seen, glance=glance: glance, poses, make_empty_set(poses), room
            ).people
        return people[0].xyz[LIMB]

    whole, first = last([turned] * len(sets)), len(sets) - 2
    assert last([level] * first + [turned] * 2) == pytest.approx(whole, abs=1e-9)
    other = guess_rig("other", rig[0].size_wh)
    assert np.abs(last([other] * first + [turned] * 2) - whole).max() > 1e-4  # m; starts again
