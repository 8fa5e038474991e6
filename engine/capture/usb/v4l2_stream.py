"""One open video device: its format is set, its buffers are shared, and images come out of it."""

import errno
from dataclasses import dataclass

from engine.capture.usb import v4l2_abi as abi
from engine.capture.usb.devices import Mode
from engine.capture.usb.v4l2_kernel import Kernel, Memory
from engine.capture.usb.v4l2_modes import FORMATS
from engine.clock import NS_PER_S

# A sixth of a second at 36 images per second: enough on a busy machine, and the driver counts what
# is lost.
BUFFER_COUNT = 6
_MIN_BUFFERS = 2


@dataclass(frozen=True, slots=True)
class Picture:
    """What one buffer held.

    Parameters
    ----------
    data
    sequence
        As the driver counts; its gaps are lost images.
    timestamp_ns
        On the host's clock; None where the driver uses another one.
    damaged
        The driver knows that data were lost.
    """

    data: bytes
    sequence: int
    timestamp_ns: int | None
    damaged: bool


class Stream:
    """A device that sends images.

    Parameters
    ----------
    kernel
    fd
        The open device; closed by `close`.

    Attributes
    ----------
    mode
        As granted, which may differ from the requested one.
    stride
        Bytes from one row to the next.
    """

    def __init__(self, kernel: Kernel, fd: int) -> None:
        self.fd = fd
        self.mode = Mode((0, 0), 0.0, "")
        self.stride = 0
        self._kernel = kernel
        self._memory: list[Memory] = []

    def set_mode(self, mode: Mode) -> None:
        """Request a mode.

        Raises
        ------
        OSError
            EBUSY where another program has the camera; EINVAL where the format is refused.
        """
        request = abi.Format(type=abi.VIDEO_CAPTURE)
        request.pix.width, request.pix.height = mode.size_wh
        request.pix.pixelformat = FORMATS[mode.format]
        request.pix.field = 1  # V4L2_FIELD_NONE: whole images
        self._kernel.ioctl(self.fd, abi.S_FMT, request)
        if request.pix.pixelformat != FORMATS[mode.format]:
            raise OSError(errno.EINVAL, "it does not grant the format it offers")
        rate_fps = self._set_rate(mode.rate_fps)
        self.mode = Mode((request.pix.width, request.pix.height), rate_fps, mode.format)
        self.stride = request.pix.bytesperline

    def start(self) -> None:
        """Share buffers with the driver and start the images.

        Raises
        ------
        OSError
            ENOSPC where the USB bus has no room.
        """
        request = abi.RequestBuffers(BUFFER_COUNT, abi.VIDEO_CAPTURE, abi.MEMORY_MMAP)
        self._kernel.ioctl(self.fd, abi.REQBUFS, request)
        if request.count < _MIN_BUFFERS:
            raise OSError(errno.ENOMEM, "there is no memory for its images")
        for index in range(request.count):
            buffer = self._make_buffer(index)
            self._kernel.ioctl(self.fd, abi.QUERYBUF, buffer)
            self._memory.append(self._kernel.map(self.fd, buffer.length, buffer.offset))
            self._kernel.ioctl(self.fd, abi.QBUF, buffer)
        self._kernel.ioctl(self.fd, abi.STREAMON, abi.BufferType(abi.VIDEO_CAPTURE))

    def take(self, timeout_s: float) -> Picture | None:
        """Wait for an image.

        Returns
        -------
        picture
            None if nothing came.

        Raises
        ------
        OSError
            If the device is gone.
        """
        ready, failed = self._kernel.wait(self.fd, timeout_s)
        if not ready and not failed:
            return None
        buffer = self._make_buffer(0)
        try:
            self._kernel.ioctl(self.fd, abi.DQBUF, buffer)
        except BlockingIOError as error:
            if failed:
                # nothing will come: waiting again would return at once, forever
                raise OSError(errno.ENODEV, "it reports an error") from error
            return None
        picture = self._copy_picture(buffer)
        self._kernel.ioctl(self.fd, abi.QBUF, self._make_buffer(buffer.index))
        return picture

    def close(self) -> None:
        """Stop and release everything; may be called twice, and when the device is gone."""
        fd, self.fd = self.fd, -1
        if fd < 0:
            return
        memory, self._memory = self._memory, []
        try:
            if memory:
                self._kernel.ioctl(fd, abi.STREAMOFF, abi.BufferType(abi.VIDEO_CAPTURE))
        except OSError:
            pass  # it is gone; what follows must be freed all the same
        finally:
            for shared in memory:
                shared.close()  # before the device: a shared buffer holds it open
            self._kernel.close(fd)

    def _set_rate(self, rate_fps: float) -> float:
        """Request a rate; return what is granted, or the request if the driver has no rates."""
        request = abi.StreamParameters(type=abi.VIDEO_CAPTURE)
        interval = request.capture.timeperframe
        interval.numerator = 1000
        interval.denominator = round(rate_fps * 1000)
        try:
            self._kernel.ioctl(self.fd, abi.S_PARM, request)
        except OSError as error:
            if error.errno not in (errno.ENOTTY, errno.EINVAL):
                raise
            return rate_fps
        granted = request.capture.timeperframe
        return (
            granted.denominator / granted.numerator
            if granted.numerator and granted.denominator
            else rate_fps
        )

    def _copy_picture(self, buffer: abi.Buffer) -> Picture:
        """Copy an image out of its buffer, which is the driver's again afterwards."""
        monotonic = buffer.flags & abi.TIMESTAMP_MASK == abi.TIMESTAMP_MONOTONIC
        stamp_ns = buffer.timestamp_s * NS_PER_S + buffer.timestamp_us * 1000
        return Picture(
            self._memory[buffer.index][: buffer.bytesused],
            buffer.sequence,
            stamp_ns if monotonic and stamp_ns > 0 else None,
            damaged=bool(buffer.flags & abi.BUFFER_ERROR) or buffer.bytesused == 0,
        )

    def _make_buffer(self, index: int) -> abi.Buffer:
        """Describe a buffer to the kernel."""
        return abi.Buffer(index=index, type=abi.VIDEO_CAPTURE, memory=abi.MEMORY_MMAP)


def is_busy(kernel: Kernel, fd: int) -> bool:
    """Return whether another program films with a device, without disturbing it.

    Parameters
    ----------
    kernel
    fd
        The open device, without buffers of its own.

    Notes
    -----
    Requesting no buffers frees those of this file, which has none; the driver refuses it while
    another file owns the queue. Setting a format would reach the camera itself, and on old kernels
    take its ownership.
    """
    try:
        kernel.ioctl(fd, abi.REQBUFS, abi.RequestBuffers(0, abi.VIDEO_CAPTURE, abi.MEMORY_MMAP))
    except OSError as error:
        return error.errno == errno.EBUSY
    return False
