"""What the live stages cost: associate, reconstruct, smooth; CPU time of their thread per frameset.

Run with ``pytest tests/benchmarks/bench_live_stages.py -s -m benchmark``. Nothing is asserted but
that they did run.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from calibration.geometry.fast_instant import warm_up_kernels
from calibration.rig import Rig
from calibration.synthetic.synthetic import NETWORK_NOISE, RigPlan
from engine.poses import PoseSet2D
from engine.reconstruction.associate import Associate
from engine.reconstruction.reconstruct import Reconstruct
from engine.reconstruction.smooth import Smooth
from tests.support.calibrations import make_scene
from tests.support.pose_recordings import make_pose_sets

pytestmark = pytest.mark.benchmark
STAGES = ("associate", "reconstruct", "smooth")


class Stopwatch:
    """Adds up what calls cost their thread."""

    def __init__(self) -> None:
        self.spent_ms: dict[str, list[float]] = {name: [] for name in STAGES}

    def time_call(self, name: str, call: Callable[..., Any], *given: Any) -> Any:
        """Call and remember the CPU time."""
        started = time.thread_time_ns()
        result = call(*given)
        self.spent_ms[name].append((time.thread_time_ns() - started) / 1e6)
        return result

    def __str__(self) -> str:
        means = {name: float(np.mean(spent)) for name, spent in self.spent_ms.items()}
        rows = [
            f"{name} {means[name]:.3f} (p95 {np.percentile(self.spent_ms[name], 95):.3f})"
            for name in STAGES
        ]
        return ", ".join(rows) + f"; together {sum(means.values()):.3f} ms"


def measure_stages(sets: tuple[PoseSet2D, ...], rig: Rig, skeleton: Any) -> Stopwatch:
    """Carry a recording through the three stages."""
    associate, reconstruct, smooth, stopwatch = (
        Associate(skeleton),
        Reconstruct(skeleton),
        Smooth(),
        Stopwatch(),
    )
    for poses in sets:
        associated = stopwatch.time_call("associate", associate, poses, rig)
        stopwatch.time_call(
            "smooth", smooth, stopwatch.time_call("reconstruct", reconstruct, associated, rig)
        )
    return stopwatch


@pytest.mark.parametrize("cameras", [2, 4, 8])
@pytest.mark.parametrize("people", [1, 2])
def test_live_stages_cost(cameras: int, people: int) -> None:
    warm_up_kernels()
    plan = RigPlan(cameras=cameras, offset_ms=8)
    seen = [
        make_scene(plan, motion, NETWORK_NOISE, seed=2, seconds=20)
        for motion in ("room", "in_place")[:people]
    ]
    observations = [each.seen.observations for each in seen]
    sets = make_pose_sets(*observations)
    measure_stages(sets[:20], seen[0].rig, observations[0].skeleton)
    stopwatch = measure_stages(sets, seen[0].rig, observations[0].skeleton)
    assert all(stopwatch.spent_ms.values())
    print(f"\n{cameras} cameras, {people} in view, {len(sets)} framesets: {stopwatch}")
