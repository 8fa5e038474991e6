"""Messages for what a video device refuses: busy, not permitted, bus full, gone."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from engine.capture.usb.devices import Mode, find_lower_mode
from engine.capture.usb.v4l2_kernel import Machine
from engine.capture.usb.v4l2_nodes import Node, find_neighbours, scan_nodes
from engine.errors import CameraDisconnectedError, CameraError

GONE_ERRNOS = (errno.ENODEV, errno.ENXIO, errno.ENOENT, errno.ESHUTDOWN)


def make_camera_error(machine: Machine, node: Node, name: str, error: OSError) -> CameraError:
    """Say why a device cannot be opened or used.

    Parameters
    ----------
    machine
    node
    name
        The camera's name for a person.
    error

    Returns
    -------
    error
        To be raised.
    """
    if error.errno in GONE_ERRNOS:
        return CameraDisconnectedError(name, describe_gone(name))
    if error.errno == errno.EBUSY:
        return CameraError(name, describe_busy(machine, node, name))
    if error.errno in (errno.EACCES, errno.EPERM):
        return CameraError(
            name,
            f"Camera '{name}' may not be used by this user: {node.path} belongs to the group "
            "'video'. Run 'sudo usermod -aG video $USER', then log out and in again.",
        )
    return CameraError(
        name,
        f"Camera '{name}' refuses to send images: {error.strerror}. Unplug it, plug it in "
        "again, and try a lower mode.",
    )


def describe_gone(name: str) -> str:
    """Say that a camera was unplugged."""
    return (
        f"Camera '{name}' is gone: it was unplugged, or its cable is loose. Plug it into the "
        "same port again."
    )


def describe_busy(machine: Machine, node: Node, name: str) -> str:
    """Say which program uses a camera.

    Parameters
    ----------
    machine
        Lists the programs that have the device open, of those that this user may see.
    node
    name
        The camera's name for a person.
    """
    holders = tuple(_find_holders(machine.proc, node.path))
    if any(process == os.getpid() for process, _ in holders):
        return f"Camera '{name}' is already open in this program."
    if not holders:
        return f"Camera '{name}' is in use by another program. Close it there, then try again."
    who = " or ".join(f"'{program}' (process {process})" for process, program in holders[:3])
    return f"Camera '{name}' is in use by {who}. Close it there, then try again."


def describe_no_room(
    machine: Machine, node: Node, mode: Mode, modes: tuple[Mode, ...], name: str
) -> str:
    """Say that the USB bus is full: which hub, its other cameras, and a lower mode.

    Parameters
    ----------
    machine
    node
    mode
        That did not fit.
    modes
        All that the camera has.
    name
    """
    others = [other.name for other in find_neighbours(scan_nodes(machine), node)]
    where = (
        f"the USB hub '{node.hub}' (port {node.port})"
        if node.hub
        else f"its USB bus (port {node.port or '?'})"
    )
    shared = f", which it shares with {', '.join(others)}" if others else ""
    lower = find_lower_mode(modes, mode)
    way = (
        f"Lower it to {lower}, lower another camera,"
        if lower is not None
        else "Lower another camera's mode,"
    )
    return (
        f"Camera '{name}' has no room for {mode} on {where}{shared}. {way} or plug it into a port "
        "of its own at the computer, without a hub."
    )


def _find_holders(proc: Path, path: Path) -> Iterator[tuple[int, str]]:
    """List the processes with a device open, of those that this user may see."""
    for process in sorted(proc.glob("[0-9]*"), key=lambda folder: int(folder.name)):
        try:
            if any(_is_link_to(link, path) for link in (process / "fd").iterdir()):
                yield (
                    int(process.name),
                    (process / "comm").read_text(encoding="utf-8", errors="replace").strip(),
                )
        except OSError:
            continue  # another user's, or it has just ended


def _is_link_to(link: Path, path: Path) -> bool:
    """Return whether an open file is the device; one that was closed meanwhile is not."""
    try:
        return link.readlink() == path
    except OSError:
        return False
