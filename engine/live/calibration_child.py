"""The child of live calibration: a process that calibrates on request, at low priority.

Nothing heavy is imported here: the number of threads for linear algebra must be set before numpy is
loaded.
"""

import importlib
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable
from multiprocessing import connection
from multiprocessing.connection import Connection
from typing import Any

from calibration.errors import CalibrationError
from engine.errors import EngineError

NICENESS = 10  # the cameras and the window come first
THREAD_COUNT_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
PROGRESS = "progress"
DONE = "done"
REFUSED = "refused"
CRASHED = "broken"


def serve(pipe: Connection, work: str) -> None:
    """Serve requests until the pipe is closed, or the parent is gone.

    Parameters
    ----------
    pipe
        Brings the arguments of `work`; takes ``(PROGRESS, share)`` while it goes on, then ``(DONE,
        result)``, ``(REFUSED, sentence)`` or, where the program is at fault, ``(BROKEN,
        traceback)``.
    work
        ``module:function``; called with the arguments and, last, with a function ``(step, share)``.
    """
    _lower_priority()
    _exit_with_parent()
    function = _load_function(work)
    while True:
        try:
            arguments = pipe.recv()
            pipe.send(_run_task(function, arguments, pipe))
        except (EOFError, OSError):
            return  # the parent has closed the pipe


def _lower_priority() -> None:
    """Lower the process's priority, and leave Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    for name in THREAD_COUNT_VARIABLES:
        os.environ[name] = "1"


def _exit_with_parent() -> None:
    """Watch the parent from a thread: if it is killed, a running calibration must end too."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        """Wait for the parent's end, and end."""
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="parent watch", daemon=True).start()


def _load_function(work: str) -> Callable[..., Any]:
    """Import a function by its name; the first calibration then starts at once."""
    module, _, name = work.partition(":")
    return getattr(importlib.import_module(module), name)


def _run_task(
    function: Callable[..., Any], arguments: tuple[Any, ...], pipe: Connection
) -> tuple[str, Any]:
    """Serve one request."""
    try:
        return DONE, function(*arguments, lambda _step, share: pipe.send((PROGRESS, share)))
    except (CalibrationError, EngineError) as error:
        return REFUSED, str(error)
    except OSError:
        raise  # the parent has closed the pipe
    except Exception:  # a bug: carried to the parent, who logs it
        return CRASHED, traceback.format_exc()
