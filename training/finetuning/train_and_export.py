"""The middle steps of a fine-tune: the training within its minutes, the export, and its check."""

import math
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from engine.models.card import TrainingRecord
from engine.models.library import file_name_from_words
from training.data.augment import AugmentConfig
from training.data.batches import BatchConfig, Batches, WeightedSamples
from training.data.occluders import draw_occluders
from training.data.samples import ROOT, Samples, open_samples
from training.errors import DivergedError, TrainingError
from training.export.export import CardFacts, export_model
from training.export.parity import MIN_CROPS, check_parity, demand_parity
from training.finetuning.budget import compute_training_minutes
from training.finetuning.finetune import CancelledRunError, ProgressReporter, StepContext
from training.finetuning.prepare_data import SAMPLES, load_parts, load_replay_samples
from training.loop.checkpoint import load_checkpoint, network_from_checkpoint
from training.loop.config import TrainConfig
from training.loop.judge import make_judge
from training.loop.runs import Judge, Run, StopReason, TrainingProgress
from training.loop.train import resume, train

TRAINING, NETWORK = "training", "network"
BATCH = 32
REPLAY_SHARE = 0.25
LEARNING_RATE = 5e-4
"""A quarter of what the compact network starts with from random weights: it is trained already."""

MIN_STEPS = 60
SPEED_CHECK_SHARE, SPEED_CHECK_STEPS = 0.1, 5
"""Of the budget, and steps: by then this machine's speed is known. The first steps are slow."""

OCCLUDER_COUNT = 64

DIVERGED = (
    "Training diverged: the loss was NaN twice. Something in the sessions cannot be fitted. The "
    "model in use is untouched. Start again with another --seed, or without the session that "
    "you trust least."
)


def train_model(context: StepContext, reporter: ProgressReporter) -> dict[str, Any]:
    """Train from the chosen model, or resume the training where it was interrupted.

    Raises
    ------
    DivergedError
        If the loss was NaN twice.
    TrainingError
        If this machine is too slow for the minutes that are left.
    CancelledRunError
        If the user cancelled the run.
    """
    begun = context.results["parent"]
    samples = open_samples(context.folder / SAMPLES)
    parts = load_parts(context)
    run = Run(
        context.folder / TRAINING,
        begun["skeleton"],
        _build_judge(samples, parts["stop"], begun["size_px"]),
        lambda progress: _report_progress(progress, context, reporter),
        reporter.should_stop,
        {"parent": begun["name"], "sessions": [path.name for path in context.request.sessions]},
    )
    batches = _build_batches(context, samples, parts["train"])
    try:
        if run.last.exists():
            # the request may give it more minutes than before
            trained = resume(batches, run, _build_config(context))
        else:
            trained = train(
                network_from_checkpoint(load_checkpoint(Path(begun["checkpoint"]))),
                batches,
                _build_config(context),
                run,
            )
    except DivergedError as error:
        raise DivergedError(DIVERGED) from error
    if trained.stopped_because is StopReason.CANCELLED:
        raise CancelledRunError
    last = trained.history[-1]
    minutes, sample_count = last.elapsed_s / 60, last.samples
    return {
        "checkpoint": str(trained.checkpoint),
        "minutes": minutes,
        "samples": sample_count,
        "judged_mm": trained.best_mm,
    }


def export(context: StepContext, _reporter: ProgressReporter) -> dict[str, Any]:
    """Write the network as ONNX with its card; its figures come with the comparison."""
    checkpoint = load_checkpoint(Path(context.results["train"]["checkpoint"]))
    now = datetime.now(UTC)
    name = file_name_from_words(f"{context.request.person or 'own'} {now:%Y-%m-%d}")
    sessions = ", ".join(path.name for path in context.request.sessions)
    facts = CardFacts(
        context.results["parent"]["licence"],
        f"Fine-tuned by a rig on {sessions}, for {context.request.person or 'everybody'}.",
        TrainingRecord(
            parent=context.results["parent"]["name"],
            data=tuple(f"session {path.name}" for path in context.request.sessions),
            calibrations=tuple(context.results["label"]["calibrations"]),
            person=context.request.person,
            made=f"{now:%Y-%m-%d}",
            command=f"epipole finetune --method {context.request.method} --seed "
            f"{context.request.seed}",
            minutes=round(context.results["train"]["minutes"], 2),
        ),
    )
    card = export_model(checkpoint, context.folder / NETWORK, name, facts)
    return {"card": str(card), "name": name}


def check(context: StepContext, _reporter: ProgressReporter) -> dict[str, Any]:
    """Check that the exported model agrees with torch on the session's crops, in each runtime."""
    samples = open_samples(context.folder / SAMPLES)
    rows = np.unique(np.linspace(0, len(samples) - 1, MIN_CROPS + 28).astype(int))
    checkpoint = load_checkpoint(Path(context.results["train"]["checkpoint"]))
    parity = check_parity(
        checkpoint, Path(context.results["export"]["card"]), np.asarray(samples.image[rows])
    )
    demand_parity(parity)
    return {"crops": parity.crops, "deviation": dict(parity.deviation)}


def _build_config(context: StepContext) -> TrainConfig:
    """Return how a network is trained further."""
    request = context.request
    return TrainConfig(
        minutes=_compute_minutes(context),
        learning_rate=LEARNING_RATE,
        warmup_steps=50,
        save_every_s=20.0,
        threads=request.threads,
        seed=request.seed,
    )


def _compute_minutes(context: StepContext) -> float:
    """Return how long to train; minutes added to a resumed run all go to the training."""
    return compute_training_minutes(context.request.minutes, context.results["divide"]["used_s"])


def _build_batches(context: StepContext, samples: Samples, rows: np.ndarray) -> Batches:
    """Make the batches: the person's own crops, and a share of drawn people."""
    others = load_replay_samples(context)
    parts = [WeightedSamples(samples, 1 - REPLAY_SHARE, rows)] + (
        [WeightedSamples(others, REPLAY_SHARE)] if others is not None else []
    )
    config = BatchConfig(BATCH, context.results["parent"]["size_px"])
    occluders = draw_occluders(OCCLUDER_COUNT, np.random.default_rng(context.request.seed))
    return Batches(parts, config, AugmentConfig(), occluders, context.request.seed)


def _build_judge(samples: Samples, rows: np.ndarray, size_px: int) -> Judge:
    """Make the judge that decides when to stop: crops not augmented and not trained on."""
    config = replace(BatchConfig(BATCH, size_px), batch=min(BATCH, len(rows)), other_views=0.0)
    return make_judge(
        Batches([WeightedSamples(samples, rows=rows)], config), samples.skeleton.index(ROOT)
    )


def _report_progress(
    progress: TrainingProgress, context: StepContext, reporter: ProgressReporter
) -> None:
    """Report how far the training is; one that cannot succeed ends at once."""
    known = progress.share > SPEED_CHECK_SHARE and progress.step >= SPEED_CHECK_STEPS
    if known and progress.steps < MIN_STEPS:
        minutes = _compute_minutes(context)
        enough = math.ceil(
            context.request.minutes + minutes * (MIN_STEPS / max(progress.steps, 1) - 1)
        )
        raise TrainingError(
            f"In the {minutes:.1f} minutes left for training this machine can take "
            f"{progress.steps} steps, too few to train anything. Give it {enough} minutes or more, "
            "or close other programs."
        )
    off = (
        f"; on held-out clips it is {progress.judged_mm:.0f} mm off"
        if math.isfinite(progress.judged_mm)
        else ""
    )
    reporter(
        progress.share,
        progress.seconds_left,
        f"{progress.samples_per_s:.0f} pictures a second{off}.",
    )
