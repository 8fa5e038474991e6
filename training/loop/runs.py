"""Runs: the folder of one training, its callbacks, and its result."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from training.errors import TrainingError
from training.loop.history import Row
from training.networks.pose_network import PoseNetwork

LAST, BEST = "last.pt", "best.pt"
Judge = Callable[[PoseNetwork], float]


class StopReason(StrEnum):
    """Why a training ended."""

    BUDGET = "the budget is used up"
    PATIENCE = "it no longer got better"
    CANCELLED = "it was stopped"


@dataclass(frozen=True, slots=True)
class TrainingProgress:
    """How far a training is.

    Parameters
    ----------
    step, steps
        Done, and about how many there will be.
    share
        Of the budget that is used.
    seconds_left
        NaN before the first step.
    samples_per_s
    loss
        Mean since the last row of the history.
    judged_mm
        Last judgement; NaN before the first.
    """

    step: int
    steps: int
    share: float
    seconds_left: float
    samples_per_s: float
    loss: float
    judged_mm: float


@dataclass(frozen=True, slots=True)
class Run:
    """One training, seen from outside.

    Parameters
    ----------
    folder
        Takes `last.pt`, from which it can go on; `best.pt`, the averaged weights that were judged
        best; the history.
    skeleton
        Whose joints the network finds.
    judge
        Measures how far the network is off, in mm, on held-out samples; None keeps the last
        weights as the best.
    on_progress
        Called with the progress, at most four times a second.
    should_stop
        Called after every step: whether to stop. What `on_progress` and `should_stop` take does not
        count, so that they can hold a pause; what they raise ends the training, which can go on
        from there later.
    notes
        Kept in every checkpoint: plain values.
    """

    folder: Path
    skeleton: str = "mpii_16"
    judge: Judge | None = None
    on_progress: Callable[[TrainingProgress], None] = lambda _progress: None
    should_stop: Callable[[], bool] = lambda: False
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def last(self) -> Path:
        """Return the state from which to go on."""
        return self.folder / LAST

    @property
    def best(self) -> Path:
        """Return the network to use."""
        return self.folder / BEST


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn what the disk reports while a run is written into one message, a TrainingError."""
    try:
        yield
    except OSError as error:
        raise TrainingError(
            f"'{error.filename or folder}' cannot be written: {error.strerror or error}. What "
            f"'{folder}' holds is whole; free some space and go on with --resume."
        ) from error


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What came of a training.

    Parameters
    ----------
    checkpoint
        The best network: `training.loop.checkpoint.network_from_checkpoint` builds it.
    history
    stopped_because
    best_mm
        NaN where not judged.
    """

    checkpoint: Path
    history: tuple[Row, ...]
    stopped_because: StopReason
    best_mm: float


@dataclass(frozen=True, slots=True)
class Position:
    """How far a training has come, as its checkpoint keeps it.

    Parameters
    ----------
    step, samples
        Done.
    epoch, batch
        The next batch: `batch` of `epoch` are done.
    elapsed_s
        Without pauses, over all its starts.
    judged
        Which of the judgements was the last; -1 before the first.
    judged_mm, best_mm
        The last, and the best.
    since_best
        Judgements.
    setbacks
        How often it had to step back.
    losses, counted
        Sum and number of those since the last row of the history.
    """

    step: int = 0
    samples: int = 0
    epoch: int = 0
    batch: int = 0
    elapsed_s: float = 0.0
    judged: int = -1
    judged_mm: float = math.nan
    best_mm: float = math.inf
    since_best: int = 0
    setbacks: int = 0
    losses: float = 0.0
    counted: int = 0
