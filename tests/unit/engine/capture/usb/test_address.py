"""The address of a USB camera, read and written."""

import pytest

from engine.capture.usb.address import UsbAddress, open_usb, parse_usb
from engine.errors import CameraError


def test_an_address_says_camera_mode_and_controls():
    address = parse_usb("usb:HD-Webcam-A1?mode=1280x720@30+mjpeg&exposure_us=5000&gain=12")
    assert address == UsbAddress(
        "HD-Webcam-A1", "1280x720@30 mjpeg", {"exposure_us": 5000.0, "gain": 12.0}
    )


@pytest.mark.parametrize(
    "text",
    [
        "usb:0",
        "usb:/dev/video2",
        "usb:C920?mode=640x480@29.97+yuyv",
        "usb:C920?exposure_us=1000000&gain=0.5",
    ],
)
def test_an_address_is_written_as_it_was_read(text):
    assert str(parse_usb(text)) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("usb:", "names no camera"),
        ("usb:0?zoom=2", "a camera has no option 'zoom'"),
        ("usb:0?mode=large", "no camera mode"),
        ("usb:0?gain=much", "gain must be a number, not 'much'"),
        ("usb:0?gain=nan", "gain must be a number"),
    ],
)
def test_an_address_that_cannot_be_read_is_refused_with_a_message(text, said):
    with pytest.raises(CameraError, match=said):
        parse_usb(text)


def test_a_source_is_made_without_touching_the_camera():
    source = open_usb("usb:no-such-camera", "left")
    assert (source.name, source.live) == ("left", True)
