"""What holds for framesets of any cameras: order, no frame twice, no frame far from its instant."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.capture.synchronize import MAX_DISTANCE_PERIODS, Framesets
from tests.support.sources import ScriptedSource

RATES = st.sampled_from([10.0, 24.0, 25.0, 29.97, 30.0, 50.0, 59.94, 60.0])


@st.composite
def cameras(draw, rate=RATES):
    """Draw a camera with its own rate, start, tremble and drops; frames are numbered in time."""
    fps = draw(rate)
    period_ns = round(1e9 / fps)
    start_ns = draw(st.integers(-3 * 10**8, 3 * 10**8))
    kept = draw(st.lists(st.booleans(), min_size=1, max_size=40))
    trembles = draw(
        st.lists(
            st.integers(-period_ns // 12, period_ns // 12), min_size=len(kept), max_size=len(kept)
        )
    )
    numbers = [number for number, here in enumerate(kept) if here]
    return ScriptedSource(
        "c", [start_ns + n * period_ns + trembles[n] for n in numbers], fps, numbers
    )


@given(st.lists(cameras(), min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_framesets_rise_and_use_each_frame_once_and_near_its_instant(sources):
    framesets = list(Framesets(sources))
    reach_ns = MAX_DISTANCE_PERIODS * 1e9 / min(source.rate_fps for source in sources) + 2
    instants = [frameset.timestamp_ns for frameset in framesets]
    assert all(a < b for a, b in itertools.pairwise(instants))
    assert [frameset.index for frameset in framesets] == list(range(len(framesets)))
    for view in range(len(sources)):
        used = [(f.timestamp_ns, f.frames[view]) for f in framesets if f.frames[view] is not None]
        numbers = [frame.sequence for _, frame in used]
        assert all(a < b for a, b in itertools.pairwise(numbers))
        assert all(abs(frame.timestamp_ns - instant) <= reach_ns for instant, frame in used)


@given(st.lists(st.lists(st.booleans(), min_size=30, max_size=30), min_size=2, max_size=4))
@settings(max_examples=100, deadline=None)
def test_cameras_of_one_clock_lose_nothing_and_never_mix_instants(kept):
    period_ns = 33_333_333
    sources = [
        ScriptedSource(
            "c",
            [n * period_ns for n in range(30) if row[n]],
            30.0,
            [n for n in range(30) if row[n]],
        )
        for row in kept
    ]
    framesets = list(Framesets(sources))
    for view, row in enumerate(kept):
        assert sum(frameset.frames[view] is not None for frameset in framesets) == sum(row)
    for frameset in framesets:
        assert len({frame.sequence for frame in frameset.frames if frame is not None}) <= 1


@given(st.lists(cameras(st.just(30.0)), min_size=2, max_size=4), st.integers(-(10**15), 10**15))
@settings(max_examples=60, deadline=None)
def test_a_later_clock_changes_the_times_and_nothing_else(sources, later_ns):
    first = [tuple(f and f.sequence for f in frameset.frames) for frameset in Framesets(sources)]
    for source in sources:
        source.open()
    second = list(Framesets(sources, [later_ns] * len(sources)))
    assert [tuple(f and f.sequence for f in frameset.frames) for frameset in second] == first
