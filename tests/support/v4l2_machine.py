"""A simulated computer with USB cameras: it answers the kernel's requests as uvcvideo does."""

import errno
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from engine.capture.usb import v4l2_abi as abi
from engine.capture.usb.v4l2_kernel import Machine

EXPOSURE_AUTO, EXPOSURE, DYNAMIC_RATE = 0x009A0901, 0x009A0902, 0x009A0903
GAIN, BRIGHTNESS, POWER_LINE = 0x00980913, 0x00980900, 0x00980918
AUTO_WHITE, WHITE = 0x0098090C, 0x0098091A
INTEGER, BOOLEAN, MENU = 1, 2, 3
# Who must be at which value before a control may be set, as uvcvideo keeps it.
MASTERS = {EXPOSURE: (EXPOSURE_AUTO, 1), WHITE: (AUTO_WHITE, 0)}

WEBCAM_MODES = {
    "MJPG": {
        (1920, 1080): [(1, 30)],
        (1280, 720): [(1, 60), (1, 30), (1, 15)],
        (640, 480): [(1, 30), (1001, 30000)],
    },
    "YUYV": {(1280, 720): [(1, 10)], (640, 480): [(1, 30)]},
    "H264": {(1920, 1080): [(1, 30)]},
}


@dataclass
class FakeControl:
    type: int
    minimum: int
    maximum: int
    step: int
    default: int
    value: int
    menu: tuple[int, ...] = ()


def make_webcam_controls() -> dict[int, FakeControl]:
    return {
        EXPOSURE_AUTO: FakeControl(MENU, 0, 3, 1, 3, 3, menu=(1, 3)),
        EXPOSURE: FakeControl(INTEGER, 3, 2047, 1, 250, 333),
        DYNAMIC_RATE: FakeControl(BOOLEAN, 0, 1, 1, 0, 1),
        GAIN: FakeControl(INTEGER, 0, 255, 1, 0, 40),
        AUTO_WHITE: FakeControl(BOOLEAN, 0, 1, 1, 1, 1),
        WHITE: FakeControl(INTEGER, 2000, 6500, 10, 4000, 4600),
        POWER_LINE: FakeControl(MENU, 0, 2, 1, 2, 2, menu=(0, 1, 2)),
    }


@dataclass
class FakeCamera:
    """A webcam; `number` is that of its device file, the next one carries its metadata."""

    product: str = "HD Webcam"
    serial: str = "A1B2"
    port: str = "2"
    number: int = 0
    hub: str = "USB2.0 Hub"
    modes: dict = field(default_factory=lambda: WEBCAM_MODES)
    controls: dict[int, FakeControl] = field(default_factory=make_webcam_controls)
    plugged: bool = True
    allowed: bool = True
    in_use: bool = False  # by another program
    max_px: int = 10**9  # what the USB bus has room for
    stamp_flags: int = abi.TIMESTAMP_MONOTONIC
    stamp_shift_ns: int = 0
    row_padding: int = 0
    owner: int | None = None
    granted: tuple[int, int, int] = (0, 0, 0)
    sequence: int = 0
    waiting: deque = field(default_factory=deque)
    free: deque = field(default_factory=deque)
    lengths: int = 1 << 20


def make_os_error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


class FakeMemory:
    def __init__(self, kernel: "FakeKernel", length: int) -> None:
        self.data, self.kernel = bytearray(length), kernel
        kernel.mapped += 1

    def __getitem__(self, key: slice) -> bytes:
        return bytes(self.data[key])

    def close(self) -> None:
        self.kernel.mapped -= 1


class FakeKernel:
    """Answers for several cameras; time passes only while somebody waits."""

    def __init__(self) -> None:
        self.cameras: list[FakeCamera] = []
        self.files: dict[int, tuple[FakeCamera, bool]] = {}
        self.memories: dict[tuple[int, int], FakeMemory] = {}
        self.mapped, self.time_ns, self.really_waits = 0, 100 * 10**9, False
        self.entered = threading.Event()
        self._next_fd = 1000

    def now_ns(self) -> int:
        return self.time_ns

    def film(self, camera: FakeCamera, data: bytes, *, lost: int = 0, flags: int = 0) -> None:
        """Take a picture 33 ms after the last; `lost` ones before it find no buffer."""
        self.time_ns += 33_000_000 * (1 + lost)
        camera.sequence += lost
        stamp_ns = self.time_ns - 20_000_000 + camera.stamp_shift_ns
        camera.waiting.append((data, camera.sequence, stamp_ns, flags | camera.stamp_flags))
        camera.sequence += 1

    def open(self, path: Path) -> int:
        for camera in self.cameras:
            if camera.plugged and path.name in (
                f"video{camera.number}",
                f"video{camera.number + 1}",
            ):
                if not camera.allowed:
                    raise make_os_error(errno.EACCES)
                self._next_fd += 1
                self.files[self._next_fd] = camera, path.name == f"video{camera.number}"
                return self._next_fd
        raise make_os_error(errno.ENOENT)

    def close(self, fd: int) -> None:
        camera, _ = self.files.pop(fd)
        if camera.owner == fd:
            camera.owner = None

    def map(self, fd: int, length: int, offset: int) -> FakeMemory:
        memory = FakeMemory(self, length)
        self.memories[fd, offset >> 24] = memory
        return memory

    def wait(self, fd: int, timeout_s: float) -> tuple[bool, bool]:
        self.entered.set()
        camera, _ = self.files[fd]
        if not camera.plugged:
            return False, True
        if camera.waiting and camera.free:
            return True, False
        if self.really_waits:
            time.sleep(timeout_s)
        self.time_ns += max(round(timeout_s * 1e9), 1)
        return False, False

    def ioctl(self, fd: int, request: int, argument) -> None:
        camera, films = self.files[fd]
        if not camera.plugged:
            raise make_os_error(errno.ENODEV)
        answers: dict[int, Callable] = {
            abi.QUERYCAP: self._querycap,
            abi.ENUM_FMT: self._enum_fmt,
            abi.ENUM_FRAMESIZES: self._enum_sizes,
            abi.ENUM_FRAMEINTERVALS: self._enum_intervals,
            abi.S_FMT: self._s_fmt,
            abi.S_PARM: self._s_parm,
            abi.REQBUFS: self._reqbufs,
            abi.QUERYBUF: self._querybuf,
            abi.QBUF: self._qbuf,
            abi.DQBUF: self._dqbuf,
            abi.STREAMON: self._streamon,
            abi.STREAMOFF: self._streamoff,
            abi.QUERYCTRL: self._queryctrl,
            abi.QUERYMENU: self._querymenu,
            abi.G_CTRL: self._g_ctrl,
            abi.S_CTRL: self._s_ctrl,
        }
        if not films and request != abi.QUERYCAP:
            raise make_os_error(errno.ENOTTY)
        answers[request](camera, argument, fd)

    def _querycap(self, camera, capability, fd):
        _, films = self.files[fd]
        capability.card, capability.driver = camera.product.encode()[:31], b"uvcvideo"
        capability.capabilities = 0x84A00001  # of both files together
        capability.device_caps = 0x04200001 if films else 0x04A00000

    def _enum_fmt(self, camera, description, fd):
        if description.index >= len(camera.modes):
            raise make_os_error(errno.EINVAL)
        description.pixelformat = abi.fourcc(list(camera.modes)[description.index])

    def _enum_sizes(self, camera, size, fd):
        sizes = list(self._sizes(camera, size.pixel_format))
        if size.index >= len(sizes):
            raise make_os_error(errno.EINVAL)
        if len(sizes[size.index]) == 6:
            size.type = 3
            for name, value in zip(("min", "max", "step"), zip(*[iter(sizes[size.index])] * 2)):
                setattr(size.stepwise, f"{name}_width", value[0])
                setattr(size.stepwise, f"{name}_height", value[1])
            return
        size.type = abi.DISCRETE
        size.discrete.width, size.discrete.height = sizes[size.index]

    def _enum_intervals(self, camera, interval, fd):
        sizes = self._sizes(camera, interval.pixel_format)
        ranges = [intervals for size, intervals in sizes.items() if len(size) == 6]
        intervals = sizes.get((interval.width, interval.height)) or ranges[0]
        if interval.index >= len(intervals):
            raise make_os_error(errno.EINVAL)
        found = intervals[interval.index]
        if len(found) == 4:
            interval.type = 3
            interval.stepwise.min.numerator, interval.stepwise.min.denominator = found[:2]
            interval.stepwise.max.numerator, interval.stepwise.max.denominator = found[2:]
            return
        interval.type = abi.DISCRETE
        interval.discrete.numerator, interval.discrete.denominator = found

    def _sizes(self, camera, pixelformat):
        return camera.modes[pixelformat.to_bytes(4, "little").decode()]

    def _s_fmt(self, camera, requested, fd):
        if self._is_held_by_other(camera, fd):
            raise make_os_error(errno.EBUSY)
        name = requested.pix.pixelformat.to_bytes(4, "little").decode()
        pixel_bytes = {"YUYV": 2, "NV12": 1}.get(name, 0)
        requested.pix.bytesperline = (
            requested.pix.width * pixel_bytes + camera.row_padding if pixel_bytes else 0
        )
        requested.pix.sizeimage = camera.lengths
        camera.granted = requested.pix.width, requested.pix.height, requested.pix.pixelformat

    def _s_parm(self, camera, requested, fd):
        interval = requested.capture.timeperframe
        intervals = self._sizes(camera, camera.granted[2])[camera.granted[:2]]
        nearest = min(
            intervals, key=lambda i: abs(i[0] / i[1] - interval.numerator / interval.denominator)
        )
        interval.numerator, interval.denominator = nearest

    def _reqbufs(self, camera, requested, fd):
        if self._is_held_by_other(camera, fd):
            raise make_os_error(errno.EBUSY)
        camera.owner = fd if requested.count else None
        camera.free.clear()
        camera.waiting.clear()
        camera.sequence = 0

    def _querybuf(self, camera, buffer, fd):
        buffer.length, buffer.offset = camera.lengths, buffer.index << 24

    def _qbuf(self, camera, buffer, fd):
        camera.free.append(buffer.index)

    def _dqbuf(self, camera, buffer, fd):
        if not camera.waiting or not camera.free:
            raise make_os_error(errno.EAGAIN)
        data, sequence, stamp_ns, flags = camera.waiting.popleft()
        buffer.index = camera.free.popleft()
        self.memories[fd, buffer.index].data[: len(data)] = data
        buffer.bytesused, buffer.sequence, buffer.flags = len(data), sequence & 0xFFFFFFFF, flags
        buffer.timestamp_s, buffer.timestamp_us = stamp_ns // 10**9, stamp_ns % 10**9 // 1000

    def _streamon(self, camera, kind, fd):
        if camera.granted[0] * camera.granted[1] > camera.max_px:
            raise make_os_error(errno.ENOSPC)

    def _streamoff(self, camera, kind, fd):
        camera.waiting.clear()

    def _queryctrl(self, camera, query, fd):
        control = camera.controls.get(query.id)
        if control is None:
            raise make_os_error(errno.EINVAL)
        query.type, query.minimum, query.maximum = control.type, control.minimum, control.maximum
        query.step, query.default_value = control.step, control.default
        query.flags = 0 if self._may_be_set(camera, query.id) else abi.CONTROL_INACTIVE

    def _querymenu(self, camera, query, fd):
        if query.index not in camera.controls[query.id].menu:
            raise make_os_error(errno.EINVAL)

    def _g_ctrl(self, camera, read, fd):
        if read.id not in camera.controls:
            raise make_os_error(errno.EINVAL)
        read.value = camera.controls[read.id].value

    def _s_ctrl(self, camera, written, fd):
        control = camera.controls.get(written.id)
        if control is None:
            raise make_os_error(errno.EINVAL)
        if not self._may_be_set(camera, written.id):
            raise make_os_error(errno.EACCES)
        if not control.minimum <= written.value <= control.maximum:
            raise make_os_error(errno.ERANGE)
        control.value = written.value

    def _may_be_set(self, camera, number):
        master, manual = MASTERS.get(number, (None, None))
        return master not in camera.controls or camera.controls[master].value == manual

    def _is_held_by_other(self, camera, fd):
        return camera.in_use or camera.owner not in (None, fd)


@dataclass
class FakeComputer:
    """The kernel, and the folders in which Linux describes its devices."""

    root: Path
    kernel: FakeKernel = field(default_factory=FakeKernel)

    @property
    def machine(self) -> Machine:
        folders = (self.root / name for name in ("sys", "dev", "proc"))
        return Machine(self.kernel, *folders, now_ns=self.kernel.now_ns)

    def plug(self, camera: FakeCamera) -> FakeCamera:
        """Plug a camera in, or plug it in again; one without a port is virtual."""
        root = self.root / "sys/devices/pci0000:00/0000:00:14.0/usb1"
        interface = self._usb(camera, root) if camera.port else self.root / "sys/devices/virtual"
        for number, index in ((camera.number, 0), (camera.number + 1, 1)):
            node = interface / "video4linux" / f"video{number}"
            node.mkdir(parents=True, exist_ok=True)
            (node / "name").write_text(f"{camera.product}\n")
            (node / "index").write_text(f"{index}\n")
            self._link(self.root / "sys/class/video4linux" / node.name, node)
            (self.root / "dev").mkdir(exist_ok=True)
            (self.root / "dev" / node.name).touch()
        camera.plugged, camera.owner = True, None
        if camera not in self.kernel.cameras:
            self.kernel.cameras.append(camera)
        return camera

    def unplug(self, camera: FakeCamera) -> None:
        """Pull a camera out."""
        camera.plugged = False
        for number in (camera.number, camera.number + 1):
            (self.root / "sys/class/video4linux" / f"video{number}").unlink()
            (self.root / "dev" / f"video{number}").unlink()

    def hold(self, camera: FakeCamera, process: int, program: str) -> None:
        """Let another program film with a camera."""
        camera.in_use = True
        folder = self.root / "proc" / str(process)
        (folder / "fd").mkdir(parents=True)
        (folder / "comm").write_text(f"{program}\n")
        (folder / "fd" / "7").symlink_to(self.root / "dev" / f"video{camera.number}")

    def _usb(self, camera: FakeCamera, root: Path) -> Path:
        usb = root
        parts = camera.port.split(".")
        for depth in range(len(parts)):
            usb = usb / f"1-{'.'.join(parts[: depth + 1])}"
            usb.mkdir(parents=True, exist_ok=True)
            (usb / "product").write_text(
                f"{camera.product if depth == len(parts) - 1 else camera.hub}\n"
            )
        (usb / "idVendor").write_text("046d\n")
        if camera.serial:
            (usb / "serial").write_text(f"{camera.serial}\n")
        return usb / f"1-{camera.port}:1.0"

    def _link(self, link: Path, target: Path) -> None:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)


def make_jpeg(width: int = 64, height: int = 48, seed: int = 0) -> bytes:
    """A small picture as a camera sends it, padded to the end of its buffer."""
    image = np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)
    return cv2.imencode(".jpg", image)[1].tobytes() + b"\0" * 16
