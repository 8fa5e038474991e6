"""Start Python processes of this program that import this program, wherever the user is.

A plain ``python -m`` looks for modules in the current directory first: a folder ``training`` or
``app`` there would take the place of ours. Nothing heavy is imported here: a child sets the number
of threads of its linear algebra before it loads numpy.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import resource_tracker
from pathlib import Path
from types import ModuleType

NICENESS = 10  # the cameras and the window come first
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
SAFE_PATH_VARIABLE = "PYTHONSAFEPATH"
_ROOT = Path(__file__).resolve().parents[1]
_spawning = threading.Lock()


def build_command(module: str, *arguments: str) -> list[str]:
    """Build the command line that runs a module with this Python.

    Parameters
    ----------
    module
        For instance ``training.finetuning.process``.
    arguments
        What follows the module's name.

    Returns
    -------
    command
        To be started with `build_environment`.
    """
    return [sys.executable, "-P", "-m", module, *arguments]


def build_environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """Build the environment in which a child finds the same program as this one.

    Parameters
    ----------
    changes
        Variables to set on top of this program's own.
    """
    environment = {**os.environ, **(changes or {})}
    if (_ROOT / "pyproject.toml").is_file():  # run from a checkout, which need not be installed
        paths = (str(_ROOT), environment.get("PYTHONPATH", ""))
        environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    return environment


@contextmanager
def isolated_spawn() -> Iterator[None]:
    """Let `multiprocessing` spawn a child that depends on neither our main module nor the folder.

    The child needs no function of the main module, which may have no file, or no guard against
    being run again, or load Qt. It looks for no module in the current directory. It never hears
    Ctrl-C: signals that are blocked here stay blocked in the child, also while it is starting.
    """
    with _spawning, _safe_path(), _blocked_interrupt():
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


@contextmanager
def _safe_path() -> Iterator[None]:
    """Start Python without the current directory among the places of modules, as ``-P`` does."""
    before = os.environ.get(SAFE_PATH_VARIABLE)
    os.environ[SAFE_PATH_VARIABLE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SAFE_PATH_VARIABLE]
        else:
            os.environ[SAFE_PATH_VARIABLE] = before


@contextmanager
def _blocked_interrupt() -> Iterator[None]:
    """Block Ctrl-C in this thread and in what it starts."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # The first spawn would start the tracker otherwise, and that lets Ctrl-C through afterwards.
    resource_tracker.ensure_running()
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def lower_priority() -> None:
    """Leave the processor to other programs, and Ctrl-C to the parent; called in the child."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(NICENESS)


def use_one_thread() -> None:
    """Compute in one thread; called in the child, before numpy is loaded."""
    for name in THREAD_VARIABLES:
        os.environ[name] = "1"
