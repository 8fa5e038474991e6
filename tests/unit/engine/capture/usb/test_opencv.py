"""USB cameras where Linux is not, with a camera that exists only here in the place of OpenCV's."""

import math
import threading

import cv2
import numpy as np
import pytest

from engine.capture.usb.opencv import OpenCvSource, list_opencv
from engine.clock import host_ns
from engine.errors import (
    CameraDisconnectedError,
    CameraError,
    CameraNotFoundError,
    CameraTimeoutError,
)
from tests.support.patience import PATIENCE_MS, wait_until


class FakeCapture:
    """Behave as cv2.VideoCapture: grabs when `ready` is released, fails once unplugged."""

    def __init__(self, *, there: bool = True, sends: bool = True) -> None:
        self.there, self.sends, self.released = there, sends, 0
        self.ready = threading.Semaphore(0)
        self.values = {
            cv2.CAP_PROP_FRAME_WIDTH: 640.0,
            cv2.CAP_PROP_FRAME_HEIGHT: 480.0,
            cv2.CAP_PROP_FPS: 0.0,
            cv2.CAP_PROP_EXPOSURE: -5.0,
            cv2.CAP_PROP_AUTO_EXPOSURE: 1.0,
            cv2.CAP_PROP_GAIN: 7.0,
        }

    def isOpened(self) -> bool:
        return self.there

    def set(self, name: int, value: float) -> bool:
        if name not in self.values:
            return False
        self.values[name] = value
        return True

    def get(self, name: int) -> float:
        return self.values.get(name, 0.0)

    def read(self):
        return self.sends, self._image() if self.sends else None

    def grab(self) -> bool:
        self.ready.acquire(timeout=0.2)
        return self.there

    def retrieve(self):
        return True, self._image()

    def release(self) -> None:
        self.released += 1

    def _image(self):
        width, height = (
            int(self.values[name]) for name in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        )
        return np.zeros((height, width, 3), np.uint8)


@pytest.fixture
def capture() -> FakeCapture:
    return FakeCapture()


@pytest.fixture
def source(capture):
    source = OpenCvSource("0", "left", opener=lambda number, backend: capture)
    yield source
    source.close()


def test_an_image_comes_with_the_hosts_time(source, capture):
    source.open()
    before_ns = host_ns()
    capture.ready.release()
    frame = source.read(PATIENCE_MS)
    assert (frame.camera, frame.size_wh, source.size_wh) == ("left", (1280, 720), (1280, 720))
    assert before_ns <= frame.timestamp_ns <= host_ns()
    assert not frame.image_bgr.flags.writeable


def test_sequences_rise_also_over_a_reconnection(source, capture):
    sequences = []
    for _ in range(3):
        source.open()
        capture.ready.release()
        sequences.append(source.read(PATIENCE_MS).sequence)
        source.close()
    assert sequences == sorted(set(sequences))
    assert capture.released == 3


def test_the_rate_is_the_wanted_one_where_the_system_names_none(source, capture):
    del capture.values[cv2.CAP_PROP_FPS]
    source.open()
    assert source.rate_fps == 30.0


def test_a_camera_that_is_not_there_is_refused():
    source = OpenCvSource("3", "left", opener=lambda number, backend: FakeCapture(there=False))
    with pytest.raises(CameraNotFoundError, match="USB camera 3 cannot be opened"):
        source.open()


def test_a_name_instead_of_a_number_is_refused():
    with pytest.raises(CameraNotFoundError, match="numbers here"):
        OpenCvSource("C920", "left", opener=lambda number, backend: FakeCapture()).open()


def test_a_camera_that_sends_nothing_is_refused_and_released():
    capture = FakeCapture(sends=False)
    with pytest.raises(CameraError, match="sends no image"):
        OpenCvSource("0", "left", opener=lambda number, backend: capture).open()
    assert capture.released == 1


def test_a_mode_that_is_not_granted_is_refused_with_the_one_that_is(capture):
    capture.set = lambda name, value: False
    source = OpenCvSource("0", "left", mode="1280x720@30", opener=lambda number, backend: capture)
    with pytest.raises(CameraError, match="The nearest it has is 640x480@30"):
        source.open()


def test_a_silent_camera_times_out(source, capture, monkeypatch):
    monkeypatch.setattr(capture, "retrieve", lambda: (False, None))
    source.open()
    with pytest.raises(CameraTimeoutError, match="'left' sent no image"):
        source.read(50)


def test_an_unplugged_camera_is_gone(source, capture):
    source.open()
    capture.there = False
    with pytest.raises(CameraDisconnectedError, match="'left' is gone"):
        _ = [source.read(PATIENCE_MS) for _ in range(10)]


def test_closing_ends_the_thread(source):
    source.open()
    source.close()
    source.close()
    assert wait_until(
        lambda: not [thread for thread in threading.enumerate() if thread.name == "grab left"]
    )
    assert source.read(10) is None


def test_exposure_in_powers_of_two_of_a_second_is_read_and_set_in_microseconds(source, capture):
    source.open()
    exposure = next(control for control in source.controls() if control.name == "exposure_us")
    assert (exposure.value, exposure.is_auto) == (31_250.0, True)
    assert math.isnan(exposure.minimum)
    source.set_control("exposure_us", 7_812.5)
    assert capture.values[cv2.CAP_PROP_EXPOSURE] == -7.0
    assert capture.values[cv2.CAP_PROP_AUTO_EXPOSURE] == 0.0


def test_a_control_the_system_refuses_is_not_listed_and_not_set(source):
    source.open()
    assert "focus" not in [control.name for control in source.controls()]
    with pytest.raises(CameraError, match="no control 'focus'"):
        source.set_control("focus", 1)


def test_locking_switches_the_automatic_off(source, capture):
    source.open()
    assert source.lock()["exposure_us"] == 31_250.0
    assert source.list_auto_warnings() == ()


def test_cameras_are_listed_until_a_number_is_missing():
    there = [FakeCapture(), FakeCapture(), FakeCapture(there=False)]
    devices = list_opencv(lambda number, backend: there[number])
    assert [device.address for device in devices] == ["usb:0", "usb:1"]
    assert all(capture.released == 1 for capture in there)
