"""The style sheet of the Sessions and Fine-tune pages, on top of the window's."""

from app.views.theme import read_stylesheet

HEAD_U = 48.0  # height of a page's head


def build_sessions_stylesheet(scale: float) -> str:
    """Build the style sheet of these pages, ``assets/sessions.qss``; see `read_stylesheet`."""
    return read_stylesheet("sessions.qss", scale)
