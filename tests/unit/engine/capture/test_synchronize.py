"""Framesets: the images of one instant, found by their times."""

import numpy as np
import pytest

from engine.capture.synchronize import Framesets
from tests.support.sources import ScriptedSource

MS = 1_000_000


def times(count, fps=30.0, start_ms=0.0):
    """Times of a steady camera, ns."""
    return [round(start_ms * MS + index * 1e9 / fps) for index in range(count)]


def steady(name, count, fps=30.0, start_ms=0.0, without=()):
    """A steady camera, without some of its frames."""
    kept = [index for index in range(count) if index not in without]
    moments = times(count, fps, start_ms)
    return ScriptedSource(name, [moments[index] for index in kept], fps, kept)


def sequences(framesets):
    """Sequence numbers of every frameset; None where a view has no image."""
    return [
        tuple(frame.sequence if frame else None for frame in frameset.frames)
        for frameset in framesets
    ]


def test_four_equal_cameras_give_frame_i_in_frameset_i():
    framesets = list(Framesets([steady(name, 50) for name in "abcd"]))
    assert sequences(framesets) == [(i, i, i, i) for i in range(50)]
    assert [frameset.index for frameset in framesets] == list(range(50))
    assert [frameset.timestamp_ns for frameset in framesets] == times(50)


def test_a_dropped_frame_is_none_and_moves_no_other():
    framesets = list(
        Framesets([steady("a", 20, without=(4, 5, 9)), steady("b", 20, without=(9, 12))])
    )
    expected = [(None if i in (4, 5, 9) else i, None if i in (9, 12) else i) for i in range(20)]
    assert sequences(framesets) == expected
    assert (
        np.abs(np.array([f.timestamp_ns for f in framesets]) - times(20)).max() <= 2
    )  # ns, rounding


def test_a_camera_that_ends_early_leaves_none_behind():
    framesets = list(Framesets([steady("a", 10), steady("b", 25)]))
    assert sequences(framesets) == [(i if i < 10 else None, i) for i in range(25)]


def test_different_starts_are_an_offset_and_not_a_new_numbering():
    late = steady("b", 20)
    framesets = list(Framesets([steady("a", 20), late], [0, 200 * MS]))
    assert sequences(framesets) == [
        (i if i < 20 else None, i - 6 if i >= 6 else None) for i in range(26)
    ]


def test_a_fraction_of_a_period_between_cameras_changes_nothing():
    framesets = list(Framesets([steady("a", 30), steady("b", 30, start_ms=12)]))
    assert sequences(framesets) == [(i, i) for i in range(30)]


def test_the_slower_camera_is_the_clock_and_the_faster_gives_its_nearest():
    framesets = list(Framesets([steady("fast", 60, fps=60), steady("slow", 30, fps=30)]))
    assert sequences(framesets) == [(2 * i, i) for i in range(30)]


def test_29_97_and_30_stay_within_half_a_period_for_ten_minutes():
    ntsc, full = steady("ntsc", 17982, fps=30000 / 1001), steady("full", 18000)
    framesets = list(Framesets([full, ntsc]))
    gaps = [
        abs(f.frames[0].timestamp_ns - f.frames[1].timestamp_ns)
        for f in framesets
        if None not in f.frames
    ]
    assert len(gaps) == 17982
    assert max(gaps) <= 17 * MS
    assert (
        max(b[0] - a[0] for a, b in zip(sequences(framesets), sequences(framesets)[1:])) == 2
    )  # 18 are dropped


def test_a_variable_rate_camera_as_clock_gives_all_its_frames():
    rng = np.random.default_rng(3)
    uneven = np.cumsum(rng.uniform(25, 48, 100) * MS).astype(int).tolist()
    framesets = list(Framesets([ScriptedSource("phone", uneven, 27.4), steady("fixed", 130)]))
    taken = [f.frames[0] for f in framesets if f.frames[0] is not None]
    assert len(taken) == 100
    gaps = [
        abs(f.frames[0].timestamp_ns - f.frames[1].timestamp_ns)
        for f in framesets
        if None not in f.frames
    ]
    assert max(gaps) <= 0.6 / 27.4 * 1e9


def test_trembling_stamps_half_a_period_off_cost_no_frames():
    rng = np.random.default_rng(4)
    trembling = (
        (np.array(times(300, start_ms=16.7)) + rng.uniform(-2.5, 2.5, 300) * MS)
        .astype(int)
        .tolist()
    )
    framesets = list(Framesets([steady("a", 300), ScriptedSource("b", trembling, 30.0)]))
    missing = sum(f.frames[1] is None for f in framesets[:300])
    assert missing <= 1


def test_framesets_count_is_known_for_progress():
    assert Framesets([steady("a", 30), steady("b", 45)]).count == 45
    assert Framesets([steady("a", 30), steady("b", 30)], [0, 1000 * MS]).count == 60


def test_the_count_is_unknown_where_a_source_does_not_know():
    class Endless(ScriptedSource):
        frame_count = None

    assert Framesets([Endless("a", times(5), 30.0)]).count is None


def test_a_long_pause_of_all_cameras_is_jumped():
    broken_clock = [*times(10), *times(10, start_ms=3_600_000)]
    framesets = list(
        Framesets(
            [ScriptedSource("a", broken_clock, 30.0), ScriptedSource("b", broken_clock, 30.0)]
        )
    )
    assert len(framesets) == 20
    assert framesets[10].timestamp_ns == 3_600_000 * MS


def test_an_empty_source_leaves_its_view_none():
    assert sequences(Framesets([ScriptedSource("a", [], 30.0), steady("b", 3)])) == [
        (None, i) for i in range(3)
    ]


def test_no_frames_at_all_are_no_framesets():
    assert list(Framesets([ScriptedSource("a", [], 30.0)])) == []


def test_one_offset_is_needed_for_each_source():
    with pytest.raises(ValueError, match="offsets"):
        Framesets([steady("a", 3)], [0, 0])


def test_differences_are_said_with_names_and_numbers():
    wide = steady("wide", 60, fps=60)
    wide.size_wh = (1920, 1080)
    remarks = Framesets([steady("a", 30), steady("b", 90), wide]).remarks
    assert "a, b 30; wide 60" in remarks[0]
    assert "a, wide 1.00 s; b 3.00 s" in remarks[1]
    assert "a, b 4x2; wide 1920x1080" in remarks[2]


def test_equal_cameras_leave_nothing_to_say():
    assert Framesets([steady("a", 30), steady("b", 31)]).remarks == ()
