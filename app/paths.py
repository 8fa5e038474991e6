"""Where the program keeps what is not the user's: logs, fine-tunings; and how it names what is."""

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
    """Return the file that takes the log, in the user's own folder for such things."""
    return platformdirs.user_log_path("epipole", appauthor=False) / "epipole.log"


def runs_folder() -> Path:
    """Return where fine-tunings are done, one folder each."""
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
    """Take a folder away again if it was made for work that was refused before it wrote anything.

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
