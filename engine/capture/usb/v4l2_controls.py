"""The controls of a video device, read and written in the units of a person."""

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite

from engine.capture.usb import v4l2_abi as abi
from engine.capture.usb.controls import AUTO_OF, AUTOMATIC_HZ, ON_OFF, POWER_LINE, UNITS, Control
from engine.capture.usb.v4l2_kernel import Kernel


@dataclass(frozen=True, slots=True)
class _KernelControl:
    """How a control is called by the kernel.

    Parameters
    ----------
    number
        V4L2_CID_*.
    scale
        Our unit in units of the device: exposure counts in 100 µs.
    meanings
        Device's number and our value, where numbers are not amounts; of several with one value the
        first is written.
    choices
        Our values with their words.
    """

    number: int
    scale: float = 1.0
    meanings: tuple[tuple[int, float], ...] = ()
    choices: tuple[tuple[float, str], ...] = ()


_SWITCH = ((1, 1.0), (0, 0.0))
_KERNEL_CONTROLS = {
    # 0 auto, 1 manual, 2 shutter priority (exposure fixed), 3 aperture priority (what webcams call
    # automatic)
    "auto_exposure": _KernelControl(
        0x009A0901, meanings=((3, 1.0), (0, 1.0), (1, 0.0), (2, 0.0)), choices=ON_OFF
    ),
    "exposure_us": _KernelControl(0x009A0902, scale=100.0),
    "exposure_dynamic_framerate": _KernelControl(0x009A0903, meanings=_SWITCH, choices=ON_OFF),
    "auto_gain": _KernelControl(0x00980912, meanings=_SWITCH, choices=ON_OFF),
    "gain": _KernelControl(0x00980913),
    "auto_focus": _KernelControl(0x009A090C, meanings=_SWITCH, choices=ON_OFF),
    "focus": _KernelControl(0x009A090A),
    "auto_white_balance": _KernelControl(0x0098090C, meanings=_SWITCH, choices=ON_OFF),
    "white_balance_k": _KernelControl(0x0098091A),
    "brightness": _KernelControl(0x00980900),
    "power_line_hz": _KernelControl(
        0x00980918, meanings=((0, 0.0), (1, 50.0), (2, 60.0), (3, AUTOMATIC_HZ)), choices=POWER_LINE
    ),
}
_UNUSABLE = abi.CONTROL_DISABLED | abi.CONTROL_READ_ONLY | abi.CONTROL_WRITE_ONLY
# What drivers answer for a control that a camera claims to have but does not.
_ABSENT = (errno.EINVAL, errno.ENOTTY, errno.EIO, errno.EPIPE, errno.EACCES, errno.ERANGE)


def read_controls(kernel: Kernel, fd: int) -> tuple[Control, ...]:
    """Read all controls with their present values.

    Parameters
    ----------
    kernel
    fd
        The open device.

    Returns
    -------
    controls
        Those that the device has, in the order of `UNITS`.
    """
    values: dict[str, float] = {}
    controls = []
    for name in UNITS:
        query = _query_control(kernel, fd, name)
        value = None if query is None else _read_value(kernel, fd, name)
        if query is not None and value is not None:
            values[name] = value
            controls.append(_describe_control(kernel, fd, query, name, values))
    return tuple(controls)


def write_control(kernel: Kernel, fd: int, name: str, value: float) -> float | None:
    """Set a control; a value's automatic is switched off before it.

    Parameters
    ----------
    kernel
    fd
    name
        One of `UNITS`.
    value
        In the control's unit; the nearest possible one is taken.

    Returns
    -------
    value
        As set; None if the device has no such control.
    """
    query = _query_control(kernel, fd, name) if isfinite(value) else None
    if query is None:
        return None
    switch = AUTO_OF.get(name)
    if switch is not None and _read_value(kernel, fd, switch):
        write_control(kernel, fd, switch, 0.0)
    known = _KERNEL_CONTROLS[name]
    nearest = _describe_control(kernel, fd, query, name, {name: value}).find_nearest(value)
    number = round(nearest / known.scale)
    if known.meanings:
        offered = _list_offered_meanings(kernel, fd, query, name)
        number = next(device for device, ours in offered if ours == nearest)
    kernel.ioctl(fd, abi.S_CTRL, abi.ControlValue(known.number, number))
    return nearest


def _query_control(kernel: Kernel, fd: int, name: str) -> abi.ControlQuery | None:
    """Query a control's range; None where the device has no such control."""
    query = abi.ControlQuery(id=_KERNEL_CONTROLS[name].number)
    try:
        kernel.ioctl(fd, abi.QUERYCTRL, query)
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise
    return None if query.flags & _UNUSABLE else query


def _read_value(kernel: Kernel, fd: int, name: str) -> float | None:
    """Read a control's present value; None where the device has none."""
    known = _KERNEL_CONTROLS[name]
    read = abi.ControlValue(known.number, 0)
    try:
        kernel.ioctl(fd, abi.G_CTRL, read)
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise
    if known.meanings:
        return dict(known.meanings).get(read.value, 0.0)
    return read.value * known.scale


def _describe_control(
    kernel: Kernel, fd: int, query: abi.ControlQuery, name: str, values: dict[str, float]
) -> Control:
    """Describe a control; `values` holds its own and those of the switches."""
    known = _KERNEL_CONTROLS[name]
    is_auto = bool(values.get(AUTO_OF.get(name, ""), 0.0))
    if known.meanings:
        possible = {ours for _, ours in _list_offered_meanings(kernel, fd, query, name)}
        choices = tuple(choice for choice in known.choices if choice[0] in possible)
        ours = [choice[0] for choice in choices]
        default = dict(known.meanings).get(query.default_value, 0.0)
        return Control(
            name,
            min(ours),
            max(ours),
            0.0,
            default,
            values[name],
            UNITS[name],
            is_auto=is_auto,
            choices=choices,
        )
    lowest, highest, step, default = (
        number * known.scale
        for number in (query.minimum, query.maximum, max(1, query.step), query.default_value)
    )
    return Control(name, lowest, highest, step, default, values[name], UNITS[name], is_auto=is_auto)


def _list_offered_meanings(
    kernel: Kernel, fd: int, query: abi.ControlQuery, name: str
) -> tuple[tuple[int, float], ...]:
    """List the meanings that this device offers, the one to be written first."""
    known = _KERNEL_CONTROLS[name]
    numbers = set(_list_menu(kernel, fd, query))
    return tuple(meaning for meaning in known.meanings if meaning[0] in numbers) or known.meanings


def _list_menu(kernel: Kernel, fd: int, query: abi.ControlQuery) -> Iterator[int]:
    """List the numbers a control can have; a switch has no menu, and a menu may have holes."""
    for index in range(max(query.minimum, 0), min(query.maximum, 16) + 1):
        if query.type == 3:  # V4L2_CTRL_TYPE_MENU
            try:
                kernel.ioctl(fd, abi.QUERYMENU, abi.MenuQuery(query.id, index))
            except OSError as error:
                if error.errno in (errno.EINVAL, errno.ENOTTY):
                    continue
                raise
        yield index
