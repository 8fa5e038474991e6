"""How long a test waits for what usually takes a moment: for ever, nearly, because the machine may be busy."""

import time
from collections.abc import Callable

PATIENCE_S = 60.0  # what comes sooner costs nothing, and what does not come is broken
PATIENCE_MS = round(1000 * PATIENCE_S)


def wait_until(condition: Callable[[], bool], timeout_s: float = PATIENCE_S) -> bool:
    """Wait for something to become true; return whether it did."""
    end_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end_s:
            return False
        time.sleep(0.01)
    return True
