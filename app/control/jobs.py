"""Work in the background: a `Worker` does one `Job` after the other in a thread of its own."""

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.errors import describe_internal_error, explain_os_error
from calibration.errors import CalibrationError
from engine.errors import EngineError
from engine.mailbox import Bounded, ClosedError
from training.errors import TrainingError

logger = logging.getLogger(__name__)

Progress = Callable[[str, float], None]
"""Reports the present step of a piece of work, in words, and how much is done, 0 to 1."""

MAX_QUEUED = 32  # more than a person requests while one thing is done


class JobCancelledError(Exception):
    """The work was cancelled."""


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
        0 to 1; NaN where it is unknown.
    seconds_left
        NaN where it is unknown.
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
    """One piece of work of a `Worker`.

    Parameters
    ----------
    name
        As a person would say it: "Tracking 'walk' again".
    work
        Gets `progress(step, share)`, which raises once the job is cancelled; what it returns is the
        result.
    on_done
        Called with the result in the worker's thread.
    """

    def __init__(
        self, name: str, work: Callable[[Progress], Any], on_done: Callable[[Any], object]
    ) -> None:
        self._work, self._on_done = work, on_done
        self._state = JobState(name)
        self._cancelled = threading.Event()
        self._started_s = time.monotonic()

    def state(self) -> JobState:
        """Return how it is."""
        return self._state

    def cancel(self) -> None:
        """Make it end at its next report of progress, or before it starts."""
        self._cancelled.set()

    def run(self) -> None:
        """Do the work; every failure becomes the job's state. Runs in the worker's thread."""
        name = self._state.name
        self._started_s = time.monotonic()
        try:
            if self._cancelled.is_set():
                raise JobCancelledError
            self._on_done(self._work(self._report_progress))
            self._state = JobState(name, JobPhase.DONE, share=1.0, seconds_left=0.0)
        except JobCancelledError:
            self._state = JobState(name, JobPhase.CANCELLED)
        except Exception as error:  # whatever it was, the next piece of work can be done
            self._state = JobState(name, JobPhase.FAILED, message=message_from_error(error))

    def _report_progress(self, step: str, share: float) -> None:
        """Note how far the work is."""
        if self._cancelled.is_set():
            raise JobCancelledError
        took_s = time.monotonic() - self._started_s
        left_s = took_s * (1 - share) / share if share > 0.02 else math.nan
        self._state = JobState(self._state.name, JobPhase.RUNNING, step, share, left_s)


class Worker:
    """A thread that does one piece of work after the other, so that no caller waits.

    Parameters
    ----------
    on_error
        Gets a message for a person, in the worker's thread, when a piece of work failed.
    name
        Of the thread.
    """

    def __init__(
        self, on_error: Callable[[str], object] = lambda _message: None, name: str = "worker"
    ) -> None:
        self._on_error = on_error
        self._waiting: Bounded[Job] = Bounded(MAX_QUEUED)
        self._current: Job | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[], object]) -> bool:
        """Do this after everything before it; return False where too much is waiting already."""
        return self.start("", lambda _progress: work()) is not None

    def start(
        self,
        name: str,
        work: Callable[[Progress], Any],
        on_done: Callable[[Any], object] = lambda _result: None,
    ) -> Job | None:
        """Do work with a name and progress after everything before it.

        Parameters
        ----------
        name, work, on_done
            As `Job` has them.

        Returns
        -------
        job
            None where too much is waiting already.
        """
        job = Job(name, work, on_done)
        return job if self._waiting.offer(job) else None

    def cancel(self) -> None:
        """Drop what waits and cancel the present piece; nothing can be submitted any more."""
        self._closing = True
        self._waiting.discard()
        current = self._current
        if current is not None:
            current.cancel()

    def close(self, timeout_s: float) -> bool:
        """Cancel everything and wait for the end; return whether it came within the time."""
        self.cancel()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        """Work until the end. Runs in its own thread."""
        while True:
            try:
                job = self._waiting.take()
            except ClosedError:
                return
            self._current = job
            if self._closing:  # `cancel` came between the two lines before
                job.cancel()
            job.run()
            self._current = None
            if job.state().phase is JobPhase.FAILED:
                self._on_error(job.state().message)


def message_from_error(error: Exception) -> str:
    """Turn an error into a message for the window; a fault of the program goes to the log."""
    if isinstance(error, CalibrationError | EngineError | TrainingError):
        logger.info("failed", exc_info=error)
        return str(error)
    if isinstance(error, OSError):
        logger.info("failed", exc_info=error)
        return explain_os_error(error)
    logger.error("a fault of the program", exc_info=error)
    return describe_internal_error()
