"""The experiments of Pose ResNet in our numbers: teachers compared, and the ablation of its parts.

``EPIPOLE_BENCH_MINUTES=4 pytest -m benchmark -s tests/benchmarks/bench_pose_resnet.py``. Each row
is a run of its own under ``EPIPOLE_BENCH_DATA``, made once and continued where it was killed;
``EPIPOLE_BENCH_ROWS`` selects the rows whose names hold a text. Minutes are those of one idle core:
the budget is a number of samples, so that every row of a table gets the same whatever else
runs. ``EPIPOLE_BENCH_PEOPLE`` and ``_HELD_OUT`` say how many.

Errors are on people, styles and motions never trained on, against exact detector-style
truth.
"""

import os
from dataclasses import dataclass, replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.benchmarks.pose_resnet_data import (  # noqa: E402
    DATA,
    TEACHERS,
    load_flat,
    load_held_out,
    load_training_samples,
    occlude_samples,
)
from training.data.augment import AugmentConfig  # noqa: E402
from training.data.batches import BatchConfig, Batches  # noqa: E402
from training.data.occluders import draw_occluders  # noqa: E402
from training.data.samples import Samples  # noqa: E402
from training.evaluation.estimate_torch import make_torch_estimate  # noqa: E402
from training.evaluation.evaluate import EvaluateConfig, evaluate_model  # noqa: E402
from training.evaluation.evaluation import Evaluation, compare_models  # noqa: E402
from training.loop.checkpoint import load_checkpoint, network_from_checkpoint  # noqa: E402
from training.loop.config import TrainConfig  # noqa: E402
from training.loop.runs import Run  # noqa: E402
from training.loop.train import resume, train  # noqa: E402
from training.networks.build import AnyConfig, build_network  # noqa: E402
from training.networks.compact import CompactConfig  # noqa: E402
from training.networks.pose_network import PoseNetwork  # noqa: E402
from training.networks.pose_resnet import PoseResNetConfig  # noqa: E402
from training.networks.transfer import transfer_weights  # noqa: E402

pytestmark = pytest.mark.benchmark
MINUTES = float(os.environ.get("EPIPOLE_BENCH_MINUTES", "4"))
PEOPLE, HELD_OUT = (
    int(os.environ.get(f"EPIPOLE_BENCH_{name}", n)) for name, n in (("PEOPLE", 8), ("HELD_OUT", 4))
)
ONLY = os.environ.get("EPIPOLE_BENCH_ROWS", "")
SEED, JUDGED_STRIDE = 0, 4
RATE = {CompactConfig: 130.0, PoseResNetConfig: 70.0}
"""Samples per second of one core with all that is done to them: minutes become samples."""

FROM_SCRATCH = {"heat_weight": 0.2, "learning_rate": 3e-3}
"""For the ResNets, which have no ImageNet weights here.

With the published loss alone they still return the mean pose after 15 000 pictures (171 mm,
whatever the parts).
"""

RESNET_BATCH = 16
"""A batch of them: from nothing, steps count more than their size."""

COMPACT = CompactConfig()
SMALL_RESNET = PoseResNetConfig(
    depth=18, size_px=128, volume_depth=16, head_channels=64, cbam=False, wasp=False, width=16
)
"""A quarter as wide as published: 70 pictures a second instead of 9, for more steps per minute."""

NO_OCCLUSION = replace(AugmentConfig(), occlusion_probability=0.0)


@dataclass(frozen=True)
class Row:
    """One run: which network, whose labels, from which weights, and what is done to the crops."""

    name: str
    network: AnyConfig
    teacher: str = "ours"
    start: str = ""
    occlusion: bool = True
    reprojection: float = 0.3


def make_config(cbam: bool, wasp: bool) -> PoseResNetConfig:
    return replace(SMALL_RESNET, cbam=cbam, wasp=wasp)


def name_config(network: PoseResNetConfig) -> str:
    return f"flat resnet{' cbam' * network.cbam}{' wasp' * network.wasp}"


FLAT = [Row("flat compact", COMPACT, "flat")]
FLAT += [
    Row(name_config(make_config(c, w)), make_config(c, w), "flat")
    for c in (False, True)
    for w in (False, True)
]
BY_TEACHER = [
    Row("fully supervised", COMPACT, "truth", "flat compact", reprojection=0.0),
    Row("self-supervised, ours", COMPACT, "ours", "flat compact"),
    Row("self-supervised, ours, labels alone", COMPACT, "ours", "flat compact", reprojection=0.0),
    Row("self-supervised, two views", COMPACT, "two views", "flat compact", reprojection=0.0),
]
ABLATION = [
    Row("nothing", make_config(False, False), occlusion=False),
    *(
        Row(
            f"+transfer{' +occlusion' * o}{' +cbam' * c}{' +wasp' * w}",
            make_config(c, w),
            start=name_config(make_config(c, w)),
            occlusion=o,
        )
        for o, c, w in (
            (False, False, False), (True, False, False), (False, False, True), (False, True, False),
            (True, False, True), (True, True, False), (True, True, True),
        )
    ),
]  # fmt: skip


def test_the_teachers_say_how_good_they_are():
    """How far the labels are from the truth in the same crops, root-relative, and their count."""
    truth = load_training_samples(PEOPLE, "truth")
    for teacher in TEACHERS[1:]:
        labels = load_training_samples(PEOPLE, teacher)
        off = torch.from_numpy(
            labels.xyz - labels.xyz[:, 6:7] - truth.xyz + truth.xyz[:, 6:7]
        ).norm(dim=-1)
        counted = torch.from_numpy(labels.weight > 0) & off.isfinite()
        print(
            f"{teacher:10s} labels for {100 * counted.float().mean():.1f} % of {len(labels)} × "
            "16 joints,",
            end=" ",
        )
        print(
            f"off by {1e3 * off[counted].mean():.1f} mm (median {1e3 * off[counted].median():.1f})"
        )
        assert counted.any()


def test_who_teaches():
    """Fully against self-supervised, ours against the two-view recipe; the rest is the same."""
    judged = load_held_out(HELD_OUT, JUDGED_STRIDE)
    found = {row.name: evaluate_row(row, judged) for row in select_rows(BY_TEACHER)}
    print_table(found)
    best = found.get("fully supervised")
    for name, evaluation in found.items():
        if best is not None and evaluation is not best:
            for each in compare_models(best, evaluation, ["" for _ in range(len(judged))]):
                print(
                    f"{name} / fully supervised {each.after_mm / each.before_mm:.2f}, "
                    f"{each.description}"
                )
    assert found


def test_what_each_part_is_worth():
    """The paper's ablation on clean and on occluded images."""
    clean = load_held_out(HELD_OUT, JUDGED_STRIDE)
    hidden = occlude_samples(clean)
    rows = select_rows(ABLATION)
    print("clean")
    found = {row.name: evaluate_row(row, clean) for row in rows}
    print_table(found)
    print("occluded")
    print_table({row.name: evaluate_row(row, hidden) for row in rows})
    assert found


def select_rows(rows: list[Row]) -> list[Row]:
    found = [row for row in rows if ONLY in row.name]
    if not found:
        pytest.skip(f"no row of this table is called anything with '{ONLY}'")
    return found


def evaluate_row(row: Row, samples: Samples) -> Evaluation:
    """Train a row unless it is done, and judge it."""
    estimate = make_torch_estimate(train_row(row))
    return evaluate_model(estimate, samples, row.network.size_px, EvaluateConfig(row.name))


def train_row(row: Row) -> PoseNetwork:
    """Train a row, or continue where it was killed, or read its result."""
    folder = DATA / "runs" / f"{row.name}, {PEOPLE} people, {MINUTES:g} min"
    run = Run(folder)
    config = TrainConfig(
        samples=60 * MINUTES * RATE[type(row.network)],
        reprojection_weight=row.reprojection,
        threads=1,
        seed=SEED,
    )
    if isinstance(row.network, PoseResNetConfig):
        config = replace(config, **FROM_SCRATCH)
    if run.last.exists():
        trained = resume(build_batches(row), run)
    else:
        torch.manual_seed(SEED)
        trained = train(build_row_network(row), build_batches(row), config, run)
    return network_from_checkpoint(load_checkpoint(trained.checkpoint))


def build_row_network(row: Row) -> PoseNetwork:
    """The network of a row with its first weights: random, or from two dimensions."""
    volume = 1 if row.teacher == "flat" else row.network.volume_depth
    network = build_network(replace(row.network, volume_depth=volume))
    if row.start:
        transfer_weights(train_row(next(each for each in FLAT if each.name == row.start)), network)
    return network


def build_batches(row: Row) -> Batches:
    """The crops of a row and what is done to them."""
    samples = load_flat() if row.teacher == "flat" else load_training_samples(PEOPLE, row.teacher)
    other_views = 0.5 if row.reprojection and row.teacher != "flat" else 0.0
    config = BatchConfig(size_px=row.network.size_px, other_views=other_views)
    if isinstance(row.network, PoseResNetConfig):
        config = replace(config, batch=RESNET_BATCH)
    augment = AugmentConfig() if row.occlusion else NO_OCCLUSION
    things = draw_occluders(300, np.random.default_rng(SEED)) if row.occlusion else ()
    return Batches(samples, config, augment, things, SEED)


def print_table(found: dict[str, Evaluation]) -> None:
    """Print a table: the honest number with its interval, then the papers' way."""
    print(f"{'':38s} image only, mm (95 %)     P-MPJPE   true box and depth   N-MPJPE   PCK@150")
    for name, evaluation in found.items():
        honest, aided = evaluation.primary.overall, evaluation.results[-1].overall
        sure = honest["mpjpe"]
        print(
            f"{name:38s} {sure.mean:6.1f} ({sure.low:5.1f} – {sure.high:5.1f})     "
            f"{honest['p_mpjpe'].mean:6.1f}"
            f"   {aided['mpjpe'].mean:6.1f}               {aided['n_mpjpe'].mean:6.1f}    "
            f"{aided['pck'].mean:5.1f} %",
            flush=True,
        )
