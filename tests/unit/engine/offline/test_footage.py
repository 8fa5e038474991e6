"""What a person may give as input: videos, a session, the studio; and what is refused, by name."""

import sys
from pathlib import Path

import pytest

from engine.address import STUDIOS, name_views, parse_scheme, strip_credentials
from engine.errors import CameraError, CameraNotFoundError, SessionError
from engine.offline.footage import open_inputs
from engine.session.session import SessionFacts
from engine.session.writer import SessionWriter
from tests.support.sources import ScriptedSource
from tests.support.videos import make_steady_times, read_number, write_video


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    write_video(folder / "left.mp4", make_steady_times(20))
    write_video(folder / "right.mp4", make_steady_times(26))
    write_video(folder / "wide.mp4", make_steady_times(40, fps=60), size_wh=(96, 48))
    write_video(folder / "phone.mp4", make_steady_times(20), rotation_deg=-90)
    return folder


def test_videos_keep_the_order_in_which_they_are_given(folder):
    with open_inputs([folder / "right.mp4", folder / "left.mp4"]) as footage:
        assert footage.view_names == ("right", "left")
        framesets = list(footage.read_framesets())
    assert len(framesets) == 26
    assert [read_number(f.image_bgr) for f in framesets[7].frames] == [7, 7]
    assert framesets[22].frames[1] is None


def test_what_is_odd_about_the_videos_is_said(folder):
    with open_inputs(
        [folder / name for name in ("left.mp4", "right.mp4", "wide.mp4", "phone.mp4")]
    ) as footage:
        remarks = " ".join((*footage.remarks, *footage.read_framesets().remarks))
    assert "'phone.mp4' carries a rotation flag" in remarks
    assert "frames per second" in remarks
    assert "length" in remarks
    assert "image size" in remarks


def test_one_bad_video_closes_the_good_ones(folder, monkeypatch):
    closed = []
    monkeypatch.setattr(
        "engine.offline.footage.VideoFileSource.close", lambda source: closed.append(source.name)
    )
    with pytest.raises(CameraNotFoundError, match=r"nothing\.mp4"):
        open_inputs([folder / "left.mp4", folder / "nothing.mp4"])
    assert "left" in closed


def test_the_same_video_twice_is_refused(folder):
    with pytest.raises(CameraError, match="same file"):
        open_inputs([folder / "left.mp4", folder / ".." / folder.name / "left.mp4"])


@pytest.mark.parametrize("address", ["rtsp://user:secret@door/1", "usb:0", "http://10.0.0.7/video"])
def test_a_live_camera_is_no_recording_and_its_password_stays_hidden(address):
    with pytest.raises(CameraNotFoundError, match="live camera") as caught:
        open_inputs([address])
    assert "secret" not in str(caught.value)


def test_a_folder_without_a_session_is_refused(folder):
    with pytest.raises(CameraError, match=r"without a session\.toml"):
        open_inputs([folder])


def test_a_session_stands_alone(folder, tmp_path):
    SessionWriter(tmp_path / "s", SessionFacts()).close()
    with pytest.raises(CameraError, match="whole recording"):
        open_inputs([tmp_path / "s", folder / "left.mp4"])


def test_a_session_without_any_video_is_refused(tmp_path):
    SessionWriter(tmp_path / "s", SessionFacts()).close()
    with pytest.raises(SessionError, match="holds no video"):
        open_inputs([tmp_path / "s"])


def test_a_session_gives_the_same_framesets_as_its_videos(folder, tmp_path):
    paths = [folder / "left.mp4", folder / "phone.mp4", folder / "wide.mp4"]
    with SessionWriter(tmp_path / "s", SessionFacts()) as writer:
        for path in paths:
            writer.copy_video(path, path.stem)
    seen = []
    for inputs in (paths, [tmp_path / "s"]):
        with open_inputs(inputs) as footage:
            seen.append(
                [
                    (
                        f.timestamp_ns,
                        *(
                            frame and (frame.camera, frame.timestamp_ns, frame.size_wh)
                            for frame in f.frames
                        ),
                    )
                    for f in footage.read_framesets()
                ]
            )
    assert seen[0] == seen[1]
    assert len(seen[0]) == 20


def test_offsets_of_a_session_move_its_cameras(folder, tmp_path):
    with SessionWriter(tmp_path / "s", SessionFacts()) as writer:
        writer.copy_video(folder / "left.mp4", "left")
        writer.copy_video(folder / "right.mp4", "right", offset_ns=100_000_000)
    with open_inputs([tmp_path / "s"]) as footage:
        first = [frame and frame.sequence for frame in list(footage.read_framesets())[3].frames]
    assert first == [3, 0]


def test_a_session_that_lost_a_video_goes_on_and_says_so(folder, tmp_path):
    with SessionWriter(tmp_path / "s", SessionFacts()) as writer:
        writer.copy_video(folder / "left.mp4", "left")
        writer.copy_video(folder / "right.mp4", "right")
    (tmp_path / "s" / "cameras" / "left.mkv").unlink()
    with open_inputs([tmp_path / "s"]) as footage:
        assert footage.view_names == ("right",)
        assert any("'left' is missing" in remark for remark in footage.remarks)


def open_fake_studio(address):
    """Stand in for the virtual studio."""
    return f"the truth of {address}", [
        ScriptedSource(name, [0, 33_333_333], 30.0) for name in ("cam_1", "cam_2")
    ]


def test_the_studio_is_an_input(monkeypatch):
    monkeypatch.setitem(STUDIOS, "studio", f"{__name__}:open_fake_studio")
    monkeypatch.setattr("engine.loading.import_module", lambda name: sys.modules[name])
    with open_inputs(["studio:walk?cameras=2&seed=1"]) as footage:
        assert footage.view_names == ("cam_1", "cam_2")
        assert footage.studio == "the truth of studio:walk?cameras=2&seed=1"
        assert len(list(footage.read_framesets())) == 2


def test_an_address_has_a_scheme_and_a_path_has_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "take:1.mp4").touch()
    assert [
        parse_scheme(a)
        for a in ("studio:walk", "RTSP://x", "usb:0", "a/b.mp4", "C:\\a.mp4", "take:1.mp4")
    ] == [
        "studio",
        "rtsp",
        "usb",
        "file",
        "file",
        "file",
    ]


def test_passwords_are_taken_out_of_addresses():
    assert strip_credentials("rtsp://user:secret@door:554/1") == "rtsp://door:554/1"
    assert strip_credentials("/home/me@work/a.mp4") == "/home/me@work/a.mp4"


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["a.mp4", "b.mp4"], ("a", "b")),
        (["l/cam.mp4", "r/cam.mp4", "x.mp4"], ("l_cam", "r_cam", "x")),
        (["l/v/cam.mp4", "r/v/cam.mp4"], ("l_v_cam", "r_v_cam")),
        (["d/cam.mp4", "d/cam.avi"], ("cam_1", "cam_2")),
        (["l_cam.mp4", "l/cam.mp4", "r/cam.mp4"], None),
    ],
)
def test_views_are_named_after_their_files_and_differ(paths, names):
    got = name_views([Path(path) for path in paths])
    assert len(set(got)) == len(paths)
    assert names is None or got == names
