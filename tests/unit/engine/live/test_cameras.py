"""What a person types, and the live cameras it names."""

import sys
from types import SimpleNamespace

import pytest

from engine.address import LIVE_SOURCES
from engine.errors import CameraError, CameraNotFoundError
from engine.live.cameras import make_camera_sources
from engine.live.feed import CameraFeed, close_feeds
from engine.live.framesets import LiveFramesets
from engine.session.session import SessionFacts
from engine.session.writer import SessionWriter
from tests.support.live_cameras import ScriptedCamera
from tests.support.patience import PATIENCE_S, wait_until
from tests.support.videos import make_steady_times, read_number, write_video


@pytest.fixture(autouse=True)
def devices(monkeypatch):
    """Let every device be a scripted one, which remembers its address."""

    def open_any(address, name, _limits=None):
        camera = ScriptedCamera(name)
        camera.address = address
        return camera

    monkeypatch.setitem(sys.modules, "scripted_devices", SimpleNamespace(open_any=open_any))
    for kind in LIVE_SOURCES:
        monkeypatch.setitem(LIVE_SOURCES, kind, "scripted_devices:open_any")


def names(addresses, taken=()):
    return [live.name for live in make_camera_sources(addresses, taken)]


def test_one_studio_gives_all_its_cameras():
    found = make_camera_sources(["studio:walk?cameras=3&size=160x120&seconds=1"])
    assert [live.name for live in found] == ["cam_0", "cam_1", "cam_2"]
    assert all(live.source.live for live in found)
    assert {live.address for live in found} == {"studio:walk?cameras=3&size=160x120&seconds=1"}


def test_names_are_those_of_devices_and_hosts():
    assert names(["usb:0", "usb:Logitech_C920_1234?mode=1280x720@30+mjpeg"]) == [
        "usb_0",
        "Logitech_C920_1234",
    ]
    assert names(["rtsp://me:secret@door.local:554/live/1", "http://10.0.0.7:8080/video"]) == [
        "door.local_554_live_1",
        "10.0.0.7_8080_video",
    ]


def test_a_password_is_neither_in_a_name_nor_in_the_address_but_reaches_the_camera():
    (live,) = make_camera_sources(["rtsp://me:secret@door/1"])
    assert "secret" not in live.name + live.address
    assert live.source.address == "rtsp://me:secret@door/1"


def test_names_differ_from_each_other_and_from_those_that_are_taken():
    assert names(["http://cam/a?x=1", "http://cam/a?x=2"]) == ["cam_a", "cam_a_2"]
    assert names(["http://cam/a"], taken=["CAM_A", "cam_a_2"]) == ["cam_a_3"]
    assert names(["studio:walk?cameras=2&size=160x120&seconds=1"] * 2) == [
        "cam_0",
        "cam_1",
        "cam_0_2",
        "cam_1_2",
    ]


def test_long_names_keep_their_end():
    (name,) = names(
        [
            "usb:"
            + "usb-Some_Very_Long_Maker_Of_Cameras_Incorporated_HD_Webcam-SERIAL42-video-index0"
        ]
    )
    assert len(name) <= 40
    assert name.endswith("SERIAL42-video-index0")


def test_an_address_that_is_given_twice_is_refused_without_its_password():
    with pytest.raises(CameraError, match="given twice") as caught:
        make_camera_sources(["rtsp://me:secret@door/1", "rtsp://me:secret@door/1"])
    assert "secret" not in str(caught.value)


def test_a_kind_of_address_that_does_not_exist_is_refused():
    with pytest.raises(CameraNotFoundError, match="is not a camera address"):
        make_camera_sources(["ndi://studio/1"])


def test_a_video_that_does_not_exist_is_refused():
    with pytest.raises(CameraNotFoundError, match=r"There is no video 'nowhere\.mp4'"):
        make_camera_sources(["nowhere.mp4"])


def test_videos_are_named_after_their_files_and_begin_together(tmp_path):
    for folder in ("left", "right"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "video.mp4").write_bytes(b"")
    found = make_camera_sources([tmp_path / "left" / "video.mp4", tmp_path / "right" / "video.mp4"])
    assert [live.name for live in found] == ["left_video", "right_video"]
    assert found[0].source._group.start is found[1].source._group.start


def played(addresses):
    """Play to the end, as a window does; return the numbers of the pictures in each whole set."""
    feeds = tuple(CameraFeed(live.source, live.address) for live in make_camera_sources(addresses))
    sets = LiveFramesets(feeds)
    for feed in feeds:
        feed.start()
    found = [
        tuple(frame and read_number(frame.image_bgr) for frame in frames.frames) for frames in sets
    ]
    sets.close()
    assert close_feeds(feeds, PATIENCE_S) == ()
    return [numbers for numbers in found if None not in numbers]


def test_two_videos_are_played_in_step_to_their_end(tmp_path):
    videos = [write_video(tmp_path / f"{name}.mkv", make_steady_times(20)) for name in "ab"]
    takes = []

    def to_the_end():
        takes.append(played(videos))
        return len(takes[-1]) > 5 and takes[-1][-1] == (19, 19)

    assert wait_until(
        to_the_end
    )  # at once, or in a quiet moment: a busy machine leaves images out, the last one too
    assert all(one == other for found in takes for one, other in found)


def test_the_cameras_of_a_session_are_played_with_their_offsets(tmp_path):
    video = write_video(tmp_path / "video.mkv", make_steady_times(20))
    with SessionWriter(tmp_path / "s", SessionFacts()) as writer:
        writer.copy_video(video, "a")
        writer.copy_video(video, "b", offset_ns=200_000_000)  # begins six images later
    assert [live.name for live in make_camera_sources([tmp_path / "s"])] == ["a", "b"]
    takes = []

    def for_a_while():
        takes.append(played([tmp_path / "s"]))
        return len(takes[-1]) > 3

    assert wait_until(for_a_while)
    assert all(one == other + 6 for found in takes for one, other in found)
