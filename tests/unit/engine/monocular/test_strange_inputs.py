"""The lifter that ships, on what strangers give it: other joints, half a person, nobody."""

from dataclasses import replace

import numpy as np
import pytest

from calibration.skeleton import load_skeleton
from calibration.synthetic.synthetic import RigPlan, make_rig
from engine.monocular.load import load_monocular_model
from engine.offline.single_view import OfflineMonocular, follow_person
from engine.reconstruction.body_size import LIMBS
from tests.support.monocular import SKELETON, STATURE_M, film_walk
from tests.support.pose_recordings import make_recording

VIEW = 1
LEGS = SKELETON.indices(
    [name for name in SKELETON.joints if any(part in name for part in ("hip", "knee", "ankle"))]
)


@pytest.fixture(scope="module")
def rig():
    return make_rig(RigPlan(cameras=4), 3)


@pytest.fixture(scope="module")
def walk(rig):
    return film_walk(rig, 1.5, fps=20)


@pytest.fixture(scope="module")
def lifter():
    model = load_monocular_model("lifter")
    yield model
    model.close()


def make_single(walk, rig, change=lambda person: person):
    """Make the recording of one view, with each person changed."""
    recording = make_recording(walk.observations)
    sets = tuple(
        replace(
            poses,
            poses_by_view=(tuple(change(person) for person in poses.poses_by_view[VIEW]),),
            view_time_ns=poses.view_time_ns[VIEW : VIEW + 1],
        )
        for poses in recording.pose_sets
    )
    names, sizes = (rig[VIEW].name,), (rig[VIEW].size_wh,)
    return replace(recording, pose_sets=sets, view_names=names, sizes_wh=sizes)


def lift(lifter, recording, rig):
    """Return the limbs at every instant, (T, 12, 3), m; NaN where nobody is."""
    monocular = OfflineMonocular(lifter, recording.skeleton)
    found = monocular.fill(follow_person(recording), type(rig)((rig[VIEW],)), STATURE_M)
    limbs = np.full((len(found.poses_3d), len(LIMBS), 3), np.nan)
    for t, poses in enumerate(found.poses_3d):
        if poses.people:
            limbs[t] = poses.people[0].xyz[recording.skeleton.indices(LIMBS)]
    return limbs


def test_it_knows_walkers_of_another_simulator(lifter, walk, rig):
    limbs = lift(lifter, make_single(walk, rig), rig)
    truth = walk.xyz[:, SKELETON.indices(LIMBS)]
    seen = np.isfinite(limbs).all((1, 2))
    assert seen.mean() > 0.8
    about, true = (xyz[seen] - xyz[seen].mean(1, keepdims=True) for xyz in (limbs, truth))
    assert np.linalg.norm(about - true, axis=-1).mean() < 0.12


def test_a_detector_with_other_joints_is_lifted_alike(lifter, walk, rig):
    coco = load_skeleton("coco_17")
    order = SKELETON.indices(coco.joints)

    def rename(person):
        return replace(person, xy=person.xy[order], confidence=person.confidence[order])

    other = replace(make_single(walk, rig, rename), skeleton=coco)
    np.testing.assert_allclose(
        lift(lifter, other, rig), lift(lifter, make_single(walk, rig), rig), atol=1e-6
    )


def test_a_person_whose_hips_are_never_seen_has_the_same_arms(lifter, walk, rig):
    def hide(person):
        xy, confidence = person.xy.copy(), person.confidence.copy()
        xy[LEGS], confidence[LEGS] = np.nan, 0.0
        return replace(person, xy=xy, confidence=confidence)

    whole = lift(lifter, make_single(walk, rig), rig)
    half = lift(lifter, make_single(walk, rig, hide), rig)
    both = np.isfinite(whole).all((1, 2)) & np.isfinite(half).all((1, 2))
    assert both.mean() > 0.7
    upper = [xyz[both, :6] - xyz[both, :2].mean(1, keepdims=True) for xyz in (whole, half)]
    assert np.linalg.norm(upper[0] - upper[1], axis=-1).mean() < 0.06


def test_joints_that_are_all_missing_are_nobody(lifter, walk, rig):
    def blank(person):
        return replace(person, xy=np.full_like(person.xy, np.nan), confidence=0 * person.confidence)

    assert np.isnan(lift(lifter, make_single(walk, rig, blank), rig)).all()
