"""What is remembered of each camera: its mode, and the controls that were set in each mode."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol, runtime_checkable

from app.presenters.camera_settings import CameraSettings, ControlRow
from app.settings import Settings
from engine.address import parse_scheme
from engine.capture.state import CameraState
from engine.capture.usb.address import parse_usb
from engine.capture.usb.controls import AUTO_OF, Control, ControlValues, merge_values
from engine.capture.usb.devices import Mode

_LABELS = {
    "exposure_us": "Exposure",
    "gain": "Gain",
    "focus": "Focus",
    "white_balance_k": "White balance",
    "brightness": "Brightness",
    "power_line_hz": "Lamps' flicker",
    "exposure_dynamic_framerate": "Slower in the dark",
}


@runtime_checkable
class Adjustable(Protocol):
    """A camera with controls; every call may wait for the device."""

    def controls(self) -> tuple[Control, ...]:
        """Read what can be set."""
        ...

    def set_control(self, name: str, value: float) -> float:
        """Set one control; return the value that the camera took."""
        ...

    def lock(self) -> ControlValues:
        """Keep the values that the automatics found, and switch them off."""
        ...

    def list_auto_warnings(self) -> tuple[str, ...]:
        """Warn of everything that the camera changes by itself."""
        ...


def apply_stored_controls(address: str, settings: Settings) -> str:
    """Complete a USB address by what was set the last time in its mode.

    Returns
    -------
    address
        Others than ``usb:`` as they are.
    """
    if parse_scheme(address) != "usb":
        return address
    parsed = parse_usb(address)
    known = settings.controls.get(_build_key(parsed.device, parsed.mode), {})
    return str(replace(parsed, values={**known, **parsed.values}))


def is_same_camera(one: str, other: str) -> bool:
    """Tell whether two addresses mean the same camera, in whatever mode.

    Returns
    -------
    same
        Never for studios: each is a room of its own.
    """
    if parse_scheme(one) != parse_scheme(other) or parse_scheme(one) == "studio":
        return False
    if parse_scheme(one) == "usb":
        return parse_usb(one).device == parse_usb(other).device
    return one == other


def with_mode(address: str, mode: str) -> str:
    """Return a USB address with another mode; its controls belong to the old one."""
    return str(replace(parse_usb(address), mode=mode, values={}))


def store_controls(settings: Settings, address: str, values: Mapping[str, float]) -> Settings:
    """Keep what was set at a camera in its mode.

    Parameters
    ----------
    settings
    address
        Of a USB camera.
    values
        By control.
    """
    parsed = parse_usb(address)
    key = _build_key(parsed.device, parsed.mode)
    table = merge_values(settings.controls.get(key, {}), values)
    return replace(settings, controls={**settings.controls, key: table})


def present_settings(
    state: CameraState, source: object, modes: tuple[Mode, ...], mode: str
) -> CameraSettings:
    """Describe what can be set at a camera; reads the device.

    Parameters
    ----------
    state
    source
        Its source; not all have controls.
    modes, mode
        What it can send, and the present one.
    """
    mode_names = tuple(str(one) for one in modes)
    if not isinstance(source, Adjustable):
        return CameraSettings(state.name, state.address, mode_names, mode)
    rows = tuple(_build_row(control) for control in source.controls() if control.name in _LABELS)
    return CameraSettings(
        state.name, state.address, mode_names, mode, rows, " ".join(source.list_auto_warnings())
    )


def _build_row(control: Control) -> ControlRow:
    """Describe one control."""
    low = control.minimum
    high = control.maximum
    step = control.step
    if control.choices:
        values = [value for value, _ in control.choices]
        low = min(values)
        high = max(values)
        step = 1.0
    auto = AUTO_OF.get(control.name, "")
    return ControlRow(
        control.name,
        _LABELS[control.name],
        low,
        high,
        step,
        control.value,
        control.unit,
        auto,
        control.is_auto,
    )


def _build_key(device: str, mode: str) -> str:
    """Name a camera in a mode."""
    return f"{device} {mode}".strip()
