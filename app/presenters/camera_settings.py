"""Cameras that could be added, and what can be set on one that was: rows ready to be shown."""

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
        As the maker calls it.
    detail
        A few words: its best modes, where it is plugged in.
    address
        What `app.requests.AddCamera` takes.
    problem
        Why it cannot be used now, and what to do; empty where it can.
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
        True while they are being listed anew.
    """

    rows: tuple[DeviceRow, ...] = ()
    scanning: bool = False


@dataclass(frozen=True, slots=True)
class ControlRow:
    """One control of a camera.

    Parameters
    ----------
    control
        As `app.requests.SetControl` takes it, for instance ``exposure_us``.
    label
        For a person.
    minimum, maximum, step, value
        In `unit`.
    unit
        Empty where it has none.
    auto_control
        The control that lets the camera set this one by itself (1) or not (0); empty where there is
        none.
    is_auto
        True while the camera sets it by itself.
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
    """What can be set on one camera.

    Parameters
    ----------
    name
    address
        Without its password.
    modes
        What it can send: the text that `app.requests.SetMode` takes.
    mode
        The present one.
    controls
        Empty where the camera lets nothing be set.
    warning
        A sentence where an automatic is on; empty otherwise.
    """

    name: str
    address: str = ""
    modes: tuple[str, ...] = ()
    mode: str = ""
    controls: tuple[ControlRow, ...] = ()
    warning: str = ""


def format_mode(mode: str) -> str:
    """Put what a camera can send into words.

    Parameters
    ----------
    mode
        As `engine.capture.usb.devices` writes it.

    Returns
    -------
    words
        The same text where it is none of those.

    Examples
    --------
    >>> format_mode("1280x720@30 mjpeg")
    '1280 × 720, 30 per second, mjpeg'
    """
    found = _MODE.fullmatch(mode.strip())
    if not found:
        return mode
    width, height, rate, form = found.groups()
    return f"{width} × {height}, {float(rate):g} per second" + (f", {form}" if form else "")
