"""Controls of a USB camera: units, automatics, and set again after a reconnection."""

import math

import pytest

from engine.capture.usb.controls import Control, build_auto_warnings, order_for_writing
from engine.capture.usb.v4l2 import UsbSource
from engine.errors import CameraError
from tests.support import v4l2_machine as fake
from tests.support.v4l2_machine import FakeCamera, FakeComputer, make_jpeg


@pytest.fixture
def camera() -> FakeCamera:
    return FakeCamera()


@pytest.fixture
def computer(tmp_path, camera) -> FakeComputer:
    computer = FakeComputer(tmp_path)
    computer.plug(camera)
    return computer


@pytest.fixture
def source(computer):
    source = UsbSource("0", "left", machine=computer.machine)
    source.open()
    yield source
    source.close()


def by_name(source: UsbSource) -> dict[str, Control]:
    return {control.name: control for control in source.controls()}


def test_exposure_is_in_microseconds_though_the_device_counts_in_hundreds(source):
    exposure = by_name(source)["exposure_us"]
    assert (exposure.minimum, exposure.maximum, exposure.step) == (300, 204_700, 100)
    assert (exposure.default, exposure.value, exposure.unit) == (25_000, 33_300, "µs")


def test_a_value_says_that_the_camera_sets_it_by_itself(source):
    controls = by_name(source)
    assert controls["exposure_us"].is_auto
    assert controls["white_balance_k"].is_auto
    assert not controls["gain"].is_auto


def test_the_mains_frequency_is_chosen_in_hertz(source):
    mains = by_name(source)["power_line_hz"]
    assert (mains.value, mains.choices) == (60.0, ((0.0, "off"), (50.0, "50 Hz"), (60.0, "60 Hz")))


def test_controls_a_camera_does_not_have_are_not_listed(source):
    assert "focus" not in by_name(source)


def test_setting_a_value_switches_its_automatic_off_first(source, camera):
    assert source.set_control("exposure_us", 8_000) == 8_000
    assert camera.controls[fake.EXPOSURE].value == 80
    assert camera.controls[fake.EXPOSURE_AUTO].value == 1
    assert not by_name(source)["exposure_us"].is_auto


def test_an_automatic_is_switched_on_as_this_camera_calls_it(source, camera):
    source.set_control("auto_exposure", 0)
    source.set_control("auto_exposure", 1)
    assert camera.controls[fake.EXPOSURE_AUTO].value == 3


@pytest.mark.parametrize(("asked", "taken"), [(1_000, 2_000), (9_999, 6_500), (4_006, 4_010)])
def test_a_value_becomes_the_nearest_possible(source, camera, asked, taken):
    assert source.set_control("white_balance_k", asked) == taken
    assert camera.controls[fake.WHITE].value == taken


@pytest.mark.parametrize("name", ["focus", "zeal", ""])
def test_a_control_that_is_not_there_is_refused_in_a_sentence(source, name):
    with pytest.raises(CameraError, match=f"Camera 'left' has no control '{name}' that can be set"):
        source.set_control(name, 1)


def test_nan_is_refused(source):
    with pytest.raises(CameraError):
        source.set_control("gain", math.nan)


def test_locking_holds_what_the_automatics_found(source, camera):
    values = source.lock()
    assert (values["exposure_us"], values["white_balance_k"], values["gain"]) == (33_300, 4_600, 40)
    assert (camera.controls[fake.EXPOSURE_AUTO].value, camera.controls[fake.AUTO_WHITE].value) == (
        1,
        0,
    )
    assert camera.controls[fake.DYNAMIC_RATE].value == 0
    assert (camera.controls[fake.EXPOSURE].value, camera.controls[fake.WHITE].value) == (333, 4_600)


def test_automatics_are_warned_of_until_they_are_locked(source):
    warnings = source.list_auto_warnings()
    assert len(warnings) == 3
    assert warnings[0].startswith("Camera 'left' sets its exposure by itself")
    assert all("Lock it" in warning for warning in warnings)
    source.lock()
    assert source.list_auto_warnings() == ()


def test_remembered_values_are_set_when_the_camera_is_opened(computer, camera):
    values = {"exposure_us": 5_000.0, "auto_exposure": 0.0, "gain": 12.0}
    source = UsbSource("0", "left", values=values, machine=computer.machine)
    source.open()
    source.close()
    assert (camera.controls[fake.EXPOSURE].value, camera.controls[fake.GAIN].value) == (50, 12)
    assert source.remarks == ()


def test_a_value_is_not_set_where_its_automatic_is_asked_for():
    values = {"exposure_us": 5_000.0, "auto_exposure": 1.0, "gain": 3.0}
    assert order_for_writing(values) == (("auto_exposure", 1.0), ("gain", 3.0))


def test_a_remembered_value_the_camera_cannot_take_is_a_remark(computer):
    source = UsbSource("0", "left", values={"focus": 10.0}, machine=computer.machine)
    source.open()
    assert source.remarks == ("Camera 'left' has no control 'focus'; it is left as it is.",)
    source.close()


def test_what_was_set_is_set_again_when_the_camera_comes_back(source, computer, camera):
    source.set_control("exposure_us", 8_000)
    computer.unplug(camera)
    source.close()
    camera.controls, camera.number = fake.make_webcam_controls(), 4
    computer.plug(camera)
    source.open()
    assert (camera.controls[fake.EXPOSURE].value, camera.controls[fake.EXPOSURE_AUTO].value) == (
        80,
        1,
    )


def test_a_value_set_after_its_automatic_was_on_is_set_again_too(source, computer, camera):
    source.set_control("auto_exposure", 1)
    source.set_control("exposure_us", 8_000)
    source.close()
    camera.controls = fake.make_webcam_controls()
    source.open()
    assert (camera.controls[fake.EXPOSURE].value, camera.controls[fake.EXPOSURE_AUTO].value) == (
        80,
        1,
    )


def test_controls_of_a_closed_camera_are_remembered_for_its_opening(computer, camera):
    source = UsbSource("0", "left", machine=computer.machine)
    assert source.controls() == ()
    assert source.set_control("gain", 99) == 99
    source.open()
    source.close()
    assert camera.controls[fake.GAIN].value == 99


def test_images_come_while_controls_are_set(source, computer, camera):
    for number in range(10):
        computer.kernel.film(camera, make_jpeg(seed=number))
        source.set_control("gain", number)
        assert source.read(1000).sequence == number


def test_a_camera_without_automatics_is_not_warned_of():
    assert build_auto_warnings("left", (Control("gain", 0, 9, 1, 0, 5),)) == ()
