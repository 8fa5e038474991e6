"""Addresses of USB cameras: ``usb:0``, ``usb:<stable id>?mode=1280x720@30+mjpeg&gain=2``."""

import sys
from dataclasses import dataclass, field
from math import isfinite
from urllib.parse import parse_qsl, quote, unquote

from engine.capture.source import FrameSource
from engine.capture.usb.controls import UNITS, ControlValues
from engine.capture.usb.devices import parse_mode
from engine.errors import CameraError
from engine.loading import load_attribute

# The class of a system's cameras, imported on use; on other systems OpenCV reads them.
SOURCES = {"linux": "engine.capture.usb.v4l2:UsbSource"}
FALLBACK_SOURCE = "engine.capture.usb.opencv:OpenCvSource"


@dataclass(frozen=True, slots=True)
class UsbAddress:
    """What the address of a USB camera says.

    Parameters
    ----------
    device
        A stable id, a number in the order of `epipole devices`, or a device file.
    mode
        The text of a mode; empty for the best.
    values
        Controls to be set, by name.
    """

    device: str
    mode: str = ""
    values: ControlValues = field(default_factory=dict)

    def __str__(self) -> str:
        options = [f"mode={quote(self.mode, safe='@').replace('%20', '+')}"] if self.mode else []
        options += [f"{name}={value:.10g}" for name, value in self.values.items()]
        return f"usb:{quote(self.device, safe='/')}" + (f"?{'&'.join(options)}" if options else "")


def parse_usb(address: str) -> UsbAddress:
    """Read the address of a USB camera.

    Parameters
    ----------
    address
        ``usb:<device>``, then perhaps ``?mode=…`` and controls such as ``&exposure_us=5000``.

    Raises
    ------
    CameraError
        If it names no device, or something that cannot be set.
    """
    device, _, query = address.partition(":")[2].partition("?")
    if not device:
        raise CameraError(
            address,
            f"'{address}' names no camera. 'epipole devices' lists those that are plugged in.",
        )
    mode, values = "", {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name == "mode":
            mode = _check_mode(address, text)
        elif name in UNITS:
            values[name] = _parse_number(address, name, text)
        else:
            known = ", ".join(("mode", *UNITS))
            raise CameraError(
                address, f"'{address}': a camera has no option '{name}'. Known: {known}."
            )
    return UsbAddress(unquote(device), mode, values)


def open_usb(address: str, name: str) -> FrameSource:
    """Make the source of a USB camera; it is not opened yet.

    Parameters
    ----------
    address
    name
        The view's name.

    Returns
    -------
    source
        Besides the protocol it has `controls`, `set_control`, `lock`, `list_auto_warnings`, `mode`,
        `modes`, `id`, `damaged`, `compressed`.

    Raises
    ------
    CameraError
        If the address cannot be read.
    """
    usb_address = parse_usb(address)
    make = load_attribute(SOURCES.get(sys.platform, FALLBACK_SOURCE))
    return make(usb_address.device, name, mode=usb_address.mode, values=usb_address.values)


def _check_mode(address: str, text: str) -> str:
    """Check a mode before any camera is opened."""
    try:
        parse_mode(text)
    except ValueError as error:
        raise CameraError(address, f"'{address}': {error}") from error
    return text


def _parse_number(address: str, name: str, text: str) -> float:
    """Read a control's value."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise CameraError(address, f"'{address}': {name} must be a number, not '{text}'.")
    return value
