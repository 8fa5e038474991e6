"""Offline sources played as live cameras, on a clock that the test turns."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from engine.capture.studio import open_studio
from engine.errors import CameraTimeoutError
from engine.live.real_time import LEAD_NS, FrameBarrier, PlaybackGroup, RealTimeSource, SharedStart
from tests.support.patience import PATIENCE_S
from tests.support.sources import ScriptedSource

MS = 1_000_000
NOW_NS = 7_000_000 * MS
PERIOD_NS = 100 * MS


class Clock:
    """A clock that only the test advances."""

    def __init__(self):
        self.now_ns = NOW_NS

    def __call__(self):
        return self.now_ns


class Made(ScriptedSource):
    """Makes its images when it is asked, and can leave some out, as the studio does."""

    def __init__(self, name, count, made):
        super().__init__(name, [i * PERIOD_NS for i in range(count)], 10.0)
        self.made = made

    def skip_to(self, number):
        self._next = max(self._next, number)

    def read(self, timeout_ms):
        frame = super().read(timeout_ms)
        if frame is not None:
            self.made.append((self.name, frame.sequence))
        return frame


@pytest.fixture
def clock():
    return Clock()


def video(clock, count=20, **options):
    source = ScriptedSource("a", [i * PERIOD_NS for i in range(count)], 10.0)
    player = RealTimeSource(source, PlaybackGroup(SharedStart(clock)), **options)
    player.open()
    clock.now_ns += LEAD_NS
    return player


def test_an_image_is_not_given_before_it_is_due(clock):
    player = video(clock)
    assert player.read(1).sequence == 0
    with pytest.raises(CameraTimeoutError):
        player.read(0)
    clock.now_ns += PERIOD_NS
    frame = player.read(0)
    assert (frame.sequence, frame.timestamp_ns) == (1, NOW_NS + LEAD_NS + PERIOD_NS)


def test_it_is_live_and_says_what_its_source_is(clock):
    player = video(clock, name="door")
    assert (player.live, player.name, player.rate_fps, player.size_wh) == (
        True,
        "door",
        10.0,
        (4, 2),
    )
    assert player.read(1).camera == "door"


def test_images_that_nobody_had_time_for_are_a_gap_in_the_sequence(clock):
    player = video(clock)
    player.read(0)
    clock.now_ns += round(5.5 * PERIOD_NS)
    assert [player.read(0).sequence] == [5]


def test_a_source_that_is_over_ends(clock):
    player = video(clock, count=2)
    player.read(0)
    clock.now_ns += PERIOD_NS
    player.read(0)
    assert player.read(0) is None


def test_the_origin_of_a_session_is_taken_off(clock):
    source = ScriptedSource("a", [900 * MS + i * PERIOD_NS for i in range(3)], 10.0)
    player = RealTimeSource(source, PlaybackGroup(SharedStart(clock)), origin_ns=880 * MS)
    player.open()
    clock.now_ns += LEAD_NS + 20 * MS
    assert player.read(0).timestamp_ns == NOW_NS + LEAD_NS + 20 * MS


def test_the_studio_does_not_make_what_is_too_late(clock):
    made = []
    player = RealTimeSource(Made("a", 20, made), PlaybackGroup(SharedStart(clock), FrameBarrier()))
    player.open()
    clock.now_ns += LEAD_NS
    player.read(0)
    clock.now_ns += round(5.5 * PERIOD_NS)
    player.read(0)
    clock.now_ns += PERIOD_NS
    player.read(0)
    assert made == [("a", 0), ("a", 5), ("a", 6)]


def test_cameras_of_one_studio_that_are_late_make_the_same_images():
    # no camera is given up, however busy the machine is
    start, beat, made = SharedStart(), FrameBarrier(PATIENCE_S), []
    players = [
        RealTimeSource(Slow(name, 120, made, delay_s), PlaybackGroup(start, beat))
        for name, delay_s in SLOW.items()
    ]
    threads = [threading.Thread(target=read_all, args=(player,)) for player in players]
    for player in players:
        player.open()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    numbers = [sorted(number for name, number in made if name == camera) for camera in SLOW]
    assert numbers[0] == numbers[1] == numbers[2]
    assert 2 < len(numbers[0]) < 120


SLOW = {"a": 0.001, "b": 0.025, "c": 0.012}


class Slow(Made):
    """A renderer that is slower than its camera's rate."""

    def __init__(self, name, count, made, delay_s):
        super().__init__(name, count, made)
        self._times_ns = [i * 10 * MS for i in range(count)]
        self.rate_fps, self._delay = 100.0, threading.Event()
        self._delay_s = delay_s

    def read(self, timeout_ms):
        self._delay.wait(self._delay_s)
        return super().read(timeout_ms)


def read_all(player):
    """Read until the end, as a camera's thread does."""
    while True:
        try:
            if player.read(50) is None:
                return
        except CameraTimeoutError:
            continue


def test_a_camera_of_the_studio_that_left_is_not_waited_for(clock):
    made = []
    start, beat = SharedStart(clock), FrameBarrier()
    one, other = (RealTimeSource(Made(name, 20, made), PlaybackGroup(start, beat)) for name in "ab")
    one.open()
    other.open()
    clock.now_ns += LEAD_NS
    one.read(0)
    other.read(0)
    other.close()
    clock.now_ns += PERIOD_NS
    assert one.read(0).sequence == 1
    clock.now_ns += PERIOD_NS
    assert one.read(0).sequence == 2


def test_a_reader_who_waits_is_freed_by_closing():
    player = RealTimeSource(
        ScriptedSource("a", [3600 * 1000 * MS], 10.0), PlaybackGroup(SharedStart())
    )
    player.open()
    reader = threading.Thread(target=player.read, args=(600_000,))
    reader.start()
    player.close()
    reader.join(PATIENCE_S)
    assert not reader.is_alive()


def test_studio_cameras_keep_their_true_clocks_and_pictures(clock):
    studio, sources = open_studio("studio:wave?cameras=2&seed=2&seconds=1&size=160x120")
    start, beat = SharedStart(clock), FrameBarrier()
    players = [RealTimeSource(source, PlaybackGroup(start, beat)) for source in sources]
    for player in players:
        player.open()
    clock.now_ns += LEAD_NS + 300 * MS
    for camera, player in enumerate(players):
        frame = player.read(0)
        true = studio.render(camera, frame.sequence)
        assert frame.sequence >= 8
        assert frame.timestamp_ns == NOW_NS + LEAD_NS + true.timestamp_ns
        assert np.array_equal(frame.image_bgr, replace(true).image_bgr)


def test_a_studio_that_all_have_left_begins_again_with_what_is_due(clock):
    together = PlaybackGroup(SharedStart(clock), FrameBarrier())
    one, other = (RealTimeSource(Made(name, 200, []), together) for name in "ab")
    one.open()
    other.open()
    clock.now_ns += LEAD_NS
    one.read(0)  # the other has not begun with this image
    one.close()
    other.close()
    clock.now_ns += 100 * PERIOD_NS
    other.open()
    assert other.read(0).sequence == 100
