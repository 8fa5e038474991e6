"""`epipole train`: a network is taught by a recipe, on stored samples or on people that the studio draws meanwhile."""

import math
import signal
import types
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from app.cli.progress import Progress
from app.errors import UsageError
from app.paths import remove_empty_on_error, require_writable
from training.errors import TrainingError
from training.loop.config import TrainConfig
from training.loop.devices import get_rank
from training.loop.history import CSV
from training.loop.runs import Run, StopReason, TrainingResult
from training.loop.runs import TrainingProgress as Told
from training.recipes.recipe import Recipe, read_recipe
from training.recipes.train_recipe import (
    InitialWeights,
    TrainingData,
    read_recipe_notes,
    read_resumed_config,
    resume_recipe,
    train_recipe,
)

DONE = 0


def run(options: Namespace) -> int:
    """Teach a network.

    Parameters
    ----------
    options
        `recipe`, `out`, `data`, `judge`, `minutes`, `samples`, `studio_share`, `occluders`, `seed`,
        `threads`, `resume`, `init`, `imagenet`.

    Returns
    -------
    code
        0; the command line turns a TrainingError into one sentence and 1.

    Raises
    ------
    KeyboardInterrupt
        If it was stopped by Ctrl-C; everything is kept.
    """
    _require_consistent_options(options)
    recipe = _apply_options(read_recipe(options.recipe), options)
    with remove_empty_on_error(options.out):
        _require_run_folder(options.out, resume=options.resume)
        _train_with_progress(recipe, options)
    return DONE


def _train_with_progress(recipe: Recipe, options: Namespace) -> None:
    """Train with a line that tells how far it is; of several processes only the first one tells."""
    if get_rank() > 0:
        _train(recipe, options, Run(options.out))
        return
    with Progress("Teaching", unit="steps") as progress, InterruptFlag() as stop:

        def watch(update: Told) -> None:
            if update.step:
                progress(update.step, update.steps)

        trained = _train(recipe, options, Run(options.out, on_progress=watch, should_stop=stop))
    _print_summary(trained, options)
    if trained.stopped_because is StopReason.CANCELLED:
        raise KeyboardInterrupt


def _require_consistent_options(options: Namespace) -> None:
    """Refuse words that contradict each other; raises UsageError."""
    conflicting = (options.data, options.judge, options.init, options.imagenet, options.seed)
    conflicting += (options.studio_share, options.occluders)
    if options.resume and any(word is not None for word in conflicting):
        raise UsageError(
            "--resume goes on with the same data, seed, occluders and first weights; leave "
            "those options out."
        )
    if options.studio_share is not None and not options.data:
        raise UsageError(
            "--studio-share mixes the studio's people with data; give those with --data."
        )
    if options.init and options.imagenet:
        raise UsageError(
            "--init brings all first weights, --imagenet those of the trunk; give one of them."
        )


def _require_run_folder(folder: Path, *, resume: bool) -> None:
    """See that there is something to go on with, or room to begin, before anything is drawn."""
    last = Run(folder).last
    if resume and not last.is_file():
        raise TrainingError(
            f"'{folder}' holds no training to go on with. Check --out, or leave --resume out."
        )
    if last.exists() and not resume:
        raise TrainingError(
            f"'{folder}' holds a training already. Go on with --resume, or choose another folder."
        )
    require_writable(last)


class InterruptFlag:
    """Hears Ctrl-C from the first step on, so that this step is finished and kept; a second one ends everything."""

    def __init__(self) -> None:
        self._pressed = False
        self._earlier: Callable[[int, types.FrameType | None], object] | int | None = None

    def __enter__(self) -> "InterruptFlag":
        return self

    def __exit__(self, *_: object) -> None:
        self._restore_handler()

    def __call__(self) -> bool:
        """Return whether it was pressed."""
        if self._earlier is None and not self._pressed:
            self._earlier = signal.signal(signal.SIGINT, self._on_interrupt)
        return self._pressed

    def _on_interrupt(self, _signal: int, _frame: types.FrameType | None) -> None:
        """Remember it, and leave the next one to whoever listened before."""
        self._pressed = True
        self._restore_handler()

    def _restore_handler(self) -> None:
        """Let whoever listened before listen again."""
        if self._earlier is not None:
            signal.signal(signal.SIGINT, self._earlier)
            self._earlier = None


def _train(recipe: Recipe, options: Namespace, run: Run) -> TrainingResult:
    """Begin, or go on."""
    if not options.resume:
        data = TrainingData(tuple(options.data or ()), tuple(options.judge or ()))
        return train_recipe(recipe, data, run, InitialWeights(options.init, options.imagenet))
    notes = read_recipe_notes(run.folder)
    if notes["recipe"]["name"] != recipe.name:
        raise UsageError(
            f"'{run.folder}' was begun with the recipe '{notes['recipe']['name']}'; go on with "
            "that one."
        )
    return resume_recipe(run, _apply_budget(read_resumed_config(run.folder), options))


def _apply_options(recipe: Recipe, options: Namespace) -> Recipe:
    """Give a recipe what the command line says."""
    train = _apply_budget(recipe.train, options)
    studio = recipe.studio
    if options.seed is not None:
        train = replace(train, seed=options.seed)
        studio = replace(studio, seed=options.seed)
    if options.studio_share is not None:
        studio = replace(studio, share=options.studio_share)
    voc = recipe.voc if options.occluders is None else str(options.occluders.absolute())
    return replace(recipe, train=train, studio=studio, voc=voc)


def _apply_budget(config: TrainConfig, options: Namespace) -> TrainConfig:
    """Give a configuration the budget and threads of the command line; a budget there replaces the whole budget."""
    if options.threads:
        config = replace(config, threads=options.threads)
    if options.minutes is None and options.samples is None:
        return config
    minutes, samples = (
        math.inf if given is None else float(given) for given in (options.minutes, options.samples)
    )
    return replace(config, minutes=minutes, samples=samples, epochs=math.inf)


def _print_summary(trained: TrainingResult, options: Namespace) -> None:
    """Say how it went and where everything is."""
    last = trained.history[-1]
    print(f"\nTaught {last.step} steps, {last.samples} samples; {trained.stopped_because}.")
    judged = [row.judged_mm for row in trained.history if not math.isnan(row.judged_mm)]
    if judged:
        print(
            f"On what it was not taught it is off by {trained.best_mm:.1f} mm; at first "
            f"{judged[0]:.1f} mm."
        )
    print(f"Network  {trained.checkpoint}")
    print(f"History  {options.out / CSV}")
