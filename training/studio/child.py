"""The child that renders: a process of one thread and low priority that ends with its parent.

Nothing heavy is imported here: how many threads the linear algebra starts must be said before numpy
is loaded.
"""

import multiprocessing
import traceback
from multiprocessing.connection import Connection

from engine.child import lower_priority, use_one_thread
from engine.errors import EngineError
from engine.loading import load_attribute
from training.errors import TrainingError

MADE = "made"
REFUSED = "refused"
BROKEN = "broken"
_POLL_INTERVAL_S = 1.0


class ParentGoneError(Exception):
    """The parent process has ended."""


def serve(pipe: Connection, work: str, folder: str, config_toml: str, first: int) -> None:
    """Make one shard for each word that comes, until the pipe is closed or the parent is gone.

    Parameters
    ----------
    pipe
        Brings anything for each shard there is room for; takes ``(MADE, number)`` after each, and
        last, where no more can come, ``(REFUSED, message)`` or, where the program is at fault,
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
    lower_priority()
    use_one_thread()
    try:
        make = load_attribute(work)(config_toml)
        number = first
        while _wait_for_request(pipe):
            make(folder, number, _exit_if_orphaned)
            pipe.send((MADE, number))
            number += 1
    except (ParentGoneError, EOFError, BrokenPipeError, ConnectionResetError):
        return  # the parent has closed the pipe
    except (TrainingError, EngineError) as error:
        _send_last_message(pipe, REFUSED, str(error))
    except Exception:  # a bug: carried to the parent, who logs it
        _send_last_message(pipe, BROKEN, traceback.format_exc())


def _wait_for_request(pipe: Connection) -> bool:
    """Wait until there is room for a shard."""
    while not pipe.poll(_POLL_INTERVAL_S):
        _exit_if_orphaned()
    pipe.recv()
    return True


def _exit_if_orphaned() -> None:
    """End the work if the parent is gone: a killed one sends no message."""
    parent = multiprocessing.parent_process()
    if parent is not None and not parent.is_alive():
        raise ParentGoneError


def _send_last_message(pipe: Connection, kind: str, text: str) -> None:
    """Send the last message, if the pipe is still open."""
    try:
        pipe.send((kind, text))
    except OSError:
        return  # the parent has closed it
