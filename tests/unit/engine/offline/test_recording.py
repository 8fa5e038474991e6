from dataclasses import replace

import numpy as np
import pytest

from calibration.evidence.evidence import select_calibration_joints
from calibration.self_calibrate import CalibrationOptions
from calibration.synthetic.synthetic import NoiseConfig, RigPlan
from engine.errors import NobodyInViewError
from engine.frames import FrameSet
from engine.offline.recording import (
    PoseRecording,
    calibrate_recording,
    estimate_poses,
    reconstruct_recording,
)
from engine.poses import PoseSet2D
from engine.reconstruction.associate import Associate
from engine.reconstruction.people import (
    NOBODY,
    choose_before_rig,
    choose_by_rig,
    describe_other_people,
)
from engine.reconstruction.reconstruct import Reconstruct
from tests.support.calibrations import make_scene, measure_pair_rotation_errors_deg
from tests.support.pose_recordings import compute_error_mm, make_pose_sets, make_recording

SHARP = NoiseConfig(jitter_of_torso=0.01, missed=0.05, swapped=0.03, gross=0.01, free_running=True)
PLAN = RigPlan(cameras=4, offset_ms=8)


@pytest.fixture(scope="module")
def walk():
    """A person who walks through a room of four cameras."""
    return make_scene(PLAN, "room", SHARP, seed=2, seconds=12)


@pytest.fixture(scope="module")
def passer_by():
    """Somebody else in the same room, seen by all cameras, who steps on the spot."""
    return make_scene(PLAN, "in_place", replace(SHARP, swapped=0.0), seed=2, seconds=12)


@pytest.fixture(scope="module")
def joints(walk):
    skeleton = walk.seen.observations.skeleton
    return skeleton.indices(select_calibration_joints(skeleton))


def test_a_take_is_reconstructed_to_two_centimetres(walk, joints):
    result = reconstruct_recording(make_recording(walk.seen.observations), walk.rig)
    error = compute_error_mm(result.poses_3d, walk.seen.xyz, joints)
    assert np.isfinite(error).mean() > 0.97
    assert np.nanmedian(error) < 20
    assert result.remarks == ()


def test_swapped_sides_are_repaired_in_the_poses_that_are_kept(walk):
    observations = walk.seen.observations
    result = reconstruct_recording(make_recording(observations), walk.rig)
    left = observations.skeleton.index("left_shoulder")
    right = observations.skeleton.index("right_shoulder")
    wrong = 0
    for t, v in zip(*np.nonzero(walk.seen.swapped)):
        if result.poses_2d[t].poses_by_view[v]:
            kept, seen = result.poses_2d[t].poses_by_view[v][0].xy, observations.xy[t, v]
            wrong += not np.allclose(kept[left], seen[right], equal_nan=True)
    assert wrong <= 0.05 * walk.seen.swapped.sum()


def test_the_models_own_pose_is_kept_and_its_sides_are_repaired_too(walk):
    observations = walk.seen.observations
    recording = make_recording(observations)
    named = np.repeat(np.arange(len(observations.skeleton.joints), dtype=float)[:, None], 3, 1)
    sets = tuple(
        replace(
            poses,
            poses_by_view=tuple(
                tuple(replace(person, own_xyz=named) for person in view)
                for view in poses.poses_by_view
            ),
        )
        for poses in recording.pose_sets
    )
    result = reconstruct_recording(replace(recording, pose_sets=sets), walk.rig)
    for t, poses in enumerate(result.poses_2d):
        for v, view in enumerate(poses.poses_by_view):
            if view:
                order = view[0].own_xyz[:, 0].astype(int)
                np.testing.assert_array_equal(view[0].xy, observations.xy[t, v][order])


def test_live_stages_reconstruct_as_well_as_the_whole_take(walk, joints):
    observations = walk.seen.observations
    whole = reconstruct_recording(make_recording(observations), walk.rig).poses_3d
    associate, reconstruct = Associate(observations.skeleton), Reconstruct(observations.skeleton)
    live = [
        reconstruct(associate(poses, walk.rig), walk.rig) for poses in make_pose_sets(observations)
    ]
    offline_mm = np.nanmedian(compute_error_mm(whole, walk.seen.xyz, joints))
    assert (
        np.nanmedian(compute_error_mm(live, walk.seen.xyz, joints)) < 1.5 * offline_mm
    )  # ten framesets a second only


def test_without_a_rig_nobody_is_in_the_room(walk):
    observations = walk.seen.observations
    poses = make_pose_sets(observations)[0]
    assert Reconstruct(observations.skeleton)(poses, None).people == ()


def test_somebody_else_in_two_views_does_not_disturb_the_calibration(walk, passer_by):
    other = passer_by.seen.observations
    hidden = np.zeros(other.view_time_ns.shape, bool)
    hidden[:, 2:] = True
    other = replace(other, confidence=np.where(hidden[..., None], 0.0, other.confidence))
    calibration = calibrate_recording(
        make_recording(other, walk.seen.observations), CalibrationOptions(stature_m=1.75)
    )
    assert calibration.rig is not None
    assert measure_pair_rotation_errors_deg(calibration.rig, walk.rig).max() < 0.4
    assert "Two people" in calibration.report.remarks[-1]


def test_the_rig_finds_the_person_where_the_first_choice_was_wrong(walk, passer_by):
    candidates = make_recording(walk.seen.observations, passer_by.seen.observations).candidates
    choice = np.zeros(candidates.track_id.shape[:2], int)
    choice[40:60, 1] = 1
    better = choose_by_rig(candidates, walk.rig, choice)
    assert (better[40:60, 1] == 0).mean() > 0.9


def test_a_bystander_in_one_view_is_named(walk, passer_by):
    other = passer_by.seen.observations
    confidence = other.confidence.copy()
    confidence[:, 1:] = 0
    candidates = make_recording(
        walk.seen.observations, replace(other, confidence=confidence)
    ).candidates
    remarks = describe_other_people(candidates, choose_before_rig(candidates))
    assert len(remarks) == 1
    assert "'cam_0'" in remarks[0]


def test_a_view_where_the_person_is_absent_has_nobody(walk):
    observations = walk.seen.observations
    confidence = observations.confidence.copy()
    confidence[:, 3] = 0
    choice = choose_before_rig(
        make_recording(replace(observations, confidence=confidence)).candidates
    )
    assert (choice[:, 3] == NOBODY).all()


def test_an_empty_take_is_refused_in_one_sentence(walk):
    observations = walk.seen.observations
    empty = tuple(PoseSet2D(t, t * 33_000_000, ((),) * 4, (0,) * 4) for t in range(30))
    take = PoseRecording(
        empty, observations.skeleton, observations.view_names, observations.sizes_wh
    )
    with pytest.raises(NobodyInViewError, match="Nobody was found in any view"):
        calibrate_recording(take, CalibrationOptions())


def test_a_person_in_one_view_only_is_refused_by_that_views_name(walk):
    observations = walk.seen.observations
    confidence = observations.confidence.copy()
    confidence[:, 1:] = 0
    with pytest.raises(NobodyInViewError, match="'cam_0' only"):
        calibrate_recording(
            make_recording(replace(observations, confidence=confidence)), CalibrationOptions()
        )


def test_every_frameset_is_estimated_once_and_counted(walk):
    sets = make_pose_sets(walk.seen.observations)[:20]
    framesets = [FrameSet(poses.index, poses.timestamp_ns, (None,) * 4) for poses in sets]
    counted = []
    found = estimate_poses(framesets, lambda frames: sets[frames.index], on_frameset=counted.append)
    assert [poses.index for poses in found] == list(range(20))
    assert counted == list(range(1, 21))
