"""The video devices of Linux, and their stable ids: by serial number, else by USB port."""

import errno
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from engine.capture.usb import v4l2_abi as abi
from engine.capture.usb.v4l2_kernel import Machine
from engine.errors import CameraNotFoundError


@dataclass(frozen=True, slots=True)
class Node:
    """A device file that a camera films through.

    Parameters
    ----------
    path
        ``/dev/video0``; may be another after the camera was plugged in again.
    product
        What the camera calls itself.
    serial_id
        By serial number; empty where it has none.
    port_id
        By controller and USB port, which survive a restart (bus numbers do not).
    id
        `serial_id` where no other camera here has the same, else `port_id`.
    port
        For a person, for instance ``2.3``: port 3 of the hub in port 2. Empty where it is not USB.
    bus
        Cameras with the same one share its bandwidth. Empty where it is not USB.
    hub
        What the hub between camera and computer calls itself; empty where there is none.
    """

    path: Path
    product: str
    serial_id: str
    port_id: str
    id: str = ""
    port: str = ""
    bus: str = ""
    hub: str = ""

    @property
    def name(self) -> str:
        """Its name for a person; with its port where an equal camera is connected."""
        return (
            f"{self.product} (USB port {self.port})"
            if self.port and self.id == self.port_id
            else self.product
        )


def scan_nodes(machine: Machine) -> tuple[Node, ...]:
    """Find the devices that film, in the order of their numbers.

    Devices that carry only metadata are left out.
    """
    entries = (machine.sys / "class" / "video4linux").glob("video*")
    nodes: list[Node] = []
    filmed: Counter[str] = Counter()  # a camera with colour and infrared has a device file for each
    for entry in sorted(entries, key=lambda entry: int(re.sub(r"\D", "", entry.name) or 0)):
        with suppress(FileNotFoundError, NotADirectoryError):  # unplugged at this moment
            if _is_camera(machine, entry):
                nodes.append(_describe_node(machine, entry, filmed))
    serials = Counter(node.serial_id for node in nodes)
    ports: Counter[str] = Counter()
    for position, node in enumerate(nodes):
        ports[node.port_id] += 1
        if ports[node.port_id] > 1:
            node = replace(node, port_id=f"{node.port_id}-{ports[node.port_id]}")
        alone = node.serial_id and serials[node.serial_id] == 1
        nodes[position] = replace(node, id=node.serial_id if alone else node.port_id)
    return tuple(nodes)


def find_node(machine: Machine, device: str, name: str) -> Node:
    """Find the device that an address means.

    Parameters
    ----------
    machine
    device
        A stable id; a number in the order of `scan_nodes`; a device file; or the name of a link in
        ``/dev/v4l/by-id`` or ``/dev/v4l/by-path``.
    name
        The view's name, for the error.

    Raises
    ------
    CameraNotFoundError
        If there is none, or more than one; the message names those that are connected.
    """
    nodes = scan_nodes(machine)
    if device.isdecimal():
        found = nodes[int(device) : int(device) + 1]
    else:
        paths = {path.resolve() for path in _list_paths(machine, device)}
        found = tuple(node for node in nodes if node.id == device) or tuple(
            node
            for node in nodes
            if device in (node.serial_id, node.port_id) or node.path.resolve() in paths
        )
    if len(found) == 1:
        return found[0]
    if found:
        twins = ", ".join(f"usb:{node.port_id}" for node in found)
        raise CameraNotFoundError(
            name,
            f"{len(found)} cameras here are called '{device}'. Name each by the port it is "
            f"plugged into: {twins}.",
        )
    raise CameraNotFoundError(
        name, f"There is no USB camera '{device}'. {_describe_connected(nodes)}"
    )


def find_neighbours(nodes: Sequence[Node], node: Node) -> tuple[Node, ...]:
    """List the other cameras that share a camera's USB bus.

    Parameters
    ----------
    nodes
        All cameras of the machine.
    node
        One of them; a camera that is not USB has no neighbours.
    """
    return tuple(
        other for other in nodes if node.bus and other.bus == node.bus and other.path != node.path
    )


def _is_camera(machine: Machine, entry: Path) -> bool:
    """Query whether a device films; one that cannot be opened is judged by its index."""
    try:
        fd = machine.kernel.open(machine.dev / entry.name)
    except OSError as error:
        gone = error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO)
        # a webcam's device for metadata comes second
        return not gone and _read_text(entry / "index") in ("", "0")
    try:
        capability = abi.Capability()
        machine.kernel.ioctl(fd, abi.QUERYCAP, capability)
        own = capability.capabilities & abi.HAS_DEVICE_CAPS
        can = capability.device_caps if own else capability.capabilities
        return bool(can & abi.CAN_CAPTURE and can & abi.CAN_STREAM)
    except OSError:
        return False  # no video device, or gone in the meantime
    finally:
        machine.kernel.close(fd)


def _describe_node(machine: Machine, entry: Path, filmed: Counter[str]) -> Node:
    """Read what the system knows of a device."""
    place = entry.resolve()
    usb = next((folder for folder in place.parents if (folder / "idVendor").is_file()), None)
    filmed[str(usb or place)] += 1
    nth = filmed[str(usb or place)]
    again = f"-{nth}" if nth > 1 else ""
    product = (usb and _read_text(usb / "product")) or _read_text(entry / "name") or entry.name
    path = machine.dev / entry.name
    if usb is None:
        return Node(path, product, "", _slugify(product))
    serial = _read_text(usb / "serial")
    root = next(
        (folder for folder in usb.parents if re.fullmatch(r"usb\d+", folder.name)), usb.parent
    )
    port = usb.name.partition("-")[2]
    return Node(
        path,
        product,
        serial_id=_slugify(f"{product}-{serial}") + again if serial else "",
        port_id=_slugify(f"{product}-{root.parent.name}-{port}") + again,
        port=port,
        bus=str(root),
        hub="" if usb.parent == root else _read_text(usb.parent / "product") or "without a name",
    )


def _list_paths(machine: Machine, device: str) -> tuple[Path, ...]:
    """List the files that a person may mean."""
    links = machine.dev / "v4l"
    return tuple(
        path
        for path in (Path(device), links / "by-id" / device, links / "by-path" / device)
        if path.exists()
    )


def _read_text(path: Path) -> str:
    """Read a line of the system's description; empty where there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _slugify(text: str) -> str:
    """Make a name that is safe in addresses and in file names."""
    return re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-.")


def _describe_connected(nodes: Sequence[Node]) -> str:
    """Say which cameras are connected."""
    if not nodes:
        return "No USB camera is connected: plug it in, then try again."
    return (
        f"Connected are: {', '.join(f'usb:{node.id}' for node in nodes)}. Plug it in, or "
        "choose one of them."
    )
