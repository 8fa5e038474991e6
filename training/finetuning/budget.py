"""What is left for training of the minutes that a person waits: the other steps come first."""

import math

from training.errors import TrainingError

RESERVED_S = 45.0
"""Export, check, comparison and report: 130 crops in three runtimes, some 600 in two models."""

MIN_TRAINING_S = 30.0
"""Of training; below, the first steps are hardly over."""


def compute_training_minutes(minutes: float, used_s: float) -> float:
    """Return how long to train, so that all steps together take the given minutes.

    Parameters
    ----------
    minutes
        That a person waits in all.
    used_s
        By the steps before.

    Returns
    -------
    minutes
        Of training alone: `minutes` less `used_s` and `RESERVED_S`.

    Raises
    ------
    TrainingError
        If hardly anything is left; the message says how many minutes would do.
    """
    left_s = 60.0 * minutes - used_s - RESERVED_S
    if left_s < MIN_TRAINING_S:
        enough = math.ceil((used_s + RESERVED_S + 2 * MIN_TRAINING_S) / 60)
        raise TrainingError(
            f"Labelling and cutting took {used_s:.0f} s, and comparing will take {RESERVED_S:.0f} "
            f"s: of {minutes:g} minutes nothing is left for training. Give it "
            f"{max(enough, math.floor(minutes) + 1)} minutes or more."
        )
    return left_s / 60.0
