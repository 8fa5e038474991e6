"""The child that renders: a process of one thread and low priority that draws shards, and ends with
its parent.

Nothing heavy is imported here: how many threads the linear algebra starts must be said before numpy
is loaded.
"""

import importlib
import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from engine.errors import EngineError
from training.errors import TrainingError

NICENESS = 10  # the training that waits for the shards comes first, and the cameras before both
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
MADE = "made"
REFUSED = "refused"
BROKEN = "broken"
_POLL_INTERVAL_S = 1.0


class ParentGoneError(Exception):
    """Nobody wants the shards any more."""


def serve(pipe: Connection, work: str, folder: str, config_toml: str, first: int) -> None:
    """Make one shard for each word that comes, until the pipe is closed or the parent is gone.

    Parameters
    ----------
    pipe
        Brings anything for each shard there is room for; takes ``(MADE, number)`` after each, and
        last, where no more can come, ``(REFUSED, sentence)`` or, where the program is at fault,
        ``(BROKEN, traceback)``.
    work
        ``module:function``; called with the configuration's text, returns what is called with the
        spool's folder, the shard's number, and a function that is to be called often and ends the
        work when the parent is gone.
    folder
        The spool.
    config_toml
    first
        Number of the first shard.
    """
    _lower_priority()
    try:
        make = _load_function(work)(config_toml)
        number = first
        while _wait_for_request(pipe):
            make(folder, number, _exit_if_orphaned)
            pipe.send((MADE, number))
            number += 1
    except (ParentGoneError, EOFError, BrokenPipeError, ConnectionResetError):
        return  # the parent has let go
    except (TrainingError, EngineError) as error:
        _send_last_message(pipe, REFUSED, str(error))
    except Exception:  # a bug: carried to the parent, who logs it
        _send_last_message(pipe, BROKEN, traceback.format_exc())


def _lower_priority() -> None:
    """Leave the processor to others, and Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    for name in THREAD_VARIABLES:
        os.environ[name] = "1"


def _load_function(work: str) -> Callable[..., Any]:
    """Import a function by its name."""
    module, _, name = work.partition(":")
    return getattr(importlib.import_module(module), name)


def _wait_for_request(pipe: Connection) -> bool:
    """Wait until there is room for a shard."""
    while not pipe.poll(_POLL_INTERVAL_S):
        _exit_if_orphaned()
    pipe.recv()
    return True


def _exit_if_orphaned() -> None:
    """End the work if the parent is gone: a killed one cannot say goodbye."""
    parent = multiprocessing.parent_process()
    if parent is not None and not parent.is_alive():
        raise ParentGoneError


def _send_last_message(pipe: Connection, kind: str, text: str) -> None:
    """Send the last word, if anybody listens."""
    try:
        pipe.send((kind, text))
    except OSError:
        return  # nobody does
