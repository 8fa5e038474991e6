"""What several functions of the API take: paths, and a callback for progress."""

from collections.abc import Callable
from os import PathLike
from typing import TypeAlias

from engine.offline.progress import Progress, StepProgress, ignore_progress

AnyPath: TypeAlias = str | PathLike[str]
ReportProgress: TypeAlias = Callable[[str, float], None]
"""Called with the step in words and the share done, 0 to 1; may raise to cancel."""


def adapt_progress(progress: ReportProgress | None) -> Progress:
    """Let the engine report to a callback that takes the step and the share.

    Parameters
    ----------
    progress
        None for no reports.
    """
    if progress is None:
        return ignore_progress

    def report(now: StepProgress) -> None:
        progress(now.step, now.share)

    return report
