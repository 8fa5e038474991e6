import threading

import pytest

from engine.frames import FrameSet
from engine.pipeline import Pipeline
from engine.stages import ThreadedPipeline, prefetch
from engine.stats import TIMED_STAGES
from tests.support.patience import PATIENCE_S


def test_items_made_ahead_keep_their_order():
    assert list(prefetch(range(100), capacity=3)) == list(range(100))


def test_an_error_of_the_maker_reaches_the_reader_after_the_items_before_it():
    def items():
        yield 1
        raise OSError("the disk is gone")

    reader = prefetch(items())
    assert next(reader) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(reader)


def test_no_thread_is_left_when_the_reader_leaves_early():
    before = threading.active_count()
    reader = prefetch(iter(range(10_000)), capacity=2)
    assert next(reader) == 0
    reader.close()
    assert threading.active_count() == before


# The page in threads


class Collected:
    """A sink that keeps everything."""

    def __init__(self):
        self.items = []

    def put(self, frames, poses_2d, poses_3d):
        self.items.append((frames.index, poses_2d, poses_3d))


def page(framesets, sinks, **stages):
    """A page of small sums instead of networks."""
    calm = {"last": 0.0}

    def smooth(poses):
        calm["last"] = 0.5 * (calm["last"] + poses)
        return calm["last"]

    parts = {
        "estimate": lambda frames: frames.index * 10,
        "associate": lambda poses, rig: poses + rig,
        "reconstruct": lambda poses, rig: poses * 1.5 + rig,
        "smooth": smooth,
    }
    return Pipeline(framesets, **(parts | stages), sinks=sinks, rig=lambda: 3)


def sets(count):
    return [FrameSet(i, i * 1000, ()) for i in range(count)]


def test_the_page_in_threads_gives_what_the_page_gives():
    one, other = Collected(), Collected()
    page(sets(200), [one]).run()
    ThreadedPipeline(page(sets(200), [other])).run()
    assert one.items == other.items
    assert len(other.items) == 200


@pytest.mark.parametrize("stage", ["estimate", "associate", "reconstruct", "smooth"])
def test_an_error_of_a_stage_ends_all_and_is_raised(stage):
    def fail(poses, *rest):
        raise OSError("the graphics card is gone")

    before = threading.active_count()
    endless = iter(lambda: FrameSet(0, 0, ()), None)
    with pytest.raises(OSError, match="the graphics card is gone"):
        ThreadedPipeline(page(endless, [], **{stage: fail})).run()
    assert threading.active_count() == before


def test_what_was_estimated_before_an_error_still_reaches_the_sinks():
    sink = Collected()

    def estimate(frames):
        if frames.index == 5:
            raise OSError("gone")
        return 1

    with pytest.raises(OSError, match="gone"):
        ThreadedPipeline(page(sets(10), [sink], estimate=estimate)).run()
    assert [item[0] for item in sink.items] == [0, 1, 2, 3, 4]


def test_an_error_of_a_sink_frees_a_camera_that_waits():
    waiting = threading.Event()

    def framesets():
        yield FrameSet(0, 0, ())
        waiting.wait(PATIENCE_S)

    class Broken:
        def put(self, frames, poses_2d, poses_3d):
            raise OSError("the disk is gone")

    threads = ThreadedPipeline(page(framesets(), [Broken()]), end=waiting.set)
    threads.start()
    assert isinstance(threads.join(PATIENCE_S), OSError)
    assert waiting.is_set()
    assert not threads.running


def test_stopped_stages_end_though_the_cameras_go_on():
    threads = ThreadedPipeline(page(iter(lambda: FrameSet(0, 0, ()), None), []))
    threads.start()
    threads.stop()
    assert threads.join(PATIENCE_S) is None
    assert not threads.running


def test_every_stage_is_timed():
    threads = ThreadedPipeline(page(sets(5), []))
    threads.run()
    assert [time.name for time in threads.times.summarize() if time.median_ms >= 0] == list(
        TIMED_STAGES
    )
