"""Internal errors while the window is open: a message is shown, and the recording goes on."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from app.control.jobs import INTERNAL_ERROR

logger = logging.getLogger(__name__)


@contextmanager
def report_uncaught_errors(notify: Callable[[str], None]) -> Iterator[None]:
    """Report errors in what Qt calls; without this Qt would abort the program at the first one.

    Parameters
    ----------
    notify
        Shows a message.

    Yields
    ------
    nothing
        While errors are reported. The log gets each kind once: one at screen rate would fill the
        disk.
    """
    seen: set[tuple[type, int]] = set()

    def report_once(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """Report an error, the first time."""
        last = trace
        while last is not None and last.tb_next is not None:
            last = last.tb_next
        place = (kind, last.tb_lineno if last is not None else 0)
        if place not in seen:
            seen.add(place)
            logger.error("a fault of the program", exc_info=(kind, error, trace))
            notify(INTERNAL_ERROR)

    earlier, sys.excepthook = sys.excepthook, report_once
    try:
        yield
    finally:
        sys.excepthook = earlier
