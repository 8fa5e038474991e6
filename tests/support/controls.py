"""What a window does with its controllers, without the window."""

from app.control.limits import LiveLimits, SessionLimits
from app.control.live import LiveControl
from app.presenters.live import LiveContext
from engine.live.state import LiveResult, LiveState
from tests.support.patience import PATIENCE_S, PATIENT_NETWORK

# Everything behind a window takes its time to end, where nothing hangs.
PATIENT_LIMITS = LiveLimits(PATIENCE_S, PATIENCE_S, PATIENT_NETWORK)
PATIENT_SESSIONS = SessionLimits(PATIENCE_S, PATIENCE_S)
# Only cameras are waited for; closing leaves behind what hangs.
PATIENT_CAMERAS = LiveLimits(network=PATIENT_NETWORK)


def tick(control: LiveControl) -> tuple[LiveState, LiveResult | None, LiveContext]:
    """Let a control do what is due, and return what a window would show."""
    control.tick()
    return control.snapshot()
