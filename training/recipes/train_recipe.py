"""Train by a recipe: open or draw what it needs, hold out what judges, and train."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from calibration.geometry.arrays import U8
from calibration.skeleton import load_skeleton
from training.config import config_from_table
from training.data.batches import Batches, BatchSource, WeightedSamples
from training.data.occluders import draw_occluders, load_voc_occluders
from training.data.samples import ARRAYS, MARGIN, ROOT, Samples, join, open_samples, write_samples
from training.data.splits import SplitConfig, split
from training.errors import TrainingError, WeightsError
from training.loop.checkpoint import load_checkpoint, network_from_checkpoint
from training.loop.config import TrainConfig
from training.loop.devices import get_rank, get_world_size
from training.loop.judge import make_judge
from training.loop.runs import Judge, Run, TrainingResult
from training.loop.train import resume, train
from training.networks.build import build_network
from training.networks.pose_network import PoseNetwork
from training.networks.pose_resnet import PoseResNet
from training.networks.resnet import load_imagenet
from training.networks.transfer import transfer_weights
from training.recipes.recipe import Recipe, recipe_from_table, recipe_to_table
from training.studio.recordings import StudioRecordingConfig, samples_from_recording
from training.studio.samples import StudioSampleConfig
from training.studio.shard_batches import ShardBatches, SpooledShards

FIRST_JUDGE_SEED = 800_000
"""First seed of the studios that judge a training; those of an evaluation begin at 0."""

JUDGE_FOLDER, SHARDS_FOLDER = "judge", "shards"


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What a recipe is trained and judged on.

    Parameters
    ----------
    data
        Folders of samples; none draws people of the studio alone.
    judge
        Folders of samples that judge; none holds out a part of the data, or uses studios that are
        held out.
    """

    data: tuple[Path, ...] = ()
    judge: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class InitialWeights:
    """What a network starts from; nothing given, or one of the two.

    Parameters
    ----------
    init
        Checkpoint of a network of the same make; one of two dimensions may become one of three.
    imagenet
        Weight file of a ResNet that was trained on ImageNet, for networks with such a trunk.
    """

    init: Path | None = None
    imagenet: Path | None = None


def train_recipe(
    recipe: Recipe, data: TrainingData, run: Run, first: InitialWeights | None = None
) -> TrainingResult:
    """Train the network of a recipe.

    Parameters
    ----------
    recipe
    data
    run
        Its skeleton, judge and notes are filled in.
    first
        None begins with random weights.

    Raises
    ------
    TrainingError
        As `training.loop.train.train`; or if the data or the first weights do not fit the recipe.
    """
    first = first or InitialWeights()
    network = build_initial_network(recipe, first)
    with _open_data(recipe, data, run, first=0) as (batches, judge):
        notes = {"recipe": recipe_to_table(recipe), "data": [str(path) for path in data.data]}
        notes |= {"judge": [str(path) for path in data.judge], "init": str(first.init or "")}
        notes |= {"imagenet": str(first.imagenet or ""), **run.notes}
        run = replace(run, skeleton=recipe.skeleton, judge=judge, notes=notes)
        return train(network, batches, recipe.train, run)


def resume_recipe(run: Run, changed: TrainConfig | None = None) -> TrainingResult:
    """Resume a recipe that was stopped or killed.

    Parameters
    ----------
    run
        Its folder says everything else.
    changed
        Replaces how it was trained: another budget, for instance.

    Raises
    ------
    TrainingError
        As `training.loop.train.resume`; or if the data are gone.
    """
    notes = dict(read_recipe_notes(run.folder))
    recipe = recipe_from_table(notes["recipe"])
    data = TrainingData(*(tuple(map(Path, notes[name])) for name in ("data", "judge")))
    epoch = load_checkpoint(run.last).position["epoch"]
    with _open_data(recipe, data, run, first=epoch * get_world_size() // recipe.studio.repeats) as (
        batches,
        judge,
    ):
        return resume(
            batches, replace(run, skeleton=recipe.skeleton, judge=judge, notes=notes), changed
        )


def read_recipe_notes(folder: Path) -> dict:
    """Read what a run that was stopped says of itself: `train`, `recipe`, `data`, `judge`, `init`.

    Raises
    ------
    TrainingError
        If it holds no training, or none that began with a recipe.
    """
    run = Run(folder)
    try:
        config = load_checkpoint(run.last).config
    except TrainingError as error:
        hope = (
            f" The best weights so far are whole: start again with --init {run.best}."
            if run.best.is_file()
            else ""
        )
        raise TrainingError(f"The training in '{folder}' cannot go on. {error}{hope}") from error
    if not {"train", "recipe", "data", "judge"} <= config.keys():
        raise TrainingError(
            f"The training in '{folder}' was not begun with a recipe, and cannot be gone on "
            "with so."
        )
    return config


def read_resumed_config(folder: Path) -> TrainConfig:
    """Return how a stopped run was trained; raises TrainingError as `read_recipe_notes`."""
    return config_from_table(TrainConfig, read_recipe_notes(folder)["train"])


def build_initial_network(recipe: Recipe, first: InitialWeights) -> PoseNetwork:
    """Build the network that a recipe starts from.

    Parameters
    ----------
    recipe
        Its seed decides random weights.
    first

    Raises
    ------
    TrainingError
        If a file cannot be read, or holds a network of other joints or another make.
    """
    torch.manual_seed(recipe.train.seed)
    network = build_network(recipe.network)
    if network.joints != len(load_skeleton(recipe.skeleton).joints):
        raise TrainingError(
            f"The recipe's network finds {network.joints} joints, but '{recipe.skeleton}' has "
            f"{len(load_skeleton(recipe.skeleton).joints)}. Give both the same."
        )
    if first.imagenet is not None:
        if not isinstance(network, PoseResNet):
            raise WeightsError(
                f"'{first.imagenet}' can begin networks with a ResNet inside only, which that of "
                f"the recipe '{recipe.name}' has not. Choose a pose-resnet recipe, or leave the "
                "file out."
            )
        load_imagenet(network.trunk, first.imagenet)
    if first.init is not None:
        known = load_checkpoint(first.init)
        if known.skeleton != recipe.skeleton:
            raise WeightsError(
                f"'{first.init}' finds the joints of {known.skeleton}, the recipe those of "
                f"{recipe.skeleton}."
            )
        transfer_weights(network_from_checkpoint(known), network)
    return network


@contextmanager
def _open_data(
    recipe: Recipe, data: TrainingData, run: Run, first: int
) -> Iterator[tuple[BatchSource, Judge]]:
    """Open the training data, from shard `first` on, and the judge, while the context lasts."""
    # before anything is drawn, and once: a copy of Pascal VOC takes a minute
    occluders = _load_occluders(recipe)
    judges = _open_joined(data.judge) if data.judge else None
    if data.data:
        samples, rows = _open_joined(data.data), None
        if judges is None:
            parts = split(samples, SplitConfig())
            rows, judges = parts.train, samples.select(parts.judge)
        given = WeightedSamples(samples, 1 - recipe.studio.share, rows)
        with _open_data_batches(recipe, run, first, given, occluders) as batches:
            yield batches, _build_judge(recipe, judges)
        return
    with _open_studio_batches(recipe, run, first, occluders) as batches:
        if judges is None and get_rank() == 0:
            # meanwhile the first shard is drawn
            judges = _open_held_out(recipe, run.folder / JUDGE_FOLDER)
        yield batches, _skip_judging if judges is None else _build_judge(recipe, judges)


@contextmanager
def _open_data_batches(
    recipe: Recipe, run: Run, first: int, given: WeightedSamples, occluders: tuple[U8, ...]
) -> Iterator[BatchSource]:
    """Open the batches of data, with people of the studio among them where the recipe has some."""
    if not recipe.studio.share:
        yield _build_batches(recipe, [given], occluders)
        return
    _demand_joints(recipe, given.samples)  # before anything is drawn
    with _open_studio_batches(recipe, run, first, occluders, given) as batches:
        yield batches


@contextmanager
def _open_studio_batches(
    recipe: Recipe,
    run: Run,
    first: int,
    occluders: tuple[U8, ...],
    given: WeightedSamples | None = None,
) -> Iterator[BatchSource]:
    """Open the batches of drawn people, from the first-th shard on, with a part of the data.

    An epoch is a shard, not the data: it shows every drawn sample once, and goes through the data
    from epoch to epoch.
    """
    studio = recipe.studio
    stored_px = _compute_stored_px(recipe) if given is None else given.samples.stored_px
    config = StudioSampleConfig(studio.seed, studio.shard_samples, recipe.skeleton, stored_px)
    share, others = (1.0, []) if given is None else (studio.share, [given])
    parts = [
        studio.shard_samples,
        *(round(studio.shard_samples * part.share / share) for part in others),
    ]

    def batches_of(shown: Samples) -> Batches:
        return _build_batches(recipe, [WeightedSamples(shown, share), *others], occluders)

    with SpooledShards(
        run.folder / f"{SHARDS_FOLDER}-{get_rank()}", config, ahead=studio.ahead, first=first
    ) as shards:
        yield ShardBatches(
            shards, batches_of, repeats=studio.repeats, count=sum(parts) // recipe.batch.batch
        )


def _open_joined(folders: tuple[Path, ...]) -> Samples:
    """Open sets of samples as one."""
    sets = [open_samples(folder) for folder in folders]
    if len(sets) == 1:
        return sets[0]
    try:
        return join(sets)
    except ValueError as error:
        raise TrainingError(f"These sets of samples do not fit together: {error}") from error


def _build_batches(
    recipe: Recipe, parts: list[WeightedSamples], occluders: tuple[U8, ...]
) -> Batches:
    """Make the batches for training."""
    for part in parts:
        _demand_joints(recipe, part.samples)
    return Batches(parts, recipe.batch, recipe.augment, occluders, recipe.train.seed)


def _load_occluders(recipe: Recipe) -> tuple[U8, ...]:
    """Return the occluders, from the user's own copy of Pascal VOC or drawn."""
    if recipe.voc:
        return load_voc_occluders(Path(recipe.voc))
    return draw_occluders(recipe.occluders, np.random.default_rng(recipe.train.seed))


def _demand_joints(recipe: Recipe, samples: Samples) -> None:
    """Refuse samples of other joints; raises TrainingError."""
    if samples.skeleton.name != recipe.skeleton:
        raise TrainingError(
            f"The samples have the joints of {samples.skeleton.name}, the recipe those of "
            f"{recipe.skeleton}. Make one of them again."
        )


def _build_judge(recipe: Recipe, samples: Samples) -> Judge:
    """Make the judge: undisturbed crops, in batches as large as there are samples for."""
    config = replace(recipe.batch, batch=min(recipe.batch.batch, len(samples)), other_views=0.0)
    return make_judge(Batches(samples, config), samples.skeleton.index(ROOT))


def _open_held_out(recipe: Recipe, folder: Path) -> Samples:
    """Cut recordings of held-out studios, once: a resumed training is judged by the same."""
    if not (folder / ARRAYS).exists():
        studio = recipe.studio
        config = StudioRecordingConfig(
            studio.judge_seconds,
            studio.judge_fps,
            skeleton=recipe.skeleton,
            stored_px=_compute_stored_px(recipe),
        )
        seeds = range(FIRST_JUDGE_SEED, FIRST_JUDGE_SEED + studio.judges)
        write_samples(folder, join([samples_from_recording(seed, config) for seed in seeds]))
    return open_samples(folder)


def _compute_stored_px(recipe: Recipe) -> int:
    """Return the side of the crops that the studio draws for a network."""
    return round(MARGIN * recipe.batch.size_px)


def _skip_judging(_network: PoseNetwork) -> float:
    """Judge for a process that is not the first of several: only that one judges."""
    return math.nan
