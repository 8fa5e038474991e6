"""How far a use case is: one report for a terminal, a window and a notebook."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class StepProgress:
    """How far a piece of work is at this moment.

    Parameters
    ----------
    step
        The current part of it, in words: "Finding joints".
    share
        Of the whole work, 0 to 1.
    unit
        What this step counts, "framesets" or "percent"; empty where it counts nothing.
    done, total
        In that unit; `total` is None where the end is not known.
    """

    step: str
    share: float
    unit: str = ""
    done: int = 0
    total: int | None = None


Progress: TypeAlias = Callable[[StepProgress], None]
"""Called with every report, in the thread that does the work; may raise to cancel."""


def ignore_progress(progress: StepProgress) -> None:
    """Discard a report."""
    del progress


def scale_progress(progress: Progress, first: float, last: float) -> Progress:
    """Let a part of the work report its own share, 0 to 1, within the whole.

    Parameters
    ----------
    progress
        Of the whole work.
    first, last
        Its shares when the part begins and when it ends.

    Returns
    -------
    progress
        Of the part.
    """

    def report(part: StepProgress) -> None:
        progress(replace(part, share=first + (last - first) * part.share))

    return report
