"""A live recording: no one waits for the disk, and each fault of it is reported."""

import shutil
import subprocess
import threading
from dataclasses import replace

import numpy as np
import pytest

from calibration.rig import Camera, Rig
from calibration.skeleton import load_skeleton
from engine.errors import SessionError
from engine.offline.footage import open_inputs
from engine.session.live_recorder import LiveRecording, RecordedCamera
from engine.session.repair import repair
from engine.session.session import Session, SessionFacts
from tests.support.patience import PATIENCE_S, wait_until
from tests.support.pose_sets import make_pose_sets_2d, make_pose_sets_3d
from tests.support.recordings import RECORD_FOREVER, block_writes, jpeg_frame, start_process

SKELETON = load_skeleton("blazepose_33")
CAMERAS = tuple(RecordedCamera(name, f"rtsp://me:secret@{name}/1", None, 30.0) for name in "abc")


@pytest.fixture
def recording(tmp_path):
    made = LiveRecording(tmp_path / "s", SessionFacts(sources=("rtsp://me:secret@a/1",)), CAMERAS)
    yield made
    made.close()


def free(monkeypatch, count):
    monkeypatch.setattr("engine.session.disk_gauge.free_bytes", lambda path: count)


def send(recording, names, numbers):
    for number in numbers:
        for name in names:
            recording.tap(name)(jpeg_frame(number, name))


def test_a_take_with_a_late_a_silent_and_a_returning_camera_opens_as_it_was(recording, tmp_path):
    send(recording, "a", range(10))
    send(recording, "ab", [*range(10, 15), *range(20, 30)])
    state = recording.close()
    assert (state.frames, state.lost, state.message) == (40, 0, "")
    session = Session.open(tmp_path / "s")
    assert [camera.start_ns for camera in session.cameras] == [
        jpeg_frame(0).timestamp_ns,
        jpeg_frame(10).timestamp_ns,
        None,
    ]
    assert session.remarks == ("Camera 'c' sent no image while 's' was recorded.",)
    with open_inputs([tmp_path / "s"]) as footage:
        assert footage.view_names == ("a", "b")
        framesets = list(footage.read_framesets())
    seen = [tuple(frame and frame.sequence for frame in frameset.frames) for frameset in framesets]
    none = [(None, None)] * 5
    assert seen == [
        *((n, None) for n in range(10)),
        *((n, n) for n in range(10, 15)),
        *none,
        *((n, n) for n in range(20, 30)),
    ]
    assert framesets[0].timestamp_ns == jpeg_frame(0).timestamp_ns


def test_a_camera_that_was_there_but_gave_the_take_no_image_is_named(tmp_path):
    known = [RecordedCamera(name, f"usb:{name}", (64, 48), 30.0) for name in "ab"]
    recording = LiveRecording(tmp_path / "s", SessionFacts(), known)
    send(recording, "a", range(3))
    state = recording.close()
    assert state.silent_cameras == ("b",)
    assert state.silence_messages[0].startswith("Camera 'b' gave no image")
    assert Session.open(tmp_path / "s").remarks == (
        "Camera 'b' sent no image while 's' was recorded.",
    )


def test_a_camera_may_be_added_while_the_take_runs(recording, tmp_path):
    send(recording, "a", range(5))
    recording.add_camera(RecordedCamera("d", "usb:d"))
    send(recording, "ad", range(5, 20))
    recording.close()
    session = Session.open(tmp_path / "s")
    assert [camera.name for camera in session.cameras] == ["a", "b", "c", "d"]
    assert session.cameras[3].size_wh == (64, 48)
    assert session.cameras[3].rate_fps == 30.0


def test_no_password_reaches_the_session(recording, tmp_path):
    recording.close()
    assert "secret" not in (tmp_path / "s" / "session.toml").read_text()


def test_the_time_of_day_is_in_the_session(recording, tmp_path):
    recording.close()
    assert Session.open(tmp_path / "s").facts.utc_offset_ns is not None


def test_a_disk_that_stands_still_makes_nobody_wait_and_the_take_lossy(
    recording, tmp_path, monkeypatch
):
    monkeypatch.setattr("engine.session.camera_recorder.CAPACITY", 4)
    goes_on = block_writes(monkeypatch)
    send(recording, "ab", range(40))
    assert recording.state().lost > 60
    goes_on.set()
    lost = recording.close().lost
    session = Session.open(tmp_path / "s")
    assert session.finished
    assert f"'a' {lost // 2}" in session.remarks[0]
    assert "is lossy" in session.remarks[0]
    assert sum(not row.kept for row in session.ledger(session.cameras[0])) == lost // 2


def test_poses_and_rig_are_kept_and_count_from_the_first_instant_of_the_take(recording, tmp_path):
    recording.open_pose_files(SKELETON, "abc")
    rig = Rig(tuple(Camera(name, (64, 48), np.diag([60.0, 60.0, 1.0])) for name in "abc"))
    flat, room = make_pose_sets_2d(30), make_pose_sets_3d(30)
    recording.put_matched(replace(flat[19], index=19))
    for number in range(20, 30):
        recording.put_raw(flat[number])
        recording.put_matched(flat[number])
        recording.put_poses_3d(room[number])
    recording.put_poses_3d(room[3])  # an instant from before the take
    recording.write_rig(rig)
    recording.close()
    session = Session.open(tmp_path / "s")
    assert [poses.index for poses in session.poses_2d_raw()] == list(range(1, 11))
    assert [poses.index for poses in session.poses_2d()] == list(range(11))
    assert [poses.index for poses in session.poses_3d()] == list(range(1, 11))
    assert session.start_ns() == flat[19].timestamp_ns
    assert session.rig().names == ("a", "b", "c")


def test_poses_wait_for_no_disk_and_the_lost_ones_are_counted(recording, monkeypatch):
    goes_on, began = threading.Event(), threading.Event()

    def still(self, poses, *, now):
        began.set()
        goes_on.wait(PATIENCE_S)

    monkeypatch.setattr("engine.session.pose_files.PoseWriter.put", still)
    monkeypatch.setattr(recording._waiting, "_capacity", 3)
    recording.open_pose_files(SKELETON, "abc")
    poses = make_pose_sets_2d(1)[0]
    recording.put_raw(poses)
    assert began.wait(PATIENCE_S)
    for _ in range(10):
        recording.put_raw(poses)
    assert recording.poses_lost == 7
    goes_on.set()
    assert "7 poses were not kept" in recording.close().message


def test_poses_of_other_views_are_counted_and_the_take_goes_on(recording, tmp_path):
    recording.open_pose_files(SKELETON, "abc")
    recording.put_raw(make_pose_sets_2d(1, view_count=2)[0])
    recording.put_raw(make_pose_sets_2d(1)[0])
    recording.close()
    assert recording.poses_lost == 1
    assert len(list(Session.open(tmp_path / "s").poses_2d_raw())) == 1


def test_poses_before_their_files_are_open_are_nobodys(recording):
    recording.put_raw(make_pose_sets_2d(1)[0])
    recording.put_matched(make_pose_sets_2d(1)[0])
    recording.put_poses_3d(make_pose_sets_3d(1)[0])
    assert recording.close().message == ""


def test_a_disk_that_is_nearly_full_is_said_in_time(recording, monkeypatch):
    free(monkeypatch, 500 << 20)
    assert wait_until(lambda: "is nearly full" in recording.state().message)
    assert not recording.ended


def test_a_disk_that_is_full_ends_the_take_while_its_files_can_be_finished(
    recording, tmp_path, monkeypatch
):
    send(recording, "abc", range(10))
    free(monkeypatch, 1 << 20)
    assert wait_until(lambda: recording.ended)
    send(recording, "abc", range(10, 20))  # the cameras go on
    state = recording.close()
    assert "the recording was stopped, and everything until now is kept" in state.message
    assert state.lost == 0
    session = Session.open(tmp_path / "s")
    assert session.finished
    assert session.remarks == ()
    with open_inputs([tmp_path / "s"]) as footage:
        assert sum(None not in frameset.frames for frameset in footage.read_framesets()) == 10


def test_a_full_disk_is_refused_before_a_folder_is_made(tmp_path, monkeypatch):
    free(monkeypatch, 1 << 20)
    with pytest.raises(SessionError, match="only 1 MB left: nothing was recorded"):
        LiveRecording(tmp_path / "s", SessionFacts(), CAMERAS)
    assert not (tmp_path / "s").exists()


def test_a_disk_that_refuses_ends_the_take_with_a_sentence_and_keeps_what_is_there(tmp_path):
    process = start_process(RECORD_FOREVER, tmp_path / "s", limit_bytes=100_000)
    said = next(line for line in process.stdout if "cannot be written" in line)
    process.kill()
    process.communicate()
    assert "File too large. What was written before is kept" in said
    repair(tmp_path / "s")
    with open_inputs([tmp_path / "s"]) as footage:
        assert sum(None not in frameset.frames for frameset in footage.read_framesets()) > 5


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of 3 MB."""
    disk = tmp_path / "tiny"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)],
        check=False,
        capture_output=True,
    )
    if made.returncode:
        pytest.skip("a small disk may be mounted by root only")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.skipif(shutil.which("mount") is None, reason="needs mount")
def test_a_disk_that_another_program_fills_keeps_what_was_there_and_opens(tiny_disk, monkeypatch):
    monkeypatch.setattr("engine.session.disk_gauge.RESERVED_BYTES", 0)
    recording = LiveRecording(tiny_disk / "s", SessionFacts(), CAMERAS)
    recording.open_pose_files(SKELETON, "abc")
    numbers, poses = iter(range(100_000)), make_pose_sets_2d(1)[0]

    def filled():
        number = next(numbers)
        recording.put_raw(replace(poses, index=number))
        for name in "abc":
            recording.tap(name)(jpeg_frame(number, name, (640, 480)))
        return recording.ended

    assert wait_until(filled, 3 * PATIENCE_S)
    assert "No space left on device. What was written" in recording.close().message
    shutil.move(tiny_disk / "s" / "poses_2d_raw.bin", tiny_disk.parent)  # makes room
    assert "has been repaired" in repair(tiny_disk / "s")[0]
    with open_inputs([tiny_disk / "s"]) as footage:
        assert sum(None not in frameset.frames for frameset in footage.read_framesets()) > 20


def test_a_ledger_that_the_disk_refuses_ends_the_take_and_the_images_stay(
    recording, tmp_path, monkeypatch
):
    send(recording, "ab", range(10))
    assert wait_until(lambda: recording.state().frames == 20)

    def full(self, row, *, now):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.ledger.LedgerWriter.put", full)
    send(recording, "ab", range(10, 12))
    assert wait_until(lambda: recording.ended)
    assert "No space left on device" in recording.close().message
    monkeypatch.undo()
    repair(tmp_path / "s")
    with open_inputs([tmp_path / "s"]) as footage:
        assert sum(None not in frameset.frames[:2] for frameset in footage.read_framesets()) >= 10


def test_how_long_the_disk_lasts_is_known_after_a_moment(recording, monkeypatch):
    free(monkeypatch, 100 << 30)
    numbers = iter(range(10_000))

    def known():
        send(recording, "a", [next(numbers)])
        return recording.state().disk_left_s > 60

    assert wait_until(known)


def test_no_thread_is_left_and_closing_twice_is_fine(tmp_path):
    before = set(threading.enumerate())
    recording = LiveRecording(tmp_path / "s", SessionFacts(), CAMERAS)
    send(recording, "abc", range(5))
    assert recording.close() == recording.close()
    assert set(threading.enumerate()) <= before
    assert recording.ended


def test_nothing_is_added_to_a_take_that_is_over(recording, tmp_path):
    recording.close()
    before = (tmp_path / "s" / "session.toml").read_bytes()
    for adding in (
        lambda: recording.add_camera(CAMERAS[0]),
        lambda: recording.open_pose_files(SKELETON, "abc"),
        lambda: recording.update(SessionFacts()),
    ):
        with pytest.raises(SessionError, match="is over"):
            adding()
    assert (tmp_path / "s" / "session.toml").read_bytes() == before


def test_a_view_with_a_very_long_name_finds_a_file(tmp_path):
    name = "ä" * 300
    recording = LiveRecording(tmp_path / "s", SessionFacts(), [RecordedCamera(name, "usb:1")])
    recording.tap(name)(jpeg_frame(0))
    assert recording.close().message == ""
    assert Session.open(tmp_path / "s").cameras[0].name == name


def test_a_folder_that_holds_something_is_refused_and_no_thread_is_left(tmp_path):
    before = set(threading.enumerate())
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "x").touch()
    with pytest.raises(SessionError, match="never overwritten"):
        LiveRecording(tmp_path / "s", SessionFacts(), CAMERAS)
    assert set(threading.enumerate()) <= before


def test_the_measured_rate_is_in_the_session_before_the_take_ends(tmp_path):
    busy = RecordedCamera("a", "usb:a", None, 57.3)  # as measured while images came in a burst
    recording = LiveRecording(tmp_path / "s", SessionFacts(), [busy])
    send(recording, "a", range(30))
    assert wait_until(
        lambda: Session.open(tmp_path / "s").cameras[0].rate_fps == pytest.approx(30, abs=0.01)
    )
    recording.close()
