"""Interrupted sessions: each one opens, keeps all that reached the disk, and reports the rest."""

import random
import signal
from time import sleep

import av
import pytest

from calibration.skeleton import load_skeleton
from engine.disk import FolderLock
from engine.errors import SessionError
from engine.ledger import CUT_OFF, TOO_SLOW, LedgerRow, rewrite_ledger
from engine.offline.footage import open_inputs
from engine.session.camera_recorder import CameraRecorder
from engine.session.live_recorder import LiveRecording, RecordedCamera
from engine.session.repair import repair
from engine.session.session import Session, SessionFacts, read_manifest, replace_manifest
from tests.support.pose_sets import make_pose_sets_2d
from tests.support.recordings import FRAMES_IN_200_MS, RECORD_FOREVER, jpeg_frame, start_process

SKELETON = load_skeleton("blazepose_33")
COUNT = 12


@pytest.fixture
def broken(tmp_path):
    """A take of two cameras whose session.toml was never finished."""
    recording = LiveRecording(
        tmp_path / "s", SessionFacts(), [RecordedCamera(name, f"usb:{name}") for name in "ab"]
    )
    recording.open_pose_files(SKELETON, "abc")
    for number in range(COUNT):
        for name in "ab":
            recording.tap(name)(jpeg_frame(number, name, (160, 120)))
        recording.put_raw(make_pose_sets_2d(COUNT)[number])
    recording.close()
    change(tmp_path / "s", finished=False)
    return tmp_path / "s"


def change(path, **values):
    replace_manifest(path, {**read_manifest(path), **values})


def everything(path):
    return {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}


def packets(video):
    with av.open(str(video)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def seen(path):
    with open_inputs([path]) as footage:
        return [
            tuple(f and (f.sequence, f.timestamp_ns) for f in each.frames)
            for each in footage.read_framesets()
        ]


def moment(number):
    return number, jpeg_frame(number).timestamp_ns


def cut(file, count):
    file.write_bytes(file.read_bytes()[:-count])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_take_killed_at_a_random_moment_loses_a_fifth_of_a_second_at_most(tmp_path, seed):
    process = start_process(RECORD_FOREVER, tmp_path / "s")
    for _ in range(random.Random(seed).randint(1, 60)):
        sent = int(process.stdout.readline().split()[0]) + 1
    process.send_signal(signal.SIGKILL)
    process.communicate()
    Session.open(tmp_path / "s")
    said = repair(tmp_path / "s")
    session = Session.open(tmp_path / "s")
    assert session.remarks[: len(said)] == said
    for camera in session.cameras:
        rows = session.ledger(camera)
        assert sum(row.kept for row in rows) >= sent - FRAMES_IN_200_MS
        assert sent <= FRAMES_IN_200_MS or len(packets(session.path / camera.video)) == sum(
            row.kept for row in rows
        )
        assert [row.time_ns for row in rows] == [
            jpeg_frame(n).timestamp_ns for n in range(len(rows))
        ]


def test_a_whole_session_is_left_as_it_is(broken):
    change(broken, finished=True)
    before = everything(broken)
    assert repair(broken) == ()
    assert everything(broken) == before


def test_a_session_is_repaired_once(broken):
    assert (
        "interrupted after 0.4 s and has been repaired: 24 images of 2 cameras" in repair(broken)[0]
    )
    before = everything(broken)
    assert repair(broken) == ()
    assert everything(broken) == before


def test_opening_alone_changes_nothing(broken):
    cut(broken / "cameras" / "a.mkv", 300)
    before = everything(broken)
    with open_inputs([broken]) as footage:
        assert "was not finished" in footage.remarks[0]
        list(footage.read_framesets())
    assert everything(broken) == before


def test_a_session_that_is_being_recorded_is_left_alone(broken):
    before, hold = everything(broken), FolderLock(broken)
    assert "is being recorded at this moment" in repair(broken)[0]
    assert everything(broken) == before
    hold.release()
    assert "has been repaired" in repair(broken)[0]


def test_a_recording_holds_its_folder_until_it_ends(tmp_path):
    recording = LiveRecording(tmp_path / "s", SessionFacts(), [RecordedCamera("a", "usb:a")])
    assert "is being recorded at this moment" in repair(tmp_path / "s")[0]
    recording.close()
    assert repair(tmp_path / "s") == ()


def test_a_newer_session_is_not_touched(broken):
    change(broken, schema=9)
    before = everything(broken)
    with pytest.raises(SessionError, match="newer Epipole"):
        repair(broken)
    assert everything(broken) == before


def test_what_is_no_session_is_refused(tmp_path):
    with pytest.raises(SessionError, match="is no session"):
        repair(tmp_path)


def test_a_torn_image_is_reported_and_the_others_keep_their_times(broken):
    video = broken / "cameras" / "b.mkv"
    whole = packets(video)
    data = video.read_bytes()
    video.write_bytes(data[: data.index(whole[-1]) + 50])
    said = repair(broken)
    assert (
        "23 images of 2 cameras are there; the last images cannot be read: 'b' 1 (0.03 s)"
        in said[0]
    )
    assert Session.open(broken).ledger(Session.open(broken).cameras[1])[-1].why == CUT_OFF
    assert packets(video) == whole[:-1]
    assert seen(broken) == [
        *((moment(n), moment(n)) for n in range(COUNT - 1)),
        (moment(COUNT - 1), None),
    ]


def test_a_video_that_was_cut_off_gets_its_index_and_keeps_every_image(broken, tmp_path):
    video = broken / "cameras" / "a.mkv"
    recorder = CameraRecorder(tmp_path / "a", 30.0)
    for number in range(COUNT):
        recorder.put(jpeg_frame(number, "a", (160, 120)))
    while recorder.frames < COUNT:
        sleep(0.01)
    video.write_bytes((tmp_path / "a.mkv").read_bytes())  # as a kill would leave it
    recorder.close()
    before = packets(video)
    with av.open(str(video)) as container:
        assert not container.duration
    repair(broken)
    with av.open(str(video)) as container:
        assert container.duration == pytest.approx(COUNT / 30 * 1e6, rel=0.1)
    assert packets(video) == before
    assert len(before) == COUNT - 1


def test_a_video_is_kept_as_it_is_where_there_is_no_room_for_a_second_one(broken, monkeypatch):
    monkeypatch.setattr("engine.session.repair_video._has_index", lambda container: False)
    monkeypatch.setattr("engine.session.repair_video.SPARE_BYTES", 1 << 60)
    video = broken / "cameras" / "a.mkv"
    cut(video, 3000)
    before = video.read_bytes()
    repair(broken)
    assert video.read_bytes() == before


def test_a_video_that_is_damaged_in_its_middle_is_never_replaced_by_its_first_half(
    broken, monkeypatch
):
    monkeypatch.setattr("engine.session.repair_video._has_index", lambda container: False)
    monkeypatch.setattr("engine.session.repair_video.SLACK_BYTES", 0)
    video = broken / "cameras" / "a.mkv"
    at = video.read_bytes().index(packets(video)[3])
    monkeypatch.setattr("engine.session.repair_video._Images._next", _until(at))
    before = video.read_bytes()
    repair(broken)
    assert video.read_bytes() == before


def _until(at):
    """Read as if the file could not be read beyond a place."""

    def take(self):
        packet = next((packet for packet in self._packets if packet.size), None)
        return packet if packet is not None and packet.pos < at else None

    return take


def test_a_ledger_that_is_shorter_than_its_video_is_filled_up_from_the_stamps(broken):
    ledger = broken / "cameras" / "a.frames.csv"
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join(lines[:-3]) + lines[-3][:7])
    repair(broken)
    rows = Session.open(broken).ledger(Session.open(broken).cameras[0])
    assert [row.sequence for row in rows] == list(range(COUNT))
    assert all(row.kept for row in rows)
    assert all(
        abs(row.time_ns - jpeg_frame(n).timestamp_ns) <= 1_000_000 for n, row in enumerate(rows)
    )


@pytest.mark.parametrize("content", [None, b"", b"\0" * 600])
def test_a_ledger_that_is_gone_is_made_anew_to_the_millisecond(broken, content):
    ledger = broken / "cameras" / "a.frames.csv"
    ledger.unlink()
    if content is not None:
        ledger.write_bytes(content)
    repair(broken)
    assert len(seen(broken)) == COUNT
    times = Session.open(broken).frame_times(Session.open(broken).cameras[0]).time_ns
    assert all(
        abs(int(time_ns) - jpeg_frame(n).timestamp_ns) <= 1_000_000
        for n, time_ns in enumerate(times)
    )


def test_a_missing_video_is_said_its_ledger_stays_and_the_others_open(broken):
    (broken / "cameras" / "a.mkv").unlink()
    before = (broken / "cameras" / "a.frames.csv").read_bytes()
    repair(broken)
    assert (broken / "cameras" / "a.frames.csv").read_bytes() == before
    assert any(
        "video of camera 'a' is missing" in remark for remark in Session.open(broken).remarks
    )
    assert seen(broken) == [(moment(n),) for n in range(COUNT)]


@pytest.mark.parametrize("content", [b"", b"rubbish" * 1000])
def test_a_video_of_which_nothing_can_be_read_is_kept_and_left_out(broken, content):
    video = broken / "cameras" / "a.mkv"
    video.write_bytes(content)
    repair(broken)
    assert video.read_bytes() == content
    with open_inputs([broken]) as footage:
        assert footage.view_names == ("b",)
        assert "Camera 'a' is left out" in footage.remarks[-1]


def test_poses_lose_their_torn_end(broken):
    poses = broken / "poses_2d_raw.bin"
    cut(poses, 100)
    repair(broken)
    reader = Session.open(broken).poses_2d_raw()
    assert not reader.torn
    assert len(list(reader)) == COUNT - 1


def test_poses_without_their_first_line_are_gone_and_damaged_ones_are_said(broken):
    (broken / "poses_2d.bin").write_bytes(b'{"format": "epip')
    (broken / "poses_3d.bin").write_bytes(b"rubbish\n")
    assert "poses_3d.bin' is not a file of poses" in repair(broken)[-1]
    assert not (broken / "poses_2d.bin").exists()
    assert (broken / "poses_3d.bin").read_bytes() == b"rubbish\n"


def test_images_that_found_no_room_make_a_repaired_take_lossy(broken):
    ledger = broken / "cameras" / "b.frames.csv"
    session = Session.open(broken)
    lost = LedgerRow(COUNT, jpeg_frame(COUNT).timestamp_ns, (160, 120), kept=False, why=TOO_SLOW)
    rewrite_ledger(ledger, [*session.ledger(session.cameras[1]), lost])
    repair(broken)
    assert any("lossy" in remark and "'b' 1" in remark for remark in Session.open(broken).remarks)


def test_a_camera_that_ended_early_is_named(broken):
    video = broken / "cameras" / "a.mkv"
    data = video.read_bytes()
    video.write_bytes(data[: data.index(packets(video)[3])])
    assert any(
        "Camera 'a' ends 0.3 s before the last one" in sentence for sentence in repair(broken)
    )


def test_a_repair_that_was_broken_off_is_done_again(broken):
    (broken / "cameras" / "a.mkv.123.part").write_bytes(b"half")
    (broken / "session.toml.123.part").write_bytes(b"half")
    repair(broken)
    assert not list(broken.rglob("*.part"))


def test_a_disk_that_refuses_is_one_sentence_and_the_session_as_it_was(broken, monkeypatch):
    cut(broken / "cameras" / "a.frames.csv", 5)
    before = everything(broken)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.disk.os.fsync", full)
    with pytest.raises(SessionError, match="No space left"):
        repair(broken)
    assert everything(broken) == before


def test_what_the_manifest_says_beside_is_kept(broken):
    change(broken, from_a_later_version={"x": 1})
    repair(broken)
    assert read_manifest(broken)["from_a_later_version"] == {"x": 1}
