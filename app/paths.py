"""Where the program keeps logs and fine-tuning runs, and how it names new files."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import platformdirs

from engine.disk import find_free_path


def log_file() -> Path:
    """Return the log file, in the user's folder for logs."""
    return platformdirs.user_log_path("epipole", appauthor=False) / "epipole.log"


def runs_folder() -> Path:
    """Return the folder of the fine-tuning runs, one folder each."""
    return platformdirs.user_data_path("epipole", appauthor=False) / "runs"


def choose_new_folder(parent: Path, now: datetime) -> Path:
    """Name a folder that does not exist yet.

    Parameters
    ----------
    parent
        Where it would lie.
    now
        Goes into the name.

    Returns
    -------
    folder
        ``epipole-2026-01-31-17h05m09``, with a number behind it where that is taken; not yet made.
    """
    return find_free_path(parent / now.strftime("epipole-%Y-%m-%d-%Hh%Mm%S"))


@contextmanager
def remove_empty_on_error(folder: Path) -> Iterator[None]:
    """Remove a folder again if the work fails before it writes anything.

    Parameters
    ----------
    folder
        Stays if it was there before, or holds something.
    """
    was_there = folder.exists()
    try:
        yield
    except BaseException:
        if not was_there:
            with suppress(OSError):
                folder.rmdir()
        raise


def require_writable(path: Path) -> None:
    """Make sure that a file can be written before the work for it begins.

    Parameters
    ----------
    path
        Of the file; its folder is made.

    Raises
    ------
    OSError
        If the folder cannot be made or written, or the path is a folder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
