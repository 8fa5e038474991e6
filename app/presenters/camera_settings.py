"""Cameras that can be added, and the settings of those that were: rows ready to be shown."""

import re
from dataclasses import dataclass

_MODE = re.compile(r"(\d+)x(\d+)@([\d.]+)\s*(\S*)")


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A camera of this machine that can be added.

    Parameters
    ----------
    id
        Stable.
    name
        Given by the manufacturer.
    detail
        Its best modes, and where it is plugged in.
    address
        For `app.requests.AddCamera`.
    problem
        Why it cannot be used now, and what to do; empty if it can.
    """

    id: str
    name: str
    detail: str
    address: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class DeviceList:
    """The cameras of this machine.

    Parameters
    ----------
    rows
    scanning
        True while the list is being refreshed.
    """

    rows: tuple[DeviceRow, ...] = ()
    scanning: bool = False


@dataclass(frozen=True, slots=True)
class ControlRow:
    """One control of a camera.

    Parameters
    ----------
    control
        For `app.requests.SetControl`, for instance ``exposure_us``.
    label
        Shown in the window.
    minimum, maximum, step, value
        In `unit`.
    unit
        Empty where it has none.
    auto_control
        The control that switches its automatic mode on (1) or off (0); empty where there is none.
    is_auto
        True while the camera sets it automatically.
    """

    control: str
    label: str
    minimum: float
    maximum: float
    step: float
    value: float
    unit: str = ""
    auto_control: str = ""
    is_auto: bool = False


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """The settings of one camera.

    Parameters
    ----------
    name
    address
        Without its password.
    modes
        Each as `app.requests.SetMode` expects it.
    mode
        The current one.
    controls
        Empty where the camera has none.
    warning
        A message where an automatic control is on; empty otherwise.
    """

    name: str
    address: str = ""
    modes: tuple[str, ...] = ()
    mode: str = ""
    controls: tuple[ControlRow, ...] = ()
    warning: str = ""


def format_mode(mode: str) -> str:
    """Format a mode of a camera.

    Parameters
    ----------
    mode
        As `engine.capture.usb.devices` writes it.

    Returns
    -------
    text
        Unchanged where it is not a mode.

    Examples
    --------
    >>> format_mode("1280x720@30 mjpeg")
    '1280 × 720, 30 fps, mjpeg'
    """
    found = _MODE.fullmatch(mode.strip())
    if not found:
        return mode
    width, height, rate, form = found.groups()
    return f"{width} × {height}, {float(rate):g} fps" + (f", {form}" if form else "")
