"""Disks that may refuse: files written whole or not at all, and what the disk says in one sentence."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from engine.errors import SessionError


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """Open a text file that appears under its name only when it is complete.

    Parameters
    ----------
    path
        An existing file is replaced at the end, in one step; its folder is made where it is missing.

    Yields
    ------
    file
        UTF-8, line ends as written.

    Raises
    ------
    OSError
        If the disk refuses. Then nothing is left behind, and an existing file is as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def saying_what_the_disk_refused(path: Path) -> Iterator[None]:
    """Turn what the disk says while a session is written into one sentence, a SessionError."""
    try:
        yield
    except OSError as error:
        raise SessionError(
            f"'{path}' cannot be written: {error.strerror or error}. What was written before is kept; free some space "
            "or choose another folder, and start again."
        ) from error
