"""Whether there is a screen to show a window on."""

import os
import sys
from collections.abc import Mapping


def is_headless(
    *, requested: bool, environment: Mapping[str, str] = os.environ, platform: str = sys.platform
) -> bool:
    """Decide whether the window is drawn as a picture.

    Parameters
    ----------
    requested
        ``--headless`` was given.
    environment
        Variables of the process.
    platform
        As ``sys.platform``; Windows and macOS always have a screen.

    Returns
    -------
    headless
        True where requested, or where no X display, Wayland display or Qt platform is named.
    """
    has_display = any(
        environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    )
    return requested or not (has_display or platform in ("win32", "darwin"))
