"""The rig in use while cameras run: tested first, then watched; calibrated if there is none."""

from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest

from calibration.rig import Rig
from calibration.self_calibrate import Calibration
from calibration.skeleton import load_skeleton
from calibration.synthetic.synthetic import (
    NETWORK_NOISE,
    RigPlan,
    find_room_middle,
    list_frameset_times,
    make_rig,
    observe,
)
from calibration.synthetic.walker import MOTIONS, Walker
from engine.capture.state import CameraPhase, CameraState
from engine.live.calibration_process import CalibrationOutcome
from engine.live.rig import CHECK_EVERY_NS, LiveRig
from engine.live.rig_check import CALIBRATE_AGAIN, RigCheck, RigFinding, RigVerdict
from engine.live.state import CalibrationPhase
from tests.support.patience import wait_until
from tests.support.pose_recordings import make_pose_sets
from tests.support.scenes import make_report

SKELETON = load_skeleton("blazepose_33")
CAMERAS = 3


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Let a few framesets suffice; how sure a check is, its own tests say."""
    monkeypatch.setattr("engine.live.rig_check.MIN_FRAMESETS", 40)


@cache
def true_rig() -> Rig:
    return make_rig(RigPlan(cameras=CAMERAS, identical_lenses=True), 2)


@cache
def walk(order=(0, 1, 2), late_ms=0.0):
    """Film a person with cameras that may be plugged in another order, or one of which lags."""
    rig = true_rig()
    if late_ms:
        rig = replace(
            rig, time_offset_ns={**rig.time_offset_ns, rig.names[1]: round(late_ms * 1e6)}
        )
    walker = Walker(1.75, find_room_middle(rig), 1.1, 0.4)
    seen = observe(
        rig, partial(MOTIONS["room"], walker), list_frameset_times(16, 10), NETWORK_NOISE, seed=5
    )
    sets = make_pose_sets(seen.observations)
    return [
        replace(
            poses,
            poses_by_view=tuple(poses.poses_by_view[v] for v in order),
            view_time_ns=tuple(poses.view_time_ns[v] for v in order),
        )
        for poses in sets
    ]


class SilentFeed:
    """As much of a camera as the rig asks for."""

    def __init__(self, name, size_wh):
        self.name, self.size_wh = name, size_wh

    def state(self):
        return CameraState(self.name, "", CameraPhase.LIVE, size_wh=self.size_wh)


class Solver:
    """Calibrates in no time: the answer is given beforehand."""

    def __init__(self, rig):
        self.rig, self.tasks, self.stopped = rig, [], False
        self.progress, self._answer = 0.0, None

    def start(self):
        pass

    def solve(self, task):
        self.tasks.append(task)
        judged = replace(make_report(self.rig), stature_m=task.options.stature_m)
        self._answer = CalibrationOutcome(
            task.number, Calibration(self.rig, judged, np.zeros((1, CAMERAS), bool))
        )

    def take_outcome(self):
        answer, self._answer = self._answer, None
        return answer

    def cancel(self):
        self._answer = None

    def stop(self):
        self.stopped = True


class Room:
    """Cameras, a person who walks, and the rig."""

    def __init__(self, rig=None, *, sizes=None, count=CAMERAS):
        true = true_rig()
        self.solver, self.rigs = Solver(rig or true), []
        sizes = sizes or [camera.size_wh for camera in true]
        self.feeds = [SilentFeed(name, size) for name, size in list(zip(true.names, sizes))[:count]]
        self.live = LiveRig(
            SKELETON,
            self.feeds,  # type: ignore[arg-type]
            1.75,
            lambda found, judged: self.rigs.append((found, judged)),
            lambda: self.solver,
        )

    def walk(self, sets, *, settle=True):
        for poses in sets:
            self.live.put(poses)
        if settle:
            assert wait_until(
                lambda: (
                    not (self.live._check_task._thread and self.live._check_task._thread.is_alive())
                )
            )
            self.live.put(sets[-1])
        return self.live.state()


@pytest.fixture
def room():
    made = Room()
    yield made
    made.live.close()


def moved(rig: Rig) -> Rig:
    """Turn the second camera: it was knocked."""
    camera, turn = rig[1], np.eye(4)
    angle = np.radians(9)
    turn[:3, :3] = [
        [np.cos(angle), 0, np.sin(angle)],
        [0, 1, 0],
        [-np.sin(angle), 0, np.cos(angle)],
    ]
    cameras = (
        rig[0],
        replace(camera, cam_from_world=turn @ camera.cam_from_world),
        *rig.cameras[2:],
    )
    return replace(rig, cameras=cameras)


def test_a_rig_from_before_is_used_only_after_the_cameras_agree_with_it(room):
    room.live.test(true_rig(), "from last time")
    sets = walk()
    seen = room.walk(sets[:10], settle=False)
    assert seen.phase is CalibrationPhase.TESTING
    assert 0.2 < seen.progress < 0.5
    assert room.live.rig() is None
    state = room.walk(sets[10:45])
    assert state.phase is CalibrationPhase.CALIBRATED
    assert state.rig_source == "from last time"
    assert room.live.rig() is not None
    assert not room.live.notices()
    assert not room.solver.tasks


def test_a_rig_of_cameras_that_were_moved_is_refused_in_a_sentence_and_the_calibration_goes_on(
    room,
):
    room.live.test(moved(true_rig()), "from last time")
    state = room.walk(walk()[:45])
    assert room.live.rig() is None
    assert state.phase is not CalibrationPhase.TESTING
    (sentence,) = room.live.notices()
    assert sentence.startswith("The rig from last time is not used.")
    assert true_rig().names[1] in sentence
    assert CALIBRATE_AGAIN not in sentence  # nobody has to press anything
    state = room.walk(walk()[45:], settle=False)
    assert room.solver.tasks
    assert state.phase is CalibrationPhase.CALIBRATED
    assert not room.live.notices()


def test_cameras_that_have_changed_places_are_noticed_and_the_rig_is_used_in_their_order(room):
    room.live.test(true_rig(), "from last time")
    room.walk(walk((1, 0, 2))[:45])
    rig = room.live.rig()
    assert rig is not None
    np.testing.assert_allclose(rig[0].centre, true_rig()[1].centre)
    np.testing.assert_allclose(rig[1].centre, true_rig()[0].centre)
    assert "changed places" in room.live.notices()[0]


def test_clocks_that_have_shifted_are_put_right_and_said(room):
    room.live.test(true_rig(), "from last time")
    room.walk(walk(late_ms=120.0)[:60])
    rig = room.live.rig()
    assert rig is not None
    assert rig.time_offset_ns[rig.names[1]] / 1e6 == pytest.approx(120, abs=25)
    assert "clocks have shifted" in room.live.notices()[0]


def test_the_clocks_of_a_rig_in_use_are_refined_from_the_bodys_motion(room, monkeypatch):
    monkeypatch.setattr("engine.live.rig.CHECK_EVERY_NS", 1_000_000_000)
    late = walk(late_ms=9.0)  # too little to doubt the rig
    room.live.test(true_rig(), "from last time")
    room.walk(late[:45])
    room.walk(late[45:])
    rig = room.live.rig()
    late_ms = (rig.time_offset_ns[rig.names[1]] - rig.time_offset_ns[rig.names[0]]) / 1e6
    assert late_ms == pytest.approx(9, abs=5)
    assert room.live.notices() == ()


def test_a_rig_for_images_of_another_size_is_refused_at_once():
    room = Room(sizes=[(320, 240)] * CAMERAS)
    room.live.test(true_rig(), "from 'old.toml'")
    state = room.walk(walk()[:2], settle=False)
    (sentence,) = room.live.notices()
    assert "from 'old.toml'" in sentence
    assert "320x240" in sentence
    assert state.phase is CalibrationPhase.WATCHING
    room.live.close()


def test_a_rig_that_is_opened_while_another_one_is_in_use_is_tested_too(room):
    room.live.test(true_rig(), "from last time")
    room.walk(walk()[:45])
    room.live.test(true_rig(), "from 'other.toml'")
    assert room.live.rig() is None
    assert room.live.state().phase is CalibrationPhase.TESTING
    state = room.walk(walk()[45:100])
    assert state.phase is CalibrationPhase.CALIBRATED
    assert state.rig_source == "from 'other.toml'"
    assert room.live.rig() is not None


def test_without_a_rig_it_is_calibrated_from_the_walk(room):
    state = room.walk(walk(), settle=False)
    assert state.phase is CalibrationPhase.CALIBRATED
    rig, judged = room.rigs[0]
    assert room.live.rig() is rig
    assert judged.stature_m == 1.75


def test_calibrating_anew_forgets_a_rig_from_a_file_and_what_is_seen_of_it(room):
    room.live.test(true_rig(), "from 'hall.toml'")
    room.walk(walk()[:45])
    room.live.recalibrate()
    assert room.live.rig() is None
    assert room.live.state().phase is CalibrationPhase.WATCHING
    assert room.walk(walk()[45:], settle=False).rig_source == "calibrated now"


def test_a_stature_that_is_typed_later_is_the_one_that_is_calibrated_with(room):
    room.walk(walk()[:3], settle=False)
    room.live.set_stature(1.62)
    room.walk(walk(), settle=False)
    assert room.solver.tasks[0].options.stature_m == 1.62


def test_a_stature_that_is_typed_before_the_first_image_is_not_forgotten(room):
    room.live.set_stature(1.62)
    room.walk(walk(), settle=False)
    assert room.solver.tasks[0].options.stature_m == 1.62


def test_a_camera_that_has_sent_nothing_yet_is_named():
    room = Room(sizes=[(640, 480), None, (640, 480)])
    state = room.walk(walk()[:3], settle=False)
    assert state.phase is CalibrationPhase.WATCHING
    assert f"Camera '{room.feeds[1].name}' has sent no image yet." in state.instruction
    room.live.close()


def test_one_camera_alone_is_never_calibrated():
    room = Room(count=1)
    assert room.live.state().phase is CalibrationPhase.OFF
    sets = [
        replace(p, poses_by_view=p.poses_by_view[:1], view_time_ns=p.view_time_ns[:1])
        for p in walk()[:20]
    ]
    state = room.walk(sets, settle=False)
    assert state.phase is CalibrationPhase.OFF
    assert "second camera" in state.instruction
    assert not room.solver.tasks
    room.live.close()


def test_a_rig_in_use_that_does_not_fit_any_more_is_said_once_it_is_sure(room, monkeypatch):
    room.walk(walk(), settle=False)
    nothing = np.full(CAMERAS, np.nan)
    wrong = RigFinding(RigVerdict.MOVED, "Camera 'b' was moved.", nothing, nothing)
    monkeypatch.setattr(RigCheck, "evaluate", lambda self: wrong)
    told = []
    for minute in (1, 2, 3):
        room.walk(
            [replace(p, timestamp_ns=p.timestamp_ns + minute * CHECK_EVERY_NS) for p in walk()[:45]]
        )
        told.append(room.live.notices())
    assert told[0] == ()
    assert told[-1] == ("Camera 'b' was moved.",)
    assert room.live.rig() is not None


def test_nothing_begins_after_it_was_closed(room):
    room.live.close()
    room.live.put(walk()[0])
    assert room.live._calibration is None


def test_closing_ends_the_calibration(room):
    room.walk(walk()[:5], settle=False)
    room.live.close()
    assert room.solver.stopped
