"""Internal errors while the window is open: a message is shown, and the recording goes on."""

import logging
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from app.errors import describe_internal_error

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
    seen: set[tuple[type, str, int]] = set()

    def report_once(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """Report an error, the first time."""
        places = traceback.extract_tb(trace)
        file, line = (places[-1].filename, places[-1].lineno or 0) if places else ("", 0)
        place = (kind, file, line)
        if place not in seen:
            seen.add(place)
            logger.error("a fault of the program", exc_info=(kind, error, trace))
            notify(describe_internal_error())

    earlier, sys.excepthook = sys.excepthook, report_once
    try:
        yield
    finally:
        sys.excepthook = earlier
