"""The first file that runs: from here on Ctrl-C ends the program in one sentence, whatever it is doing."""

import os
import signal
import sys
import time
from types import FrameType

INTERRUPTED = 130
# Closing cameras and files takes less than 2 s; whoever still presses Ctrl-C after this wants to be
# rid of us.
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
        from app.cli import (
            # reading it from a slow disk takes a moment, in which somebody may change their mind
            main as cli,
        )

        return cli.main()
    except KeyboardInterrupt:
        sys.stderr.write("epipole: Stopped. Nothing was begun yet.\n")
        return INTERRUPTED
    finally:
        signal.signal(
            signal.SIGINT, signal.SIG_IGN
        )  # nothing is open any more; Python is about to end


class InterruptHandler:
    """What Ctrl-C does: the first begins to close everything, the next ones do not disturb that."""

    def __init__(self, force_exit_after_s: float = FORCE_EXIT_AFTER_S) -> None:
        self._force_exit_after_s = force_exit_after_s
        self._first_s: float | None = None

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        """Hear it.

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
