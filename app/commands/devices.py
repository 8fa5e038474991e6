"""`epipole devices`: which cameras are plugged in, their modes, and any problem with them."""

from argparse import Namespace
from collections.abc import Iterator, Sequence

from engine.capture.usb.devices import Device, Mode, list_devices

_MAX_MODES_SHOWN = 4
_NOT_LISTED = (
    "Network cameras are not listed; give their address, rtsp://… or http://…\n"
    "Without a camera, use simulated ones: studio:walk?cameras=4"
)


def run(options: Namespace) -> int:  # noqa: ARG001  every command receives its options
    """List the cameras of this machine.

    Parameters
    ----------
    options
        Not used.

    Returns
    -------
    code
        0, even if there is none: an empty list is a valid answer.
    """
    devices = list_devices()
    if not devices:
        print(
            "No USB camera was found. Plug one in and run this again; if it is plugged in, try "
            "another port or cable.\n"
        )
    for number, device in enumerate(devices):
        print("\n".join(_describe_device(number, device)), end="\n\n")
    ready = [device.address for device in devices if not device.problem]
    if ready:
        print(f"To use {'it' if len(ready) == 1 else 'them'}: epipole live {' '.join(ready)}\n")
    print(_NOT_LISTED)
    return 0


def _describe_device(number: int, device: Device) -> Iterator[str]:
    """Describe a camera, its modes, and its problem."""
    yield f"usb:{number}  {device.name}"
    if device.id != str(number):
        where = f"  ({device.path})" if device.path else ""
        yield f"       {device.address}{where}"
    shown = _choose_modes(device.modes)
    if shown:
        rest = len(device.modes) - len(shown)
        more = f", and {rest} more" if rest else ""
        yield f"       {', '.join(str(mode) for mode in shown)}{more}"
    if device.problem:
        yield f"       ! {device.problem}"


def _choose_modes(modes: Sequence[Mode]) -> tuple[Mode, ...]:
    """Choose the best mode of each size, the best sizes first."""
    best: dict[tuple[int, int], Mode] = {}
    for mode in modes:
        best.setdefault(mode.size_wh, mode)
    return tuple(best.values())[:_MAX_MODES_SHOWN]
