"""Playback: any instant at once, and exactly what reading from the start gives."""

import shutil
from dataclasses import replace
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from engine.errors import SessionError
from engine.frames import Frame
from engine.offline.footage import open_inputs
from engine.session.playback import Playback
from engine.session.seek_video import MAX_FORWARD_PICTURES, SeekableVideo
from engine.session.session import Session, SessionFacts
from engine.session.writer import SessionWriter
from tests.support import scenes
from tests.support.sessions import PERIOD_NS, START_NS, frame_time_ns, record_session
from tests.support.videos import draw_picture, make_steady_times, read_number, write_video

ORDERS = {
    "forward": lambda count: range(count),
    "backward": lambda count: range(count - 1, -1, -1),
    "anywhere": lambda count: np.random.default_rng(5).permutation(count),
    "stepping to and fro": lambda count: [
        i + step for i in range(1, count - 1, 4) for step in (0, 1, 0, -1)
    ],
}


def copied(path, *videos):
    """A session made of given videos."""
    with SessionWriter(path, SessionFacts()) as writer:
        for number, video in enumerate(videos):
            writer.copy_video(video, f"cam_{number}")
    return path


def write_repeating(path):
    """Write a video with a repeated stamp, which is copied whole, without a ledger."""
    with av.open(str(path), "w") as container:
        stream = container.add_mux_stream("mjpeg", rate=30, width=64, height=48)
        stream.time_base = Fraction(1, 1000)
        for number, stamp_ms in enumerate((0, 33, 67, 67, 100, 133, 167, 200)):
            packet = av.Packet(cv2.imencode(".jpg", draw_picture(number))[1].tobytes())
            packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, 1000), True
            packet.pts = packet.dts = stamp_ms
            container.mux(packet)
    return path


@pytest.fixture(scope="module")
def sessions(tmp_path_factory):
    """One session of each kind of video."""
    folder = tmp_path_factory.mktemp("sessions")
    record_session(folder / "recorded", 40, lost=(7, 8, 20))
    late = write_video(folder / "late.mp4", make_steady_times(70, 30, 0.5))
    with_b = write_video(folder / "b.mp4", make_steady_times(35, 15))
    turned = write_video(folder / "turned.mp4", make_steady_times(70), rotation_deg=90)
    copied(folder / "copied", late, with_b, turned)
    odd = write_repeating(folder / "odd.mkv")
    copied(
        folder / "whole files",
        odd,
        write_video(folder / "even.mkv", make_steady_times(9), codec="mjpeg"),
    )
    return folder


def same_frame(one, other):
    if one is None or other is None:
        return one is other
    named = (one.camera, one.sequence, one.timestamp_ns) == (
        other.camera,
        other.sequence,
        other.timestamp_ns,
    )
    return named and np.array_equal(one.image_bgr, other.image_bgr)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", ["recorded", "copied", "whole files"])
def test_every_instant_is_what_reading_from_the_start_gives(sessions, kind, order):
    with open_inputs([sessions / kind]) as footage:
        expected = list(footage.read_framesets())
    with Playback.open(sessions / kind) as playback:
        assert len(playback) == len(expected)
        assert playback.rate_fps == min(source.rate_fps for source in footage.sources)
        for instant in ORDERS[order](len(expected)):
            got, wanted = playback.frameset(int(instant)), expected[int(instant)]
            assert (got.index, got.timestamp_ns) == (wanted.index, wanted.timestamp_ns)
            assert all(map(same_frame, got.frames, wanted.frames)), f"instant {instant}"


def test_images_are_read_only_and_missing_ones_none(sessions):
    with Playback.open(sessions / "recorded") as playback:
        assert [row.tolist() for row in playback.has_image[6:9]] == [
            [True, True],
            [True, False],
            [True, False],
        ]
        frames = playback.frameset(7).frames
        assert frames[1] is None
        assert not frames[0].image_bgr.flags.writeable


def test_a_step_forward_decodes_one_picture_a_view_and_a_step_back_none(sessions):
    session = Session.open(sessions / "copied")
    camera = session.cameras[0]
    video = SeekableVideo(session.path / camera.video, camera.name, session.frame_times(camera))
    video.image(20)
    before = video.decoded_count
    video.image(21)
    forward = video.decoded_count - before
    video.image(20)
    video.close()
    assert (forward, video.decoded_count - before) == (1, 1)


def test_a_far_instant_does_not_decode_what_lies_before_its_key_frame(sessions):
    session = Session.open(sessions / "copied")
    camera = session.cameras[0]
    video = SeekableVideo(session.path / camera.video, camera.name, session.frame_times(camera))
    assert read_number(video.image(64)) == 64 - 36
    video.close()
    assert video.decoded_count <= 10  # a key frame every 10
    assert MAX_FORWARD_PICTURES > 10


def test_poses_are_those_of_the_instant(sessions):
    with Playback.open(sessions / "recorded") as playback:
        for instant in (0, 7, 39, 3):
            flat, room = playback.poses_2d(instant), playback.poses_3d(instant)
            wanted = scenes.make_poses_3d(instant).people[0]
            np.testing.assert_allclose(room.people[0].xyz, wanted.xyz, atol=1e-5, equal_nan=True)
            assert (flat.index, room.index) == (instant, instant)
            assert len(flat.poses_by_view) == 2
            assert flat.poses_by_view[0][0].track_id == 0


def test_poses_of_a_live_take_are_found_by_time_and_shown_for_two_instants_around_their_own(
    tmp_path,
):
    record_session(tmp_path / "s", 20, posed=False)
    with SessionWriter(tmp_path / "poses", SessionFacts()) as writer:
        poses = writer.open_pose_files(scenes.load_walker_skeleton(), ("cam_0", "cam_1"))
        for row, number in enumerate(
            range(4, 20, 6)
        ):  # the page had time for every sixth, and counted only those
            poses.room_3d.put(
                replace(
                    scenes.make_poses_3d(number),
                    index=row,
                    timestamp_ns=frame_time_ns(number) + 2_000_000,
                )
            )
    shutil.copy(tmp_path / "poses" / "poses_3d.bin", tmp_path / "s" / "poses_3d.bin")
    with Playback.open(tmp_path / "s") as playback:
        found = [instant for instant in range(20) if playback.poses_3d(instant) is not None]
        nose = playback.poses_3d(10).people[0].xyz[0]
    assert found == [2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 14, 15, 16, 17, 18]
    np.testing.assert_allclose(nose, scenes.make_poses_3d(10).people[0].xyz[0], atol=1e-5)


def test_joints_over_time_their_share_and_the_best_instant(sessions):
    with Playback.open(sessions / "recorded") as playback:
        hips = playback.joints_xyz(("left_hip", "right_hip"))
        assert hips.shape == (40, 2, 3)
        assert np.isfinite(hips).all()
        np.testing.assert_allclose(playback.joints_found, 32 / 33)  # the left pinky is missing
        worth = playback.measure_content()
        assert worth[7] < worth[6]
        assert playback.seconds == pytest.approx(40 / 30, abs=1e-6)


def test_a_missing_video_leaves_its_view_empty_and_is_said(tmp_path):
    record_session(tmp_path / "s", 12)
    (tmp_path / "s" / "cameras" / "cam_1.mkv").unlink()
    with Playback.open(tmp_path / "s") as playback:
        frames = playback.frameset(3)
        assert playback.view_names == ("cam_0", "cam_1")
        assert frames.frames[0] is not None
        assert frames.frames[1] is None
        assert len(playback.poses_2d(3).poses_by_view[1]) == 1
        assert any("cam_1" in remark and "missing" in remark for remark in playback.remarks)


def test_poses_alone_can_be_looked_at(tmp_path):
    record_session(tmp_path / "s", 12)
    for video in (tmp_path / "s" / "cameras").glob("*.mkv"):
        video.unlink()
    with Playback.open(tmp_path / "s") as playback:
        assert len(playback) == 12
        assert playback.rate_fps == pytest.approx(30, rel=1e-3)
        assert playback.frameset(5).frames == (None, None)
        assert playback.poses_3d(5).people


def test_a_session_with_nothing_in_it_is_refused_in_a_sentence(tmp_path):
    SessionWriter(tmp_path / "s", SessionFacts()).close()
    with pytest.raises(SessionError, match="neither a video that can be read nor poses"):
        Playback.open(tmp_path / "s")


def test_a_video_that_is_none_is_said_and_the_others_are_shown(tmp_path):
    record_session(tmp_path / "s", 12)
    (tmp_path / "s" / "cameras" / "cam_1.mkv").write_bytes(b"no video at all")
    with Playback.open(tmp_path / "s") as playback:
        assert playback.frameset(2).frames[0] is not None
        assert any("'cam_1' cannot be shown" in remark for remark in playback.remarks)


def test_a_torn_video_ends_where_it_ends_though_its_ledger_goes_on(tmp_path):
    record_session(tmp_path / "s", 60)
    for name in ("cam_0.mkv", "cam_1.mkv"):
        video = tmp_path / "s" / "cameras" / name
        data = video.read_bytes()
        video.write_bytes(data[: int(len(data) * 0.6)])
    with open_inputs([tmp_path / "s"]) as footage:
        expected = list(footage.read_framesets())
    with Playback.open(tmp_path / "s") as playback:
        assert len(playback) == len(expected)
        for instant in (len(expected) - 1, 0, len(expected) // 2):
            assert all(map(same_frame, playback.frameset(instant).frames, expected[instant].frames))


def test_a_rig_that_cannot_be_read_is_said_and_the_rest_is_shown(tmp_path):
    record_session(tmp_path / "s", 12)
    (tmp_path / "s" / "rig.toml").write_text("[cam_0]\nname = 3")
    with Playback.open(tmp_path / "s") as playback:
        assert playback.rig is None
        assert any("has no rig that can be read" in remark for remark in playback.remarks)


def test_a_camera_that_began_later_has_no_image_before(tmp_path):
    with SessionWriter(tmp_path / "s", SessionFacts()) as writer:
        for name, first in (("early", 0), ("late", 10)):
            recorder = writer.record_camera(name, source="usb:0", size_wh=(64, 48), rate_fps=30.0)
            for number in range(first, 20):
                recorder.put(Frame(name, number, frame_time_ns(number), draw_picture(number)))
    with Playback.open(tmp_path / "s") as playback:
        assert playback.has_image[:, 0].all()
        assert playback.has_image[:, 1].tolist() == [False] * 10 + [True] * 10
        assert playback.start_ns == START_NS
        assert playback.time_ns[10] - playback.start_ns == pytest.approx(10 * PERIOD_NS, abs=3)


def test_a_session_of_which_nothing_can_be_shown_says_what_is_wrong_with_its_files(tmp_path):
    record_session(tmp_path / "s", 3)
    for file in (tmp_path / "s" / "cameras").iterdir():
        file.write_bytes(b"rubbish" * 100)
    for poses in (tmp_path / "s").glob("poses*"):
        poses.unlink()
    with pytest.raises(
        SessionError, match=r"neither a video .* poses\. Camera '.*' cannot be shown"
    ):
        Playback.open(tmp_path / "s")
