"""A camera's thread: it dies, comes back, stalls and lies, and nobody else is troubled."""

import threading
from dataclasses import replace
from itertools import pairwise

import pytest

from engine.capture.state import CameraPhase
from engine.live.feed import CameraFeed, CameraTimeouts, close_feeds
from tests.support.live_cameras import ScriptedCamera
from tests.support.patience import PATIENCE_S, wait_until

# On a busy machine every camera is silent now and then: only where a test lets it be silent is that
# a stall.
CALM = CameraTimeouts(read_ms=10, stalled_s=PATIENCE_S, reopen_s=PATIENCE_S, retry_s=(0.01, 0.02))
SOON = replace(CALM, stalled_s=0.05, stalled_periods=3, reopen_s=0.05)
FREED_S = 4.0  # half of it is waited for a camera that hangs, the other half for what frees it


def until(condition):
    """Wait for something that another thread does."""
    assert wait_until(condition), "it never happened"


@pytest.fixture
def camera():
    return ScriptedCamera()


@pytest.fixture
def patience():
    """Return how patient the feed is; tests of stalls have another one."""
    return CALM


@pytest.fixture
def feed(camera, patience):
    before = set(threading.enumerate())
    feed = CameraFeed(camera, "rtsp://me:secret@door/1", patience)
    yield feed
    camera.hangs = False
    camera.closed.set()
    feed.close()
    until(lambda: set(threading.enumerate()) <= before)


def test_a_camera_that_sends_is_live(feed):
    feed.start()
    until(lambda: feed.state().frames > 5)
    state = feed.state()
    assert (state.phase, state.message, state.size_wh, state.dropped) == (
        CameraPhase.LIVE,
        "",
        (8, 6),
        0,
    )
    assert state.rate_fps > 0
    assert feed.newest is not None
    assert feed.live


def test_a_password_is_not_kept(feed):
    assert feed.state().address == "rtsp://door/1"


def test_a_camera_is_opening_before_it_is_started(feed):
    assert feed.state().phase is CameraPhase.OPENING
    assert not feed.live


def test_a_camera_that_is_not_there_is_tried_until_it_is(feed, camera):
    camera.is_plugged_in = False
    feed.start()
    until(lambda: feed.state().phase is CameraPhase.LOST)
    assert feed.state().message == "Camera 'left' is not there. Plug it in."
    camera.is_plugged_in = True
    until(lambda: feed.state().phase is CameraPhase.LIVE)
    assert feed.state().message == ""


def test_a_camera_that_dies_and_returns_ten_times_goes_on_rising_in_number_and_time(feed, camera):
    frames = []
    feed.deliver_to(frames.append)
    feed.start()
    for time_lost in range(10):
        seen = len(frames)
        until(lambda seen=seen: len(frames) > seen + 3)
        camera.is_plugged_in = False
        until(lambda: feed.state().phase is CameraPhase.LOST)
        assert "Plug it in again" in feed.state().message or "not there" in feed.state().message
        camera.is_plugged_in = True
        until(lambda count=time_lost + 1: feed.state().reconnect_count == count)
    assert feed.state().phase is CameraPhase.LIVE
    assert all(one.sequence < other.sequence for one, other in pairwise(frames))
    assert all(one.timestamp_ns < other.timestamp_ns for one, other in pairwise(frames))
    assert sum(thread.name.startswith("camera left") for thread in threading.enumerate()) == 1


@pytest.mark.parametrize("patience", [SOON], ids=["soon"])
def test_a_silent_camera_is_stalled_then_opened_again(feed, camera):
    feed.start()
    until(lambda: feed.live)
    camera.is_silent = True
    until(
        lambda: (
            (now := feed.state()).phase is CameraPhase.STALLED and "sent no image" in now.message
        )
    )
    until(lambda: camera.opened > 1)
    assert not feed.live
    camera.is_silent = False
    until(lambda: feed.live)
    assert feed.state().reconnect_count == 1


@pytest.mark.parametrize("patience", [SOON], ids=["soon"])
def test_a_camera_that_hangs_is_reported_as_stalled(feed, camera):
    feed.start()
    until(lambda: feed.live)
    camera.hangs = True
    until(lambda: feed.state().phase is CameraPhase.STALLED)


def test_closing_frees_a_camera_that_hangs(feed, camera):
    camera.hangs = True
    feed.start()
    until(lambda: camera.opened)
    assert feed.close(FREED_S)


def test_a_camera_that_cannot_be_freed_is_left_behind_and_named():
    class Stuck(ScriptedCamera):
        def close(self):
            if not self.freed:
                free.wait(PATIENCE_S)

        freed = False

    before = set(threading.enumerate())
    free, camera = threading.Event(), Stuck()
    camera.hangs = True
    feed, other = CameraFeed(camera, "", CALM), CameraFeed(ScriptedCamera("right"), "", CALM)
    feed.start()
    other.start()
    until(lambda: camera.opened)
    assert close_feeds((feed, other), FREED_S) == ("left",)
    camera.freed = True
    free.set()
    camera.closed.set()
    until(lambda: set(threading.enumerate()) <= before)


def test_reconnect_opens_a_camera_again_at_once(feed, camera):
    feed.start()
    until(lambda: feed.live)
    feed.reconnect()
    until(lambda: camera.opened == 2 and feed.state().reconnect_count == 1)


def test_images_of_another_size_are_left_out_and_said_but_recorded(feed, camera):
    delivered, recorded = [], []
    feed.deliver_to(delivered.append)
    feed.tap(recorded.append)
    feed.start()
    until(lambda: len(delivered) > 2)
    camera.size_wh = (16, 12)
    until(lambda: feed.state().dropped > 2)
    assert "now sends 16x12 instead of 8x6" in feed.state().message
    assert {frame.size_wh for frame in delivered} == {(8, 6)}
    assert {frame.size_wh for frame in recorded} == {(8, 6), (16, 12)}
    camera.size_wh = (8, 6)
    until(lambda: feed.state().message == "")


def test_a_recorder_that_fails_does_not_stop_the_camera(feed):
    def fail(frame):
        raise OSError("full")

    feed.tap(fail)
    feed.start()
    until(lambda: feed.state().frames > 5)
    assert feed.live


def test_a_fault_of_the_program_in_a_source_is_said_and_tried_again(feed, camera):
    read = camera.read

    def broken(timeout_ms):
        raise KeyError("oops")

    camera.read = broken
    feed.start()
    until(lambda: feed.state().phase is CameraPhase.LOST)
    assert "failed" in feed.state().message
    camera.read = read
    until(lambda: feed.live)


def test_a_video_that_is_over_has_ended_and_its_thread_too(feed, camera):
    camera.is_over = True
    feed.start()
    until(lambda: feed.ended)
    assert feed.state().phase is CameraPhase.ENDED
    until(lambda: not any(thread.name == "camera left" for thread in threading.enumerate()))


def test_one_camera_that_hangs_does_not_trouble_another(feed, camera):
    camera.hangs = True
    other = CameraFeed(ScriptedCamera("right"), "", CALM)
    feed.start()
    other.start()
    until(lambda: other.state().frames > 10)
    assert close_feeds((feed, other), FREED_S) == ()


def test_a_feed_that_never_started_can_be_closed(feed):
    assert feed.close()
