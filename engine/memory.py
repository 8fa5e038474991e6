"""Memory that is free goes back to the system: images that many threads make and drop leave the heap full of holes."""

import ctypes
import sys
from collections.abc import Callable

from engine.clock import NS_PER_S

EVERY_NS = 20 * NS_PER_S


class Giver:
    """Gives free memory back now and then; about a millisecond each time. Only glibc has to be asked.

    Without it half an hour of four cameras grows by 60 MB, all of it free memory that glibc keeps.
    """

    def __init__(self) -> None:
        self._trim = _trim_of_the_system()
        self._given_ns = 0

    def give(self, now_ns: int) -> None:
        """Give back what is free, if that was long ago.

        Parameters
        ----------
        now_ns
            On any clock that only rises.
        """
        if now_ns - self._given_ns >= EVERY_NS:
            self._given_ns = now_ns
            self._trim(0)


def _trim_of_the_system() -> Callable[[int], object]:
    """Find glibc's ``malloc_trim``; elsewhere nothing has to be done."""
    if not sys.platform.startswith("linux"):
        return lambda _keep: None
    return getattr(ctypes.CDLL(None), "malloc_trim", lambda _keep: None)
