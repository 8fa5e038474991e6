"""The list of USB cameras on Linux: each with its modes, or why it cannot be used."""

from engine.capture.usb.devices import Device
from engine.capture.usb.v4l2_errors import describe_busy, make_camera_error
from engine.capture.usb.v4l2_kernel import LINUX, Machine
from engine.capture.usb.v4l2_modes import list_modes
from engine.capture.usb.v4l2_nodes import Node, scan_nodes
from engine.capture.usb.v4l2_stream import is_busy


def list_v4l2(machine: Machine = LINUX) -> tuple[Device, ...]:
    """List the video devices of a machine with Linux.

    Returns
    -------
    devices
        In the order of ``usb:0``, ``usb:1``…
    """
    return tuple(_inspect_device(machine, node) for node in scan_nodes(machine))


def _inspect_device(machine: Machine, node: Node) -> Device:
    """Inspect one device."""
    modes, problem = (), ""
    try:
        fd = machine.kernel.open(node.path)
        try:
            modes = list_modes(machine.kernel, fd)
            if is_busy(machine.kernel, fd):
                problem = describe_busy(machine, node, node.name)
        finally:
            machine.kernel.close(fd)
        if not modes:
            problem = (
                f"Camera '{node.name}' offers no image format that can be read here (MJPEG or "
                "uncompressed). Use another camera."
            )
    except OSError as error:
        problem = str(make_camera_error(machine, node, node.name, error))
    return Device(node.id, node.name, f"usb:{node.id}", modes, problem, str(node.path))
