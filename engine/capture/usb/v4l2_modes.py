"""The modes a video device offers, and how its uncompressed images become BGR."""

import errno
from collections.abc import Callable, Iterator
from ctypes import Structure
from typing import TypeVar

import cv2
import numpy as np

from calibration.geometry.arrays import U8
from engine.capture.usb import v4l2_abi as abi
from engine.capture.usb.devices import Mode, sort_modes
from engine.capture.usb.v4l2_kernel import Kernel

# Pixel formats that can be read, by the names that a mode's text uses. Others (H.264, raw Bayer)
# are left out.
FORMATS = {
    "mjpeg": abi.fourcc("MJPG"),
    "jpeg": abi.fourcc("JPEG"),
    "yuyv": abi.fourcc("YUYV"),
    "uyvy": abi.fourcc("UYVY"),
    "nv12": abi.fourcc("NV12"),
    "grey": abi.fourcc("GREY"),
    "bgr24": abi.fourcc("BGR3"),
    "rgb24": abi.fourcc("RGB3"),
}
_NAMES = {number: name for name, number in FORMATS.items()}
_IN_PAIRS = ("yuyv", "uyvy", "nv12")  # two pixels share a colour
# Bytes of a pixel in a row, and OpenCV's conversion to BGR (None: it is BGR).
_LAYOUTS = {
    "yuyv": (2, cv2.COLOR_YUV2BGR_YUYV),
    "uyvy": (2, cv2.COLOR_YUV2BGR_UYVY),
    "nv12": (1, cv2.COLOR_YUV2BGR_NV12),
    "grey": (1, cv2.COLOR_GRAY2BGR),
    "bgr24": (3, None),
    "rgb24": (3, cv2.COLOR_RGB2BGR),
}
# Where a device offers a range instead of a list.
_COMMON_WH = ((1920, 1080), (1280, 720), (640, 480))
_COMMON_FPS = (60, 30, 15)
_MAX_ITEMS = 1000  # a driver that never ends its list must not hang the program

_Item = TypeVar("_Item", bound=Structure)


def list_modes(kernel: Kernel, fd: int) -> tuple[Mode, ...]:
    """List what a device can send.

    Parameters
    ----------
    kernel
    fd
        The open device.

    Returns
    -------
    modes
        Those that can be read here, best first.
    """
    modes = []
    for listed in _enumerate(
        kernel, fd, abi.ENUM_FMT, lambda at: abi.FormatDescription(index=at, type=abi.VIDEO_CAPTURE)
    ):
        name = _NAMES.get(listed.pixelformat)
        if name is not None:
            for size_wh in _list_sizes(kernel, fd, listed.pixelformat):
                if name in _IN_PAIRS and (size_wh[0] % 2 or size_wh[1] % 2):
                    continue
                modes += [
                    Mode(size_wh, rate, name)
                    for rate in _list_rates(kernel, fd, listed.pixelformat, size_wh)
                ]
    return sort_modes(modes)


def image_from_bytes(data: bytes, mode: Mode, stride: int) -> U8 | None:
    """Convert an uncompressed image to BGR.

    Parameters
    ----------
    data
        As the driver filled its buffer.
    mode
    stride
        Bytes from one row to the next.

    Returns
    -------
    image_bgr : (H, W, 3), read-only
        None if there are fewer bytes than the image has.
    """
    (width, height), (pixel_bytes, conversion) = mode.size_wh, _LAYOUTS[mode.format]
    stride = max(stride, width * pixel_bytes)
    rows = height * 3 // 2 if mode.format == "nv12" else height
    if len(data) < stride * (rows - 1) + width * pixel_bytes:
        return None
    padded = data if len(data) >= stride * rows else data.ljust(stride * rows, b"\0")
    packed = np.frombuffer(padded, np.uint8, stride * rows).reshape(rows, stride)[
        :, : width * pixel_bytes
    ]
    pixels = np.ascontiguousarray(packed).reshape(rows, width, pixel_bytes)
    image = np.array(pixels) if conversion is None else cv2.cvtColor(pixels, conversion)
    image.flags.writeable = False
    return np.asarray(image, np.uint8)


def _enumerate(
    kernel: Kernel, fd: int, request: int, item: Callable[[int], _Item]
) -> Iterator[_Item]:
    """Request one item after the other until the driver has no more."""
    for index in range(_MAX_ITEMS):
        entry = item(index)
        try:
            kernel.ioctl(fd, request, entry)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOTTY):
                return
            raise
        yield entry


def _list_sizes(kernel: Kernel, fd: int, pixelformat: int) -> Iterator[tuple[int, int]]:
    """List the sizes of a format."""
    for size in _enumerate(
        kernel,
        fd,
        abi.ENUM_FRAMESIZES,
        lambda at: abi.FrameSizes(index=at, pixel_format=pixelformat),
    ):
        if size.type == abi.DISCRETE:
            yield size.discrete.width, size.discrete.height
            continue
        size_range = size.stepwise
        common = [
            (width, height)
            for width, height in _COMMON_WH
            if size_range.min_width <= width <= size_range.max_width
            and size_range.min_height <= height <= size_range.max_height
            and (width - size_range.min_width) % max(1, size_range.step_width) == 0
            and (height - size_range.min_height) % max(1, size_range.step_height) == 0
        ]
        yield from common or [(size_range.max_width, size_range.max_height)]
        return  # a range is the only answer


def _list_rates(
    kernel: Kernel, fd: int, pixelformat: int, size_wh: tuple[int, int]
) -> Iterator[float]:
    """List the rates of a size, images per second; 30 where the driver does not say."""
    silent = True
    for interval in _enumerate(
        kernel,
        fd,
        abi.ENUM_FRAMEINTERVALS,
        lambda at: abi.FrameIntervals(
            index=at, pixel_format=pixelformat, width=size_wh[0], height=size_wh[1]
        ),
    ):
        silent = False
        if interval.type == abi.DISCRETE:
            if interval.discrete.numerator and interval.discrete.denominator:
                yield interval.discrete.denominator / interval.discrete.numerator
            continue
        shortest, longest = interval.stepwise.min, interval.stepwise.max
        for rate in _COMMON_FPS:
            if (
                shortest.numerator * rate <= shortest.denominator
                and longest.numerator * rate >= longest.denominator
            ):
                yield float(rate)
        return
    if silent:
        yield 30.0
