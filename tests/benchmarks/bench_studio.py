"""What the virtual studio costs, in milliseconds of process CPU per frameset of four views.

Run with ``pytest tests/benchmarks/bench_studio.py -s -m benchmark``. Nothing is asserted but that
it could be measured.
"""

import sys
import time

import cv2
import numpy as np
import pytest

from engine.studio.address import StudioConfig
from engine.studio.scene import Studio

FRAMESETS = 96
SIZES = ((640, 480), (1280, 720))


@pytest.mark.benchmark
@pytest.mark.parametrize("size_wh", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("cameras", [4, 8])
def test_cost_of_a_frameset(size_wh: tuple[int, int], cameras: int):
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    begin = time.process_time()
    studio = Studio(StudioConfig(cameras=cameras, size_wh=size_wh, seed=1, seconds=8.0))
    built_s = time.process_time() - begin
    cost_ms = []
    for frame in range(FRAMESETS):
        begin = time.process_time()
        for camera in range(cameras):
            studio.render(camera, frame)
        cost_ms.append(1e3 * (time.process_time() - begin))
    cv2.setNumThreads(threads)
    sys.stdout.write(
        f"\n{cameras} views {size_wh[0]}x{size_wh[1]}: {np.median(cost_ms):.1f} ms CPU per "
        "frameset (mean "
        f"{np.mean(cost_ms):.1f}, {len(studio.rig) / np.median(cost_ms) * 1e3:.0f} images per "
        "core and second), "
        f"built in {built_s:.1f} s CPU\n"
    )
    assert len(cost_ms) == FRAMESETS
