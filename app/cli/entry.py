"""The first module that runs; from here on Ctrl-C ends the program with one message."""

import os
import signal
import sys
import time
from types import FrameType

from app.exit_codes import INTERRUPTED

# Closing cameras and files takes less than 2 s; Ctrl-C pressed later than this forces the end.
FORCE_EXIT_AFTER_S = 5.0


def main() -> int:
    """Run the `epipole` command.

    Returns
    -------
    code
        The exit code, as `app.cli.main` says.
    """
    signal.signal(signal.SIGINT, InterruptHandler())
    try:
        # imported here: from a slow disk it takes a moment, in which Ctrl-C may be pressed
        from app.cli import main as cli

        return cli.main()
    except KeyboardInterrupt:
        sys.stderr.write("epipole: Stopped before anything was started.\n")
        return INTERRUPTED
    finally:
        # nothing is open any more; Python is about to end
        signal.signal(signal.SIGINT, signal.SIG_IGN)


class InterruptHandler:
    """Handle Ctrl-C: the first press closes everything, later ones do not interrupt that."""

    def __init__(self, force_exit_after_s: float = FORCE_EXIT_AFTER_S) -> None:
        self._force_exit_after_s = force_exit_after_s
        self._first_s: float | None = None

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        """Handle one press of Ctrl-C.

        Raises
        ------
        KeyboardInterrupt
            The first time.
        """
        if self._first_s is None:
            self._first_s = time.monotonic()
            raise KeyboardInterrupt
        if time.monotonic() - self._first_s > self._force_exit_after_s:
            os._exit(INTERRUPTED)  # something hangs; sessions are repaired when they are opened
