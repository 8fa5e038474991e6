"""The schedule: how much of the budget is used, and the learning rate at that moment."""

import bisect
import math
from dataclasses import dataclass

from training.loop.config import TrainConfig

DROP_FACTOR = 0.1
"""A drop leaves a tenth of the rate, as published."""

FINAL_RATE_SHARE = 0.01
"""A cosine ends at this share of the rate: the last steps of a budget should still count."""


@dataclass(frozen=True, slots=True)
class BudgetUsed:
    """What a training has used so far.

    Parameters
    ----------
    elapsed_s
        Time, without pauses.
    epochs
        Passes over the data; fractions count.
    samples
        Seen by all processes together.
    """

    elapsed_s: float
    epochs: float
    samples: float


def compute_share_used(used: BudgetUsed, config: TrainConfig) -> float:
    """Return the share of the budget that is used up.

    Returns
    -------
    share
        0 to 1: of the limit that is nearest.
    """
    shares = (
        used.elapsed_s / (60.0 * config.minutes),
        used.epochs / config.epochs,
        used.samples / config.samples,
    )
    return min(max(shares), 1.0)


def compute_learning_rate(step: int, share: float, config: TrainConfig) -> float:
    """Return the learning rate of a step.

    Parameters
    ----------
    step
        From 0.
    share
        Of the budget that is used.
    config

    Returns
    -------
    rate
        Rises linearly over the warm-up; then a tenth at each of `drops`, or, without drops, along
        half a cosine (Loshchilov & Hutter 2017) down to `FINAL_RATE_SHARE`.
    """
    warm = min(1.0, (step + 1) / (config.warmup_steps + 1))
    if config.drops:
        return config.learning_rate * warm * DROP_FACTOR ** bisect.bisect_right(config.drops, share)
    cosine = 0.5 * (1.0 + math.cos(math.pi * share))
    return config.learning_rate * warm * (FINAL_RATE_SHARE + (1.0 - FINAL_RATE_SHARE) * cosine)
