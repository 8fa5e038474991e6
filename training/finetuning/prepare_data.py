"""The first steps of a fine-tune: labels, the model in use, crops, and what is held out."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from calibration.skeleton import load_skeleton
from engine.models.card import PICTURE_CODEC
from engine.models.library import ModelEntry, ModelLibrary
from engine.session.session import Session
from training.data.samples import ARRAYS, MARGIN, ROOT, Samples, SampleWriter, open_samples
from training.data.session_samples import SessionSamplesConfig, cut_session
from training.data.splits import SplitConfig, split
from training.errors import DatasetError, TrainingError
from training.finetuning.budget import compute_training_minutes
from training.finetuning.finetune import ProgressReporter, StepContext
from training.finetuning.fit import MAX_MISFIT, demand_fit, measure_misfit
from training.finetuning.prediction_errors import find_judgeable
from training.finetuning.request import CHECKPOINT_SUFFIX
from training.finetuning.shared import open_shared_samples
from training.finetuning.strangers import StrangersConfig, draw_strangers
from training.finetuning.verdict import MIN_BLOCKS, number_time_blocks
from training.labels.files import load_labels
from training.labels.report import format_summary
from training.labels.session import label_session
from training.loop.checkpoint import load_checkpoint
from training.studio.samples import StudioSampleConfig
from training.studio.shards import render_shard

SAMPLES, PARTS = "samples", "parts.npz"
MAX_SAMPLES = 6000
"""Of all sessions: 0.7 GB of crops on the disk; a minute of four cameras at 25 images a second.

About half of them are trained on (a fifth of the time and a camera are held out); in ten minutes
two cores show each some 25 times.
"""

REPLAY_SAMPLES = 2048
"""Drawn people that are shown among the person's own, against forgetting everybody else.

In ten minutes each is seen some 15 times; they are drawn once for all runs, in about 20 s.
"""

MIN_CAMERAS_TO_HOLD_OUT = 3
"""With so many cameras one is held out: the judging view is then one the model never saw."""

JUDGE_SPLIT = SplitConfig()
STOP_SPLIT = SplitConfig(held_out_share=0.12, held_out_blocks=2, gap_s=0.5)
"""When to stop is decided on other clips than which is better: a best of many flatters itself."""


MIN_RECORDING_S = 10.0
"""Of all sessions together: with less, held-out parts and their gaps leave nothing to train on."""

TOO_SHORT = (
    "{what} {seconds:.0f} s, which is too short to train on some moments and judge by others. "
    "Record for a minute or more, the whole body in view of all cameras."
)
TOO_LITTLE = (
    "Too few pictures could be labelled to train and to judge. Record for a minute or more, the "
    "whole body in view of all cameras."
)


def label(context: StepContext, reporter: ProgressReporter) -> dict[str, Any]:
    """Label every session; a set that is there already stays.

    Raises
    ------
    TrainingError
        If a session cannot be labelled, or all together are too short.
    """
    sets = []
    ids = []
    remarks = []
    seconds = 0.0
    count = len(context.request.sessions)
    for number, path in enumerate(context.request.sessions):
        session = Session.open(path)
        try:
            labelled = label_session(
                session,
                progress=lambda step, share, number=number: reporter(
                    (number + share) / count, message=step
                ),
            )
        except TrainingError as error:
            if count == 1:
                raise
            raise TrainingError(
                f"The session '{path.name}' cannot be trained on, so leave it out. {error}"
            ) from error
        seconds += float(np.ptp(labelled.labels.time_ns)) * 1e-9
        sets.append(str(labelled.path))
        ids.append(labelled.labels.calibration.id)
        remarks += [f"{path.name}: {message}" for message in format_summary(labelled.summary)[:1]]
    if seconds < MIN_RECORDING_S:
        what = "The session lasts" if count == 1 else "The sessions last together"
        raise TrainingError(TOO_SHORT.format(what=what, seconds=seconds))
    return {"sets": sets, "calibrations": list(dict.fromkeys(ids)), "remarks": remarks}


def find_parent(context: StepContext, _reporter: ProgressReporter) -> dict[str, Any]:
    """Find the model that serves the person, which is to be beaten, and the one to start from.

    Raises
    ------
    TrainingError
        If there is none to start from, or the two find different joints.
    """
    library = open_library(context)
    choice = library.choose_model(context.request.person, codec=PICTURE_CODEC)
    start = _find_start(library, context.request.start) if context.request.start else choice.entry
    if start is None:
        raise TrainingError(
            "There is no model to start from yet. Train one with 'epipole train compact-3d', or "
            "name one with --start."
        )
    rival = choice.entry or start
    first, other = (_get_checkpoint(entry) for entry in (start, rival))
    begun, beaten = load_checkpoint(first), load_checkpoint(other)
    if begun.skeleton != beaten.skeleton:
        raise TrainingError(
            f"'{_format_name(start)}' finds the joints of {begun.skeleton}, the model in use those "
            f"of {beaten.skeleton}: they cannot be compared. Choose another one with --start."
        )
    return {
        "name": _format_name(start),
        "checkpoint": str(first),
        "rival": _format_name(rival),
        "rival_checkpoint": str(other),
        "skeleton": begun.skeleton,
        "size_px": begun.network.size_px,
        "licence": start.card.licence if isinstance(start, ModelEntry) else "Apache-2.0",
        "remarks": list(choice.remarks),
    }


def collect(context: StepContext, reporter: ProgressReporter) -> dict[str, Any]:
    """Cut the crops of all sessions into the run's folder, and draw people to be reminded of."""
    begun = context.results["parent"]
    sets = context.results["label"]["sets"]
    stored_px = round(MARGIN * begun["size_px"])
    folder = context.folder / SAMPLES
    config = SessionSamplesConfig(
        max_samples=MAX_SAMPLES // len(sets),
        stored_px=stored_px,
        skeleton=begun["skeleton"],
        person=context.request.person,
    )
    # a run that was killed before this step was recorded has its crops already
    if not (folder / ARRAYS).exists():
        _cut_sessions(context, config, folder, reporter)
    samples = open_samples(folder)
    demand_fit(samples, measure_misfit(samples))
    _draw_replay_samples(context, samples, reporter)
    load_strangers(context, lambda share: reporter(0.95 + 0.05 * share))
    return {"samples": len(samples), "cameras": len({camera.name for camera in samples.cameras})}


def divide(context: StepContext, reporter: ProgressReporter) -> dict[str, Any]:
    """Hold out clips and, where there are cameras to spare, a camera; check that enough is left.

    Raises
    ------
    TrainingError
        If too little is left to train, to stop or to judge by, or no time to train.
    """
    samples = open_samples(context.folder / SAMPLES)
    camera = _choose_held_out_camera(samples)
    try:
        judge_split = split(samples, replace(JUDGE_SPLIT, held_out_camera=camera))
        remaining = replace(
            samples.select(judge_split.train[:0]),
            **_select_without_images(samples, judge_split.train),
        )
        stop_split = split(remaining, STOP_SPLIT)
    except TrainingError as error:  # its message names shares and gaps, which are no options here
        raise TrainingError(TOO_LITTLE) from error
    parts = {
        "train": judge_split.train[stop_split.train],
        "stop": judge_split.train[stop_split.judge],
        "exam": judge_split.judge,
    }
    fits = ~(measure_misfit(samples) > MAX_MISFIT)  # the few that do not fit where most do
    parts = {name: rows[fits[rows]] for name, rows in parts.items()}
    able = find_judgeable(samples)
    parts |= {name: np.intersect1d(parts[name], able) for name in ("exam", "stop")}
    _demand_enough(samples, parts, able)
    reporter(1.0)
    used_s = reporter.state.seconds_used
    compute_training_minutes(context.request.minutes, used_s)
    np.savez(context.folder / PARTS, **parts)  # type: ignore[arg-type]
    seconds = round(JUDGE_SPLIT.held_out_share * 100)
    held_out = (
        f"{seconds} % of the time, in {JUDGE_SPLIT.held_out_blocks} blocks per session, "
        "with a second around each"
    )
    if camera:
        held_out += f"; and all of camera '{camera}'"
    counts = {name: len(part) for name, part in parts.items()}
    return {"counts": counts, "camera": camera, "set_aside": held_out, "used_s": used_s}


def load_parts(context: StepContext) -> dict[str, np.ndarray]:
    """Return the rows for training, stopping and judging."""
    with np.load(context.folder / PARTS) as file:
        return {name: file[name] for name in file.files}


def load_replay_samples(context: StepContext) -> Samples | None:
    """Return the drawn people to be reminded of; None where there are none."""
    try:
        return open_samples(_replay_folder(context, open_samples(context.folder / SAMPLES)))
    except DatasetError:
        return None  # they were deleted since: only the person's own pictures are used


def load_strangers(
    context: StepContext, on_progress: Callable[[float], None] = lambda _share: None
) -> Samples:
    """Return the drawn people never trained on; drawn now if needed, shared by all runs."""
    begun = context.results["parent"]
    config = StrangersConfig(begun["skeleton"], round(MARGIN * begun["size_px"]))
    count = config.people * config.pictures
    folder = context.folder.parent / f"strangers-{config.skeleton}-{config.stored_px}-{count}"
    return draw_strangers(folder, context.folder, config, on_progress)


def open_library(context: StepContext) -> ModelLibrary:
    """Return the library of models that the run works with."""
    return ModelLibrary(Path(context.request.library) if context.request.library else None)


def _find_start(library: ModelLibrary, what: str) -> ModelEntry | Path:
    """Find the model that a person named."""
    path = Path(what)
    return path if path.suffix == CHECKPOINT_SUFFIX else library.find_model(what)


def _format_name(model: ModelEntry | Path) -> str:
    """Return the name of a model, for messages."""
    return model.name if isinstance(model, ModelEntry) else model.stem


def _get_checkpoint(model: ModelEntry | Path) -> Path:
    """Return what a model can be trained further from."""
    if isinstance(model, Path):
        return model
    if model.checkpoint is None:
        raise TrainingError(
            f"The model '{model.name}' came without its checkpoint, so it cannot be trained "
            "further. Choose another one with --start."
        )
    return model.checkpoint


def _cut_sessions(
    context: StepContext, config: SessionSamplesConfig, folder: Path, reporter: ProgressReporter
) -> None:
    """Cut the crops, session after session, some in memory at a time."""
    sets, instants = context.results["label"]["sets"], 0
    with SampleWriter(folder, load_skeleton(config.skeleton), config.stored_px) as writer:
        for number, (path, labels) in enumerate(zip(context.request.sessions, sets)):
            portions = cut_session(
                Session.open(path),
                load_labels(Path(labels)),
                config,
                lambda step, share, number=number: reporter(
                    0.8 * (number + share) / len(sets), message=step
                ),
            )
            last = 0
            for samples in portions:
                writer.append(replace(samples, frameset=samples.frameset + instants))
                last = max(last, int(samples.frameset.max()))
            instants += last + 1
        writer.finish()


def _draw_replay_samples(
    context: StepContext, samples: Samples, reporter: ProgressReporter
) -> None:
    """Draw the people to be reminded of, once for all runs."""
    config = StudioSampleConfig(
        samples=REPLAY_SAMPLES, skeleton=samples.skeleton.name, stored_px=samples.stored_px
    )

    def draw(folder: Path) -> None:
        reporter(0.8, message="Drawing people, so that the model does not forget everybody else")
        render_shard(folder, config, on_progress=lambda: reporter(math.nan))

    open_shared_samples(_replay_folder(context, samples), context.folder, draw)


def _replay_folder(context: StepContext, samples: Samples) -> Path:
    """Return where the drawn people for replay are: beside the runs, which share them."""
    return (
        context.folder.parent
        / f"replay-{samples.skeleton.name}-{samples.stored_px}-{REPLAY_SAMPLES}"
    )


def _demand_enough(samples: Samples, parts: Mapping[str, np.ndarray], able: np.ndarray) -> None:
    """Refuse before training what could not be judged after it."""
    judge_rows = parts["exam"]
    if min(len(judge_rows), len(parts["stop"]), len(np.intersect1d(parts["train"], able))) == 0:
        raise TrainingError(TOO_LITTLE)
    blocks = len(
        np.unique(number_time_blocks(samples.time_ns[judge_rows], samples.clip[judge_rows]))
    )
    if blocks < MIN_BLOCKS:
        raise TrainingError(
            f"The person can be judged in {blocks} clips of 2 s only, and {MIN_BLOCKS} are needed "
            "to tell better from chance. Record for longer, a minute at least, the whole body in "
            "view of all cameras."
        )


def _choose_held_out_camera(samples: Samples) -> str:
    """Choose the camera that only judges; '' where each is needed.

    It is one that looks down on the person neither most nor least: a network does not know a height
    it was not trained on, so a camera held out at the edge would judge an unfair case, and would be
    missed in training.
    """
    able = find_judgeable(samples)
    names = np.array([camera.name for camera in samples.cameras])[samples.camera[able]]
    root = samples.xyz[able, samples.skeleton.index(ROOT)]
    up = np.stack([camera.R[:, 2] for camera in samples.cameras])[samples.camera[able]]
    looks_down = -(up * root).sum(1) / np.linalg.norm(root, axis=1)
    known, counts = np.unique(names, return_counts=True)
    if len(known) < MIN_CAMERAS_TO_HOLD_OUT:
        return ""
    order = np.argsort([np.median(looks_down[names == name]) for name in known])
    middle = order[(len(known) - 1) // 2 : len(known) // 2 + 1]
    return str(known[max(middle, key=lambda each: counts[each])])


def _select_without_images(samples: Samples, rows: np.ndarray) -> dict[str, Any]:
    """Select some rows of a set without reading their crops."""
    names = (
        "region",
        "camera",
        "xyz",
        "weight",
        "xy",
        "confidence",
        "frameset",
        "time_ns",
        "person",
        "clip",
        "action",
    )
    picture = np.broadcast_to(np.zeros(1, np.uint8), (len(rows), *samples.image.shape[1:]))
    return {"image": picture, **{name: getattr(samples, name)[rows] for name in names}}
