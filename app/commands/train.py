"""`epipole train`: train a model by a recipe, on stored samples or on simulated people."""

import math
import signal
import types
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from app.cli.progress import Progress
from app.errors import UsageError
from app.exit_codes import DONE
from app.paths import remove_empty_on_error, require_writable
from training.errors import TrainingError
from training.loop.config import TrainConfig
from training.loop.devices import get_rank
from training.loop.history import CSV
from training.loop.runs import Run, StopReason, TrainingProgress, TrainingResult
from training.recipes.recipe import Recipe, read_recipe
from training.recipes.train_recipe import (
    InitialWeights,
    TrainingData,
    read_recipe_notes,
    read_resumed_config,
    resume_recipe,
    train_recipe,
)


def run(options: Namespace) -> int:
    """Train a model.

    Parameters
    ----------
    options
        `recipe`, `out`, `data`, `judge`, `minutes`, `samples`, `studio_share`, `occluders`, `seed`,
        `threads`, `resume`, `init`, `imagenet`.

    Returns
    -------
    code
        0; the command line turns a TrainingError into one message and 1.

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
    """Train with a progress line; of several processes only the first one shows it."""
    if get_rank() > 0:
        _train(recipe, options, Run(options.out))
        return
    with Progress("Training", unit="steps") as progress, InterruptFlag() as stop:

        def watch(update: TrainingProgress) -> None:
            if update.step:
                progress(update.step, update.steps)

        trained = _train(recipe, options, Run(options.out, on_progress=watch, should_stop=stop))
    _print_summary(trained, options)
    if trained.stopped_because is StopReason.CANCELLED:
        raise KeyboardInterrupt


def _require_consistent_options(options: Namespace) -> None:
    """Refuse options that contradict each other; raises UsageError."""
    conflicting = (options.data, options.judge, options.init, options.imagenet, options.seed)
    conflicting += (options.studio_share, options.occluders)
    if options.resume and any(word is not None for word in conflicting):
        raise UsageError(
            "--resume continues with the same data, seed, occluders and first weights; leave those "
            "options out."
        )
    if options.studio_share is not None and not options.data:
        raise UsageError(
            "--studio-share mixes simulated people with data; give the data with --data."
        )
    if options.init and options.imagenet:
        raise UsageError(
            "--init sets all first weights, --imagenet those of the backbone; give one of them."
        )


def _require_run_folder(folder: Path, *, resume: bool) -> None:
    """Check that a run can be resumed, or that the folder is free, before anything is done."""
    last = Run(folder).last
    if resume and not last.is_file():
        raise TrainingError(
            f"'{folder}' holds no run to resume. Check --out, or leave --resume out."
        )
    if last.exists() and not resume:
        raise TrainingError(
            f"'{folder}' already holds a run. Continue it with --resume, or choose another folder."
        )
    require_writable(last)


class InterruptFlag:
    """Catches Ctrl-C so that the step is finished and kept; a second press ends everything."""

    def __init__(self) -> None:
        self._pressed = False
        self._earlier: Callable[[int, types.FrameType | None], object] | int | None = None

    def __enter__(self) -> "InterruptFlag":
        return self

    def __exit__(self, *_: object) -> None:
        self._restore_handler()

    def __call__(self) -> bool:
        """Return whether Ctrl-C was pressed."""
        if self._earlier is None and not self._pressed:
            self._earlier = signal.signal(signal.SIGINT, self._on_interrupt)
        return self._pressed

    def _on_interrupt(self, _signal: int, _frame: types.FrameType | None) -> None:
        """Remember the press, and restore the earlier handler for the next one."""
        self._pressed = True
        self._restore_handler()

    def _restore_handler(self) -> None:
        """Restore the earlier handler."""
        if self._earlier is not None:
            signal.signal(signal.SIGINT, self._earlier)
            self._earlier = None


def _train(recipe: Recipe, options: Namespace, run: Run) -> TrainingResult:
    """Start or resume training."""
    if not options.resume:
        data = TrainingData(tuple(options.data or ()), tuple(options.judge or ()))
        return train_recipe(recipe, data, run, InitialWeights(options.init, options.imagenet))
    notes = read_recipe_notes(run.folder)
    if notes["recipe"]["name"] != recipe.name:
        raise UsageError(
            f"'{run.folder}' was started with the recipe '{notes['recipe']['name']}'; resume it "
            "with that recipe."
        )
    return resume_recipe(run, _apply_budget(read_resumed_config(run.folder), options))


def _apply_options(recipe: Recipe, options: Namespace) -> Recipe:
    """Apply the options of the command line to a recipe."""
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
    """Apply threads and budget of the command line; any budget there replaces the recipe's."""
    if options.threads:
        config = replace(config, threads=options.threads)
    if options.minutes is None and options.samples is None:
        return config
    minutes, samples = (
        math.inf if given is None else float(given) for given in (options.minutes, options.samples)
    )
    return replace(config, minutes=minutes, samples=samples, epochs=math.inf)


def _print_summary(trained: TrainingResult, options: Namespace) -> None:
    """Print how training went and where everything is."""
    last = trained.history[-1]
    print(f"\nTrained {last.step} steps, {last.samples} samples; {trained.stopped_because}.")
    judged = [row.judged_mm for row in trained.history if not math.isnan(row.judged_mm)]
    if judged:
        print(
            f"Best error on held-out data: {trained.best_mm:.1f} mm; at the start "
            f"{judged[0]:.1f} mm."
        )
    print(f"Model    {trained.checkpoint}")
    print(f"History  {options.out / CSV}")
