"""Sessions: a folder that is written as it happens and read whatever happened."""

import os
import resource
import signal
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from calibration.rig import Camera, Rig
from calibration.skeleton import load_skeleton
from engine.errors import SessionError
from engine.frames import Frame
from engine.offline.footage import open_inputs
from engine.session.session import Session, SessionFacts, is_session
from engine.session.writer import SessionWriter, tap
from tests.support.patience import PATIENCE_S
from tests.support.pose_sets import is_same_2d, is_same_3d, make_pose_sets_2d, make_pose_sets_3d
from tests.support.recordings import FRAMES_IN_200_MS
from tests.support.videos import draw_picture, make_steady_times, read_number, write_video

SKELETON = load_skeleton("blazepose_33")
PERIOD_NS = 33_333_333
START_NS = 86_400_000_000_123  # a day after the machine was started


def frame(number, camera="left"):
    return Frame(camera, number, START_NS + number * PERIOD_NS + number % 3, draw_picture(number))


def recorded(path, numbers, camera="left"):
    with SessionWriter(path, SessionFacts()) as writer:
        recorder = writer.record_camera(camera, source="usb:1", size_wh=(64, 48), rate_fps=30.0)
        for number in numbers:
            recorder.put(frame(number, camera))
    return Session.open(path)


def test_facts_come_back_as_they_were_written(tmp_path):
    facts = SessionFacts(
        sources=("rtsp://user:secret@door/1", "usb:0"),
        configuration={
            "smooth": {"cutoff_hz": np.float64(1.5), "joints": (1, 2)},
            "nothing": None,
            "where": Path("x"),
        },
        model={"name": "blazepose", "sha256": "ab"},
        stature_m=1.8,
        person="Anna",
        utc_offset_ns=1_795_000_000_000_000_001,
        created=datetime(2026, 11, 21, 8, 0, tzinfo=UTC),
    )
    SessionWriter(tmp_path / "s", facts).close()
    read = Session.open(tmp_path / "s").facts
    assert read.sources == ("rtsp://door/1", "usb:0")
    assert read.configuration == {"smooth": {"cutoff_hz": 1.5, "joints": [1, 2]}, "where": "x"}
    assert (read.person, read.model, read.stature_m, read.utc_offset_ns) == (
        "Anna",
        facts.model,
        1.8,
        facts.utc_offset_ns,
    )
    assert read.created == facts.created
    assert "secret" not in (tmp_path / "s" / "session.toml").read_text()


def test_a_recorded_camera_gives_its_frames_back_with_exact_times(tmp_path):
    recorded(tmp_path / "s", range(30))
    with open_inputs([tmp_path / "s"]) as footage:
        frames = [frameset.frames[0] for frameset in footage.read_framesets()]
    assert [f.timestamp_ns for f in frames] == [frame(n).timestamp_ns for n in range(30)]
    assert [f.sequence for f in frames] == list(range(30))
    assert [read_number(f.image_bgr) for f in frames] == list(range(30))


def test_frames_that_never_came_are_in_the_ledger(tmp_path):
    session = recorded(tmp_path / "s", [0, 1, 4])
    rows = session.ledger(session.cameras[0])
    assert [(row.sequence, row.kept, row.time_ns is None) for row in rows] == [
        (0, True, False),
        (1, True, False),
        (2, False, True),
        (3, False, True),
        (4, True, False),
    ]
    assert rows[2].why == "never came from the camera"
    with open_inputs([tmp_path / "s"]) as footage:
        numbers = [f.frames[0].sequence if f.frames[0] else None for f in footage.read_framesets()]
    assert numbers == [0, 1, None, None, 4]


def test_a_live_camera_never_waits_and_the_ledger_names_what_was_lost(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.session.camera_recorder.CAPACITY", 2)
    with SessionWriter(tmp_path / "s", SessionFacts()) as writer:
        recorder = writer.record_camera("left", source="usb:1", size_wh=(64, 48), rate_fps=30.0)
        taken = [recorder.offer(frame(number)) for number in range(300)]
    rows = Session.open(tmp_path / "s").ledger(Session.open(tmp_path / "s").cameras[0])
    assert recorder.lost == taken.count(False) > 0
    assert [row.kept for row in rows] == taken[: len(rows)]
    assert len(rows) == 300
    assert all(row.time_ns is not None for row in rows)
    assert {row.why for row in rows if not row.kept} == {"the disk was too slow"}


def test_a_copied_video_keeps_every_byte_of_its_packets(tmp_path):
    import av

    path = write_video(tmp_path / "a.mp4", make_steady_times(20))
    with SessionWriter(tmp_path / "s", SessionFacts()) as writer:
        writer.copy_video(path, "a")
    sizes = []
    for file in (path, tmp_path / "s" / "cameras" / "a.mkv"):
        with av.open(str(file)) as container:
            sizes.append([packet.size for packet in container.demux(video=0) if packet.size])
    assert sizes[0] == sizes[1]


def test_a_video_whose_stamps_do_not_rise_is_copied_whole(tmp_path):
    path = write_video(tmp_path / "a.mkv", [0, 1 / 30, 2 / 30, 2 / 30 + 0.0001, 4 / 30])
    with SessionWriter(tmp_path / "s", SessionFacts()) as writer:
        writer.copy_video(path, "a")
    camera = Session.open(tmp_path / "s").cameras[0]
    assert (tmp_path / "s" / camera.video).read_bytes() == path.read_bytes()
    assert camera.ledger == ""
    with open_inputs([tmp_path / "s"]) as footage:
        assert sum(f.frames[0] is not None for f in footage.read_framesets()) >= 4


def test_a_camera_copied_from_a_session_keeps_its_exact_times(tmp_path):
    recorded(tmp_path / "s", [0, 1, 4, 5])
    first = Session.open(tmp_path / "s")
    with SessionWriter(tmp_path / "t", SessionFacts()) as writer:
        writer.copy_camera(first, first.cameras[0])
    second = Session.open(tmp_path / "t")
    assert second.cameras == first.cameras
    assert second.ledger(second.cameras[0]) == first.ledger(first.cameras[0])
    with open_inputs([tmp_path / "t"]) as footage:
        times = [f.frames[0].timestamp_ns for f in footage.read_framesets() if f.frames[0]]
    assert times == [frame(n).timestamp_ns for n in (0, 1, 4, 5)]


def test_poses_and_rig_come_back(tmp_path):
    rig = Rig(tuple(Camera(name, (64, 48), np.diag([60.0, 60.0, 1.0])) for name in "abc"))
    raw, matched, room = (
        make_pose_sets_2d(10, seed=1),
        make_pose_sets_2d(10, seed=2),
        make_pose_sets_3d(10, seed=3),
    )
    with SessionWriter(tmp_path / "s", SessionFacts()) as writer:
        poses = writer.open_pose_files(SKELETON, rig.names)
        for one, two, three in zip(raw, matched, room):
            poses.raw_2d.put(one)
            poses.matched_2d.put(two)
            poses.room_3d.put(three)
        writer.write_rig(rig)
    session = Session.open(tmp_path / "s")
    assert session.rig().names == ("a", "b", "c")
    assert session.remarks == ()
    assert session.start_ns() == raw[0].timestamp_ns
    assert all(is_same_2d(a, b) for a, b in zip(raw, session.poses_2d_raw().sets_2d()))
    assert all(is_same_2d(a, b) for a, b in zip(matched, session.poses_2d().sets_2d()))
    assert all(is_same_3d(a, b) for a, b in zip(room, session.poses_3d().sets_3d()))


def test_a_tap_shows_a_stage_to_a_sink_and_changes_nothing():
    seen = []
    assert tap(lambda x: x + 1, seen.append)(4) == 5
    assert seen == [5]


def test_a_session_is_never_overwritten(tmp_path):
    recorded(tmp_path / "s", range(2))
    before = sorted((p, p.stat().st_mtime_ns) for p in (tmp_path / "s").rglob("*"))
    with pytest.raises(SessionError, match="never overwritten"):
        SessionWriter(tmp_path / "s", SessionFacts())
    assert before == sorted((p, p.stat().st_mtime_ns) for p in (tmp_path / "s").rglob("*"))


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "s").touch()
    with pytest.raises(SessionError, match="never overwritten"):
        SessionWriter(tmp_path / "s", SessionFacts())


def test_names_that_no_file_may_have_find_a_file(tmp_path):
    with SessionWriter(tmp_path / "s", SessionFacts()) as writer:
        for name in ("usb:1/2", "usb_1_2", "..", "Ü b.c"):
            recorder = writer.record_camera(name, source=name, size_wh=(64, 48), rate_fps=30.0)
            recorder.put(frame(0, name))
    session = Session.open(tmp_path / "s")
    assert [camera.name for camera in session.cameras] == ["usb:1/2", "usb_1_2", "..", "Ü b.c"]
    assert len({camera.video for camera in session.cameras}) == 4
    assert session.remarks == ()
    assert sorted(p.name for p in (tmp_path / "s").iterdir()) == ["cameras", "session.toml"]


def test_a_session_that_broke_off_says_so(tmp_path):
    with pytest.raises(RuntimeError), SessionWriter(tmp_path / "s", SessionFacts()):
        raise RuntimeError("in the middle")
    assert "was not finished" in Session.open(tmp_path / "s").remarks[0]


def test_a_missing_ledger_is_said_and_the_videos_own_times_are_used(tmp_path):
    session = recorded(tmp_path / "s", range(5))
    (tmp_path / "s" / session.cameras[0].ledger).unlink()
    with open_inputs([tmp_path / "s"]) as footage:
        times = [f.timestamp_ns for f in footage.read_framesets()]
        assert "ledger of camera 'left' is missing" in footage.remarks[0]
    assert times[0] == 0
    assert times[1] == pytest.approx(PERIOD_NS, abs=1e6)


def test_what_is_no_session_is_refused(tmp_path):
    assert not is_session(tmp_path)
    with pytest.raises(SessionError, match="is no session"):
        Session.open(tmp_path)
    with pytest.raises(SessionError, match="is no session"):
        Session.open(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "content",
    [
        "not toml [",
        "schema = 1\n",
        'schema = 1\nfinished = true\ncreated = 2026-01-01\n[[camera]]\nname = "a"\n',
    ],
)
def test_a_damaged_manifest_is_one_sentence(tmp_path, content):
    (tmp_path / "session.toml").write_text(content)
    with pytest.raises(SessionError, match="is damaged"):
        Session.open(tmp_path)


def test_a_newer_session_asks_for_an_update(tmp_path):
    (tmp_path / "session.toml").write_text("schema = 9\nunknown = 1\n")
    with pytest.raises(SessionError, match=r"newer Epipole \(schema 9.*Update"):
        Session.open(tmp_path)


def test_a_session_without_poses_says_what_to_do(tmp_path):
    SessionWriter(tmp_path / "s", SessionFacts()).close()
    session = Session.open(tmp_path / "s")
    for reading in (session.poses_3d, session.poses_2d, session.poses_2d_raw, session.start_ns):
        with pytest.raises(SessionError, match="Run track"):
            reading()
    with pytest.raises(SessionError, match="no rig"):
        session.rig()


def in_another_process(script, path, limit_bytes=None):
    """Run a script that records into `path`, as a process of its own."""
    header = (
        "import sys, time; sys.path.insert(0, '.')\n"
        "from tests.unit.engine.session.test_session import *\n"
        f"path = Path(r'{path}')\n"
    )
    limit = (
        (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes)))
        if limit_bytes
        else None
    )
    return subprocess.Popen(
        [sys.executable, "-c", header + script], stdout=subprocess.PIPE, text=True, preexec_fn=limit
    )


RECORD_FOR_EVER = """
writer = SessionWriter(path, SessionFacts())
recorder = writer.record_camera("left", source="usb:1", size_wh=(64, 48), rate_fps=30.0)
poses = writer.open_pose_files(SKELETON, ("left", "mid", "right"))
for number, made in enumerate(make_pose_sets_2d(3000)):
    recorder.put(frame(number)); poses.raw_2d.put(made)
    print(number, flush=True); time.sleep(0.015)
"""


def test_a_killed_recording_is_readable_up_to_the_last_frames(tmp_path):
    process = in_another_process(RECORD_FOR_EVER, tmp_path / "s")
    written = [int(process.stdout.readline()) for _ in range(60)][-1]
    process.send_signal(signal.SIGKILL)
    process.wait()
    session = Session.open(tmp_path / "s")
    assert "was not finished" in session.remarks[0]
    assert len(list(session.poses_2d_raw().sets_2d())) > written
    with open_inputs([tmp_path / "s"]) as footage:
        frames = [f.frames[0] for f in footage.read_framesets() if f.frames[0] is not None]
    assert len(frames) >= written - FRAMES_IN_200_MS
    assert [f.timestamp_ns for f in frames] == [frame(n).timestamp_ns for n in range(len(frames))]
    assert [read_number(f.image_bgr) for f in frames] == [n % 36 for n in range(len(frames))]


RECORD_UNTIL_FULL = """
try:
    with SessionWriter(path, SessionFacts()) as writer:
        recorder = writer.record_camera("left", source="usb:1", size_wh=(64, 48), rate_fps=30.0)
        for number in range(3000):
            recorder.put(frame(number))
except SessionError as error:
    print(error)
"""


def test_a_full_disk_ends_a_recording_with_a_sentence_and_keeps_what_it_has(tmp_path):
    process = in_another_process(RECORD_UNTIL_FULL, tmp_path / "s", limit_bytes=60_000)
    said = process.communicate(timeout=PATIENCE_S)[0]
    assert process.returncode == 0
    assert "left.mkv' cannot be written: File too large. What was written before is kept" in said
    session = Session.open(tmp_path / "s")
    assert "was not finished" in session.remarks[0]
    with open_inputs([tmp_path / "s"]) as footage:
        assert sum(f.frames[0] is not None for f in footage.read_framesets()) > 20


COPY_UNTIL_FULL = """
try:
    with SessionWriter(path, SessionFacts()) as writer:
        writer.copy_video(path.parent / "a.mp4", "a")
except SessionError as error:
    print(error)
"""


def test_a_full_disk_while_copying_leaves_no_litter(tmp_path):
    write_video(tmp_path / "a.mp4", make_steady_times(300), options={"movflags": "faststart"})
    process = in_another_process(COPY_UNTIL_FULL, tmp_path / "s", limit_bytes=6_000)
    assert "cannot be written: File too large" in process.communicate(timeout=PATIENCE_S)[0]
    assert list((tmp_path / "s" / "cameras").iterdir()) == []
    assert [p.name for p in (tmp_path / "s").iterdir() if p.suffix == ".part"] == []


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a folder that nobody may write to")
def test_a_read_only_folder_is_one_sentence():
    with pytest.raises(SessionError, match=r"/proc/.*cannot be written.*choose another folder"):
        SessionWriter(Path("/proc/epipole"), SessionFacts())


def test_a_disk_that_fills_up_leaves_the_old_manifest(tmp_path, monkeypatch):
    writer = SessionWriter(tmp_path / "s", SessionFacts(stature_m=1.7))
    before = (tmp_path / "s" / "session.toml").read_bytes()

    def full(descriptor):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("engine.disk.os.fsync", full)
    with pytest.raises(SessionError, match="No space left"):
        writer.update(SessionFacts(stature_m=1.9))
    assert (tmp_path / "s" / "session.toml").read_bytes() == before
    assert sorted(p.name for p in (tmp_path / "s").iterdir()) == ["cameras", "session.toml"]
    assert tomllib.loads(before.decode())["schema"] == 1


def test_a_manifest_that_was_cut_before_its_cameras_is_damaged(tmp_path):
    SessionWriter(tmp_path / "s", SessionFacts()).close()
    (tmp_path / "s" / "cameras" / "left.mkv").touch()
    with pytest.raises(SessionError, match="names no camera, though there are videos"):
        Session.open(tmp_path / "s")
