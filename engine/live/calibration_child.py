"""The child of live calibration: a process that calibrates on request, at low priority.

Nothing heavy is imported here: the number of threads for linear algebra must be set before numpy is
loaded.
"""

import multiprocessing
import os
import threading
import traceback
from collections.abc import Callable
from multiprocessing import connection
from multiprocessing.connection import Connection
from typing import Any

from calibration.errors import CalibrationError
from engine.child import lower_priority, use_one_thread
from engine.errors import EngineError
from engine.loading import load_attribute

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
        result)``, ``(REFUSED, message)`` or, where the program is at fault, ``(CRASHED,
        traceback)``.
    work
        ``module:function``; called with the arguments and, last, with a function ``(step, share)``.
    """
    lower_priority()
    use_one_thread()
    _exit_with_parent()
    function = load_attribute(work)  # now: the first calibration then starts at once
    while True:
        try:
            arguments = pipe.recv()
            pipe.send(_run_task(function, arguments, pipe))
        except (EOFError, OSError):
            return  # the parent has closed the pipe


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
