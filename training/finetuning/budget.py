"""What is left for teaching of the minutes that a person waits: the other steps take their part first."""

import math

from training.errors import TrainingError

AFTERWARDS_S = 45.0
"""For the export, its check, the comparison and the report: 130 crops in three runtimes, some 600 in two networks."""

LEAST_S = 30.0
"""Of teaching; below, the first steps are hardly over."""


def teaching_minutes(minutes: float, used_s: float) -> float:
    """Say how long to teach, so that all steps together take what was asked for.

    Parameters
    ----------
    minutes
        That a person waits in all.
    used_s
        By the steps before.

    Returns
    -------
    minutes

    Raises
    ------
    TrainingError
        If hardly anything is left; the sentence says how many minutes would do.
    """
    left_s = 60.0 * minutes - used_s - AFTERWARDS_S
    if left_s < LEAST_S:
        enough = math.ceil((used_s + AFTERWARDS_S + 2 * LEAST_S) / 60)
        raise TrainingError(
            f"Labelling and cutting took {used_s:.0f} s, and comparing will take {AFTERWARDS_S:.0f} s: of {minutes:g} "
            f"minutes nothing is left for teaching. Give it {max(enough, math.floor(minutes) + 1)} minutes or more."
        )
    return left_s / 60.0
