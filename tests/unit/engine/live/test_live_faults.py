"""Loopback servers behind camera feeds and framesets: a fault of one does not affect the others."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import pytest

from engine.capture.state import CameraPhase
from engine.live.cameras import make_camera_sources
from engine.live.feed import CameraFeed, CameraTimeouts, close_feeds
from engine.live.framesets import LiveFramesets
from tests.support.ip_cameras import MjpegServer, count_sockets
from tests.support.patience import PATIENCE_S, wait_until

SOON = CameraTimeouts(
    read_ms=50, stalled_s=0.3, stalled_periods=5, reopen_s=PATIENCE_S, retry_s=(0.05, 0.1)
)


@contextmanager
def live(*servers: MjpegServer) -> Iterator[tuple[tuple[CameraFeed, ...], LiveFramesets, list]]:
    """Run cameras and a reader of their sets; nothing may be left of them."""
    sources = make_camera_sources([server.address_of("/video") for server in servers])
    feeds = tuple(CameraFeed(found.source, found.address, SOON) for found in sources)
    sets, found = LiveFramesets(feeds), []
    reader = threading.Thread(target=lambda: found.extend(sets))
    reader.start()
    for feed in feeds:
        feed.start()
    try:
        yield feeds, sets, found
    finally:
        sets.close()
        assert close_feeds(feeds, PATIENCE_S) == ()
        reader.join(PATIENCE_S)
    assert wait_until(
        lambda: (
            not [t.name for t in threading.enumerate() if t.name.startswith(("camera ", "close "))]
        )
    )


def whole(found: list) -> int:
    """Count the sets in which every camera has an image."""
    return sum(all(frame is not None for frame in frames.frames) for frames in found)


def test_a_server_that_is_killed_and_returns_three_times_never_stops_the_other():
    with MjpegServer() as good, MjpegServer() as dying, live(good, dying) as (feeds, _, found):
        sockets = None
        for returned in range(3):
            seen = whole(found)
            assert wait_until(lambda seen=seen: whole(found) > seen + 5)
            sockets = sockets or count_sockets()
            dying.kill()
            assert wait_until(lambda: feeds[1].state().phase is CameraPhase.LOST)
            alone = len(found)
            assert wait_until(lambda alone=alone: len(found) > alone + 5)
            dying.start()
            assert wait_until(lambda count=returned + 1: feeds[1].state().reconnect_count == count)
        seen = whole(found)
        assert wait_until(lambda: whole(found) > seen + 5)
        assert wait_until(lambda: count_sockets() <= sockets)
        assert wait_until(lambda: feeds[0].live)
        assert feeds[0].state().reconnect_count == 0
        assert all(one.index < other.index for one, other in pairwise(found))
        assert all(one.timestamp_ns < other.timestamp_ns for one, other in pairwise(found))


def test_a_server_that_stalls_is_left_out_and_comes_back_without_being_opened_again():
    with MjpegServer() as good, MjpegServer() as silent, live(good, silent) as (feeds, _, found):
        assert wait_until(lambda: whole(found) > 5)
        silent.silent.set()
        assert wait_until(lambda: feeds[1].state().phase is CameraPhase.STALLED)
        assert wait_until(lambda: found[-1].frames[1] is None)
        silent.silent.clear()
        assert wait_until(lambda: feeds[1].live)
        assert wait_until(lambda: found[-1].frames[1] is not None)
        assert feeds[1].state().reconnect_count == 0


@pytest.mark.parametrize(
    "manners", [{"fps": 15.0}, {"jitter_s": 0.02}, {"swapped": True}, {"claimed_size": "9x9"}]
)
def test_a_server_with_bad_manners_still_makes_whole_sets(manners):
    with (
        MjpegServer() as good,
        MjpegServer(**manners) as odd,
        live(good, odd) as (feeds, sets, found),
    ):
        assert wait_until(lambda: whole(found) > 20)
        times_ms = np.array([frames.timestamp_ns for frames in found[-15:]]) / 1e6
        assert np.all(np.diff(times_ms) > 0)
        assert sets.skew_ms < 45  # 0.6 periods of the slower one
        assert wait_until(lambda: {feed.state().phase for feed in feeds} == {CameraPhase.LIVE})
