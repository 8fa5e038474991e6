"""Rigs in files, for the cameras that are at work."""

from types import SimpleNamespace

import pytest

from app.control.rigs import get_rig_in_use, load_last_rig, load_matching_rig
from calibration.errors import CalibrationError
from calibration.rig import save_rig
from engine.capture.state import CameraPhase, CameraState
from engine.errors import EngineError
from engine.live.state import CalibrationState, LiveState
from tests.support.scenes import make_square_rig


def at_work(*names, size_wh=(640, 480), rig=None):
    """As much of a live program as a rig's file asks for."""
    cameras = tuple(CameraState(name, "", CameraPhase.LIVE, size_wh=size_wh) for name in names)
    state = LiveState(cameras=cameras, calibration=CalibrationState(rig=rig))
    return SimpleNamespace(names=names, state=lambda: state)


@pytest.fixture
def file(tmp_path):
    save_rig(make_square_rig(2), tmp_path / "rig.toml")
    return tmp_path / "rig.toml"


def test_the_last_rig_comes_in_the_order_of_the_cameras(file):
    rig = load_last_rig(str(file), ("cam_1", "cam_0"))
    assert rig is not None
    assert rig.names == ("cam_1", "cam_0")


@pytest.mark.parametrize("names", [("cam_0",), ("cam_0", "other"), ("cam_0", "cam_1", "cam_2")])
def test_the_last_rig_of_other_cameras_is_not_used(file, names):
    assert load_last_rig(str(file), names) is None


def test_a_last_rig_that_is_gone_or_damaged_is_not_used(tmp_path):
    damaged = tmp_path / "damaged.toml"
    damaged.write_text("[cam_0")
    assert load_last_rig(str(damaged), ("a", "b")) is None
    assert load_last_rig(str(tmp_path / "gone.toml"), ("a", "b")) is None
    assert load_last_rig("", ("a", "b")) is None


def test_a_file_with_other_names_but_as_many_cameras_is_taken_in_order(file):
    rig = load_matching_rig(file, at_work("left", "right"))  # type: ignore[arg-type]
    assert rig.names == ("left", "right")


def test_a_file_of_more_cameras_says_which_there_are(file):
    with pytest.raises(CalibrationError, match=r"2 cameras \(cam_0, cam_1\).* these 3 \(a, b, c\)"):
        load_matching_rig(file, at_work("a", "b", "c"))  # type: ignore[arg-type]


def test_a_file_for_other_images_says_both_sizes(file):
    with pytest.raises(CalibrationError, match=r"640x480.*1280x720"):
        load_matching_rig(file, at_work("a", "b", size_wh=(1280, 720)))  # type: ignore[arg-type]


def test_before_every_camera_has_sent_an_image_the_silent_one_is_named(file):
    with pytest.raises(EngineError, match="Camera 'a' has sent no image yet"):
        load_matching_rig(file, at_work("a", "b", size_wh=None))  # type: ignore[arg-type]


def test_the_rig_in_use_is_asked_for_before_there_is_one():
    with pytest.raises(EngineError, match="There is no rig yet"):
        get_rig_in_use(at_work("a", "b"))  # type: ignore[arg-type]
    rig = make_square_rig(2)
    assert get_rig_in_use(at_work("a", "b", rig=rig)) is rig  # type: ignore[arg-type]
