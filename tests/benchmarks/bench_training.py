"""How fast the loop trains from cached samples, beside the bare step on one batch in memory.

``pytest -m benchmark -s tests/benchmarks/bench_training.py``; ``EPIPOLE_BENCH_THREADS`` (default 1)
of torch. The loader has a thread of its own: with one core for both, it uses what it needs of
the step. Bare and loop alternate, so that what else the machine does meets both.
"""

import os
import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install -e '.[train]'")

from training.data.augment import AugmentConfig  # noqa: E402
from training.data.batches import BatchConfig, Batches  # noqa: E402
from training.data.occluders import draw_occluders  # noqa: E402
from training.data.samples import open_samples, write_samples  # noqa: E402
from training.loop.config import TrainConfig  # noqa: E402
from training.loop.devices import choose_precision, set_up_placement  # noqa: E402
from training.loop.learner import Learner  # noqa: E402
from training.loop.runs import Run  # noqa: E402
from training.loop.train import train  # noqa: E402
from training.networks.build import build_network  # noqa: E402
from training.networks.compact import CompactConfig  # noqa: E402
from training.studio.samples import StudioSampleConfig, draw_samples  # noqa: E402

pytestmark = pytest.mark.benchmark
THREADS = int(os.environ.get("EPIPOLE_BENCH_THREADS", "1"))
BATCH, SAMPLES, TURNS, STEPS = 64, 1024, 3, 16
CONFIG = TrainConfig(samples=STEPS * BATCH, threads=THREADS, learning_rate=1e-3)


def test_the_loop_beside_the_bare_step(tmp_path: Path):
    write_samples(tmp_path / "samples", draw_samples(StudioSampleConfig(samples=SAMPLES)))
    occluders = draw_occluders(200, np.random.default_rng(0))
    batches = Batches(
        open_samples(tmp_path / "samples"), BatchConfig(batch=BATCH), AugmentConfig(), occluders
    )
    ready = next(batches.epoch(0))
    bare, loop, waiting = [], [], []
    for turn in range(TURNS):
        bare.append(measure_bare_rate(ready))
        rows = train(
            build_network(CompactConfig()), batches, CONFIG, Run(tmp_path / str(turn))
        ).history
        loop.append(rows[-1].samples_per_s)
        waiting.append(rows[-1].waiting_share)
    load, precision = os.getloadavg()[0], choose_precision(torch.device("cpu"))
    print(f"\n{precision}, {THREADS} threads, batches of {BATCH}, load {load:.1f}")
    print(f"  bare step {np.median(bare):6.1f} samples/s   {np.round(bare, 1)}")
    print(f"  the loop  {np.median(loop):6.1f} samples/s   {np.round(loop, 1)}")
    print(
        f"  share     {np.median(np.divide(loop, bare)):6.1%}; waiting for data "
        f"{np.median(waiting):.1%}"
    )


def measure_bare_rate(batch) -> float:
    """Teach one batch again and again, samples per second."""
    with set_up_placement(CONFIG) as placement:
        learner = Learner(build_network(CompactConfig()), CONFIG, placement)
        for _ in range(2):
            learner.train_step(batch, 1e-3)
        began_s = time.perf_counter()
        for _ in range(STEPS):
            learner.train_step(batch, 1e-3)
        return STEPS * BATCH / (time.perf_counter() - began_s)
