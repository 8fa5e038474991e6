"""Recordings where one camera sees the person alone: tracked in one pass, placed afterwards."""

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
from engine.frames import FrameSet
from engine.inference.patch import Crop, camera_from_world, patch_from_camera
from engine.monocular.guessed_room import guess_rig
from engine.offline.recording import PoseRecording, reconstruct_recording
from engine.offline.single_view import (
    OfflineMonocular,
    count_monocular,
    follow_person,
    reconstruct_monocular,
)
from engine.poses import PoseSet3D
from engine.reconstruction.body_size import LIMBS
from tests.support.live_cameras import make_image
from tests.support.pose_recordings import make_pose_sets

SKELETON, NETWORK = load_skeleton("blazepose_33"), load_skeleton("mpii_16")
LIMB = SKELETON.indices(LIMBS)
HIPS = SKELETON.indices(["left_hip", "right_hip"])


class Knowing:
    """A network that knows the truth of the instant at hand."""

    name, skeleton_name, metrics = "knowing (fake)", "mpii_16", {}

    def __init__(self, camera, xyz):
        self.camera, self.xyz, self.t, self.asked = camera, xyz, 0, []

    def estimate(self, images):
        self.asked.append(self.t)
        body = np.full((16, 3), np.nan)
        body[NETWORK.indices(LIMBS)] = self.xyz[self.t][LIMB]
        body[NETWORK.index("pelvis")] = self.xyz[self.t][HIPS].mean(0)
        body = camera_from_world(body, self.camera)
        depth = body[NETWORK.index("pelvis"), 2]
        uvw = [
            patch_from_camera(body, Crop(region, 128, self.camera), depth) for _, region in images
        ]
        return np.array(uvw), np.full((len(images), 16, 3), 0.02)

    def close(self):
        pass


@pytest.fixture(scope="module")
def rig():
    return make_rig(RigPlan(cameras=3), seed=4)


@pytest.fixture(scope="module")
def seen(rig):
    walker = Walker(1.75, find_room_middle(rig), 1.0)
    return observe(
        rig, partial(MOTIONS["room"], walker), list_frameset_times(4.0, 15), NoiseConfig(), seed=3
    )


def passed(lifter, sets, views):
    """Let a take pass by; the looks at it."""
    lift = OfflineMonocular(lifter, SKELETON)
    for poses in sets:
        lifter.t = poses.index
        images = tuple(
            make_image(view, poses.index, poses.timestamp_ns, (1280, 720)) for view in views
        )
        lift.put(
            FrameSet(poses.index, poses.timestamp_ns, images), poses, PoseSet3D(poses.index, 0, ())
        )
    return lift


def miss_m(poses_3d, xyz):
    """Distance of the limbs of each instant from the truth, (T, 12)."""
    return np.array(
        [
            np.linalg.norm(p.people[0].xyz[LIMB] - true[LIMB], axis=-1)
            for p, true in zip(poses_3d, xyz)
        ]
    )


def test_a_take_of_one_calibrated_camera_has_the_person_in_the_room_all_the_time(rig, seen):
    sets = tuple(
        replace(p, poses_by_view=p.poses_by_view[:1], view_time_ns=p.view_time_ns[:1])
        for p in make_pose_sets(seen.observations)
    )
    lift = passed(Knowing(rig[0], seen.xyz), sets, rig.names[:1])
    followed = follow_person(PoseRecording(sets, SKELETON, rig.names[:1], (rig[0].size_wh,)))
    found = lift.fill(followed, Rig(rig.cameras[:1]), 1.75)
    assert all(poses.people for poses in found.poses_3d)
    assert count_monocular(found.poses_3d) == len(sets)
    assert (
        np.median(miss_m(found.poses_3d, seen.xyz)) < 0.1
    )  # m; Drillis and Contini's proportions, and 2 % of 4 m
    assert all(view[0].track_id == 0 for poses in found.poses_2d for view in poses.poses_by_view)


def test_what_several_views_see_stays_and_only_the_gap_is_looked_at(rig, seen):
    gap = range(40, 50)
    sets = tuple(
        replace(p, poses_by_view=(p.poses_by_view[0], (), ())) if t in gap else p
        for t, p in enumerate(make_pose_sets(seen.observations))
    )
    lifter = Knowing(rig[0], seen.xyz)
    lift = passed(lifter, sets, rig.names)
    assert lifter.asked == list(gap)
    whole = reconstruct_recording(
        PoseRecording(sets, SKELETON, rig.names, tuple(c.size_wh for c in rig)), rig
    )
    assert not any(whole.poses_3d[t].people for t in gap)
    found = lift.fill(whole, rig, 1.75)
    assert all(found.poses_3d[t] is whole.poses_3d[t] for t in range(len(sets)) if t not in gap)
    assert miss_m([found.poses_3d[t] for t in gap], seen.xyz[gap.start : gap.stop]).max() < 0.15


def test_somebody_else_than_the_chosen_person_is_not_lifted_in_their_place(rig, seen):
    sets = tuple(
        replace(p, poses_by_view=p.poses_by_view[:1], view_time_ns=p.view_time_ns[:1])
        for p in make_pose_sets(seen.observations)
    )
    lift = passed(Knowing(rig[0], seen.xyz), sets, rig.names[:1])
    followed = follow_person(PoseRecording(sets, SKELETON, rig.names[:1], (rig[0].size_wh,)))
    beside = tuple(
        replace(
            p,
            poses_by_view=((replace(p.poses_by_view[0][0], xy=p.poses_by_view[0][0].xy + 400.0),),),
        )
        for p in followed.poses_2d
    )
    found = lift.fill(replace(followed, poses_2d=beside), Rig(rig.cameras[:1]))
    assert not any(poses.people for poses in found.poses_3d)


def lean_deg(poses_3d):
    """Measure the angle between up and the body, ankles to shoulders, over a recording."""
    ankles, shoulders = (
        SKELETON.indices([f"left_{joint}", f"right_{joint}"]) for joint in ("ankle", "shoulder")
    )
    bodies = np.array([poses.people[0].xyz for poses in poses_3d])
    x, y, z = np.median((bodies[:, shoulders] - bodies[:, ankles]).mean(1), axis=0)
    return np.degrees(np.arctan2(np.hypot(x, y), z))


def test_before_one_camera_that_looks_down_the_person_is_upright_from_the_first_image_on(rig, seen):
    sets = tuple(
        replace(p, poses_by_view=p.poses_by_view[:1], view_time_ns=p.view_time_ns[:1])
        for p in make_pose_sets(seen.observations)
    )
    lift = passed(Knowing(rig[0], seen.xyz), sets, rig.names[:1])
    take, level = (
        PoseRecording(sets, SKELETON, rig.names[:1], (rig[0].size_wh,)),
        guess_rig(rig[0].name, rig[0].size_wh),
    )
    assert (
        lean_deg(lift.fill(follow_person(take), level, 1.75).poses_3d) > 12
    )  # the camera looks down by 17 degrees
    found = reconstruct_monocular(take, lift, level, 1.75)
    assert lean_deg(found.poses_3d) < 4
    assert lean_deg(found.poses_3d[:10]) < 6


def test_a_take_too_short_to_tell_where_up_is_stays_in_a_level_room(rig, seen):
    sets = tuple(
        replace(p, poses_by_view=p.poses_by_view[:1], view_time_ns=p.view_time_ns[:1])
        for p in make_pose_sets(seen.observations)
    )
    sets = sets[:30]
    lift, level = (
        passed(Knowing(rig[0], seen.xyz), sets, rig.names[:1]),
        guess_rig(rig[0].name, rig[0].size_wh),
    )
    followed = follow_person(PoseRecording(sets, SKELETON, rig.names[:1], (rig[0].size_wh,)))
    assert lift.level_rig(followed, level, 1.75) is level
