"""Live framesets, on a clock that the test turns."""

import threading
from itertools import pairwise

import numpy as np
import pytest

from engine.live.framesets import LiveFramesets
from engine.live.lane import MAX_KEPT_BYTES, MAX_KEPT_FRAMES
from tests.support.live_cameras import PERIOD_NS, FakeFeed, make_jpeg
from tests.support.patience import PATIENCE_S

MS = 1_000_000
START_NS = 1_000_000 * MS


class World:
    """Cameras whose images come at the times that the test lists."""

    def __init__(self, *names, offset_ns=None, periods=None):
        self.now_ns = START_NS
        self.feeds = {name: FakeFeed(name, (periods or {}).get(name, PERIOD_NS)) for name in names}
        self.sets = LiveFramesets(tuple(self.feeds.values()), offset_ns, lambda: self.now_ns)
        self.found = []

    def play(self, arrivals, poll=True):
        """Let images arrive: (arrival time, camera, own time) each; poll after each."""
        for arrival_ns, name, own_ns in sorted(arrivals):
            self.now_ns = arrival_ns
            self.feeds[name].send(own_ns)
            if poll:
                self.poll()

    def poll(self, now_ns=None):
        self.now_ns = now_ns or self.now_ns
        frames = self.sets.poll()
        if frames is not None:
            self.found.append(frames)
        return frames


def steady(
    name, count, phase_ms=0.0, lag_ms=5.0, own_ms=0.0, first=0, period_ns=PERIOD_NS, without=()
):
    """Make images of a steady camera: taken at its phase, late by `lag_ms`, off by `own_ms`."""
    taken = [round(START_NS + i * period_ns + phase_ms * MS) for i in range(first, first + count)]
    kept = [time_ns for i, time_ns in enumerate(taken, first) if i not in without]
    return [(round(time_ns + lag_ms * MS), name, round(time_ns + own_ms * MS)) for time_ns in kept]


def whole(frames):
    return all(frame is not None for frame in frames.frames)


def test_steady_cameras_give_one_whole_set_for_each_image():
    world = World("a", "b", "c", "d")
    world.play(steady("a", 60) + steady("b", 60, 3) + steady("c", 60, -9) + steady("d", 60, 14))
    assert [frames.index for frames in world.found] == list(range(len(world.found)))
    assert len(world.found) >= 58
    assert all(whole(frames) for frames in world.found[1:])
    assert world.sets.skipped == 0


def test_an_image_is_the_nearest_one_and_in_one_set_at_most():
    world = World("a", "b")
    world.play(steady("a", 60) + steady("b", 60, 15))
    for frames in world.found[1:]:
        first, second = frames.frames
        assert abs(second.timestamp_ns - first.timestamp_ns) <= 0.5 * PERIOD_NS + MS
    used = [frames.frames[1].sequence for frames in world.found if frames.frames[1] is not None]
    assert len(set(used)) == len(used)


def test_a_reader_who_comes_late_gets_the_newest_set_and_the_index_says_what_was_skipped():
    world = World("a", "b")
    world.play(steady("a", 10) + steady("b", 10), poll=False)
    assert world.poll().index == 0
    world.play(steady("a", 10, first=10) + steady("b", 10, first=10), poll=False)
    frames = world.poll()
    assert frames.index == 10
    assert frames.timestamp_ns == START_NS + 19 * PERIOD_NS
    assert world.sets.skipped == 9
    assert world.poll() is None


def test_a_lost_image_is_waited_for_one_and_a_half_periods_and_then_marked():
    world = World("a", "b")
    world.play(steady("a", 9) + steady("b", 9, without=(8,)))
    assert world.found[-1].index == 7
    taken_ns = START_NS + 8 * PERIOD_NS
    assert world.poll(taken_ns + 5 * MS + round(1.4 * PERIOD_NS)) is None
    frames = world.poll(taken_ns + 5 * MS + round(1.7 * PERIOD_NS))
    assert (frames.index, frames.timestamp_ns) == (8, taken_ns)
    assert frames.frames[0] is not None
    assert frames.frames[1] is None


def test_where_the_slowest_camera_lost_an_image_the_others_still_make_a_set():
    world = World("a", "b", periods={"a": PERIOD_NS * 1.01})
    world.play(steady("a", 40, without=(20, 21)) + steady("b", 40))
    for tick in range(20):
        world.poll(world.now_ns + tick * 5 * MS)
    lacking = [
        frames for frames in world.found[1:] if not whole(frames)
    ]  # the first knew only one camera
    times = [frames.timestamp_ns for frames in world.found]
    assert len(world.found) >= 37
    assert all(frames.frames[1] is not None for frames in lacking)
    assert all(one < other for one, other in pairwise(times))


def test_a_camera_that_is_not_live_is_not_waited_for():
    world = World("a", "b")
    world.play(steady("a", 10) + steady("b", 10))
    world.feeds["b"].live = False
    before = len(world.found)
    world.play(steady("a", 10, first=10))
    assert len(world.found) == before + 10
    assert all(frames.frames[1] is None for frames in world.found[before:])


def test_a_camera_that_comes_back_is_in_the_sets_again():
    world = World("a", "b")
    world.play(steady("a", 10) + steady("b", 10))
    world.feeds["b"].live = False
    world.play(steady("a", 90, first=10))
    world.feeds["b"].live = True
    world.play(steady("a", 20, first=100) + steady("b", 20, first=100))
    assert all(whole(frames) for frames in world.found[-15:])


def test_the_slowest_camera_is_the_clock():
    slow_ns = 2 * PERIOD_NS
    world = World("a", "b", periods={"b": slow_ns})
    world.play(steady("a", 80) + steady("b", 40, 4, period_ns=slow_ns))
    steps = np.diff(
        [frames.timestamp_ns for frames in world.found[1:]]
    )  # the first knew only one camera
    assert np.all(np.abs(steps - slow_ns) < MS)
    assert np.all(np.diff([frames.index for frames in world.found]) == 1)
    assert all(whole(frames) for frames in world.found[1:])


def test_a_camera_that_lags_a_second_is_grouped_by_capture_time_once_its_offset_is_set():
    world = World("a", "b", "late")
    late = {
        "lag_ms": 1000.0,
        "own_ms": 1000.0,
        "phase_ms": 4.0,
    }  # its stamps are those of the arrival
    world.play(steady("a", 90) + steady("b", 90, 7) + steady("late", 60, **late))
    wrong = world.found[-1].frames
    assert wrong[2].timestamp_ns - 1000 * MS < wrong[0].timestamp_ns - 900 * MS
    world.sets.set_offsets({"late": -1000 * MS})
    before = len(world.found)
    world.play(
        steady("a", 120, first=100)
        + steady("b", 120, 7, first=100)
        + steady("late", 120, first=100, **late)
    )
    after = [frames for frames in world.found[before:] if whole(frames)]
    assert len(after) >= 115
    for frames in after:
        assert frames.frames[2].timestamp_ns - 1000 * MS - frames.frames[
            0
        ].timestamp_ns == pytest.approx(4 * MS, abs=2)
    a, b, slow = world.sets.states()
    assert slow.latency_ms == pytest.approx(995, abs=5)
    assert (a.latency_ms, b.latency_ms) == pytest.approx((0, 0), abs=1)
    assert slow.skew_ms == pytest.approx(4, abs=0.1)
    assert b.skew_ms == pytest.approx(7, abs=0.1)


def test_one_camera_alone_gives_sets():
    world = World("a")
    world.play(steady("a", 20))
    assert len(world.found) == 20


def test_jitter_of_the_arrival_costs_no_image():
    rng = np.random.default_rng(0)
    world = World("a", "b", "c")
    arrivals = []
    for name in world.feeds:
        lag_ms = np.sort(rng.exponential(8, 200)) % 30
        rng.shuffle(lag_ms)
        taken = steady(name, 200, lag_ms=0)
        arrivals += [
            (time_ns + round(lag * MS), name, own) for (time_ns, _, own), lag in zip(taken, lag_ms)
        ]
    world.play(arrivals)
    assert sum(whole(frames) for frames in world.found) >= 190


def test_the_memory_is_bounded_by_frames_and_bytes():
    world = World("a", "b", periods={"a": MS})
    for i in range(1000):
        world.feeds["a"].send(START_NS + i * MS)
        world.feeds["b"].listener(make_jpeg("b", i, START_NS + i * MS, 1_000_000))  # never decoded
    light, heavy = world.sets._lanes
    assert len(light.frames) <= MAX_KEPT_FRAMES
    assert sum(len(frame.jpeg) for frame in heavy.frames) <= MAX_KEPT_BYTES


def test_an_image_that_cannot_be_decoded_is_left_out_and_counted():
    world = World("a", "b")
    world.feeds["a"].send(START_NS)
    world.feeds["b"].listener(make_jpeg("b", 0, START_NS, 100))
    assert [frame is not None for frame in world.poll().frames] == [True, False]
    assert [state.dropped for state in world.sets.states()] == [0, 1]


def test_a_lag_beyond_what_is_kept_does_not_starve_the_others():
    world = World("a", "late", offset_ns={"late": -4000 * MS})
    world.play(steady("a", 300) + steady("late", 180, lag_ms=4000, own_ms=4000))
    newest = world.found[-1]
    assert newest.frames[0] is not None
    assert len(world.found) > 150
    first, late = world.sets.states()
    assert first.message == ""
    assert "'late' is 4.0 s behind the others" in late.message
    assert "2.5 s" in late.message


def test_the_sets_end_when_all_cameras_have_ended():
    world = World("a", "b")
    world.play(steady("a", 5) + steady("b", 5, without=(4,)), poll=False)
    for feed in world.feeds.values():
        feed.live, feed.ended = False, True
    assert [frames.index for frames in world.sets] == [0]


def test_closing_frees_a_reader_who_waits_and_lets_the_cameras_go():
    world = World("a")
    found = []
    reader = threading.Thread(target=lambda: found.extend(world.sets))
    reader.start()
    world.sets.close()
    reader.join(PATIENCE_S)
    assert not reader.is_alive()
    assert found == []
    assert world.feeds["a"].listener is None


def test_a_reader_who_waits_gets_the_set_as_soon_as_it_is_whole():
    world = World("a", "b")
    found = []
    reader = threading.Thread(target=lambda: found.append(next(iter(world.sets))))
    reader.start()
    world.play(steady("a", 1) + steady("b", 1), poll=False)
    reader.join(PATIENCE_S)
    world.sets.close()
    assert [frame.camera for frame in found[0].frames if frame is not None] in (["a", "b"], ["a"])
