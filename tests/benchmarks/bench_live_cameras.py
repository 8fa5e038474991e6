"""What live cameras cost, and whether they grow.

``pytest -m benchmark tests/benchmarks/bench_live_cameras.py -s``

Prints date, machine and figures; asserts nothing about time.
"""

import os
import platform
import resource
import sys
import threading
import time
from datetime import UTC, datetime

import numpy as np
import pytest

from engine.clock import host_ns
from engine.frames import Frame
from engine.live.cameras import make_camera_sources
from engine.live.feed import CameraFeed, CameraTimeouts, close_feeds
from engine.live.framesets import LiveFramesets
from tests.support.ip_cameras import MjpegServer, count_sockets
from tests.support.patience import wait_until

pytestmark = pytest.mark.benchmark
SECONDS = 10.0
IMAGE = np.zeros((480, 640, 3), np.uint8)


def print_figure(what, figure):
    """Print one figure with its day and machine."""
    machine = f"{platform.processor() or platform.machine()} x{os.cpu_count()}"
    sys.stdout.write(f"\n{datetime.now(UTC):%Y-%m-%d} {machine}  {what}: {figure}\n")


class InstantCamera:
    """A camera whose images cost nothing, 30 per second, with a given delay."""

    def __init__(self, name, lag_s=0.0):
        self.name, self.live, self.rate_fps, self.size_wh = name, True, 30.0, (640, 480)
        self.frame_count, self.remarks = None, ()
        self._number, self._start_ns, self._lag_ns = 0, 0, round(lag_s * 1e9)

    def open(self):
        self._start_ns = host_ns()

    def read(self, timeout_ms):
        due_ns = self._start_ns + self._lag_ns + self._number * 33_333_333
        time.sleep(max(0, due_ns - host_ns()) / 1e9)
        self._number += 1
        return Frame(self.name, self._number - 1, host_ns(), IMAGE)

    def close(self):
        pass


@pytest.mark.parametrize("lag_s", [0.0, 1.0])
@pytest.mark.parametrize("work_s", [0.0, 0.1])
def test_feeds_and_framesets_of_four_cameras(lag_s, work_s):
    feeds = [CameraFeed(InstantCamera(f"cam_{i}", lag_s * (i == 3))) for i in range(4)]
    sets = LiveFramesets(feeds, {"cam_3": -round(lag_s * 1e9)})
    for feed in feeds:
        feed.start()
    start_s, cpu_s, count, whole = time.monotonic(), time.process_time(), 0, 0
    for frames in sets:
        count += 1
        whole += all(frame is not None for frame in frames.frames)
        time.sleep(work_s)
        if time.monotonic() - start_s > SECONDS:
            break
    share = (time.process_time() - cpu_s) / (time.monotonic() - start_s)
    sets.close()
    assert close_feeds(feeds) == ()
    text = (
        f"{share:.3f} core; {whole} of {count} whole, {sets.skipped} skipped, skew "
        f"{sets.skew_ms:.1f} ms"
    )
    print_figure(
        f"4 cameras at 30, one {lag_s:.0f} s late, reader busy for {work_s * 1000:.0f} ms", text
    )


def test_a_server_killed_ten_times_beside_a_good_one():
    soon = CameraTimeouts(retry_s=(0.05, 0.1))
    with MjpegServer() as good, MjpegServer() as dying:
        sources = make_camera_sources([good.address_of("/video"), dying.address_of("/video")])
        feeds = tuple(CameraFeed(found.source, found.address, soon) for found in sources)
        sets, count = LiveFramesets(feeds), [0]

        def read():
            for _ in sets:
                count[0] += 1

        reader = threading.Thread(target=read)
        reader.start()
        for feed in feeds:
            feed.start()
        wait_until(lambda: feeds[1].live)
        memory, sockets, start_s = [], [], time.monotonic()
        for returned in range(10):
            memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
            sockets.append(count_sockets())
            dying.kill()
            dying.start()
            assert wait_until(lambda count=returned + 1: feeds[1].state().reconnect_count == count)
        took_s, states = time.monotonic() - start_s, sets.states()
        sets.close()
        assert close_feeds(feeds) == ()
        reader.join(5)
    print_figure(
        "a server killed and back 10 times",
        f"{count[0]} sets in {took_s:.0f} s; the other camera: {states[0].frames} images, "
        f"{states[0].dropped} dropped; "
        f"memory {memory[0]:.0f} -> {memory[-1]:.0f} MB, sockets {sockets[0]} -> {sockets[-1]}, "
        f"threads left {[t.name for t in threading.enumerate() if t.name.startswith('camera ')]}",
    )
