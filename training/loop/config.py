"""TrainConfig: how long a network is trained, how fast, and with which losses."""

import math
from dataclasses import dataclass

PRECISIONS = ("auto", "f32", "bf16", "f16")


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How a network is trained.

    Parameters
    ----------
    minutes, epochs, samples
        The budget: whichever is used up first ends the training; infinity is no limit. The schedule
        follows the share of the budget that is used, so that it ends when the budget does.
    learning_rate
        Adam's, at its highest.
    warmup_steps
        Until then the rate rises from nothing.
    drops
        Shares of the budget at which the rate falls to a tenth; without any it falls along half a
        cosine.
    clip
        Longest gradient; infinity lets all pass.
    ema
        How much of the averaged weights stays at a step. Judged and kept are the averaged ones.
    precision
        ``f32``, ``bf16``, ``f16`` (with a scaled loss; only on a GPU), or ``auto``: what the device
        does fastest.
    beta
        Up to here an error counts by its square, beyond by its length: 0.015 of a crop of 2 m is 30
        mm. The usual 1 is never reached in these coordinates: with it, smooth-L1 is the squared
        error, and one wrong label outweighs many.
    reprojection_weight
        Of what the other view saw beside the labels.
    heat_weight
        Of the volumes' cross-entropy beside the labels, for a network that starts from nothing; 0
        as published.
    judgements
        How often the network is judged: evenly over the budget, the last time at its end.
    patience
        So many judgements in a row without a better one end the training early.
    save_every_s
        Time between two saved states, from which a killed training can continue.
    threads
        Of the processor; 0 takes all that this process may use.
    seed
        Of dropout and all else that is drawn while training.

    Raises
    ------
    ValueError
        If there is no budget, or a value makes no sense; the message names it.
    """

    minutes: float = math.inf
    epochs: float = math.inf
    samples: float = math.inf
    learning_rate: float = 1e-3
    warmup_steps: int = 100
    drops: tuple[float, ...] = ()
    clip: float = 1.0
    ema: float = 0.999
    precision: str = "auto"
    beta: float = 0.015
    reprojection_weight: float = 0.3
    heat_weight: float = 0.0
    judgements: int = 20
    patience: int = 8
    save_every_s: float = 60.0
    threads: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse invalid values."""
        if not min(self.minutes, self.epochs, self.samples) < math.inf:
            raise ValueError("Nothing says how long to train. Give minutes, epochs or samples.")
        for name in (
            "minutes",
            "epochs",
            "samples",
            "learning_rate",
            "clip",
            "beta",
            "judgements",
            "patience",
        ):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be more than 0, not {getattr(self, name)}.")
        if not (0 <= self.ema < 1 and self.warmup_steps >= 0 and self.threads >= 0):
            raise ValueError("ema is in [0, 1); warmup_steps and threads are 0 or more.")
        if list(self.drops) != sorted(self.drops) or not all(0 < drop < 1 for drop in self.drops):
            raise ValueError(
                f"drops are rising shares of the budget between 0 and 1, not {self.drops}."
            )
        if self.precision not in PRECISIONS:
            raise ValueError(
                f"There is no precision '{self.precision}'. Choose one of {', '.join(PRECISIONS)}."
            )
