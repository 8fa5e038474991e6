"""How long a test waits for what usually takes a moment: the machine may be busy."""

import time
from collections.abc import Callable
from dataclasses import replace

from engine.capture.network.limits import NetworkLimits
from engine.live.live import LiveOptions

PATIENCE_S = 180.0  # what comes sooner costs nothing, and what does not come is broken
PATIENCE_MS = round(1000 * PATIENCE_S)
PATIENT_NETWORK = NetworkLimits(
    connect_s=PATIENCE_S, reply_s=PATIENCE_S, first_image_s=PATIENCE_S, rate_s=PATIENCE_S
)
# The images of network cameras wait for a busy machine, so that none is dropped.
ROOMY_NETWORK = replace(PATIENT_NETWORK, max_waiting_images=10_000)
# Live cameras take their time to end, where nothing hangs: two seconds are short on a busy machine.
PATIENT_LIVE = LiveOptions(close_s=PATIENCE_S)


def wait_until(condition: Callable[[], bool], timeout_s: float = PATIENCE_S) -> bool:
    """Wait for something to become true; return whether it did."""
    end_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end_s:
            return False
        time.sleep(0.01)
    return True
