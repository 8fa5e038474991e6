"""The middle steps of a fine-tuning: the training within its minutes, the export, and the gate behind it."""

import math
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from engine.inference.model_card import Teaching
from engine.inference.network_library import file_name
from training.data.augment import AugmentConfig
from training.data.batches import BatchConfig, Batches, Part
from training.data.occluders import draw_occluders
from training.data.samples import ROOT, Samples, open_samples
from training.errors import DivergedError, TrainingError
from training.export import CardFacts, export_network
from training.finetune import CancelledRunError, Watch, Work
from training.finetuning.budget import teaching_minutes
from training.finetuning.material import SAMPLES, parts_of, replayed
from training.loop.checkpoint import load_checkpoint, network_of
from training.loop.judge import judge_by
from training.loop.runs import Judge, Progress, Run, Stop
from training.parity import MIN_CROPS, check_parity, demand_parity
from training.train import resume, train
from training.train_config import TrainConfig

TRAINING, NETWORK = "training", "network"
BATCH = 32
REPLAY_SHARE = 0.25
LEARNING_RATE = 5e-4
"""A quarter of what the compact network starts with from nothing: it knows people already."""

LEAST_STEPS = 60
LOOKED_AT_SHARE, LOOKED_AT_STEPS = 0.1, 5
"""Of the budget, and steps: by then it is known how fast this machine is. The first steps are slow everywhere."""

OCCLUDERS = 64

SPOILED = (
    "The teaching came to nothing: twice the network's error was no number any more, so something in the sessions "
    "cannot be learned. The network in use is untouched. Begin anew with another --seed, or without the session that "
    "you trust least."
)


def teach(work: Work, watch: Watch) -> dict[str, Any]:
    """Train from the network that was chosen, or go on where the training was when it ended."""
    begun = work.results["parent"]
    samples = open_samples(work.folder / SAMPLES)
    parts = parts_of(work)
    run = Run(
        work.folder / TRAINING,
        begun["skeleton"],
        _judge(samples, parts["stop"], begun["size_px"]),
        lambda progress: _tell(progress, work, watch),
        watch.wants_end,
        {"parent": begun["name"], "sessions": [path.name for path in work.request.sessions]},
    )
    batches = _batches(work, samples, parts["train"])
    try:
        if run.last.exists():
            trained = resume(batches, run, _config(work))  # which may give it more minutes than before
        else:
            trained = train(network_of(load_checkpoint(Path(begun["checkpoint"]))), batches, _config(work), run)
    except DivergedError as error:
        raise DivergedError(SPOILED) from error
    if trained.stopped_because is Stop.CANCELLED:
        raise CancelledRunError
    last = trained.history[-1]
    minutes, taught = last.elapsed_s / 60, last.samples
    return {"checkpoint": str(trained.checkpoint), "minutes": minutes, "samples": taught, "judged_mm": trained.best_mm}


def export(work: Work, _watch: Watch) -> dict[str, Any]:
    """Write the network as ONNX with its card; its figures come with the comparison."""
    checkpoint = load_checkpoint(Path(work.results["train"]["checkpoint"]))
    now = datetime.now(UTC)
    name = file_name(f"{work.request.person or 'own'} {now:%Y-%m-%d}")
    sessions = ", ".join(path.name for path in work.request.sessions)
    facts = CardFacts(
        work.results["parent"]["licence"],
        f"Taught by a rig from {sessions}, for {work.request.person or 'everybody'}.",
        Teaching(
            parent=work.results["parent"]["name"],
            data=tuple(f"session {path.name}" for path in work.request.sessions),
            calibrations=tuple(work.results["label"]["calibrations"]),
            person=work.request.person,
            made=f"{now:%Y-%m-%d}",
            command=f"epipole finetune --method {work.request.method} --seed {work.request.seed}",
            minutes=round(work.results["train"]["minutes"], 2),
        ),
    )
    card = export_network(checkpoint, work.folder / NETWORK, name, facts)
    return {"card": str(card), "name": name}


def check(work: Work, _watch: Watch) -> dict[str, Any]:
    """See that the exported network answers as torch does on crops of the session, in every runtime."""
    samples = open_samples(work.folder / SAMPLES)
    rows = np.unique(np.linspace(0, len(samples) - 1, MIN_CROPS + 28).astype(int))
    checkpoint = load_checkpoint(Path(work.results["train"]["checkpoint"]))
    parity = check_parity(checkpoint, Path(work.results["export"]["card"]), np.asarray(samples.image[rows]))
    demand_parity(parity)
    return {"crops": parity.crops, "deviation": dict(parity.deviation)}


def _config(work: Work) -> TrainConfig:
    """Say how a network is taught further."""
    request = work.request
    return TrainConfig(
        minutes=_minutes(work),
        learning_rate=LEARNING_RATE,
        warmup_steps=50,
        save_every_s=20.0,
        threads=request.threads,
        seed=request.seed,
    )


def _minutes(work: Work) -> float:
    """Say how long to teach; a run that is given more minutes when it is resumed has them for teaching."""
    return teaching_minutes(work.request.minutes, work.results["divide"]["used_s"])


def _batches(work: Work, samples: Samples, rows: np.ndarray) -> Batches:
    """Make the batches: the person's own crops, and a share of drawn people."""
    others = replayed(work)
    parts = [Part(samples, 1 - REPLAY_SHARE, rows)] + ([Part(others, REPLAY_SHARE)] if others is not None else [])
    config = BatchConfig(BATCH, work.results["parent"]["size_px"])
    occluders = draw_occluders(OCCLUDERS, np.random.default_rng(work.request.seed))
    return Batches(parts, config, AugmentConfig(), occluders, work.request.seed)


def _judge(samples: Samples, rows: np.ndarray, size_px: int) -> Judge:
    """Make the judge that says when to stop: undisturbed crops that are not taught."""
    config = replace(BatchConfig(BATCH, size_px), batch=min(BATCH, len(rows)), other_views=0.0)
    return judge_by(Batches([Part(samples, rows=rows)], config), samples.skeleton.index(ROOT))


def _tell(progress: Progress, work: Work, watch: Watch) -> None:
    """Tell how far the training is; one that can come to nothing ends at once."""
    known = progress.share > LOOKED_AT_SHARE and progress.step >= LOOKED_AT_STEPS
    if known and progress.steps < LEAST_STEPS:
        minutes = _minutes(work)
        enough = math.ceil(work.request.minutes + minutes * (LEAST_STEPS / max(progress.steps, 1) - 1))
        raise TrainingError(
            f"In the {minutes:.1f} minutes left for teaching this machine can take {progress.steps} steps, too few to "
            f"teach anything. Give it {enough} minutes or more, or close other programs."
        )
    off = f"; on clips set aside it is {progress.judged_mm:.0f} mm off" if math.isfinite(progress.judged_mm) else ""
    watch(progress.share, progress.seconds_left, f"{progress.samples_per_s:.0f} pictures a second{off}.")
