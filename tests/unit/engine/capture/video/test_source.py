"""Video files as sources: every kind a person may bring, and every file that is no video."""

import itertools
import os

import cv2
import numpy as np
import pytest

from engine.capture.video.source import VideoFileSource
from engine.errors import CameraError, CameraNotFoundError, UnreadableSourceError
from tests.support.videos import (
    draw_picture,
    make_steady_times,
    read_number,
    truncate_file,
    write_sound,
    write_video,
)


def frames_of(path, **kwargs):
    """All frames of a file, and its remarks at the end."""
    source = VideoFileSource(path, **kwargs)
    source.open()
    frames = []
    while (frame := source.read()) is not None:
        frames.append(frame)
    source.close()
    return frames, source.remarks


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("videos")


@pytest.fixture(scope="module")
def plain(folder):
    return write_video(folder / "plain.mp4", make_steady_times(40))


def test_frames_come_in_order_with_times_since_the_first(plain):
    frames, remarks = frames_of(plain)
    assert [frame.sequence for frame in frames] == list(range(40))
    assert [read_number(frame.image_bgr) for frame in frames[:36]] == list(range(36))
    times = np.array([frame.timestamp_ns for frame in frames])
    assert (
        np.abs(times - np.arange(40) * 1e9 / 30).max() < 12_000
    )  # ns: the file counts in 1/90000 s
    assert remarks == ()


def test_images_are_read_only_bgr_of_the_announced_size(plain):
    source = VideoFileSource(plain)
    source.open()
    frame = source.read()
    source.close()
    assert frame.size_wh == source.size_wh == (64, 48)
    assert not frame.image_bgr.flags.writeable
    assert frame.image_bgr.flags.c_contiguous
    red_corner = frame.image_bgr[3, 3].astype(int)
    assert red_corner[2] > 150
    assert red_corner[0] < 100


def test_the_name_is_the_stem_unless_given(plain):
    assert VideoFileSource(plain).name == "plain"
    assert VideoFileSource(plain, "left").name == "left"


def test_facts_are_known_once_open_and_not_before(plain):
    source = VideoFileSource(plain)
    with pytest.raises(ValueError, match="opened first"):
        _ = source.rate_fps
    source.open()
    assert (source.rate_fps, source.frame_count, source.live) == (30.0, 40, False)
    source.close()


@pytest.mark.parametrize(
    ("name", "codec", "fps", "expected"),
    [
        ("a.mkv", "libx264", 30, 30.0),
        ("b.mkv", "libx264", 30000 / 1001, 29.97),
        ("c.avi", "mjpeg", 30, 30.0),
        ("d.mkv", "mjpeg", 60, 60.0),
        ("e.webm", "libvpx-vp9", 25, 25.0),
    ],
)
def test_the_rate_is_found_through_any_container(folder, name, codec, fps, expected):
    source = VideoFileSource(write_video(folder / name, make_steady_times(60, fps), codec=codec))
    source.open()
    assert source.rate_fps == pytest.approx(expected, abs=0.001)
    source.close()


def test_a_file_that_starts_late_starts_at_zero(folder):
    frames, _ = frames_of(write_video(folder / "late.mp4", make_steady_times(5, start_s=7.0)))
    assert frames[0].timestamp_ns == 0


def test_a_dropped_frame_leaves_a_gap_in_time_and_the_rate_alone(folder):
    times_s = [t for i, t in enumerate(make_steady_times(40)) if i not in (5, 6)]
    path = write_video(folder / "drops.mp4", times_s)
    frames, remarks = frames_of(path)
    assert len(frames) == 38
    assert frames[5].timestamp_ns - frames[4].timestamp_ns == pytest.approx(1e8, abs=2e4)
    assert remarks == ()
    source = VideoFileSource(path)
    source.open()
    assert source.rate_fps == 30.0
    source.close()


def test_a_variable_rate_is_kept_and_said(folder):
    times_s = np.cumsum(np.where(np.arange(60) % 2, 1 / 20, 1 / 40))
    frames, remarks = frames_of(write_video(folder / "vfr.mp4", times_s.tolist()))
    expected_ns = (times_s - times_s[0]) * 1e9
    assert np.abs([f.timestamp_ns for f in frames] - expected_ns).max() < 12_000
    assert len(remarks) == 1
    assert "variable frame rate" in remarks[0]


@pytest.mark.parametrize(
    ("counter_clockwise_deg", "corner"),
    [(90, "bottom left"), (-90, "top right"), (180, "bottom right")],
)
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_rotation_flag_is_applied_and_a_mirror_flag_is_not(
    folder, counter_clockwise_deg, corner, mirrored
):
    path = folder / f"turned{counter_clockwise_deg}{mirrored}.mp4"
    frames, remarks = frames_of(
        write_video(
            path, make_steady_times(3), rotation_deg=counter_clockwise_deg, mirrored=mirrored
        )
    )
    image = frames[0].image_bgr.astype(int)
    height, width = image.shape[:2]
    assert (width, height) == ((64, 48) if counter_clockwise_deg == 180 else (48, 64))
    y = 3 if corner.startswith("top") else height - 4
    x = 3 if corner.endswith("left") else width - 4
    assert image[y, x, 2] - image[y, x, 0] > 80  # the red corner went there
    assert "rotation flag" in remarks[0]
    assert mirrored == any("mirror image" in remark for remark in remarks)


def test_a_source_can_be_opened_again_and_closed_twice(plain):
    source = VideoFileSource(plain)
    for _ in range(2):
        source.open()
        assert source.read().sequence == 0
        source.close()
        source.close()
    assert source.read() is None


def test_closing_in_the_middle_ends_the_decoder_thread(plain):
    source = VideoFileSource(plain)
    source.open()
    thread = source._thread
    source.read()
    source.close()
    assert not thread.is_alive()


def test_frames_with_repeated_stamps_are_spread_and_said(folder):
    frames, remarks = frames_of(
        write_video(folder / "twice.mkv", [0, 1 / 30, 2 / 30, 2 / 30 + 0.0001, 4 / 30, 5 / 30])
    )
    times = [frame.timestamp_ns for frame in frames]
    assert len(times) == 6
    assert all(a < b for a, b in itertools.pairwise(times))
    assert any("not increasing" in remark for remark in remarks)


def test_a_torn_tail_costs_the_tail_only_and_is_said(folder):
    whole = write_video(folder / "whole.mkv", make_steady_times(90))
    frames, remarks = frames_of(truncate_file(whole, folder / "torn.mkv", 0.6))
    assert 30 < len(frames) < 90
    assert [read_number(f.image_bgr) for f in frames[:30]] == list(range(30))
    assert len(remarks) == 1
    assert "of its 3.0 s can be read" in remarks[0]


def test_an_mp4_with_its_index_in_front_is_read_as_far_as_it_goes(folder):
    whole = write_video(
        folder / "front.mp4", make_steady_times(90), options={"movflags": "faststart"}
    )
    frames, remarks = frames_of(truncate_file(whole, folder / "front_torn.mp4", 0.6))
    assert 20 < len(frames) < 90
    assert "is damaged" in remarks[-1]


def test_damage_in_the_middle_is_left_out_and_said(folder):
    data = bytearray(
        write_video(
            folder / "middle.mp4", make_steady_times(90), options={"movflags": "faststart"}
        ).read_bytes()
    )
    middle = slice(len(data) // 2, len(data) // 2 + 400)
    data[middle] = bytes(byte ^ 0x5A for byte in data[middle])
    path = folder / "scratched.mp4"
    path.write_bytes(data)
    frames, remarks = frames_of(path)
    assert 40 < len(frames) < 90
    assert frames[-1].timestamp_ns == pytest.approx(
        89e9 / 30, abs=2e4
    )  # what lies beyond keeps its time
    assert "damaged pictures" in remarks[-1]


def refused(path):
    """The message that a file is refused with."""
    with pytest.raises(UnreadableSourceError) as caught:
        VideoFileSource(path).open()
    assert caught.value.camera_id == path.stem
    assert path.name in str(caught.value)
    return str(caught.value)


def test_a_missing_file_is_not_found(folder):
    with pytest.raises(CameraNotFoundError, match=r"There is no video .*nothing\.mp4"):
        VideoFileSource(folder / "nothing.mp4").open()


def test_an_empty_file_is_refused(folder):
    (folder / "empty.mp4").touch()
    assert "is empty" in refused(folder / "empty.mp4")


def test_an_mp4_without_its_index_is_refused(plain, folder):
    assert "moov" in refused(truncate_file(plain, folder / "cut.mp4", 0.6))


def test_sound_alone_is_refused(folder):
    sound = write_sound(folder / "sound.m4a")
    assert "sound but no video" in refused(sound.rename(folder / "sound.mp4"))


@pytest.mark.parametrize(
    "content",
    [
        b"frame,time\n1,2\n" * 500,
        np.random.default_rng(1).bytes(20_000),
        b"#EXTM3U\nhttp://127.0.0.1/x.ts\n",
    ],
)
def test_what_is_only_called_a_video_is_refused(folder, content):
    (folder / "renamed.mp4").write_bytes(content)
    assert "is not a video" in refused(folder / "renamed.mp4")


def test_a_picture_is_refused(folder):
    cv2.imwrite(str(folder / "still.png"), draw_picture(1))
    assert "single picture" in refused((folder / "still.png").rename(folder / "still.mp4"))


def test_a_folder_is_refused(folder):
    assert "is a folder" in refused(folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(plain, folder):
    locked = folder / "locked.mp4"
    locked.write_bytes(plain.read_bytes())
    locked.chmod(0)
    assert "cannot be read" in refused(locked)


def test_a_disk_error_while_opening_is_one_sentence(plain, monkeypatch):
    def broken(*args, **kwargs):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("engine.capture.video.decode.av.open", broken)
    with pytest.raises(CameraError, match="Input/output error"):
        VideoFileSource(plain).open()


def test_an_error_in_the_decoder_thread_reaches_the_reader(plain, monkeypatch):
    def broken(picture):
        raise RuntimeError("a bug")

    monkeypatch.setattr("engine.capture.video.source._to_image_bgr", broken)
    source = VideoFileSource(plain)
    source.open()
    with pytest.raises(RuntimeError, match="a bug"):
        source.read()
    source.close()
