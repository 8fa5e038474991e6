"""A USB camera on Linux: its images, and one that is busy, damaged, crowded or unplugged."""

import errno
import os
import threading
from contextlib import contextmanager
from itertools import pairwise

import cv2
import numpy as np
import pytest

from engine.capture.usb import v4l2_abi as abi
from engine.capture.usb.v4l2 import UsbSource
from engine.errors import (
    CameraDisconnectedError,
    CameraError,
    CameraNotFoundError,
    CameraTimeoutError,
)
from tests.support.patience import PATIENCE_S
from tests.support.v4l2_machine import FakeCamera, FakeComputer, make_jpeg, make_os_error


@pytest.fixture
def computer(tmp_path) -> FakeComputer:
    return FakeComputer(tmp_path)


@contextmanager
def opened(computer: FakeComputer, wanted: str = "0", **options):
    source = UsbSource(wanted, "left", machine=computer.machine, **options)
    source.open()
    try:
        yield source
    finally:
        source.close()


def test_a_compressed_image_comes_as_the_camera_sent_it(computer):
    camera, sent = computer.plug(FakeCamera()), make_jpeg()
    with opened(computer) as source:
        computer.kernel.film(camera, sent)
        frame = source.read(1000)
    assert frame.jpeg == sent
    assert (frame.camera, frame.size_wh, source.compressed) == ("left", (64, 48), True)


def test_a_camera_without_huffman_tables_in_its_images_can_be_read(computer):
    camera, sent = computer.plug(FakeCamera()), make_jpeg()
    whole = cv2.imdecode(np.frombuffer(sent, np.uint8), cv2.IMREAD_COLOR)
    at, bare = sent.find(b"\xff\xc4"), sent
    while at >= 0:
        bare = bare[:at] + bare[at + 2 + int.from_bytes(bare[at + 2 : at + 4]) :]
        at = bare.find(b"\xff\xc4", at)
    with opened(computer) as source:
        computer.kernel.film(camera, bare)
        frame = source.read(1000)
    assert len(bare) < len(sent)
    assert np.array_equal(frame.image_bgr, whole)


def test_the_mode_is_the_best_one_and_its_rate_is_known(computer):
    computer.plug(FakeCamera())
    with opened(computer) as source:
        assert str(source.mode) == "1280x720@30 mjpeg"
        assert (source.size_wh, source.rate_fps) == ((1280, 720), 30.0)
        assert source.frame_count is None


def test_a_mode_can_be_asked_for(computer):
    computer.plug(FakeCamera())
    with opened(computer, mode="640x480@29.97 mjpeg") as source:
        assert source.rate_fps == pytest.approx(29.97, abs=0.001)


def test_a_mode_that_is_not_there_is_refused_with_the_nearest(computer):
    computer.plug(FakeCamera())
    source = UsbSource("0", "left", mode="800x600", machine=computer.machine)
    with pytest.raises(
        CameraError, match=r"Camera 'left' has no mode 800x600\. The nearest are: 640x480"
    ):
        source.open()
    assert computer.kernel.files == {}


def test_the_time_is_the_drivers_on_the_hosts_clock(computer):
    camera = computer.plug(FakeCamera())
    with opened(computer) as source:
        computer.kernel.film(camera, make_jpeg())
        assert source.read(1000).timestamp_ns == computer.kernel.time_ns - 20_000_000


@pytest.mark.parametrize(
    "odd",
    [{"stamp_flags": 0}, {"stamp_shift_ns": 1_700_000_000 * 10**9}],
    ids=["no flag", "another clock"],
)
def test_a_driver_with_another_clock_is_not_believed(computer, odd):
    camera = computer.plug(FakeCamera(**odd))
    with opened(computer) as source:
        computer.kernel.film(camera, make_jpeg())
        assert source.read(1000).timestamp_ns == computer.kernel.time_ns
        assert "the time of their arrival is used" in source.remarks[-1]


def test_images_that_waited_long_keep_their_times(computer):
    camera = computer.plug(FakeCamera())
    with opened(computer) as source:
        computer.kernel.film(camera, make_jpeg())
        source.read(1000)
        computer.kernel.film(camera, make_jpeg())
        taken_ns = computer.kernel.time_ns - 20_000_000
        computer.kernel.time_ns += 30 * 10**9  # the program was stopped
        assert source.read(1000).timestamp_ns == taken_ns
        assert source.remarks == ()


def test_a_control_can_be_set_while_somebody_waits_for_an_image(computer):
    computer.plug(FakeCamera())
    computer.kernel.really_waits = True
    source = UsbSource("0", "left", machine=computer.machine, close_timeout_s=PATIENCE_S)
    source.open()
    reader = threading.Thread(target=lambda: source.read(60_000))
    reader.start()
    assert computer.kernel.entered.wait(PATIENCE_S)
    assert source.set_control("gain", 5) == 5
    assert reader.is_alive()
    source.close()
    reader.join(PATIENCE_S)


def test_images_that_found_no_buffer_are_missing_in_the_sequence(computer):
    camera = computer.plug(FakeCamera())
    with opened(computer) as source:
        computer.kernel.film(camera, make_jpeg())
        computer.kernel.film(camera, make_jpeg(), lost=3)
        assert [source.read(1000).sequence, source.read(1000).sequence] == [0, 4]


def test_a_driver_that_does_not_count_from_nought_has_lost_nothing(computer):
    camera = computer.plug(FakeCamera())
    with opened(computer) as source:
        camera.sequence = 7_000
        computer.kernel.film(camera, make_jpeg())
        computer.kernel.film(camera, make_jpeg())
        assert [source.read(1000).sequence, source.read(1000).sequence] == [0, 1]


def test_a_driver_that_does_not_count_at_all_is_counted_for(computer):
    camera = computer.plug(FakeCamera())
    with opened(computer) as source:
        for expected in range(3):
            camera.sequence = 0
            computer.kernel.film(camera, make_jpeg())
            assert source.read(1000).sequence == expected


@pytest.mark.parametrize("bad", ["flagged", "cut off", "empty", "rubbish"])
def test_a_damaged_image_is_left_out_and_counted(computer, bad):
    camera = computer.plug(FakeCamera())
    sent = {
        "flagged": make_jpeg(),
        "cut off": make_jpeg()[:400],
        "empty": b"",
        "rubbish": b"\0" * 900,
    }[bad]
    with opened(computer) as source:
        computer.kernel.film(camera, sent, flags=abi.BUFFER_ERROR if bad == "flagged" else 0)
        computer.kernel.film(camera, make_jpeg())
        assert source.read(1000).sequence == 1
        assert source.damaged == 1
        assert "1 damaged images" in source.remarks[-1]


def test_many_images_go_through_the_few_buffers(computer):
    camera = computer.plug(FakeCamera())
    with opened(computer) as source:
        for number in range(50):
            computer.kernel.film(camera, make_jpeg(seed=number))
            assert source.read(1000).jpeg == make_jpeg(seed=number)


@pytest.mark.parametrize("padding", [0, 64])
def test_an_uncompressed_image_becomes_bgr(computer, padding):
    modes = {"YUYV": {(64, 48): [(1, 30)]}}
    camera = computer.plug(FakeCamera(modes=modes, row_padding=padding))
    rows = np.tile(np.array([81, 90, 81, 240], np.uint8), (48, 32))  # red
    with opened(computer) as source:
        computer.kernel.film(camera, np.pad(rows, ((0, 0), (0, padding))).tobytes())
        frame = source.read(1000)
    assert frame.image_bgr.shape == (48, 64, 3)
    assert np.abs(frame.image_bgr.astype(int) - (0, 0, 254)).max() <= 2
    assert not frame.image_bgr.flags.writeable


@pytest.mark.parametrize(
    ("kind", "size"), [("NV12", 64 * 72), ("GREY", 64 * 48), ("BGR3", 64 * 144)]
)
def test_other_uncompressed_formats_are_read(computer, kind, size):
    camera = computer.plug(FakeCamera(modes={kind: {(64, 48): [(1, 30)]}}))
    with opened(computer) as source:
        computer.kernel.film(camera, bytes([128]) * size)
        assert np.abs(source.read(1000).image_bgr.astype(int) - 128).max() <= 3


def test_an_uncompressed_image_with_too_few_bytes_is_damaged(computer):
    camera = computer.plug(FakeCamera(modes={"YUYV": {(64, 48): [(1, 30)]}}))
    with opened(computer) as source:
        computer.kernel.film(camera, bytes(1000))
        with pytest.raises(CameraTimeoutError):
            source.read(200)
        assert source.damaged == 1


def test_a_silent_camera_times_out_in_a_sentence(computer):
    computer.plug(FakeCamera())
    with (
        opened(computer) as source,
        pytest.raises(CameraTimeoutError, match=r"'left' sent no image for 0\.5 s"),
    ):
        source.read(500)


def test_a_camera_that_sends_only_rubbish_times_out(computer):
    camera = computer.plug(FakeCamera())
    with opened(computer) as source:
        for _ in range(3):
            computer.kernel.film(camera, b"rubbish")
        with pytest.raises(CameraTimeoutError):
            source.read(300)


def test_an_unplugged_camera_is_gone_in_a_sentence(computer):
    camera = computer.plug(FakeCamera())
    with opened(computer) as source:
        computer.unplug(camera)
        with pytest.raises(CameraDisconnectedError, match="'left' is gone: it was unplugged"):
            source.read(1000)
    assert computer.kernel.files == {}
    assert computer.kernel.mapped == 0


def test_a_camera_that_reports_an_error_for_ever_is_gone(computer, monkeypatch):
    computer.plug(FakeCamera())
    with opened(computer) as source:
        monkeypatch.setattr(computer.kernel, "wait", lambda fd, timeout_s: (False, True))
        with pytest.raises(CameraDisconnectedError):
            source.read(1000)


def test_a_camera_that_comes_back_as_another_file_goes_on(computer):
    camera = computer.plug(FakeCamera(number=2))
    computer.plug(FakeCamera(number=5, serial="other", port="7"))  # is the first one later
    source, sequences = UsbSource("0", "left", machine=computer.machine), []
    for number in (2, 6, 8, 4):
        source.open()
        for _ in range(3):
            computer.kernel.film(camera, make_jpeg())
            sequences.append(source.read(1000).sequence)
        computer.unplug(camera)
        with pytest.raises(CameraDisconnectedError):
            source.read(1000)
        source.close()
        with pytest.raises(CameraNotFoundError):
            source.open()
        camera.number = number + 10
        computer.plug(camera)
    assert all(later > earlier for earlier, later in pairwise(sequences))
    assert computer.kernel.files == {}
    assert computer.kernel.mapped == 0


def test_a_busy_camera_names_who_has_it(computer):
    camera = computer.plug(FakeCamera())
    computer.hold(camera, 4711, "obs")
    with pytest.raises(CameraError, match=r"'left' is in use by 'obs' \(process 4711\)"):
        UsbSource("0", "left", machine=computer.machine).open()
    assert computer.kernel.files == {}


def test_a_camera_cannot_be_opened_by_two_sources(computer):
    computer.plug(FakeCamera())
    with opened(computer), pytest.raises(CameraError, match="in use"):
        UsbSource("0", "right", machine=computer.machine).open()


def test_a_camera_that_finds_no_room_says_who_shares_the_hub_and_what_to_lower(computer):
    computer.plug(FakeCamera(port="2.1", number=0, serial="A", max_px=1280 * 720 - 1))
    computer.plug(FakeCamera(port="2.4", number=2, serial="B", product="C920"))
    with pytest.raises(CameraError) as refused:
        UsbSource("0", "left", machine=computer.machine).open()
    said = str(refused.value)
    assert "no room for 1280x720@30 mjpeg on the USB hub 'USB2.0 Hub' (port 2.1)" in said
    assert "shares with C920" in said
    assert "Lower it to 640x480@30 mjpeg" in said
    assert computer.kernel.files == {}
    assert computer.kernel.mapped == 0


def test_a_camera_that_refuses_for_another_reason_says_which(computer, monkeypatch):
    def fail(*_):
        raise make_os_error(errno.EIO)

    computer.plug(FakeCamera())
    monkeypatch.setattr(computer.kernel, "_streamon", fail)
    with pytest.raises(
        CameraError, match=f"'left' refuses to send images: {os.strerror(errno.EIO)}"
    ):
        UsbSource("0", "left", machine=computer.machine).open()


def test_two_identical_cameras_are_told_apart_by_their_ports(computer):
    first = computer.plug(FakeCamera(serial="", port="1", number=0))
    second = computer.plug(FakeCamera(serial="", port="2", number=2))
    with (
        opened(computer, "HD-Webcam-0000-00-14.0-2") as right,
        opened(computer, "HD-Webcam-0000-00-14.0-1") as left,
    ):
        computer.kernel.film(second, make_jpeg(seed=2))
        computer.kernel.film(first, make_jpeg(seed=1))
        assert right.read(1000).jpeg == make_jpeg(seed=2)
        assert left.read(1000).jpeg == make_jpeg(seed=1)


def test_closing_from_another_thread_ends_a_read(computer):
    computer.plug(FakeCamera())
    computer.kernel.really_waits = True
    source, read = (
        UsbSource("0", "left", machine=computer.machine, close_timeout_s=PATIENCE_S),
        [],
    )
    source.open()
    reader = threading.Thread(target=lambda: read.append(source.read(60_000)))
    reader.start()
    assert computer.kernel.entered.wait(PATIENCE_S)
    source.close()
    reader.join(PATIENCE_S)
    assert read == [None]
    assert computer.kernel.files == {}
    assert computer.kernel.mapped == 0


def test_a_closed_source_reads_nothing_and_can_be_closed_again(computer):
    computer.plug(FakeCamera())
    source = UsbSource("0", "left", machine=computer.machine)
    assert source.read(10) is None
    source.open()
    source.close()
    source.close()
    assert source.read(10) is None
