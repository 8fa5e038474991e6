"""What is remembered of a camera belongs to its mode, and a camera is known by its device."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from app.control.camera_memory import (
    apply_stored_controls,
    is_same_camera,
    present_settings,
    store_controls,
    with_mode,
)
from app.settings import Settings, parse_settings
from engine.capture.state import CameraState
from engine.capture.usb.address import parse_usb
from engine.capture.usb.controls import Control
from engine.capture.usb.devices import Mode

MODE = "1280x720@30 mjpeg"
CAMERA = with_mode("usb:C920", MODE)


def test_what_was_set_comes_back_with_the_address():
    settings = store_controls(Settings(), CAMERA, {"exposure_us": 8000.0, "gain": 12.0})
    assert parse_usb(apply_stored_controls(CAMERA, settings)).values == {
        "exposure_us": 8000.0,
        "gain": 12.0,
    }


def test_what_was_set_in_one_mode_does_not_reach_another():
    settings = store_controls(Settings(), CAMERA, {"exposure_us": 8000.0})
    other = with_mode(CAMERA, "640x480@60 mjpeg")
    assert not parse_usb(apply_stored_controls(other, settings)).values


def test_what_the_address_says_comes_before_what_was_remembered():
    settings = store_controls(Settings(), CAMERA, {"gain": 12.0, "exposure_us": 8000.0})
    said = str(replace(parse_usb(CAMERA), values={"gain": 3.0}))
    assert parse_usb(apply_stored_controls(said, settings)).values == {
        "gain": 3.0,
        "exposure_us": 8000.0,
    }


def test_a_value_that_is_set_again_replaces_the_earlier_one_and_keeps_the_others():
    settings = store_controls(Settings(), CAMERA, {"gain": 12.0, "exposure_us": 8000.0})
    settings = store_controls(settings, CAMERA, {"gain": 20.0})
    (table,) = settings.controls.values()
    assert table == {"gain": 20.0, "exposure_us": 8000.0}


def test_what_is_remembered_can_be_kept_in_the_settings_file():
    settings = store_controls(Settings(), CAMERA, {"gain": 12.0})
    assert parse_settings({"controls": settings.controls}).controls == settings.controls


@pytest.mark.parametrize("address", ["rtsp://door/1", "studio:walk", "film.mp4"])
def test_other_cameras_keep_their_address(address):
    assert apply_stored_controls(address, Settings()) == address


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("usb:C920", CAMERA, True),
        ("usb:C920", "usb:C270", False),
        ("rtsp://door/1", "rtsp://door/1", True),
        ("rtsp://door/1", "rtsp://door/2", False),
        ("http://phone/video?key=a", "http://phone/video?key=b", False),
        ("studio:walk", "studio:walk", False),
        ("usb:0", "film.mp4", False),
    ],
)
def test_a_camera_is_known_by_its_device_in_whatever_mode(one, other, same):
    assert is_same_camera(one, other) is same


class Webcam:
    """A camera that lets itself be set."""

    def controls(self):
        return (
            Control("exposure_us", 15_600.0, 50.0, 200_000.0, 50.0, 15_600.0, "µs"),
            Control("nobody_knows", 1.0, 0.0, 1.0, 1.0, 0.0),
        )

    def set_control(self, name, value):
        return value

    def lock(self):
        return {}

    def list_auto_warnings(self):
        return ("The camera sets its exposure by itself.",)


def test_a_camera_that_can_be_set_shows_the_controls_that_have_a_name_and_its_warning():
    state = CameraState("C920", "usb:C920")
    shown = present_settings(state, Webcam(), (Mode((1280, 720), 30.0, "mjpeg"),), MODE)
    assert [row.label for row in shown.controls] == ["Exposure"]
    assert shown.warning == "The camera sets its exposure by itself."
    assert shown.modes == (MODE,)


def test_a_camera_that_cannot_be_set_has_no_controls():
    shown = present_settings(CameraState("door", "rtsp://door/1"), SimpleNamespace(), (), "")
    assert not shown.controls
