"""A live run in which only one camera sees the person, with a model that reads no image."""

import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from calibration.skeleton import load_skeleton
from calibration.synthetic.synthetic import RigPlan, make_rig
from engine.errors import ModelMissingError
from engine.frames import FrameSet
from engine.inference.patch import Crop, camera_from_world, patch_from_camera
from engine.live.cameras import LiveSource
from engine.live.live import Live
from engine.live.single_view import MAX_FRAMESETS, LiveMonocular
from engine.monocular.guessed_room import is_guessed
from engine.poses import PoseSet3D
from engine.reconstruction.reconstruct import Reconstruct
from tests.support.fake_models import FakeMonocularEstimator, FakeWalkerEstimator
from tests.support.live_cameras import ScriptedCamera, make_image
from tests.support.monocular import LIMB, MODEL_SKELETON, build_body_pairs, film_walk
from tests.support.patience import PATIENCE_S, PATIENT_LIVE, wait_until
from tests.support.pose_recordings import make_pose_sets
from tests.support.scenes import make_poses_2d, make_square_rig

SKELETON = load_skeleton("blazepose_33")


def never(poses, _rig):
    return PoseSet3D(poses.index, poses.timestamp_ns, ())


def walked(lift, stage, rig, indices):
    """Carry framesets through; people found."""
    found = []
    images = [
        FrameSet(i, i, tuple(make_image(camera.name, i, i, (640, 480)) for camera in rig))
        for i in indices
    ]
    for frames in lift.buffer_images(images):
        poses = make_poses_2d(rig, frames.index)
        found.append(stage(poses, rig).people)
    return found


@pytest.fixture
def rig():
    return make_square_rig(1)


def test_a_network_is_exchanged_on_the_way_and_the_old_one_is_closed(rig):
    old, new = FakeMonocularEstimator("old (fake)"), FakeMonocularEstimator("new (fake)")
    serving = [old]
    lift = LiveMonocular(
        SKELETON, lambda _rig, have: serving[0] if serving[0].name != have else None, 1.75
    )
    stage = lift.fill_single_view(never)
    assert all(walked(lift, stage, rig, range(3)))
    lift.request_reload()  # the library says what it said before
    assert all(walked(lift, stage, rig, range(3, 6)))
    assert (old.call_count, old.closed) == (6, False)
    serving[0] = new
    lift.request_reload()

    def changed():
        assert all(walked(lift, stage, rig, [6]))
        return lift.state().model == new.name

    assert wait_until(changed)
    assert old.closed
    assert not new.closed
    assert all(walked(lift, stage, rig, [7]))
    assert new.call_count
    assert lift.state().model == "new (fake)"
    assert lift.state().view == "cam_0"
    lift.close()
    lift.close()
    assert new.closed


def test_the_network_that_serves_a_new_rig_is_looked_for_aside(rig):
    first, second = FakeMonocularEstimator("first (fake)"), FakeMonocularEstimator("second (fake)")
    asked = []

    def make(rig, have):
        asked.append((rig, have))
        return first if rig is None else second

    lift = LiveMonocular(SKELETON, make, 1.75)
    stage = lift.fill_single_view(never)
    lift.request_model_for(rig)

    def changed():
        walked(lift, stage, rig, [0])
        return lift.state().model == second.name

    assert wait_until(changed)
    assert asked == [(None, ""), (rig, first.name)]
    assert first.closed
    lift.close()


def test_a_network_that_fails_is_said_and_used_no_more(rig):
    lifter = FakeMonocularEstimator()
    lift = LiveMonocular(SKELETON, lambda _rig, _have: lifter, 1.75)
    stage = lift.fill_single_view(never)
    lifter.fails = True
    assert walked(lift, stage, rig, range(3)) == [(), (), ()]
    assert lifter.call_count == 1
    assert lifter.closed
    assert "the runtime is gone" in lift.state().message


def test_a_network_that_cannot_be_loaded_leaves_the_one_there_is(rig):
    old, broken = FakeMonocularEstimator("old (fake)"), []

    def make(_rig, _have):
        if not broken:
            broken.append(1)
            return old
        broken.append(2)
        raise ModelMissingError("It is gone.")

    lift = LiveMonocular(SKELETON, make, 1.75)
    stage = lift.fill_single_view(never)
    lift.request_reload()

    def asked():
        assert all(walked(lift, stage, rig, [0]))
        return 2 in broken

    assert wait_until(asked)
    assert all(walked(lift, stage, rig, [0]))
    assert lift.state().model == old.name
    lift.close()


def test_while_several_cameras_see_the_person_the_network_looks_aside_now_and_then():
    rig, lifter = make_square_rig(2), FakeMonocularEstimator()
    lift = LiveMonocular(SKELETON, lambda _rig, _have: lifter, 1.75)
    stage = lift.fill_single_view(Reconstruct(SKELETON))
    for index in range(80):  # 2.7 s of motion, as fast as it goes: two batches at most
        images = FrameSet(
            index, index, tuple(make_image(c.name, index, index, (640, 480)) for c in rig)
        )
        for frames in lift.buffer_images([images]):
            assert stage(make_poses_2d(rig, frames.index), rig).people[0].view_count.max() == 2
    assert wait_until(lambda: lifter.call_count >= 1)
    lift.close()
    assert lifter.call_count <= 2
    assert lifter.closed
    assert lift.state().view == ""


def test_images_are_let_go_where_nobody_reconstructs_and_where_there_is_no_network(rig):
    lift = LiveMonocular(SKELETON, lambda _rig, _have: FakeMonocularEstimator(), None)
    images = [FrameSet(i, i, (make_image("cam_0", i, i),)) for i in range(20)]
    assert list(lift.buffer_images(images)) == images
    assert len(lift._frames) == MAX_FRAMESETS
    none = LiveMonocular(SKELETON, lambda _rig, _have: None, None)
    assert list(none.buffer_images(images)) == images
    assert len(none._frames) == 0


def test_without_a_network_the_state_says_why():
    def missing(_rig, _have):
        raise ModelMissingError("There is no network.")

    lift = LiveMonocular(SKELETON, missing, None)
    assert lift.state().message == "There is no network."
    assert lift.guess_rig(()) is None


def test_one_camera_alone_shows_the_person_in_a_room_that_is_made_up():
    camera, lifter = ScriptedCamera("webcam", 30.0), FakeMonocularEstimator()
    camera.size_wh = (640, 480)
    source = LiveSource(camera.name, "usb:webcam", camera)
    other, serving = FakeMonocularEstimator("other (fake)"), [lifter]
    live = Live(
        [source], FakeWalkerEstimator, PATIENT_LIVE, make_monocular=lambda _rig, _have: serving[0]
    )
    live.start()
    try:
        results = []

        def lifted():
            results.append(live.newest.take(PATIENCE_S))
            return bool(results[-1].poses_3d.people)

        assert wait_until(lifted)
        result = results[-1]
        assert result.rig is not None
        assert is_guessed(result.rig)
        person = result.poses_3d.people[0]
        assert person.track_id == 0
        assert set(person.view_count.tolist()) == {0, 1}
        ankles = person.xyz[SKELETON.indices(["left_ankle", "right_ankle"]), 2]
        assert 0.02 < ankles.min() < 0.15
        state = live.state()
        assert state.monocular.view == "webcam"
        assert state.calibration.rig is None  # a guess is no calibration
        serving[0] = other
        live.reload_monocular()
        assert wait_until(lambda: live.state().monocular.model == other.name)
    finally:
        assert live.close()
    assert lifter.closed
    assert other.closed
    assert wait_until(
        lambda: not [one.name for one in threading.enumerate() if "network for one" in one.name]
    )


class Knowing(FakeMonocularEstimator):
    """A network that knows the truth of the instant at hand."""

    def __init__(self, camera, xyz):
        super().__init__("knowing (fake)")
        self.camera, self.bodies, self.t = (
            camera,
            camera_from_world(build_body_pairs(xyz), camera),
            0,
        )

    def estimate(self, images):
        body = self.bodies[self.t]
        depth = body[MODEL_SKELETON.index("pelvis"), 2]
        uvw = [
            patch_from_camera(body, Crop(region, 128, self.camera), depth) for _, region in images
        ]
        return np.array(uvw), np.full((len(images), 16, 3), 0.02)


def test_before_a_camera_that_looks_down_the_person_is_set_upright_once_and_softly():
    cameras = make_rig(RigPlan(cameras=3), seed=4)  # the first looks down by 17.5 degrees
    camera, seen = cameras[0], film_walk(cameras, 6.0, fps=15)
    knowing = Knowing(camera, seen.xyz)
    lift = LiveMonocular(SKELETON, lambda _rig, _have: knowing, 1.75)
    feeds: Any = [
        SimpleNamespace(name=camera.name, state=lambda: SimpleNamespace(size_wh=camera.size_wh))
    ]
    stage, tilt_deg, moved_m, before = lift.fill_single_view(never), [], [], None
    for poses in make_pose_sets(seen.observations):
        knowing.t, rig = poses.index, lift.guess_rig(feeds)
        assert rig is not None
        image = make_image(camera.name, poses.index, poses.timestamp_ns, camera.size_wh)
        for _ in lift.buffer_images([FrameSet(poses.index, poses.timestamp_ns, (image,))]):
            people = stage(replace(poses, poses_by_view=poses.poses_by_view[:1]), rig).people
        xyz = people[0].xyz[LIMB] if people else None
        if xyz is not None and before is not None:
            moved_m.append(float(np.median(np.linalg.norm(xyz - before, axis=-1))))
        tilt_deg.append(float(np.degrees(np.arccos(rig[0].R[:, 2] @ camera.R[:, 2]))))
        before = xyz
    lift.close()
    assert tilt_deg[:40] == pytest.approx([tilt_deg[0]] * 40)
    assert tilt_deg[0] > 17
    assert tilt_deg[-1] < 4
    assert len(moved_m) > 50
    # Of a person who walks, per 67 ms, while the room is turned by 17 degrees in 0.6 s.
    assert max(moved_m) < 0.3
