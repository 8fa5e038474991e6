"""Progress: how far a download is, and how long it will still take."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download is.

    Parameters
    ----------
    done_bytes, total_bytes
        `total_bytes` is 0 where the server did not say.
    left_s
        NaN where it is not known yet.
    """

    done_bytes: int
    total_bytes: int
    left_s: float


ProgressCallback: TypeAlias = Callable[[Progress], None]


def build_reporter(
    on_progress: ProgressCallback, kept_bytes: int = 0
) -> Callable[[int, int], None]:
    """Return a function of bytes done and in total that reports progress with the time left.

    Parameters
    ----------
    on_progress
        Called with the progress.
    kept_bytes
        Present before; they do not count for the speed.
    """
    start_s = time.monotonic()

    def report(done_bytes: int, total_bytes: int) -> None:
        fetched = done_bytes - kept_bytes
        elapsed_s = time.monotonic() - start_s
        known = fetched > 0 and total_bytes >= done_bytes
        on_progress(
            Progress(
                done_bytes,
                total_bytes,
                (total_bytes - done_bytes) * elapsed_s / fetched if known else math.nan,
            )
        )

    return report
