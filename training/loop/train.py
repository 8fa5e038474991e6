"""The loop: a network, batches and a judge in; the best weights out. Fine-tuning uses it too.

It can be killed at any moment: from `last.pt` in the run's folder it continues, on a processor bit
for bit as if it had not been interrupted.
"""

import dataclasses
import logging
import math
import time
from collections.abc import Generator, Iterator
from dataclasses import replace

import torch

from training.config import config_from_table, config_to_table
from training.data.batches import Batch, BatchSource
from training.errors import DatasetError, DivergedError, TrainingError
from training.loop.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from training.loop.config import TrainConfig
from training.loop.devices import set_up_placement
from training.loop.history import History, InMemoryHistory, Row, row_from_table
from training.loop.learner import Learner
from training.loop.meter import Stopwatch, ThroughputMeter
from training.loop.runs import (
    Position,
    Run,
    StopReason,
    TrainingProgress,
    TrainingResult,
    disk_errors,
)
from training.loop.schedule import BudgetUsed, compute_learning_rate, compute_share_used
from training.networks.build import build_network
from training.networks.pose_network import PoseNetwork

STEPS_PER_ROW = 25
PROGRESS_INTERVAL_S = 0.25
SETBACK_FACTOR = 0.1
"""After a loss that was NaN the rate is a tenth."""

logger = logging.getLogger(__name__)


def train(
    network: PoseNetwork, batches: BatchSource, config: TrainConfig, run: Run
) -> TrainingResult:
    """Train a network.

    Parameters
    ----------
    network
        With its first weights, random or another's; is changed.
    batches
    config
    run
        Its folder holds no training yet, and is made where there is none.

    Returns
    -------
    trained
        The best network by the judge, the first one included: it is never worse than what it
        started from.

    Raises
    ------
    TrainingError
        If the folder holds a training, the data give no batch, the loss diverged twice, or the disk
        refuses. What `last.pt` and `best.pt` held stays.
    """
    if run.last.exists():
        raise TrainingError(
            f"'{run.folder}' holds a training already. Go on with --resume, or choose another "
            "folder."
        )
    with set_up_placement(config) as placement:
        torch.manual_seed(config.seed + placement.rank)
        return _Training(Learner(network, config, placement), batches, config, run).run()


def resume(batches: BatchSource, run: Run, config: TrainConfig | None = None) -> TrainingResult:
    """Resume a training that was stopped or killed.

    Parameters
    ----------
    batches
        The same as before.
    run
    config
        None takes what it was begun with; another one gives more time, for example.

    Returns
    -------
    trained
        At once, where it had already come to its end.

    Raises
    ------
    TrainingError
        As `train`; or if there is nothing to go on from, or it is damaged.
    """
    state = load_checkpoint(run.last)
    if state.optimizer is None:
        raise TrainingError(
            f"'{run.last}' is a finished network: it holds no state to go on from. Start again "
            "with --init."
        )
    config = config or config_from_table(TrainConfig, state.config["train"])
    with set_up_placement(config) as placement:
        torch.manual_seed(config.seed + placement.rank + state.step)
        training = _Training(
            Learner(build_network(state.network), config, placement), batches, config, run
        )
        training.restore(state)
        return training.run()


class _Training:
    """One training while it runs. Between two steps its state is whole."""

    def __init__(
        self, learner: Learner, batches: BatchSource, config: TrainConfig, run: Run
    ) -> None:
        self.learner, self.placement = learner, learner.placement
        self.batches = batches
        self.config = config
        self.run_spec = run
        self.position = Position()
        self.meter = ThroughputMeter()
        self.clock = Stopwatch(0.0)
        self.rows: tuple[Row, ...] = ()
        self.reported_s = -math.inf
        self.cancelled = False

    def restore(self, state: Checkpoint) -> None:
        """Take over the state that a checkpoint holds."""
        self.position = Position(**state.position)
        self.rows = tuple(row_from_table(table) for table in state.history)
        self.learner.restore(state)
        if self.placement.world_size == 1:
            self.learner.restore_random(state)

    def run(self) -> TrainingResult:
        """Train until the budget, the patience or the user ends it."""
        self.begin()
        stop = self.train_epochs()
        return self.finish(stop)

    def begin(self) -> None:
        """Judge what the network could before, and keep it: what is on the disk is never worse."""
        self.clock = Stopwatch(self.position.elapsed_s)
        with disk_errors(self.run_spec.folder):
            self.history = (
                History(self.run_spec.folder, self.rows)
                if self.placement.is_main
                else InMemoryHistory()
            )
        if not self.judge_when_due() and not self.history.rows:
            self.write_row(math.nan)
        self.save()

    def train_epochs(self) -> StopReason:
        """Train, epoch after epoch."""
        while (stop := self.find_stop_reason()) is None:
            for batch, waited_s in self.iter_rest_of_epoch():
                self.step(batch, waited_s)
                if (stop := self.find_stop_reason()) is not None:
                    return stop
            self.position = replace(self.position, epoch=self.position.epoch + 1, batch=0)
        return stop

    def finish(self, stop: StopReason) -> TrainingResult:
        """Save everything, and return the result."""
        if stop is not StopReason.CANCELLED and self.history.rows[-1].step != self.position.step:
            self.write_row(math.nan)
        self.save()
        judged = math.isfinite(self.position.best_mm)
        if not judged:
            self.save_best()
        best_mm = self.position.best_mm if judged else math.nan
        return TrainingResult(self.run_spec.best, tuple(self.history.rows), stop, best_mm)

    def iter_rest_of_epoch(self) -> Iterator[tuple[Batch, float]]:
        """Yield the epoch's remaining batches of this process, with the seconds waited for each."""
        number = self.position.epoch * self.placement.world_size + self.placement.rank
        requested_s, first = time.monotonic(), self.position.batch
        batches = self.batches.epoch(number, first)
        try:
            for batch in batches:
                yield batch, time.monotonic() - requested_s
                requested_s = time.monotonic()
        finally:
            if isinstance(batches, Generator):
                batches.close()
        if first == self.position.batch and first == 0:
            raise DatasetError(
                "The data hold fewer samples than a batch needs. Record longer, or choose smaller "
                "batches."
            )

    def step(self, batch: Batch, waited_s: float) -> None:
        """Train on one batch, and do what is due after it."""
        began_s = time.monotonic()
        samples = len(batch) * self.placement.world_size
        loss = self.learner.train_step(batch, self.rate())
        position = self.position
        self.position = replace(
            position,
            step=position.step + 1,
            samples=position.samples + samples,
            batch=position.batch + 1,
        )
        # What depends on the time or on one process's data is agreed upon, so that all processes
        # stay in step.
        keep = began_s - self.saved_s >= self.config.save_every_s
        now = (
            (self.clock.seconds, math.isnan(loss), keep)
            if self.placement.is_main
            else (0.0, math.isnan(loss), False)
        )
        elapsed_s, bad, keep = self.placement.all_reduce_max(*now)
        self.position = replace(self.position, elapsed_s=elapsed_s)
        if bad:
            self.step_back()
        else:
            self.position = replace(
                self.position, losses=self.position.losses + loss, counted=self.position.counted + 1
            )
            self.meter.add(samples, waited_s=waited_s, trained_s=time.monotonic() - began_s)
        if not self.judge_when_due() and self.position.step % STEPS_PER_ROW == 0:
            self.write_row(math.nan)
        if keep:
            self.save()
        self.cancelled = bool(*self.placement.all_reduce_max(self.report_and_check_stop()))

    def step_back(self) -> None:
        """Return to the last weights that were saved, once, and train more slowly from there."""
        if self.position.setbacks:
            raise DivergedError(
                f"The loss of step {self.position.step} is NaN, a second time. The last good "
                f"weights are in '{self.run_spec.last}'. Look for impossible samples, or train "
                "with a lower learning_rate."
            )
        logger.warning(
            "the loss of step %d is NaN: back to step %d",
            self.position.step,
            self.last_good.step,
        )
        self.learner.restore(self.last_good)
        self.position = replace(self.position, setbacks=1)

    def judge_when_due(self) -> bool:
        """Judge the averaged weights if it is time, keep them if best; return whether it judged."""
        number = math.floor(self.share() * self.config.judgements + 1e-9)
        if self.run_spec.judge is None or number <= self.position.judged:
            return False
        mm = self.run_spec.judge(self.learner.average) if self.placement.is_main else -math.inf
        (mm,) = self.placement.all_reduce_max(math.inf if math.isnan(mm) else mm)
        better = mm < self.position.best_mm
        since = 0 if better or math.isinf(mm) else self.position.since_best + 1
        judged_mm = math.nan if math.isinf(mm) else mm
        best_mm = min(mm, self.position.best_mm)
        self.position = replace(
            self.position, judged=number, judged_mm=judged_mm, best_mm=best_mm, since_best=since
        )
        self.write_row(judged_mm)
        if better:
            self.save_best()
        return True

    def save(self) -> None:
        """Keep the state to go on from, here and on the disk."""
        self.last_good = self.build_checkpoint()
        self.saved_s = time.monotonic()
        if self.placement.is_main:
            with disk_errors(self.run_spec.folder):
                save_checkpoint(self.run_spec.last, self.last_good)

    def save_best(self) -> None:
        """Keep the averaged weights as the network to use."""
        if self.placement.is_main:
            state = self.build_checkpoint()
            finished = replace(
                state, weights=state.ema, ema=None, optimizer=None, random={}, position={}
            )
            with disk_errors(self.run_spec.folder):
                save_checkpoint(self.run_spec.best, finished)

    def build_checkpoint(self) -> Checkpoint:
        """Gather all there is to keep."""
        return Checkpoint(
            network=self.learner.network.config,
            skeleton=self.run_spec.skeleton,
            step=self.position.step,
            config={"train": config_to_table(self.config), **self.run_spec.notes},
            history=[row.table() for row in self.history.rows],
            position=dataclasses.asdict(self.position),
            **self.learner.state(),
        )

    def report_and_check_stop(self) -> bool:
        """Report the progress, and check whether to stop; the state is saved if either raises."""
        if not self.placement.is_main:
            return False
        try:
            with self.clock.pause():
                if time.monotonic() - self.reported_s >= PROGRESS_INTERVAL_S:
                    self.run_spec.on_progress(self.progress())
                    self.reported_s = time.monotonic()
                return self.run_spec.should_stop()
        except BaseException:
            self.save()
            raise

    def find_stop_reason(self) -> StopReason | None:
        """Return the reason to end now, if there is one."""
        if self.share() >= 1.0:
            return StopReason.BUDGET
        if self.position.since_best >= self.config.patience:
            return StopReason.PATIENCE
        return StopReason.CANCELLED if self.cancelled else None

    def share(self) -> float:
        """Return the share of the budget that is used."""
        epochs = (
            self.position.epoch + self.position.batch / max(len(self.batches), 1)
        ) * self.placement.world_size
        return compute_share_used(
            BudgetUsed(self.position.elapsed_s, epochs, self.position.samples), self.config
        )

    def rate(self) -> float:
        """Return the learning rate of the next step."""
        return (
            compute_learning_rate(self.position.step, self.share(), self.config)
            * SETBACK_FACTOR**self.position.setbacks
        )

    def write_row(self, judged_mm: float) -> None:
        """Add a point to the curves."""
        now = (
            self.position.step,
            self.position.samples,
            self.share(),
            self.position.elapsed_s,
            self.rate(),
        )
        row = Row(*now, self.loss(), judged_mm, self.meter.samples_per_s, self.meter.waiting_share)
        with disk_errors(self.run_spec.folder):
            self.history.add(row)
        self.position = replace(self.position, losses=0.0, counted=0)
        self.meter.reset()

    def loss(self) -> float:
        """Return the mean loss since the last row; of that row where no step was taken since."""
        if self.position.counted:
            return self.position.losses / self.position.counted
        return self.history.rows[-1].loss if self.history.rows else math.nan

    def progress(self) -> TrainingProgress:
        """Describe how far the training is."""
        share, position = self.share(), self.position
        left_s = position.elapsed_s * (1.0 - share) / share if share > 0 else math.nan
        steps = round(position.step / share) if share > 0 else position.step
        return TrainingProgress(
            position.step,
            steps,
            share,
            left_s,
            self.meter.samples_per_s,
            self.loss(),
            position.judged_mm,
        )
