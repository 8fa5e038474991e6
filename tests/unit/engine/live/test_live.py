"""A live run from start to close: nothing is left running, and no recording is lost."""

import threading
from dataclasses import replace

import pytest

from engine.capture.state import CameraPhase
from engine.errors import ModelMissingError, SessionError
from engine.live.cameras import LiveSource, make_camera_sources
from engine.live.live import Live
from engine.live.state import CalibrationPhase
from engine.session.session import Session, SessionFacts
from engine.stages import ThreadedPipeline
from tests.support.fake_models import FakeWalkerEstimator
from tests.support.ip_cameras import MjpegServer
from tests.support.live_cameras import ScriptedCamera
from tests.support.patience import PATIENCE_S, PATIENT_LIVE, PATIENT_NETWORK, wait_until
from tests.support.scenes import make_square_rig

OURS = ("camera", "record", "estimate", "reconstruct", "calibration", "look")


def threads():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(OURS)]


def none_is_left():
    return wait_until(lambda: not threads())


@pytest.fixture
def cameras():
    return ScriptedCamera("left", 30.0), ScriptedCamera("right", 30.0)


@pytest.fixture
def live(cameras):
    made = Live(sources(cameras), FakeWalkerEstimator, PATIENT_LIVE)
    yield made
    made.close()
    assert none_is_left()


def sources(cameras):
    return [LiveSource(camera.name, f"usb:{camera.name}", camera) for camera in cameras]


def test_people_are_seen_in_every_camera(live):
    live.start()
    seen = (
        [len(view) for view in live.newest.take(PATIENCE_S).poses_2d.poses_by_view]
        for _ in range(50)
    )
    assert [1, 1] in seen  # on a busy machine the first instants may lack an image
    assert wait_until(lambda: [one.phase for one in live.state().cameras] == [CameraPhase.LIVE] * 2)
    assert live.skeleton is not None


def test_a_recording_that_runs_when_everything_is_closed_is_finished(live, tmp_path):
    live.start()
    live.newest.take(PATIENCE_S)
    live.start_recording(tmp_path / "take", SessionFacts())
    assert wait_until(lambda: live.state().recording.frames > 10)
    assert live.close()
    session = Session.open(tmp_path / "take")
    assert session.finished
    assert {camera.name for camera in session.cameras} == {"left", "right"}
    assert session.facts.sources == ("usb:left", "usb:right")


def test_two_recordings_at_a_time_are_refused_and_the_first_goes_on(live, tmp_path):
    live.start()
    live.start_recording(tmp_path / "one", SessionFacts())
    with pytest.raises(SessionError, match="runs already"):
        live.start_recording(tmp_path / "two", SessionFacts())
    assert live.is_recording
    assert not (tmp_path / "two").exists()
    done = live.stop_recording()
    assert done is not None
    assert done.path == str(tmp_path / "one")


def test_nothing_is_recorded_after_the_end(live, tmp_path):
    live.start()
    live.close()
    with pytest.raises(SessionError, match="were stopped"):
        live.start_recording(tmp_path / "late", SessionFacts())
    assert not (tmp_path / "late").exists()


def test_closing_while_the_network_is_loaded_begins_nothing(cameras):
    loading, loaded, networks = threading.Event(), threading.Event(), []

    def slow(views):
        loading.set()
        assert loaded.wait(PATIENCE_S)
        networks.append(FakeWalkerEstimator(views))
        return networks[-1]

    live = Live(sources(cameras), slow, PATIENT_LIVE)
    starter = threading.Thread(target=live.start)
    starter.start()
    assert loading.wait(PATIENCE_S)
    assert live.close()
    loaded.set()
    starter.join(PATIENCE_S)
    assert networks[0].closed
    assert live.closed
    assert none_is_left()


def test_starting_after_it_was_closed_opens_no_camera(cameras):
    live = Live(sources(cameras), FakeWalkerEstimator)
    live.close()
    live.start()
    assert [camera.opened for camera in cameras] == [0, 0]


def test_a_network_that_cannot_be_loaded_closes_the_cameras(cameras):
    def missing(_views):
        raise ModelMissingError("Run: epipole models pull blazepose")

    live = Live(sources(cameras), missing)
    with pytest.raises(ModelMissingError):
        live.start()
    assert none_is_left()


def test_a_camera_that_hangs_is_left_behind_and_the_others_are_closed(cameras):
    left, right = cameras
    live = Live(sources(cameras), FakeWalkerEstimator)
    live.start()
    live.newest.take(PATIENCE_S)
    left.hangs = True
    live.close()
    assert wait_until(right.closed.is_set)
    others = ("estimate", "reconstruct")
    assert wait_until(
        lambda: not [name for name in threads() if "right" in name or name.startswith(others)]
    )


def test_a_network_that_fails_ends_the_take_with_its_error(live, monkeypatch):
    def broken(self, frames):
        raise ValueError("out of order")

    monkeypatch.setattr(FakeWalkerEstimator, "__call__", broken)
    live.start()
    assert wait_until(lambda: live.over)
    assert isinstance(live.error, ValueError)


def test_cameras_that_come_to_their_end_end_the_take(live, cameras):
    live.start()
    live.newest.take(PATIENCE_S)
    for camera in cameras:
        camera.is_over = True
    assert wait_until(lambda: live.over)
    assert live.error is None
    assert {state.phase for state in live.state().cameras} == {CameraPhase.ENDED}


def test_a_rig_from_before_is_tested_first(live):
    live.start()
    live.newest.take(PATIENCE_S)
    rig = make_square_rig(2)
    named = tuple(replace(c, name=n, size_wh=(8, 6)) for c, n in zip(rig, live.names))
    live.use_rig(replace(rig, cameras=named), "from last time")
    assert wait_until(lambda: live.state().calibration.phase is CalibrationPhase.TESTING)
    assert live.newest.take(PATIENCE_S).rig is None


def test_a_take_that_is_just_beginning_never_looks_over(monkeypatch):
    seen = []
    with MjpegServer(size_wh=(640, 480)) as server:
        live = Live(
            make_camera_sources([server.address], network=PATIENT_NETWORK),
            FakeWalkerEstimator,
            PATIENT_LIVE,
        )
        start = ThreadedPipeline.start

        def watched(stages):
            seen.append(live.over)
            start(stages)
            seen.append(live.over)

        monkeypatch.setattr(ThreadedPipeline, "start", watched)
        live.start()
        seen.append(live.over)
        assert live.close()
    assert seen == [False, False, False]
