"""CalibrationProcess: calibration in a child process, so that nothing on the screen waits.

One thread does everything that may wait for the child: starting it, sending, receiving. Callers
never wait.
"""

import logging
import multiprocessing
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, Protocol

from calibration.self_calibrate import Calibration, CalibrationOptions
from engine.child import isolated_spawn
from engine.live import calibration_child
from engine.live.calibration_child import CRASHED, DONE, PROGRESS, REFUSED
from engine.mailbox import ClosedError, Latest
from engine.reconstruction.people import Candidates

logger = logging.getLogger(__name__)

TASK_FUNCTION = "engine.live.motion_log:calibrate_from_log"
CRASHED_MESSAGE = "The calibration ended unexpectedly; it is tried again."
CANNOT_START_MESSAGE = (
    "The calibration cannot be started: {why}. Close other programs, then press Calibrate."
)
KILL_TIMEOUT_S = 1.5  # a killed process is gone within this


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationTask:
    """A request to calibrate.

    Parameters
    ----------
    number
        Returned with the outcome.
    candidates
        All people in every view.
    options
    """

    number: int
    candidates: Candidates
    options: CalibrationOptions


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationOutcome:
    """The result of a task.

    Parameters
    ----------
    number
        Of the task.
    calibration
        None where there was none.
    message
        Why not.
    crashed
        The program or the machine failed, not the motion.
    """

    number: int
    calibration: Calibration | None = None
    message: str = ""
    crashed: bool = False


class Solver(Protocol):
    """Calibrates in the background; no call waits, except `stop`."""

    @property
    def progress(self) -> float:
        """How much of the present task is done, 0 to 1."""
        ...

    def start(self) -> None:
        """Be ready."""
        ...

    def solve(self, task: CalibrationTask) -> None:
        """Begin a task."""
        ...

    def take_outcome(self) -> CalibrationOutcome | None:
        """Return the outcome of the newest task, once."""
        ...

    def cancel(self) -> None:
        """Abandon the task, and use no processor time until `start`."""
        ...

    def stop(self) -> None:
        """End for good, in less than 2 s."""
        ...


class CalibrationProcess:
    """Calibrates in a child process that is kept warm; one task at a time.

    Parameters
    ----------
    work
        ``module:function`` that the child calls with candidates, options and progress.
    """

    def __init__(self, work: str = TASK_FUNCTION) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._tasks: Latest[CalibrationTask] = Latest()
        self._thread: threading.Thread | None = None
        self._ending_thread: threading.Thread | None = None
        self._child: SpawnProcess | None = None
        self._outcome: CalibrationOutcome | None = None
        self._progress = 0.0

    @property
    def progress(self) -> float:
        """How much of the present task is done, 0 to 1."""
        return self._progress

    def start(self) -> None:
        """Start the child, so that it is ready in time; never waits. May be called again."""
        with self._lock:
            if self._thread is None:
                self._tasks = Latest()
                self._thread = threading.Thread(
                    target=self._run, args=(self._tasks,), name="calibration process", daemon=True
                )
                self._thread.start()

    def solve(self, task: CalibrationTask) -> None:
        """Calibrate; never waits. A task that was not begun yet is replaced."""
        self.start()
        self._progress = 0.0
        self._tasks.put(task)

    def take_outcome(self) -> CalibrationOutcome | None:
        """Return the outcome of the newest task, once; None while there is none."""
        with self._lock:
            outcome, self._outcome = self._outcome, None
        return outcome

    def cancel(self) -> None:
        """End the child, whatever it does; never waits. `start` starts another one."""
        with self._lock:
            if self._thread is not None:
                self._ending_thread, self._thread = self._thread, None
            self._tasks.discard()
            if self._child is not None:
                self._child.kill()
            self._outcome = None

    def stop(self) -> None:
        """End the child and the thread, and wait for both; takes less than 2 s."""
        self.cancel()
        if self._ending_thread is not None:
            self._ending_thread.join(KILL_TIMEOUT_S)

    def _run(self, tasks: Latest[CalibrationTask]) -> None:
        """Serve tasks until the mailbox is closed; a dead child is replaced for the next task."""
        line: _ChildConnection | None = None
        try:
            while True:
                why = ""
                if line is None:
                    line, why = self._start_child(tasks)
                task = tasks.take()
                outcome = (
                    _build_crash_outcome(task, CANNOT_START_MESSAGE.format(why=why))
                    if line is None
                    else self._run_task(line, task)
                )
                if outcome.crashed and line is not None:
                    line.close()
                    line = None
                with self._lock:
                    if tasks is self._tasks:
                        self._outcome = outcome
        except ClosedError:
            logger.debug("The calibration process is no longer needed.")
        finally:
            if line is not None:
                line.close()

    def _start_child(self, tasks: Latest[CalibrationTask]) -> "tuple[_ChildConnection | None, str]":
        """Start a child; None and the reason where the machine has no room for one."""
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        child = spawn.Process(
            target=calibration_child.serve,
            args=(theirs, self._work),
            name="calibration",
            daemon=True,
        )
        with self._lock:
            if self._thread is None or tasks is not self._tasks:
                raise ClosedError  # stopped meanwhile
            try:
                with isolated_spawn():
                    child.start()
            except OSError as error:
                ours.close()
                return None, error.strerror or str(error)
            finally:
                theirs.close()  # so that the child's death ends the pipe
            self._child = child
        return _ChildConnection(child, ours), ""

    def _run_task(self, line: "_ChildConnection", task: CalibrationTask) -> CalibrationOutcome:
        """Let the child do a task."""
        try:
            line.pipe.send((task.candidates, task.options))
            while True:
                kind, content = line.pipe.recv()
                if kind == PROGRESS:
                    self._progress = content
                else:
                    return _outcome_from_reply(task, kind, content)
        except (EOFError, OSError):
            return _build_crash_outcome(task, CRASHED_MESSAGE)


@dataclass(frozen=True, slots=True, eq=False)
class _ChildConnection:
    """A child and the pipe to it."""

    child: SpawnProcess
    pipe: Connection

    def close(self) -> None:
        """End the child, and wait until it has ended."""
        self.pipe.close()
        self.child.kill()
        self.child.join(KILL_TIMEOUT_S)


def _outcome_from_reply(task: CalibrationTask, kind: str, content: Any) -> CalibrationOutcome:
    """Convert the child's reply to an outcome."""
    if kind == DONE:
        return CalibrationOutcome(task.number, content)
    if kind == REFUSED:
        return CalibrationOutcome(task.number, message=content)
    if kind == CRASHED:
        logger.error("The calibration failed:\n%s", content)
    return _build_crash_outcome(task, CRASHED_MESSAGE)


def _build_crash_outcome(task: CalibrationTask, message: str) -> CalibrationOutcome:
    """Build the outcome of a child that failed."""
    return CalibrationOutcome(task.number, message=message, crashed=True)
