"""Recording a camera: JPEG as it came, everything else compressed, and a complete ledger."""

import weakref
from dataclasses import replace

import av
import cv2
import numpy as np
import pytest

from engine.errors import SessionError
from engine.frames import Frame, Jpeg
from engine.ledger import NEVER_CAME, TOO_SLOW, read_ledger
from engine.offline.footage import open_inputs
from engine.session.camera_recorder import MAX_LISTED_GAP, CameraRecorder
from engine.session.session import Session, SessionFacts
from engine.session.writer import SessionWriter
from tests.support.recordings import PERIOD_NS, START_NS, block_writes, jpeg_frame
from tests.support.videos import draw_picture


def record(path, frames, rate_fps=30.0):
    with SessionWriter(path, SessionFacts()) as writer:
        recorder = writer.record_camera("a", source="usb:1", size_wh=None, rate_fps=rate_fps)
        for frame in frames:
            recorder.put(frame)
    return Session.open(path)


def rows_of(session):
    return session.ledger(session.cameras[0])


def images_in(session):
    with av.open(str(session.path / session.cameras[0].video)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def test_jpeg_is_written_as_the_camera_sent_it_and_never_decoded(tmp_path, monkeypatch):
    frames = [jpeg_frame(number) for number in range(20)]
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("a frame was decoded"))
    monkeypatch.setattr(cv2, "imencode", lambda *_: pytest.fail("a frame was compressed again"))
    assert images_in(record(tmp_path / "s", frames)) == [frame.jpeg for frame in frames]


def test_jpeg_comes_back_with_its_exact_times(tmp_path):
    record(tmp_path / "s", [jpeg_frame(number) for number in range(20)])
    with open_inputs([tmp_path / "s"]) as footage:
        times = [frameset.frames[0].timestamp_ns for frameset in footage.read_framesets()]
    assert times == [jpeg_frame(number).timestamp_ns for number in range(20)]


def test_a_frame_of_another_size_is_in_the_ledger_and_not_in_the_video(tmp_path):
    sizes = [(64, 48), (64, 48), (32, 24), (64, 48)]
    session = record(
        tmp_path / "s", [jpeg_frame(number, size_wh=size) for number, size in enumerate(sizes)]
    )
    rows = rows_of(session)
    assert [row.kept for row in rows] == [True, True, False, True]
    assert (rows[2].size_wh, rows[2].why) == ((32, 24), "has another size than the first")
    assert len(images_in(session)) == 3
    assert session.cameras[0].size_wh == (64, 48)


def test_frames_out_of_order_and_times_that_do_not_rise_are_told_and_left_out(tmp_path):
    frames = [jpeg_frame(number) for number in (0, 1, 3, 2, 4)]
    frames += [
        replace(jpeg_frame(5), timestamp_ns=frames[-1].timestamp_ns),
        replace(jpeg_frame(6), timestamp_ns=START_NS),
        jpeg_frame(7),
    ]
    session = record(tmp_path / "s", frames)
    assert [(row.sequence, row.why) for row in rows_of(session)] == [
        (0, ""),
        (1, ""),
        (2, NEVER_CAME),
        (3, ""),
        (2, "came out of order"),
        (4, ""),
        (5, "timestamp not increasing"),
        (6, "timestamp not increasing"),
        (7, ""),
    ]
    with open_inputs([tmp_path / "s"]) as footage:
        seen = [f.frames[0].sequence for f in footage.read_framesets() if f.frames[0]]
    assert seen == [0, 1, 3, 4, 7]


def test_a_long_gap_is_one_line(tmp_path):
    rows = rows_of(record(tmp_path / "s", [jpeg_frame(0), jpeg_frame(10 * MAX_LISTED_GAP)]))
    assert len(rows) == 3
    assert f"the {10 * MAX_LISTED_GAP - 2} before it" in rows[1].why


@pytest.mark.parametrize("megabytes", [1, 3])
def test_what_waits_for_the_disk_is_bounded_in_bytes(tmp_path, monkeypatch, megabytes):
    goes_on = block_writes(monkeypatch)
    recorder = CameraRecorder(tmp_path / "a", 30.0)
    data = bytes(megabytes << 20)
    taken = [recorder.offer(Frame("a", n, n * PERIOD_NS, Jpeg(data, (64, 48)))) for n in range(60)]
    goes_on.set()
    recorder.close()
    assert 10 // megabytes < sum(taken) <= 22 // megabytes + 1
    assert recorder.lost == taken.count(False)


def test_a_frame_that_waits_does_not_keep_its_decoded_image(tmp_path, monkeypatch):
    goes_on = block_writes(monkeypatch)
    recorder = CameraRecorder(tmp_path / "a", 30.0)
    frames = [jpeg_frame(number) for number in range(3)]
    decoded = [weakref.ref(frame.image_bgr) for frame in frames]
    for frame in frames:
        recorder.offer(frame)
    del frame, frames
    assert [picture() for picture in decoded] == [None, None, None]
    goes_on.set()
    recorder.close()


def test_a_disk_that_stands_still_for_long_costs_frames_but_no_memory_and_the_ledger_says_why(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("engine.ledger.MAX_WAITING_ROWS", 5)
    monkeypatch.setattr("engine.session.camera_recorder.CAPACITY", 3)
    goes_on = block_writes(monkeypatch)
    recorder = CameraRecorder(tmp_path / "a", 30.0)
    taken = [recorder.offer(jpeg_frame(number)) for number in range(50)]
    goes_on.set()
    recorder.put(jpeg_frame(50))
    recorder.put(jpeg_frame(52))
    recorder.close()
    rows = read_ledger(tmp_path / "a.frames.csv")
    assert [row.sequence for row in rows] == list(range(53))
    assert [row.kept for row in rows] == [*taken, True, False, True]
    assert {row.why for row in rows[:50] if not row.kept} == {TOO_SLOW}
    assert sum(row.time_ns is not None for row in rows[:50] if not row.kept) == 5
    assert rows[51].why == NEVER_CAME


def test_a_camera_at_half_its_rate_has_the_measured_one_in_the_session(tmp_path):
    frames = [
        replace(jpeg_frame(number), timestamp_ns=START_NS + number * 2 * PERIOD_NS)
        for number in range(20)
    ]
    assert record(tmp_path / "s", frames).cameras[0].rate_fps == pytest.approx(15.0, rel=1e-3)


def test_a_nominal_rate_that_is_nearly_met_stays(tmp_path):
    frames = [jpeg_frame(number) for number in range(20)]
    assert record(tmp_path / "s", frames, rate_fps=29.97).cameras[0].rate_fps == 29.97


def test_frames_after_the_end_are_not_lost_ones(tmp_path):
    recorder = CameraRecorder(tmp_path / "a", 30.0)
    recorder.put(jpeg_frame(0))
    recorder.close()
    assert not recorder.offer(jpeg_frame(1))
    assert recorder.lost == 0


def test_what_cannot_be_compressed_ends_the_camera_with_a_message(tmp_path):
    recorder = CameraRecorder(tmp_path / "a", 30.0)
    recorder.put(Frame("a", 0, 0, np.zeros((4, 4, 2), np.uint8)))
    with pytest.raises(
        SessionError, match=r"a\.mkv' cannot be written.*other cameras are not affected"
    ):
        recorder.close()


def test_a_recorder_counts_what_it_wrote(tmp_path):
    frames = [jpeg_frame(number) for number in range(5)]
    recorder = CameraRecorder(tmp_path / "a", 30.0)
    for frame in frames:
        recorder.put(frame)
    recorder.close()
    assert (recorder.frames, recorder.bytes) == (5, sum(len(frame.jpeg) for frame in frames))
    assert (recorder.size_wh, recorder.start_ns) == ((64, 48), frames[0].timestamp_ns)


def test_raw_frames_are_compressed(tmp_path):
    session = record(
        tmp_path / "s", [Frame("a", n, n * PERIOD_NS, draw_picture(n)) for n in range(3)]
    )
    assert all(image.startswith(b"\xff\xd8") for image in images_in(session))
