"""The interface to the operating system: all calls to video devices, and Linux's folders."""

import fcntl
import mmap
import os
import select
from collections.abc import Callable
from ctypes import Structure
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.clock import host_ns


class Memory(Protocol):
    """Bytes shared with a driver."""

    def __getitem__(self, key: slice, /) -> bytes:
        """Copy bytes out."""
        ...

    def close(self) -> None:
        """Release them."""
        ...


class Kernel(Protocol):
    """Calls to the operating system; each may raise `OSError`."""

    def open(self, path: Path) -> int:
        """Open a device for reading and writing, without ever waiting for it."""
        ...

    def ioctl(self, fd: int, request: int, argument: Structure) -> None:
        """Make a request; the answer is written into the argument."""
        ...

    def map(self, fd: int, length: int, offset: int) -> Memory:
        """Share a buffer with the driver."""
        ...

    def wait(self, fd: int, timeout_s: float) -> tuple[bool, bool]:
        """Wait until a buffer is ready: whether one is, and whether the device reports an error."""
        ...

    def close(self, fd: int) -> None:
        """Close a device."""
        ...


class LinuxKernel:
    """The real one."""

    def open(self, path: Path) -> int:
        """Open a device for reading and writing, without ever waiting for it."""
        return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def ioctl(self, fd: int, request: int, argument: Structure) -> None:
        """Make a request; a signal in between does not end it."""
        while True:
            try:
                fcntl.ioctl(fd, request, argument, True)
                return
            except InterruptedError:
                continue

    def map(self, fd: int, length: int, offset: int) -> Memory:
        """Share a buffer with the driver."""
        return mmap.mmap(
            fd, length, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE, offset=offset
        )

    def wait(self, fd: int, timeout_s: float) -> tuple[bool, bool]:
        """Wait until a buffer is ready: whether one is, and whether the device reports an error."""
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        events = dict(poll.poll(max(0.0, timeout_s) * 1000)).get(fd, 0)
        return bool(events & select.POLLIN), bool(
            events & (select.POLLERR | select.POLLHUP | select.POLLNVAL)
        )

    def close(self, fd: int) -> None:
        """Close a device."""
        os.close(fd)


@dataclass(frozen=True, slots=True)
class Machine:
    """A computer with Linux: its kernel, its clock, and the folders in which it describes itself.

    Parameters
    ----------
    kernel
    sys, dev, proc
        Roots, so that tests can provide a computer of their own.
    now_ns
        The host's clock.
    """

    kernel: Kernel
    sys: Path = Path("/sys")
    dev: Path = Path("/dev")
    proc: Path = Path("/proc")
    now_ns: Callable[[], int] = host_ns


LINUX = Machine(LinuxKernel())
