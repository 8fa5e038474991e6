"""The loop on real video: `data/beam` calibrated, tracked, labelled, trained on; cameras held out.

``EPIPOLE_BENCH_MINUTES=2 pytest -m benchmark -s tests/benchmarks/bench_beam_finetune.py``; minutes
are those of one undisturbed core, per camera. Nothing is known of the rig or the person, not even
the stature: the average is taken. The judge is the rig's own triangulation in a view whose images
were never trained on: in all its 1.67 s, of which the other views were trained on, and in three
sixths of a second, of which nothing was. That is one person in one short movement, so the intervals
(blocks of 0.2 s) say how sure the figures are of this clip, and nothing of another.
"""

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from engine.session.session import Session  # noqa: E402
from tests.benchmarks.finetune_data import run_epipole  # noqa: E402
from training.data.augment import AugmentConfig  # noqa: E402
from training.data.batches import BatchConfig, Batches, WeightedSamples  # noqa: E402
from training.data.occluders import draw_occluders  # noqa: E402
from training.data.samples import Samples, open_samples, write_samples  # noqa: E402
from training.data.session_samples import SessionSamplesConfig, samples_from_session  # noqa: E402
from training.data.splits import SplitConfig, split  # noqa: E402
from training.evaluation.estimate_samples import estimate_samples  # noqa: E402
from training.evaluation.estimate_torch import make_torch_estimate  # noqa: E402
from training.evaluation.intervals import Interval, bootstrap_interval  # noqa: E402
from training.finetuning.prediction_errors import Predictions, find_judgeable, measure_label_errors  # noqa: E402
from training.finetuning.prepare_data import REPLAY_SAMPLES  # noqa: E402
from training.finetuning.train_and_export import BATCH, LEARNING_RATE, REPLAY_SHARE  # noqa: E402
from training.labels.files import LabelSet, load_labels  # noqa: E402
from training.labels.report import format_summary  # noqa: E402
from training.labels.session import label_session  # noqa: E402
from training.loop.checkpoint import load_checkpoint, network_from_checkpoint  # noqa: E402
from training.loop.config import TrainConfig  # noqa: E402
from training.loop.runs import Run  # noqa: E402
from training.loop.train import train  # noqa: E402
from training.studio.samples import StudioSampleConfig, draw_samples  # noqa: E402

pytestmark = [pytest.mark.benchmark, pytest.mark.data]
DATA = Path(
    os.environ.get("EPIPOLE_BENCH_DATA", Path(tempfile.gettempdir()) / "epipole_beam")
).absolute()
MINUTES = float(os.environ.get("EPIPOLE_BENCH_MINUTES", "2"))
SAMPLES_PER_S = 130.0
BLOCK_NS = 200_000_000
START = Path("assets/models/compact-studio.pt")


def test_the_loop_on_real_video(data_folder):
    session = make_session(data_folder / "beam")
    refused = run_epipole(
        "finetune", session, "--minutes", "3", "--person", "beam", "--out", DATA / "runs"
    )
    print(f"\nthe one click says: {refused.stdout.strip().splitlines()[-1]}")
    labelled = label_session(Session.open(session))
    print(*format_summary(labelled.summary), sep="\n")
    samples = cut_samples(session, load_labels(labelled.path))
    names = sorted({camera.name for camera in samples.cameras})
    print(
        f"{len(samples)} crops of {len(names)} cameras; mm against the rig (95 % by blocks of "
        "0.2 s)"
    )
    gains = [evaluate_held_out(name, samples) for name in names]
    assert np.isfinite(gains).all()


def evaluate_held_out(name: str, samples: Samples) -> float:
    """Train on the other cameras, judge in this one; return the gain over its whole length, mm."""
    config = SplitConfig(0.3, 3, name, gap_s=0.1)
    parts = split(samples, config)
    before, after = (
        network_from_checkpoint(load_checkpoint(path))
        for path in (START, finetune_without(name, samples, parts.train))
    )
    of_camera = np.flatnonzero(
        np.array([camera.name == name for camera in samples.cameras])[samples.camera]
    )
    gains = []
    for what, rows in (("its whole length", of_camera), ("moments not trained on", parts.judge)):
        judged = samples.select(np.intersect1d(rows, find_judgeable(samples)))
        if not len(judged):
            print(f"{name}, {what}: the rig has no label to judge by", flush=True)
            continue
        block = judged.time_ns // BLOCK_NS
        old, new = (errors_mm(network, judged) for network in (before, after))
        gain = bootstrap_interval(old - new, block, seed=0)
        print(
            f"{name}, {what:22s} {len(judged):3d} pictures: "
            f"{format_interval(bootstrap_interval(old, block, seed=0))} → "
            f"{format_interval(bootstrap_interval(new, block, seed=0))}, gain "
            f"{format_interval(gain)}",
            flush=True,
        )
        gains.append(gain.mean)
    return gains[0]


def make_session(beam: Path) -> Path:
    """Make the session as a person would."""
    folder = DATA / "session"
    if not folder.exists():
        videos, rig = [beam / f"cam0{n}.mp4" for n in (1, 2, 3, 4)], DATA / "rig.toml"
        DATA.mkdir(parents=True, exist_ok=True)
        for command in (
            ("calibrate", *videos, "--out", rig, "--shared-intrinsics"),
            ("track", *videos, "--rig", rig, "--out", folder),
        ):
            done = run_epipole(*command)
            assert done.returncode == 0, done.stdout[-2000:]
    return folder


def cut_samples(session: Path, labels: LabelSet) -> Samples:
    """Cut the crops, once."""
    folder = DATA / "samples"
    if not (folder / "samples.npz").exists():
        write_samples(
            folder,
            samples_from_session(
                Session.open(session), labels, SessionSamplesConfig(person="beam")
            ),
        )
    return open_samples(folder)


def make_others() -> Samples:
    """Draw people to be reminded of, once."""
    folder = DATA / "others"
    if not (folder / "samples.npz").exists():
        write_samples(folder, draw_samples(StudioSampleConfig(samples=REPLAY_SAMPLES)))
    return open_samples(folder)


def finetune_without(name: str, samples: Samples, rows: np.ndarray) -> Path:
    """Train as the one click does; return the checkpoint."""
    run = Run(DATA / f"trained without {name}, {MINUTES:g} min")
    if not run.best.exists():
        parts = [
            WeightedSamples(samples, 1 - REPLAY_SHARE, rows),
            WeightedSamples(make_others(), REPLAY_SHARE),
        ]
        occluders = draw_occluders(64, np.random.default_rng(0))
        batches = Batches(parts, BatchConfig(BATCH), AugmentConfig(), occluders, seed=0)
        config = TrainConfig(
            samples=round(60 * MINUTES * SAMPLES_PER_S),
            learning_rate=LEARNING_RATE,
            warmup_steps=50,
            threads=1,
        )
        train(network_from_checkpoint(load_checkpoint(START)), batches, config, run)
    return run.best


def errors_mm(network, samples: Samples) -> np.ndarray:
    """Errors against the rig's labels, (N, J), mm; both networks get the root's depth."""
    uvw = estimate_samples(make_torch_estimate(network), samples, network.size_px)
    return 1e3 * measure_label_errors(Predictions(samples, network.size_px, uvw, uvw))[0]


def format_interval(interval: Interval) -> str:
    """Write an interval."""
    return f"{interval.mean:.0f} ({interval.low:.0f} – {interval.high:.0f})"
