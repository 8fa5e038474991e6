"""The loop: a network, batches and a judge in; the best weights out. Fine-tuning is another start of the same loop.

It can be killed at any moment: from `last.pt` in the run's folder it goes on, on a processor bit for bit as if nothing
had been.
"""

import dataclasses
import logging
import math
import time
from collections.abc import Generator, Iterator
from dataclasses import replace

import torch

from training.config import config_from_table, config_to_table
from training.data.batches import Batch
from training.errors import DatasetError, DivergedError, TrainingError
from training.loop.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from training.loop.devices import placed
from training.loop.history import History, Row, Unwritten, row_of
from training.loop.learner import Learner
from training.loop.meter import Meter, Stopwatch
from training.loop.runs import BatchSource, Position, Progress, Run, Stop, Trained, saying_what_the_disk_refused
from training.loop.schedule import Spent, rate, share_used
from training.networks.build import build_network
from training.networks.pose_network import PoseNetwork
from training.train_config import TrainConfig

ROW_STEPS = 25
WATCH_S = 0.25
SETBACK = 0.1
"""After a loss that was no number the rate is a tenth."""

logger = logging.getLogger(__name__)


def train(network: PoseNetwork, batches: BatchSource, config: TrainConfig, run: Run) -> Trained:
    """Teach a network.

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
        The best network by the judge, the first one included: it is never worse than what it started from.

    Raises
    ------
    TrainingError
        If the folder holds a training, the data give no batch, the loss diverged twice, or the disk refuses. What
        `last.pt` and `best.pt` held stays.
    """
    if run.last.exists():
        raise TrainingError(f"'{run.folder}' holds a training already. Go on with --resume, or choose another folder.")
    with placed(config) as place:
        torch.manual_seed(config.seed + place.rank)
        return _Training(Learner(network, config, place), batches, config, run).run()


def resume(batches: BatchSource, run: Run, config: TrainConfig | None = None) -> Trained:
    """Go on with a training that was stopped or killed.

    Parameters
    ----------
    batches
        The same as before.
    run
    config
        None takes what it was begun with; another one gives more time, for instance.

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
            f"'{run.last}' is a finished network: nothing in it says how to go on. Start anew with --init."
        )
    config = config or config_from_table(TrainConfig, state.config["train"])
    with placed(config) as place:
        torch.manual_seed(config.seed + place.rank + state.step)
        training = _Training(Learner(build_network(state.network), config, place), batches, config, run)
        training.go_on_from(state)
        return training.run()


class _Training:
    """One training while it runs. Between two steps its state is whole."""

    def __init__(self, learner: Learner, batches: BatchSource, config: TrainConfig, run: Run) -> None:
        self.learner, self.place = learner, learner.place
        self.batches, self.config, self.outside = batches, config, run
        self.at, self.meter, self.clock = Position(), Meter(), Stopwatch(0.0)
        self.rows: tuple[Row, ...] = ()
        self.watched_s = -math.inf
        self.cancelled = False

    def go_on_from(self, state: Checkpoint) -> None:
        """Become what a checkpoint was taken from."""
        self.at = Position(**state.position)
        self.rows = tuple(row_of(table) for table in state.history)
        self.learner.restore(state)
        if self.place.world == 1:
            self.learner.restore_random(state)

    def run(self) -> Trained:
        """Teach until the budget, the patience or the person ends it."""
        self.begin()
        stop = self.teach()
        return self.end(stop)

    def begin(self) -> None:
        """Judge what the network could before, and keep it: what is on the disk is never worse."""
        self.clock = Stopwatch(self.at.elapsed_s)
        with saying_what_the_disk_refused(self.outside.folder):
            self.history = History(self.outside.folder, self.rows) if self.place.writes else Unwritten()
        if not self.judge_when_due() and not self.history.rows:
            self.write_row(math.nan)
        self.keep()

    def teach(self) -> Stop:
        """Teach, epoch after epoch."""
        while (stop := self.why_stop()) is None:
            for batch, waited_s in self.rest_of_epoch():
                self.step(batch, waited_s)
                if (stop := self.why_stop()) is not None:
                    return stop
            self.at = replace(self.at, epoch=self.at.epoch + 1, batch=0)
        return stop

    def end(self, stop: Stop) -> Trained:
        """Keep everything, and say what came of it."""
        if stop is not Stop.CANCELLED and self.history.rows[-1].step != self.at.step:
            self.write_row(math.nan)
        self.keep()
        judged = math.isfinite(self.at.best_mm)
        if not judged:
            self.keep_best()
        best_mm = self.at.best_mm if judged else math.nan
        return Trained(self.outside.best, tuple(self.history.rows), stop, best_mm)

    def rest_of_epoch(self) -> Iterator[tuple[Batch, float]]:
        """Give the batches of this process's epoch that are still to be taught, with the seconds waited for each."""
        number = self.at.epoch * self.place.world + self.place.rank
        asked_s, first = time.monotonic(), self.at.batch
        batches = self.batches.epoch(number, first)
        try:
            for batch in batches:
                yield batch, time.monotonic() - asked_s
                asked_s = time.monotonic()
        finally:
            if isinstance(batches, Generator):
                batches.close()
        if first == self.at.batch and first == 0:
            raise DatasetError(
                "The data hold fewer samples than a batch takes. Record longer, or take smaller batches."
            )

    def step(self, batch: Batch, waited_s: float) -> None:
        """Teach one batch, and do what is due after it."""
        began_s, samples = time.monotonic(), len(batch) * self.place.world
        loss = self.learner.learn(batch, self.rate())
        at = self.at
        self.at = replace(at, step=at.step + 1, samples=at.samples + samples, batch=at.batch + 1)
        # What depends on the time or on one process's data is agreed upon, so that all processes stay in step.
        keep = began_s - self.kept_s >= self.config.save_every_s
        now = (self.clock.seconds, math.isnan(loss), keep) if self.place.writes else (0.0, math.isnan(loss), False)
        elapsed_s, bad, keep = self.place.agree(*now)
        self.at = replace(self.at, elapsed_s=elapsed_s)
        if bad:
            self.step_back()
        else:
            self.at = replace(self.at, losses=self.at.losses + loss, counted=self.at.counted + 1)
            self.meter.add(samples, waited_s=waited_s, taught_s=time.monotonic() - began_s)
        if not self.judge_when_due() and self.at.step % ROW_STEPS == 0:
            self.write_row(math.nan)
        if keep:
            self.keep()
        self.cancelled = bool(*self.place.agree(self.ask_outside()))

    def step_back(self) -> None:
        """Return to the last weights that were kept, once, and learn more slowly from there."""
        if self.at.setbacks:
            raise DivergedError(
                f"The loss of step {self.at.step} is no number, a second time. The last good weights are in "
                f"'{self.outside.last}'. Look for samples that cannot be, or train with a lower learning_rate."
            )
        logger.warning("the loss of step %d is no number: back to step %d", self.at.step, self.good.step)
        self.learner.restore(self.good)
        self.at = replace(self.at, setbacks=1)

    def judge_when_due(self) -> bool:
        """Judge the averaged weights if it is time, and keep them if they are the best; say whether it was."""
        number = math.floor(self.share() * self.config.judgements + 1e-9)
        if self.outside.judge is None or number <= self.at.judged:
            return False
        mm = self.outside.judge(self.learner.average) if self.place.writes else -math.inf
        (mm,) = self.place.agree(math.inf if math.isnan(mm) else mm)
        better = mm < self.at.best_mm
        since = 0 if better or math.isinf(mm) else self.at.since_best + 1
        judged_mm, best_mm = (math.nan if math.isinf(mm) else mm), min(mm, self.at.best_mm)
        self.at = replace(self.at, judged=number, judged_mm=judged_mm, best_mm=best_mm, since_best=since)
        self.write_row(judged_mm)
        if better:
            self.keep_best()
        return True

    def keep(self) -> None:
        """Keep the state to go on from, here and on the disk."""
        self.good, self.kept_s = self.checkpoint(), time.monotonic()
        if self.place.writes:
            with saying_what_the_disk_refused(self.outside.folder):
                save_checkpoint(self.outside.last, self.good)

    def keep_best(self) -> None:
        """Keep the averaged weights as the network to use."""
        if self.place.writes:
            state = self.checkpoint()
            finished = replace(state, weights=state.ema, ema=None, optimizer=None, random={}, position={})
            with saying_what_the_disk_refused(self.outside.folder):
                save_checkpoint(self.outside.best, finished)

    def checkpoint(self) -> Checkpoint:
        """Gather all there is to keep."""
        return Checkpoint(
            network=self.learner.network.config,
            skeleton=self.outside.skeleton,
            step=self.at.step,
            config={"train": config_to_table(self.config), **self.outside.notes},
            history=[row.table() for row in self.history.rows],
            position=dataclasses.asdict(self.at),
            **self.learner.state(),
        )

    def ask_outside(self) -> bool:
        """Tell how far it is, and ask whether to stop; whatever comes back instead finds the state kept."""
        if not self.place.writes:
            return False
        try:
            with self.clock.halted():
                if time.monotonic() - self.watched_s >= WATCH_S:
                    self.outside.watch(self.progress())
                    self.watched_s = time.monotonic()
                return self.outside.stop()
        except BaseException:
            self.keep()
            raise

    def why_stop(self) -> Stop | None:
        """Return the reason to end now, if there is one."""
        if self.share() >= 1.0:
            return Stop.BUDGET
        if self.at.since_best >= self.config.patience:
            return Stop.PATIENCE
        return Stop.CANCELLED if self.cancelled else None

    def share(self) -> float:
        """Return the share of the budget that is used."""
        epochs = (self.at.epoch + self.at.batch / max(len(self.batches), 1)) * self.place.world
        return share_used(Spent(self.at.elapsed_s, epochs, self.at.samples), self.config)

    def rate(self) -> float:
        """Return the learning rate of the next step."""
        return rate(self.at.step, self.share(), self.config) * SETBACK**self.at.setbacks

    def write_row(self, judged_mm: float) -> None:
        """Add a point to the curves."""
        now = (self.at.step, self.at.samples, self.share(), self.at.elapsed_s, self.rate())
        row = Row(*now, self.loss(), judged_mm, self.meter.samples_per_s, self.meter.waiting_share)
        with saying_what_the_disk_refused(self.outside.folder):
            self.history.add(row)
        self.at = replace(self.at, losses=0.0, counted=0)
        self.meter.start_anew()

    def loss(self) -> float:
        """Return the mean loss since the last row; of that row where no step was taken since."""
        if self.at.counted:
            return self.at.losses / self.at.counted
        return self.history.rows[-1].loss if self.history.rows else math.nan

    def progress(self) -> Progress:
        """Say how far it is."""
        share, at = self.share(), self.at
        left_s = at.elapsed_s * (1.0 - share) / share if share > 0 else math.nan
        steps = round(at.step / share) if share > 0 else at.step
        return Progress(at.step, steps, share, left_s, self.meter.samples_per_s, self.loss(), at.judged_mm)
