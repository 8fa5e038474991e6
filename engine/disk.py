"""Files written whole or not at all, locks of folders, and disk errors as messages."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol, TextIO

from engine.errors import SessionError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

PARTIAL = ".part"
# Where folders cannot be locked, a file in them is; it is deleted when the folder is free again.
LOCK_FILE = "in_use.lock"


class InUseError(Exception):
    """Another program has locked this folder."""


class RawFile(Protocol):
    """The part of an unbuffered file that is used here."""

    def write(self, data: bytes, /) -> int | None:
        """Write a part of the data; return its length."""
        ...

    def fileno(self) -> int:
        """Return the file descriptor."""
        ...


def find_free_path(path: Path) -> Path:
    """Return the path, or one with a number behind it if something has that name.

    Returns
    -------
    path
        Nothing is there.
    """
    free, count = path, 1
    while free.exists():
        count += 1
        free = path.with_name(f"{path.name}-{count}")
    return free


@contextmanager
def atomic_file(path: Path) -> Iterator[TextIO]:
    """Open a text file that appears under its name only when it is complete.

    Parameters
    ----------
    path
        An existing file is replaced at the end, in one step; a missing folder is created.

    Yields
    ------
    file
        UTF-8, line ends as written.

    Raises
    ------
    OSError
        If the disk refuses. Then nothing is left behind, and an existing file is as it was.
    """
    with _atomic_path(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def atomic_binary_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file of bytes that appears under its name only when it is complete.

    Parameters
    ----------
    path
        As of `atomic_file`.

    Yields
    ------
    file

    Raises
    ------
    OSError
        If the disk refuses. Then nothing is left behind, and an existing file is as it was.
    """
    with _atomic_path(path) as partial, partial.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file that appears under its name only when it is complete.

    Parameters
    ----------
    path
        An existing file is replaced in one step; a missing folder is created.
    data

    Raises
    ------
    OSError
        If the disk refuses. Then nothing is left behind, and an existing file is as it was.
    """
    with atomic_binary_file(path) as file:
        file.write(data)


def partial_path(path: Path) -> Path:
    """Return the path under which an incomplete file is written."""
    return path.with_name(f"{path.name}.{os.getpid()}{PARTIAL}")


@contextmanager
def _atomic_path(path: Path) -> Iterator[Path]:
    """Yield the path of a new file, which replaces `path` when complete, or is deleted."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_path(path)
    try:
        yield partial
        partial.replace(path)
        _sync_folder(path.parent)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def append_atomic(file: RawFile, data: bytes, length: int) -> int:
    """Append to an unbuffered file: all of the data, or the file is as it was.

    Parameters
    ----------
    file
    data
    length : bytes
        Of the file before.

    Returns
    -------
    length : bytes
        Of the file now.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    written = 0
    try:
        while written < len(data):
            written += file.write(data[written:]) or 0
    except OSError:
        os.ftruncate(file.fileno(), length)
        os.lseek(file.fileno(), length, os.SEEK_SET)
        raise
    return length + len(data)


def sync_to_disk(path: Path) -> None:
    """Wait until what was written to a file would survive a loss of power.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def free_bytes(path: Path) -> int:
    """Return the free space of the disk where a file or folder is, or would be.

    Raises
    ------
    OSError
        If the disk cannot be read.
    """
    there = next(
        folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists()
    )
    return shutil.disk_usage(there).free


def _sync_folder(folder: Path) -> None:
    """Sync a folder, so that a replaced file survives a loss of power."""
    if sys.platform != "win32":
        descriptor = os.open(folder, os.O_RDONLY)
        # some file systems cannot do it for a folder; the file itself is on the disk
        with suppress(OSError):
            os.fsync(descriptor)
        os.close(descriptor)


class FolderLock:
    """Locks a folder for one program at a time; a kill or a crash releases it as well.

    Raises
    ------
    InUseError
        If it is locked, in this program or another.
    OSError
        If the disk does not support it.
    """

    def __init__(self, folder: Path) -> None:
        self._lock_file = folder / LOCK_FILE if sys.platform == "win32" else None
        flags = os.O_RDWR | os.O_CREAT if self._lock_file else os.O_RDONLY
        self._descriptor: int | None = os.open(self._lock_file or folder, flags)
        try:
            if sys.platform == "win32":
                msvcrt.locking(self._descriptor, msvcrt.LK_NBLCK, 1)
            else:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            self._close_descriptor()
            raise InUseError(str(folder)) from error
        except OSError:
            self._close_descriptor()
            raise

    def release(self) -> None:
        """Release the folder; may be called twice."""
        if self._descriptor is None:
            return
        self._close_descriptor()
        if self._lock_file is not None:
            self._lock_file.unlink(missing_ok=True)

    def _close_descriptor(self) -> None:
        """Close the locked descriptor, which unlocks it."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Convert disk errors while a session is written to a SessionError with a message.

    Parameters
    ----------
    path
        The session or a file of it, for the message.

    Raises
    ------
    SessionError
        In place of every OSError from within.
    """
    try:
        yield
    except OSError as error:
        raise SessionError(
            f"'{path}' cannot be written: {error.strerror or error}. What was written before is "
            "kept. Free some space or choose another folder, and start again."
        ) from error
