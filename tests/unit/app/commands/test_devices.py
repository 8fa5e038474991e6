"""What `epipole devices` prints."""

from argparse import Namespace

import pytest

from app.commands import devices
from engine.capture.usb.devices import Device, Mode

GOOD = Device(
    "C920-A1",
    "HD Pro Webcam C920",
    "usb:C920-A1",
    tuple(
        Mode(size, 30.0, kind)
        for kind in ("mjpeg", "yuyv")
        for size in ((1280, 720), (640, 480), (1920, 1080))
    ),
    path="/dev/video0",
)
BUSY = Device(
    "C270-7",
    "C270",
    "usb:C270-7",
    problem="Camera 'C270' is in use by 'obs' (process 7). Close it there.",
)


@pytest.fixture
def printed(monkeypatch, capsys):
    def run(*found: Device) -> str:
        monkeypatch.setattr(devices, "list_devices", lambda: found)
        assert devices.run(Namespace()) == 0
        return capsys.readouterr().out

    return run


def test_a_camera_is_listed_with_its_number_address_and_one_mode_of_each_size(printed):
    said = printed(GOOD)
    assert "usb:0  HD Pro Webcam C920" in said
    assert "usb:C920-A1  (/dev/video0)" in said
    assert "1280x720@30 mjpeg, 640x480@30 mjpeg, 1920x1080@30 mjpeg, and 3 more" in said


def test_a_camera_that_cannot_be_used_says_why_and_is_not_recommended(printed):
    said = printed(GOOD, BUSY)
    assert "! Camera 'C270' is in use by 'obs'" in said
    assert "epipole live usb:C920-A1\n" in said


def test_no_camera_is_an_answer_that_says_what_else_there_is(printed):
    said = printed()
    assert said.startswith("No USB camera was found.")
    assert "rtsp://" in said
    assert "studio:walk" in said
