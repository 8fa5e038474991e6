"""The buttons of the live window do what they say, with cameras on the loopback and no model."""

import threading
from dataclasses import replace

import pytest

from app import requests
from app.control.controller import dispatch
from app.control.live import LiveControl
from app.settings import Settings, load_settings
from calibration.rig import Rig, save_rig
from engine.capture.state import CameraPhase
from engine.live.state import CalibrationPhase
from engine.session.session import Session
from tests.support.controls import PATIENT_LIMITS, tick
from tests.support.fake_models import FakeWalkerEstimator
from tests.support.ip_cameras import MjpegServer
from tests.support.patience import wait_until
from tests.support.scenes import make_square_rig


@pytest.fixture
def servers():
    with MjpegServer(size_wh=(640, 480)) as one, MjpegServer(size_wh=(640, 480)) as other:
        yield one, other


@pytest.fixture
def control(tmp_path):
    made = LiveControl(
        Settings(sessions=str(tmp_path / "takes"), countdown_s=0),
        tmp_path / "settings.toml",
        FakeWalkerEstimator,
        limits=PATIENT_LIMITS,
    )
    yield made
    assert made.close()
    ours = ("camera", "record", "estimate")
    assert wait_until(
        lambda: not [thread for thread in threading.enumerate() if thread.name.startswith(ours)]
    )


def cameras(control):
    return tick(control)[0].cameras


def is_live(control, count):
    return lambda: [camera.phase for camera in cameras(control)] == [CameraPhase.LIVE] * count


def started(control, servers):
    control.start(tuple(server.address for server in servers))
    assert wait_until(is_live(control, len(servers)))


def told(control, words):
    return lambda: (notice := tick(control)[2].notice) is not None and words in notice.text


def test_cameras_that_are_added_are_seen_with_the_person_in_them(control, servers):
    dispatch(control.handlers, requests.AddCamera(servers[0].address))
    assert wait_until(is_live(control, 1))
    dispatch(control.handlers, requests.AddCamera(servers[1].address))
    assert wait_until(is_live(control, 2))
    assert wait_until(lambda: tick(control)[1] is not None)
    result = tick(control)[1]
    assert len(result.frames.frames) == 2
    assert tick(control)[2].running


def test_cameras_rest_when_they_are_stopped_and_are_remembered(control, servers, tmp_path):
    started(control, servers)
    dispatch(control.handlers, requests.Stop())
    assert wait_until(lambda: not tick(control)[2].running)
    assert wait_until(
        lambda: [camera.phase for camera in cameras(control)] == [CameraPhase.ENDED] * 2
    )
    control.update_settings()
    assert wait_until(lambda: len(load_settings(tmp_path / "settings.toml")[0].cameras) == 2)


def test_a_wrong_address_is_said_and_changes_nothing(control, servers):
    started(control, servers)
    dispatch(control.handlers, requests.AddCamera("telnet://somewhere"))
    assert wait_until(told(control, "telnet://somewhere"))
    assert wait_until(is_live(control, 2))


def test_a_camera_that_is_removed_is_gone(control, servers):
    started(control, servers)
    name = cameras(control)[0].name
    dispatch(control.handlers, requests.RemoveCamera(name))
    assert wait_until(is_live(control, 1))
    assert control.settings.cameras == (servers[1].address,)


def test_a_recording_keeps_every_camera_and_says_where_it_is(control, servers):
    started(control, servers)
    dispatch(control.handlers, requests.Record())
    assert wait_until(
        lambda: (state := tick(control)[0].recording) is not None and state.frames > 20
    )
    dispatch(control.handlers, requests.AddCamera("usb:0"))
    assert wait_until(told(control, "A recording is running"))
    dispatch(control.handlers, requests.StopRecording())
    assert wait_until(told(control, "Recorded"))
    path = next((control.settings.sessions_folder()).iterdir())
    session = Session.open(path)
    assert [camera.name for camera in session.cameras] == [
        camera.name for camera in cameras(control)
    ]
    assert session.finished
    assert len(list(session.poses_2d().sets_2d())) > 5


def test_a_countdown_runs_before_a_recording_and_can_be_ended(control, servers):
    started(control, servers)
    dispatch(control.handlers, requests.SetCountdown(20))
    dispatch(control.handlers, requests.Record())
    assert 15 < tick(control)[2].countdown_s <= 20
    dispatch(control.handlers, requests.StopRecording())
    assert tick(control)[2].countdown_s is None


def test_raised_hands_begin_and_end_a_recording_only_where_that_is_wanted(control, servers):
    started(control, servers)
    control.live.hands_raised_count += 1
    tick(control)
    dispatch(
        control.handlers, requests.SetStature(1.62)
    )  # done after whatever the hands might have begun
    assert wait_until(lambda: control.settings.stature_m == 1.62)
    assert not control.live.is_recording
    dispatch(control.handlers, requests.SetHandsFree(True))
    control.live.hands_raised_count += 1
    assert wait_until(lambda: tick(control)[0].recording is not None)
    control.live.hands_raised_count += 1
    assert wait_until(told(control, "Recorded"))


def test_the_rig_of_last_time_is_tested_before_it_is_used(control, servers, tmp_path):
    started(control, servers)
    names = [camera.name for camera in cameras(control)]
    rig = make_square_rig(2)
    rig = Rig(tuple(replace(camera, name=name) for camera, name in zip(rig.cameras, names)))
    save_rig(rig, tmp_path / "last.toml")
    dispatch(control.handlers, requests.Stop())
    control.update_settings(rig=str(tmp_path / "last.toml"))
    dispatch(control.handlers, requests.Start())
    assert wait_until(lambda: tick(control)[0].calibration.phase is CalibrationPhase.TESTING)
    assert tick(control)[0].calibration.rig is None


def test_no_password_is_ever_seen(control, tmp_path):
    with MjpegServer(size_wh=(640, 480), login="basic") as server:
        control.start(
            (server.address_of("/video", "me:secret@"), server.address_of("/other", "me:secret@"))
        )
        assert wait_until(lambda: len(cameras(control)) == 2)
        assert wait_until(lambda: any(camera.message for camera in cameras(control)))
        assert "secret" not in str(tick(control)[0])
        assert "secret" not in str(tick(control)[2])


def test_what_needs_cameras_says_so_where_there_are_none(control, tmp_path):
    dispatch(control.handlers, requests.SaveRig(tmp_path / "rig.toml"))
    assert wait_until(told(control, "Press Start"))
    dispatch(control.handlers, requests.DismissNotice())
    assert tick(control)[2].notice is None


def test_a_snapshot_starts_nothing(control, servers):
    started(control, servers)
    dispatch(control.handlers, requests.Record())
    for _ in range(3):
        control.snapshot()
    assert control.snapshot()[2].countdown_s is not None  # due since a while, and still waiting
    assert not control.live.is_recording
    assert wait_until(lambda: tick(control)[0].recording is not None)
