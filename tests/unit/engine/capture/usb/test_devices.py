"""The list of USB cameras: stable ids, modes, and why one cannot be used."""

import os

import pytest

from engine.capture.usb.devices import (
    Mode,
    choose_mode,
    find_lower_mode,
    list_devices,
    parse_mode,
    sort_modes,
)
from engine.capture.usb.v4l2_list import list_v4l2
from engine.capture.usb.v4l2_nodes import find_neighbours, find_node, scan_nodes
from engine.errors import CameraNotFoundError
from tests.support.v4l2_machine import FakeCamera, FakeComputer

MODES = (
    Mode((1920, 1080), 30.0, "mjpeg"),
    Mode((1280, 720), 60.0, "mjpeg"),
    Mode((1280, 720), 30.0, "mjpeg"),
    Mode((640, 480), 30.0, "mjpeg"),
    Mode((640, 480), 30.0, "yuyv"),
    Mode((1280, 720), 10.0, "yuyv"),
)


@pytest.fixture
def computer(tmp_path) -> FakeComputer:
    return FakeComputer(tmp_path)


@pytest.mark.parametrize(
    "mode", [Mode((1280, 720), 30.0, "mjpeg"), Mode((640, 480), 30000 / 1001, "yuyv")], ids=str
)
def test_the_text_of_a_mode_chooses_it_again(mode):
    assert choose_mode((*MODES, mode), str(mode)) == mode


def test_the_text_of_a_mode_is_what_a_person_would_write():
    assert str(Mode((1280, 720), 30.0, "mjpeg")) == "1280x720@30 mjpeg"
    assert str(Mode((640, 480), 30000 / 1001, "yuyv")) == "640x480@29.97 yuyv"


def test_rate_and_format_may_be_left_out():
    assert parse_mode("640x480") == ((640, 480), None, None)
    assert choose_mode(MODES, "640x480") == Mode((640, 480), 30.0, "mjpeg")


@pytest.mark.parametrize("text", ["", "large", "640", "640x480@", "x480", "640x480@30 mjpeg fast"])
def test_what_is_no_mode_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="1280x720@30 mjpeg"):
        parse_mode(text)


def test_the_best_mode_is_the_largest_compressed_one_up_to_720p_at_30():
    assert choose_mode(MODES) == Mode((1280, 720), 30.0, "mjpeg")


def test_a_slow_large_mode_is_worse_than_a_fast_small_one():
    assert choose_mode(MODES[4:]) == Mode((640, 480), 30.0, "yuyv")


def test_a_camera_with_only_large_modes_gets_the_smallest_of_them():
    large = (Mode((3840, 2160), 30.0, "mjpeg"), Mode((1920, 1080), 30.0, "mjpeg"))
    assert choose_mode(large).size_wh == (1920, 1080)


def test_a_mode_that_is_not_there_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match="The nearest are: 640x480@30 mjpeg"):
        choose_mode(MODES, "800x600@30 mjpeg")


def test_modes_are_listed_once_and_best_first():
    assert sort_modes((*MODES, *MODES))[0] == Mode((1280, 720), 30.0, "mjpeg")
    assert len(sort_modes((*MODES, *MODES))) == len(MODES)


@pytest.mark.parametrize(
    ("mode", "lower"),
    [
        (MODES[0], Mode((1280, 720), 30.0, "mjpeg")),
        (MODES[1], Mode((1280, 720), 30.0, "mjpeg")),
        (MODES[4], Mode((640, 480), 30.0, "mjpeg")),
        (MODES[3], None),
    ],
    ids=str,
)
def test_the_next_lower_mode_needs_less_of_the_bus(mode, lower):
    assert find_lower_mode(MODES, mode) == lower


def test_a_camera_with_a_serial_number_is_called_by_it(computer):
    computer.plug(FakeCamera(product="HD Pro Webcam C920", serial="A1B2C3"))
    (device,) = list_v4l2(computer.machine)
    assert (device.id, device.name) == ("HD-Pro-Webcam-C920-A1B2C3", "HD Pro Webcam C920")
    assert (device.address, device.problem) == ("usb:HD-Pro-Webcam-C920-A1B2C3", "")


def test_metadata_are_no_camera(computer):
    computer.plug(FakeCamera())
    assert len(list_v4l2(computer.machine)) == 1


def test_modes_that_cannot_be_read_are_left_out(computer):
    computer.plug(FakeCamera())
    modes = list_v4l2(computer.machine)[0].modes
    assert {mode.format for mode in modes} == {"mjpeg", "yuyv"}
    assert modes[0] == Mode((1280, 720), 30.0, "mjpeg")
    assert Mode((640, 480), 30000 / 1001, "mjpeg") in modes


def test_a_driver_that_gives_ranges_offers_the_usual_sizes_and_rates_in_them(computer):
    ranges = {"YUYV": {(16, 16, 1280, 960, 2, 2): [(1, 30, 1, 5)]}}
    computer.plug(FakeCamera(modes=ranges))
    texts = [str(mode) for mode in list_v4l2(computer.machine)[0].modes]
    assert sorted(texts) == [
        "1280x720@15 yuyv",
        "1280x720@30 yuyv",
        "640x480@15 yuyv",
        "640x480@30 yuyv",
    ]


@pytest.mark.parametrize("serial", ["", "SN0001"])
def test_identical_cameras_are_called_by_their_ports(computer, serial):
    computer.plug(FakeCamera(serial=serial, port="1", number=0))
    computer.plug(FakeCamera(serial=serial, port="2.3", number=2))
    devices = list_v4l2(computer.machine)
    assert [device.id for device in devices] == [
        "HD-Webcam-0000-00-14.0-1",
        "HD-Webcam-0000-00-14.0-2.3",
    ]
    assert [device.name for device in devices] == [
        "HD Webcam (USB port 1)",
        "HD Webcam (USB port 2.3)",
    ]


def test_a_camera_keeps_its_name_when_its_file_is_another(computer):
    camera = computer.plug(FakeCamera(serial="", number=0))
    before = list_v4l2(computer.machine)[0]
    computer.unplug(camera)
    camera.number = 4
    computer.plug(camera)
    after = list_v4l2(computer.machine)[0]
    assert before.id == after.id
    assert before.path != after.path


def test_cameras_are_numbered_in_the_order_of_their_files(computer):
    for number, serial in ((10, "c"), (0, "a"), (2, "b")):
        computer.plug(FakeCamera(serial=serial, port=str(number + 1), number=number))
    assert [device.id[-1] for device in list_v4l2(computer.machine)] == ["a", "b", "c"]
    assert find_node(computer.machine, "1", "left").id == "HD-Webcam-b"


def test_a_camera_is_found_by_id_port_file_and_link(computer):
    camera = computer.plug(FakeCamera())
    links = computer.root / "dev" / "v4l" / "by-id"
    links.mkdir(parents=True)
    (links / "usb-046d_HD_Webcam_A1B2-video-index0").symlink_to(computer.root / "dev" / "video0")
    names = (
        "HD-Webcam-A1B2",
        "HD-Webcam-0000-00-14.0-2",
        str(computer.root / "dev" / "video0"),
        "0",
    )
    for name in (*names, "usb-046d_HD_Webcam_A1B2-video-index0"):
        assert find_node(computer.machine, name, "left").path.name == f"video{camera.number}"


def test_a_name_that_two_cameras_share_is_refused_with_their_ports(computer):
    computer.plug(FakeCamera(port="1", number=0))
    computer.plug(FakeCamera(port="2", number=2))
    with pytest.raises(
        CameraNotFoundError, match=r"usb:HD-Webcam-0000-00-14\.0-1, usb:HD-Webcam-0000-00-14\.0-2"
    ):
        find_node(computer.machine, "HD-Webcam-A1B2", "left")


def test_a_camera_that_is_not_there_is_refused_with_those_that_are(computer):
    with pytest.raises(CameraNotFoundError, match="No USB camera is connected"):
        find_node(computer.machine, "0", "left")
    computer.plug(FakeCamera())
    with pytest.raises(CameraNotFoundError, match="Connected are: usb:HD-Webcam-A1B2"):
        find_node(computer.machine, "3", "left")


def test_a_busy_camera_names_the_program_that_uses_it(computer):
    camera = computer.plug(FakeCamera())
    computer.hold(camera, 4711, "cheese")
    (device,) = list_v4l2(computer.machine)
    assert "in use by 'cheese' (process 4711). Close it there" in device.problem
    assert device.modes


def test_a_camera_open_in_this_program_says_so(computer):
    camera = computer.plug(FakeCamera())
    computer.hold(camera, os.getpid(), "python")
    assert "already open in this program" in list_v4l2(computer.machine)[0].problem


def test_a_camera_that_is_not_permitted_says_which_group_to_join(computer):
    computer.plug(FakeCamera(allowed=False))
    devices = list_v4l2(computer.machine)
    assert len(devices) == 1  # the metadata's file is not taken for a second camera
    assert "usermod -aG video" in devices[0].problem


def test_a_camera_without_a_usable_format_says_so(computer):
    computer.plug(FakeCamera(modes={"H264": {(1920, 1080): [(1, 30)]}}))
    assert "offers no image format that can be read here" in list_v4l2(computer.machine)[0].problem


def test_listing_leaves_nothing_open(computer):
    camera = computer.plug(FakeCamera())
    list_v4l2(computer.machine)
    assert computer.kernel.files == {}
    assert camera.owner is None


def test_a_second_sensor_of_a_camera_has_a_name_of_its_own(computer):
    computer.plug(FakeCamera(port="5", number=0))
    computer.plug(FakeCamera(port="5", number=2))
    assert [node.id for node in scan_nodes(computer.machine)] == [
        "HD-Webcam-A1B2",
        "HD-Webcam-A1B2-2",
    ]


def test_a_virtual_camera_is_called_by_its_name_and_shares_no_bus(computer):
    computer.plug(FakeCamera(product="OBS Virtual Camera", port="", number=0))
    computer.plug(FakeCamera(product="OBS Virtual Camera", port="", number=2))
    nodes = scan_nodes(computer.machine)
    assert [node.id for node in nodes] == ["OBS-Virtual-Camera", "OBS-Virtual-Camera-2"]
    assert [node.name for node in nodes] == ["OBS Virtual Camera"] * 2
    assert find_neighbours(nodes, nodes[0]) == ()


def test_the_list_of_this_very_machine_can_be_made():
    assert isinstance(list_devices(), tuple)
