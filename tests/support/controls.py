"""What a window does with its controllers, without the window."""

from app.control.live import LiveControl
from app.presenters.live import LiveContext
from engine.live.state import LiveResult, LiveState


def tick(control: LiveControl) -> tuple[LiveState, LiveResult | None, LiveContext]:
    """Let a control do what is due, and return what a window would show."""
    control.tick()
    return control.snapshot()
