"""Carry out a recipe: open or draw what it needs, set aside what judges, and train."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from calibration.skeleton import load_skeleton
from training.batches import Batches, Part
from training.checkpoint import load_checkpoint, network_of
from training.config import config_from_table
from training.devices import own_rank, world
from training.errors import TrainingError, WeightsError
from training.judge import judge_by
from training.networks.build import build_network
from training.networks.pose_network import PoseNetwork
from training.networks.transfer import transfer
from training.occluders import draw_occluders
from training.recipe import Recipe, recipe_from_table, recipe_table
from training.runs import BatchSource, Judge, Run, Trained
from training.samples import ARRAYS, MARGIN, ROOT, Samples, join, open_samples, write_samples
from training.shard_batches import ShardBatches, SpooledShards
from training.splits import SplitConfig, split
from training.studio_samples import StudioSampleConfig
from training.studio_takes import TakeConfig, samples_of_take
from training.train import resume, train
from training.train_config import TrainConfig

FIRST_JUDGE_SEED = 800_000
"""The studios that judge a training are others than those that an evaluation takes, which begin at 0."""

JUDGE, SHARDS = "judge", "shards"


@dataclass(frozen=True, slots=True)
class Material:
    """What a recipe is carried out with.

    Parameters
    ----------
    data
        Folders of samples; none draws people of the studio.
    judge
        Folders of samples that judge; none sets a part of the data aside, or takes studios that are held out.
    """

    data: tuple[Path, ...] = ()
    judge: tuple[Path, ...] = ()


def train_recipe(recipe: Recipe, material: Material, run: Run, init: Path | None = None) -> Trained:
    """Carry out a recipe.

    Parameters
    ----------
    recipe
    material
    run
        Its skeleton, judge and notes are filled in.
    init
        Checkpoint of a network to start from, of the same make; one of two dimensions may become one of three.

    Returns
    -------
    trained

    Raises
    ------
    TrainingError
        As `training.train.train`; or if the data or the first weights do not fit the recipe.
    """
    network = first_network(recipe, init)
    with _opened(recipe, material, run, first=0) as (batches, judge):
        notes = {"recipe": recipe_table(recipe), "data": [str(path) for path in material.data]}
        notes |= {"judge": [str(path) for path in material.judge], "init": str(init or ""), **run.notes}
        run = replace(run, skeleton=recipe.skeleton, judge=judge, notes=notes)
        return train(network, batches, recipe.train, run)


def resume_recipe(run: Run, changed: TrainConfig | None = None) -> Trained:
    """Go on with a recipe that was stopped or killed.

    Parameters
    ----------
    run
        Its folder says everything else.
    changed
        Replaces how it was taught: another budget, for instance.

    Returns
    -------
    trained

    Raises
    ------
    TrainingError
        As `training.train.resume`; or if the data are gone.
    """
    notes = dict(recipe_notes(run.folder))
    recipe = recipe_from_table(notes["recipe"])
    material = Material(*(tuple(map(Path, notes[name])) for name in ("data", "judge")))
    epoch = load_checkpoint(run.last).position["epoch"]
    with _opened(recipe, material, run, first=epoch * world() // recipe.studio.repeats) as (batches, judge):
        return resume(batches, replace(run, skeleton=recipe.skeleton, judge=judge, notes=notes), changed)


def recipe_notes(folder: Path) -> dict:
    """Read what a run that was stopped says of itself: `train`, `recipe`, `data`, `judge`, `init`.

    Raises
    ------
    TrainingError
        If it holds no training, or none that began with a recipe.
    """
    config = load_checkpoint(Run(folder).last).config
    if not {"train", "recipe", "data", "judge"} <= config.keys():
        raise TrainingError(f"The training in '{folder}' was not begun with a recipe, and cannot be gone on with so.")
    return config


def resumed_config(folder: Path) -> TrainConfig:
    """Return how a run that was stopped was taught; raises TrainingError as `recipe_notes`."""
    return config_from_table(TrainConfig, recipe_notes(folder)["train"])


def first_network(recipe: Recipe, init: Path | None) -> PoseNetwork:
    """Build the network that a recipe starts from.

    Parameters
    ----------
    recipe
        Its seed decides random weights.
    init
        As in `train_recipe`.

    Returns
    -------
    network

    Raises
    ------
    TrainingError
        If `init` cannot be read, or is a network of other joints or another make.
    """
    torch.manual_seed(recipe.train.seed)
    network = build_network(recipe.network)
    if network.joints != len(load_skeleton(recipe.skeleton).joints):
        raise TrainingError(
            f"The recipe's network finds {network.joints} joints, but '{recipe.skeleton}' has "
            f"{len(load_skeleton(recipe.skeleton).joints)}. Give both the same."
        )
    if init is not None:
        first = load_checkpoint(init)
        if first.skeleton != recipe.skeleton:
            raise WeightsError(f"'{init}' finds the joints of {first.skeleton}, the recipe those of {recipe.skeleton}.")
        transfer(network_of(first), network)
    return network


@contextmanager
def _opened(recipe: Recipe, material: Material, run: Run, first: int) -> Iterator[tuple[BatchSource, Judge]]:
    """Open what teaches, beginning at the first-th shard, and what judges; and close it again."""
    judges = _joined(material.judge) if material.judge else None
    if material.data:
        samples, rows = _joined(material.data), None
        if judges is None:
            parts = split(samples, SplitConfig())
            rows, judges = parts.train, samples.taken(parts.judge)
        yield _batches(recipe, Part(samples, rows=rows)), _judge(recipe, judges)
        return
    studio = recipe.studio
    config = StudioSampleConfig(studio.seed, studio.shard_samples, recipe.skeleton, _stored(recipe))
    spool = run.folder / f"{SHARDS}-{own_rank()}"
    with SpooledShards(spool, config, ahead=studio.ahead, first=first) as shards:
        if judges is None and own_rank() == 0:
            judges = _held_out(recipe, run.folder / JUDGE)  # while the first shard is drawn
        count = studio.shard_samples // recipe.batch.batch
        fresh = ShardBatches(shards, lambda shown: _batches(recipe, Part(shown)), repeats=studio.repeats, count=count)
        yield fresh, _unasked if judges is None else _judge(recipe, judges)


def _joined(folders: tuple[Path, ...]) -> Samples:
    """Open sets of samples as one."""
    sets = [open_samples(folder) for folder in folders]
    if len(sets) == 1:
        return sets[0]
    try:
        return join(sets)
    except ValueError as error:
        raise TrainingError(f"These sets of samples do not fit together: {error}") from error


def _batches(recipe: Recipe, part: Part) -> Batches:
    """Make the batches that teach."""
    if part.samples.skeleton.name != recipe.skeleton:
        raise TrainingError(
            f"The samples have the joints of {part.samples.skeleton.name}, the recipe those of {recipe.skeleton}. Make "
            "one of them anew."
        )
    occluders = draw_occluders(recipe.occluders, np.random.default_rng(recipe.train.seed))
    return Batches([part], recipe.batch, recipe.augment, occluders, recipe.train.seed)


def _judge(recipe: Recipe, samples: Samples) -> Judge:
    """Make the judge: undisturbed crops, in batches as large as there are samples for."""
    config = replace(recipe.batch, batch=min(recipe.batch.batch, len(samples)), other_views=0.0)
    return judge_by(Batches(samples, config), samples.skeleton.index(ROOT))


def _held_out(recipe: Recipe, folder: Path) -> Samples:
    """Cut takes of held-out studios, once: a training that goes on is judged by the same."""
    if not (folder / ARRAYS).exists():
        studio = recipe.studio
        config = TakeConfig(studio.judge_seconds, studio.judge_fps, skeleton=recipe.skeleton, stored_px=_stored(recipe))
        seeds = range(FIRST_JUDGE_SEED, FIRST_JUDGE_SEED + studio.judges)
        write_samples(folder, join([samples_of_take(seed, config) for seed in seeds]))
    return open_samples(folder)


def _stored(recipe: Recipe) -> int:
    """Return the side of the crops that the studio draws for a network."""
    return round(MARGIN * recipe.batch.size_px)


def _unasked(_network: PoseNetwork) -> float:
    """Judge for a process that is not the first of several: only that one judges."""
    return math.nan
