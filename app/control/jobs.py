"""Work in the background: `Worker` does short things one after the other, `Job` one long thing with progress."""

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.errors import explain_os_error
from calibration.errors import CalibrationError
from engine.errors import EngineError
from engine.mailbox import Bounded, ClosedError
from training.errors import TrainingError

logger = logging.getLogger(__name__)

MAX_QUEUED = 32  # more than a person can ask for while one thing is done
INTERNAL_ERROR = (
    "Something in the program went wrong, through no fault of yours; the log has the details."
)


class JobCancelledError(Exception):
    """The person does not want it any more."""


class JobPhase(StrEnum):
    """How a job is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class JobState:
    """A job at this moment.

    Parameters
    ----------
    name
        What is being done, as a person would say it.
    phase
    step
        The present part of it, in words.
    share
        0 to 1; NaN where nobody knows.
    seconds_left
        NaN where nobody knows.
    message
        Why it failed.
    """

    name: str
    phase: JobPhase = JobPhase.RUNNING
    step: str = ""
    share: float = math.nan
    seconds_left: float = math.nan
    message: str = ""


class Job:
    """One long piece of work in a thread of its own.

    Parameters
    ----------
    name
        As a person would say it: "Tracking 'walk' again".
    work
        Gets `progress(step, share)`, which raises once the job is cancelled; what it returns is the
        result.
    on_done
        Called in the job's thread with the result, when it is done.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[Callable[[str, float], None]], Any],
        on_done: Callable[[Any], None] = lambda _result: None,
    ) -> None:
        self._work, self._on_done = work, on_done
        self._state = JobState(name)
        self._cancelled = threading.Event()
        self._started_s = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"job {name}", daemon=True)
        self._thread.start()

    def state(self) -> JobState:
        """Return how it is."""
        return self._state

    def cancel(self) -> None:
        """Ask it to end; it does at its next report of progress."""
        self._cancelled.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; say whether it came."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _report_progress(self, step: str, share: float) -> None:
        """Note how far the work is."""
        if self._cancelled.is_set():
            raise JobCancelledError
        took_s = time.monotonic() - self._started_s
        left_s = took_s * (1 - share) / share if share > 0.02 else math.nan
        self._state = JobState(self._state.name, JobPhase.RUNNING, step, share, left_s)

    def _run(self) -> None:
        """Do the work. Runs in its own thread."""
        name = self._state.name
        try:
            result = self._work(self._report_progress)
            self._on_done(result)
            self._state = JobState(name, JobPhase.DONE, share=1.0, seconds_left=0.0)
        except JobCancelledError:
            self._state = JobState(name, JobPhase.CANCELLED)
        except Exception as error:  # whatever it was, the window goes on
            self._state = JobState(name, JobPhase.FAILED, message=message_from_error(error))


class Worker:
    """A thread that does what it is given, one after the other, so that who asks never waits.

    Parameters
    ----------
    on_error
        Gets a sentence for a person when a piece of work failed.
    """

    def __init__(self, on_error: Callable[[str], None]) -> None:
        self._on_error = on_error
        self._work: Bounded[Callable[[], object]] = Bounded(MAX_QUEUED)
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[], object]) -> bool:
        """Do this when everything before it is done; False where too much is waiting already."""
        return self._work.offer(work)

    def close(self, timeout_s: float) -> bool:
        """Forget what waits, let the present piece end; say whether it did within the time."""
        self._work.discard()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        """Work until the end. Runs in its own thread."""
        while True:
            try:
                work = self._work.take()
            except ClosedError:
                return
            try:
                work()
            except Exception as error:  # whatever it was, the next piece can be done
                self._on_error(message_from_error(error))


def message_from_error(error: Exception) -> str:
    """Turn an error into a sentence for the window; a fault of ours goes to the log.

    Returns
    -------
    sentence
    """
    if isinstance(error, CalibrationError | EngineError | TrainingError):
        logger.info("failed", exc_info=error)
        return str(error)
    if isinstance(error, OSError):
        logger.info("failed", exc_info=error)
        return explain_os_error(error)
    logger.error("a fault of the program", exc_info=error)
    return INTERNAL_ERROR
