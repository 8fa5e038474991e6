"""Requests at the wrong moment, and failures: a message, and the window goes on."""

import threading
from dataclasses import replace

import pytest

from app import requests
from app.control.cameras import STOPPED_MESSAGE
from app.control.controller import dispatch
from app.control.live import PLAYED_TO_END, LiveControl
from app.settings import Settings, load_settings
from calibration.rig import save_rig
from engine.capture.state import CameraPhase
from engine.errors import ModelMissingError
from engine.live.cameras import make_camera_sources
from engine.live.state import CalibrationPhase
from engine.session.library import Library
from engine.session.session import Session
from tests.support.controls import PATIENT_CAMERAS, PATIENT_LIMITS, tick
from tests.support.fake_models import FakeWalkerEstimator
from tests.support.ip_cameras import MjpegServer
from tests.support.patience import PATIENCE_S, wait_until
from tests.support.scenes import make_square_rig

OURS = ("camera", "record", "estimate", "reconstruct", "worker")


class Network:
    """Loads a network, as slowly or as badly as a test wants it."""

    def __init__(self):
        self.go, self.asked = threading.Event(), threading.Event()
        self.go.set()
        self.problem = None

    def __call__(self, views):
        self.asked.set()
        assert self.go.wait(PATIENCE_S)
        if self.problem:
            raise self.problem
        return FakeWalkerEstimator(views)


@pytest.fixture
def servers():
    with MjpegServer(size_wh=(640, 480)) as one, MjpegServer(size_wh=(640, 480)) as other:
        yield one, other


@pytest.fixture
def network():
    return Network()


@pytest.fixture
def limits():
    """Closing leaves behind what hangs, as in the program."""
    return PATIENT_CAMERAS


@pytest.fixture
def control(tmp_path, network, limits, monkeypatch):
    monkeypatch.setattr("app.control.rigs.rig_file", lambda: tmp_path / "last_rig.toml")
    settings = Settings(sessions=str(tmp_path / "takes"), countdown_s=0)
    made = LiveControl(settings, tmp_path / "settings.toml", network, limits=limits)
    yield made
    network.go.set()
    made.close()
    assert wait_until(
        lambda: not [thread for thread in threading.enumerate() if thread.name.startswith(OURS)]
    )


def state(control):
    return tick(control)[0]


def phases(control):
    return [camera.phase for camera in state(control).cameras]


def told(control, words):
    return wait_until(
        lambda: (notice := tick(control)[2].notice) is not None and words in notice.text
    )


def started(control, servers):
    control.start(tuple(server.address for server in servers))
    assert wait_until(lambda: phases(control) == [CameraPhase.LIVE] * len(servers))
    assert wait_until(
        lambda: tick(control)[1] is not None, 2 * PATIENCE_S
    )  # kernels may have to be compiled first


def test_hands_free_recording_is_off_until_somebody_wants_it(control):
    assert not tick(control)[2].hands_free


def test_asking_and_looking_never_wait_for_a_network_that_is_being_loaded(
    control, network, servers
):
    network.go.clear()
    control.start((servers[0].address,))
    assert network.asked.wait(PATIENCE_S)
    for request in (
        requests.SetStature(1.8),
        requests.SetCountdown(3),
        requests.Calibrate(),
        requests.Record(),
        requests.StopRecording(),
        requests.AddCamera(servers[1].address),
        requests.Reconnect("x"),
        requests.Stop(),
    ):
        dispatch(control.handlers, request)
        assert tick(control)[2].running
    assert not network.go.is_set()  # all of it came back while the worker was still at it


def test_cameras_that_are_being_opened_are_seen_before_they_are_open(
    control, network, servers, monkeypatch
):
    making, made = threading.Event(), threading.Event()

    def slow(addresses, network):
        making.set()
        assert made.wait(PATIENCE_S)
        return make_camera_sources(addresses, network=network)

    monkeypatch.setattr("app.control.live.make_camera_sources", slow)
    dispatch(control.handlers, requests.AddCamera(servers[0].address))
    assert making.wait(PATIENCE_S)
    shown, _, look = tick(control)
    made.set()
    assert [camera.phase for camera in shown.cameras] == [CameraPhase.OPENING]
    assert shown.calibration.headline == "Opening the cameras"
    assert look.running
    assert wait_until(lambda: phases(control) == [CameraPhase.LIVE])


def test_stop_during_start_leaves_the_cameras_at_rest(control, network, servers):
    network.go.clear()
    control.start((servers[0].address,))
    assert network.asked.wait(PATIENCE_S)
    dispatch(control.handlers, requests.Stop())
    network.go.set()
    assert wait_until(lambda: not tick(control)[2].running)
    assert phases(control) == [CameraPhase.ENDED]


def test_a_camera_that_is_added_while_others_start_runs_with_them(control, network, servers):
    network.go.clear()
    control.start((servers[0].address,))
    assert network.asked.wait(PATIENCE_S)
    dispatch(control.handlers, requests.AddCamera(servers[1].address))
    network.go.set()
    assert wait_until(lambda: phases(control) == [CameraPhase.LIVE] * 2)


def test_closing_while_the_network_is_loaded_leaves_nothing_behind(control, network, servers):
    network.go.clear()
    control.start((servers[0].address,))
    assert network.asked.wait(PATIENCE_S)
    control.close()
    assert control.live is None
    network.go.set()  # the fixture sees that every thread goes


def test_cameras_that_could_not_start_are_still_there_to_try_again(control, network, servers):
    network.problem = ModelMissingError("The model is missing. Run: epipole models pull blazepose")
    control.start(tuple(server.address for server in servers))
    assert told(control, "epipole models pull")
    assert phases(control) == [CameraPhase.ENDED] * 2
    network.problem = None
    dispatch(control.handlers, requests.Start())
    assert wait_until(lambda: phases(control) == [CameraPhase.LIVE] * 2)


def test_a_remembered_camera_that_is_gone_can_be_removed_and_the_others_start(
    control, servers, tmp_path
):
    gone = str(tmp_path / "gone.mp4")
    control.start((servers[0].address, gone))
    assert told(control, "There is no video")
    assert [camera.name for camera in state(control).cameras] == [servers[0].address, gone]
    dispatch(control.handlers, requests.RemoveCamera(gone))
    assert wait_until(lambda: len(state(control).cameras) == 1)
    dispatch(control.handlers, requests.Start())
    assert wait_until(lambda: phases(control) == [CameraPhase.LIVE])


def test_the_same_camera_twice_is_refused_in_a_sentence(control, servers):
    started(control, servers)
    dispatch(control.handlers, requests.AddCamera(servers[0].address))
    assert told(control, "is here already")
    assert wait_until(lambda: phases(control) == [CameraPhase.LIVE] * 2)


def test_one_webcam_in_two_modes_is_still_the_same_camera(control):
    control.update_settings(cameras=("usb:C920?mode=1280x720@30",))
    dispatch(control.handlers, requests.AddCamera("usb:C920"))
    assert told(control, "is here already")


def test_without_its_last_camera_the_window_is_empty_again(control, servers):
    started(control, servers[:1])
    dispatch(control.handlers, requests.RemoveCamera(state(control).cameras[0].name))
    assert wait_until(lambda: not state(control).cameras)
    assert wait_until(lambda: not tick(control)[2].running)
    assert tick(control)[2].title == ""
    assert control.settings.cameras == ()


def test_a_camera_that_is_removed_while_all_rest_does_not_come_back(control, servers):
    started(control, servers)
    dispatch(control.handlers, requests.Stop())
    assert wait_until(lambda: phases(control) == [CameraPhase.ENDED] * 2)
    assert {camera.message for camera in state(control).cameras} == {STOPPED_MESSAGE}
    dispatch(control.handlers, requests.RemoveCamera(state(control).cameras[0].name))
    assert wait_until(lambda: len(state(control).cameras) == 1)
    dispatch(control.handlers, requests.Start())
    assert wait_until(lambda: phases(control) == [CameraPhase.LIVE])


def test_recording_while_the_cameras_rest_says_what_to_do(control):
    dispatch(control.handlers, requests.Record())
    assert told(control, "Press Start to record")
    assert tick(control)[2].countdown_s is None


def test_a_countdown_ends_with_the_cameras(control, servers):
    started(control, servers)
    dispatch(control.handlers, requests.SetCountdown(20))
    dispatch(control.handlers, requests.Record())
    assert tick(control)[2].countdown_s is not None
    dispatch(control.handlers, requests.Stop())
    assert wait_until(lambda: tick(control)[2].countdown_s is None)


def test_record_pressed_twice_makes_one_recording(control, servers, tmp_path):
    started(control, servers)
    for _ in range(2):
        dispatch(control.handlers, requests.Record())
        tick(control)
    assert wait_until(lambda: (now := state(control).recording) is not None and now.frames > 5)
    assert tick(control)[2].notice is None
    dispatch(control.handlers, requests.StopRecording())
    assert told(control, "Recorded")
    assert len(list((tmp_path / "takes").iterdir())) == 1


def test_a_folder_that_cannot_be_written_is_said_and_the_cameras_go_on(control, servers, tmp_path):
    (tmp_path / "takes").write_text("a file where the folder should be")
    started(control, servers)
    dispatch(control.handlers, requests.Record())
    assert told(control, "takes")
    assert state(control).recording is None
    assert wait_until(lambda: phases(control) == [CameraPhase.LIVE] * 2)


@pytest.mark.parametrize("limits", [PATIENT_LIMITS], ids=["patient"])
def test_a_recording_that_runs_when_the_window_closes_is_finished_and_listed(
    control, servers, tmp_path
):
    started(control, servers)
    dispatch(control.handlers, requests.Record())
    assert wait_until(lambda: (now := state(control).recording) is not None and now.frames > 10)
    assert control.close()
    (summary,) = Library(tmp_path / "index.sqlite", [tmp_path / "takes"]).refresh()
    assert Session.open(summary.path).finished


def test_stopping_the_cameras_finishes_their_recording(control, servers, tmp_path):
    started(control, servers)
    dispatch(control.handlers, requests.Record())
    assert wait_until(lambda: (now := state(control).recording) is not None and now.frames > 10)
    dispatch(control.handlers, requests.Stop())
    assert told(control, "Recorded")
    assert Session.open(next((tmp_path / "takes").iterdir())).finished


def test_a_fault_of_the_network_is_told_once_and_start_tries_again(control, servers, monkeypatch):
    started(control, servers)

    def broken(self, frames):
        raise ValueError("a fault")

    with monkeypatch.context() as patched:
        patched.setattr(FakeWalkerEstimator, "__call__", broken)
        assert told(control, "Internal error")
        assert not tick(control)[2].running
    dispatch(control.handlers, requests.DismissNotice())
    for _ in range(5):
        assert tick(control)[2].notice is None
    dispatch(control.handlers, requests.Start())
    assert wait_until(
        lambda: tick(control)[2].running and phases(control) == [CameraPhase.LIVE] * 2
    )


def test_cameras_that_come_to_their_end_are_said_and_can_be_played_again(
    control, servers, monkeypatch
):
    started(control, servers)
    monkeypatch.setattr("engine.live.live.Live.over", property(lambda live: live.names != ()))
    assert told(control, PLAYED_TO_END)
    assert not tick(control)[2].running


def test_the_typed_stature_reaches_the_calibration_that_runs_and_is_remembered(
    control, servers, tmp_path
):
    started(control, servers)
    heard = []
    control.live.set_stature = heard.append
    dispatch(control.handlers, requests.SetStature(1.62))
    assert wait_until(lambda: heard == [1.62])
    assert wait_until(lambda: load_settings(tmp_path / "settings.toml")[0].stature_m == 1.62)


def rig_of(control, size_wh=(640, 480), count=2):
    rig = make_square_rig(count, size_wh=size_wh)
    return replace(
        rig, cameras=tuple(replace(c, name=one.name) for c, one in zip(rig, state(control).cameras))
    )


def test_a_rig_from_the_command_line_waits_until_every_camera_sends_images(
    control, network, servers, tmp_path
):
    save_rig(make_square_rig(2), tmp_path / "hall.toml")
    network.go.clear()
    control.start(tuple(server.address for server in servers))
    control.use_rig(tmp_path / "hall.toml")
    assert network.asked.wait(PATIENCE_S)
    network.go.set()
    assert wait_until(lambda: state(control).calibration.phase is CalibrationPhase.TESTING)
    assert tick(control)[2].notice is None


def test_a_rig_of_other_cameras_is_refused_in_a_sentence_that_names_both(
    control, servers, tmp_path
):
    started(control, servers)
    save_rig(make_square_rig(4), tmp_path / "hall.toml")
    dispatch(control.handlers, requests.OpenRig(tmp_path / "hall.toml"))
    assert told(control, "hall.toml")
    words = tick(control)[2].notice.text
    assert "4 cameras" in words
    assert state(control).cameras[0].name in words
    assert state(control).calibration.phase is not CalibrationPhase.TESTING


def test_a_rig_for_another_image_size_is_refused_in_a_sentence(control, servers, tmp_path):
    started(control, servers)
    save_rig(rig_of(control, size_wh=(1280, 720)), tmp_path / "hall.toml")
    dispatch(control.handlers, requests.OpenRig(tmp_path / "hall.toml"))
    assert told(control, "1280x720")


def test_calibrate_forgets_a_rig_that_was_opened(control, servers, tmp_path):
    started(control, servers)
    save_rig(rig_of(control), tmp_path / "hall.toml")
    dispatch(control.handlers, requests.OpenRig(tmp_path / "hall.toml"))
    assert wait_until(lambda: state(control).calibration.phase is CalibrationPhase.TESTING)
    dispatch(control.handlers, requests.Calibrate())
    assert wait_until(lambda: state(control).calibration.phase is CalibrationPhase.WATCHING)


def test_settings_that_cannot_be_kept_do_not_stop_the_window_from_closing(tmp_path, network):
    (tmp_path / "config").write_text("a file where the folder should be")
    store = tmp_path / "config" / "settings.toml"
    control = LiveControl(Settings(), store, network, limits=PATIENT_LIMITS)
    assert control.close()
