"""Structures, requests and numbers of V4L2, as in `linux/videodev2.h` on 64-bit machines.

The tests compare sizes and numbers with those of a C compiler.
"""

from ctypes import (
    Structure,
    Union,
    c_char,
    c_int32,
    c_long,
    c_uint8,
    c_uint32,
    c_ulong,
    c_void_p,
    sizeof,
)

VIDEO_CAPTURE = 1  # the buffer type of every camera read here
MEMORY_MMAP = 1
CAN_CAPTURE = 0x1
CAN_STREAM = 0x0400_0000
HAS_DEVICE_CAPS = 0x8000_0000
BUFFER_ERROR = 0x40
TIMESTAMP_MASK, TIMESTAMP_MONOTONIC = 0xE000, 0x2000
DISCRETE = 1  # sizes and intervals; other types give a range
CONTROL_DISABLED = 0x1
CONTROL_READ_ONLY = 0x4
CONTROL_INACTIVE = 0x10
CONTROL_WRITE_ONLY = 0x40


class Capability(Structure):
    """v4l2_capability: what a device is."""

    _fields_ = (
        ("driver", c_char * 16),
        ("card", c_char * 32),
        ("bus_info", c_char * 32),
        ("version", c_uint32),
        ("capabilities", c_uint32),
        ("device_caps", c_uint32),
        ("reserved", c_uint32 * 3),
    )


class FormatDescription(Structure):
    """v4l2_fmtdesc: one of the pixel formats."""

    _fields_ = (
        ("index", c_uint32),
        ("type", c_uint32),
        ("flags", c_uint32),
        ("description", c_char * 32),
        ("pixelformat", c_uint32),
        ("mbus_code", c_uint32),
        ("reserved", c_uint32 * 3),
    )


class _SizeRange(Structure):
    """v4l2_frmsize_stepwise; a discrete size is its first two."""

    _fields_ = (
        ("min_width", c_uint32),
        ("max_width", c_uint32),
        ("step_width", c_uint32),
        ("min_height", c_uint32),
        ("max_height", c_uint32),
        ("step_height", c_uint32),
    )


class _Size(Structure):
    """v4l2_frmsize_discrete."""

    _fields_ = (("width", c_uint32), ("height", c_uint32))


class _SizeUnion(Union):
    """A size or a range of them."""

    _fields_ = (("discrete", _Size), ("stepwise", _SizeRange))


class FrameSizes(Structure):
    """v4l2_frmsizeenum: one of the sizes of a format."""

    _anonymous_ = ("union",)
    _fields_ = (
        ("index", c_uint32),
        ("pixel_format", c_uint32),
        ("type", c_uint32),
        ("union", _SizeUnion),
        ("reserved", c_uint32 * 2),
    )


class Fraction(Structure):
    """v4l2_fract, in seconds."""

    _fields_ = (("numerator", c_uint32), ("denominator", c_uint32))


class _IntervalRange(Structure):
    """v4l2_frmival_stepwise."""

    _fields_ = (("min", Fraction), ("max", Fraction), ("step", Fraction))


class _IntervalUnion(Union):
    """An interval or a range of them."""

    _fields_ = (("discrete", Fraction), ("stepwise", _IntervalRange))


class FrameIntervals(Structure):
    """v4l2_frmivalenum: one of the intervals of a size."""

    _anonymous_ = ("union",)
    _fields_ = (
        ("index", c_uint32),
        ("pixel_format", c_uint32),
        ("width", c_uint32),
        ("height", c_uint32),
        ("type", c_uint32),
        ("union", _IntervalUnion),
        ("reserved", c_uint32 * 2),
    )


class PixelFormat(Structure):
    """v4l2_pix_format."""

    _fields_ = (
        ("width", c_uint32),
        ("height", c_uint32),
        ("pixelformat", c_uint32),
        ("field", c_uint32),
        ("bytesperline", c_uint32),
        ("sizeimage", c_uint32),
        ("colorspace", c_uint32),
        ("priv", c_uint32),
        ("flags", c_uint32),
        ("ycbcr_enc", c_uint32),
        ("quantization", c_uint32),
        ("xfer_func", c_uint32),
    )


class _FormatUnion(Union):
    """What a format may be; other devices keep pointers in it, which sets its alignment."""

    _fields_ = (("pix", PixelFormat), ("raw", c_uint8 * 200), ("pointer", c_void_p))


class Format(Structure):
    """v4l2_format."""

    _anonymous_ = ("union",)
    _fields_ = (("type", c_uint32), ("union", _FormatUnion))


class CaptureParameters(Structure):
    """v4l2_captureparm."""

    _fields_ = (
        ("capability", c_uint32),
        ("capturemode", c_uint32),
        ("timeperframe", Fraction),
        ("extendedmode", c_uint32),
        ("readbuffers", c_uint32),
        ("reserved", c_uint32 * 4),
    )


class _StreamUnion(Union):
    """What the parameters of a stream may be."""

    _fields_ = (("capture", CaptureParameters), ("raw", c_uint8 * 200))


class StreamParameters(Structure):
    """v4l2_streamparm."""

    _anonymous_ = ("union",)
    _fields_ = (("type", c_uint32), ("union", _StreamUnion))


class RequestBuffers(Structure):
    """v4l2_requestbuffers."""

    _fields_ = (
        ("count", c_uint32),
        ("type", c_uint32),
        ("memory", c_uint32),
        ("capabilities", c_uint32),
        ("reserved", c_uint32),
    )


class _Memory(Union):
    """Where a buffer is."""

    _fields_ = (("offset", c_uint32), ("userptr", c_ulong))


class Buffer(Structure):
    """v4l2_buffer."""

    _anonymous_ = ("where",)
    _fields_ = (
        ("index", c_uint32),
        ("type", c_uint32),
        ("bytesused", c_uint32),
        ("flags", c_uint32),
        ("field", c_uint32),
        ("timestamp_s", c_long),
        ("timestamp_us", c_long),
        ("timecode", c_uint32 * 4),
        ("sequence", c_uint32),
        ("memory", c_uint32),
        ("where", _Memory),
        ("length", c_uint32),
        ("reserved2", c_uint32),
        ("request_fd", c_int32),
    )


class BufferType(Structure):
    """The one number that starts and stops a stream."""

    _fields_ = (("type", c_int32),)


class ControlQuery(Structure):
    """v4l2_queryctrl: a control's range."""

    _fields_ = (
        ("id", c_uint32),
        ("type", c_uint32),
        ("name", c_char * 32),
        ("minimum", c_int32),
        ("maximum", c_int32),
        ("step", c_int32),
        ("default_value", c_int32),
        ("flags", c_uint32),
        ("reserved", c_uint32 * 2),
    )


class MenuQuery(Structure):
    """v4l2_querymenu: one choice of a control."""

    _pack_ = 1
    _fields_ = (
        ("id", c_uint32),
        ("index", c_uint32),
        ("name", c_char * 32),
        ("reserved", c_uint32),
    )


class ControlValue(Structure):
    """v4l2_control."""

    _fields_ = (("id", c_uint32), ("value", c_int32))


def _encode_request(direction: int, number: int, structure: type[Structure]) -> int:
    """Number a request as the macros _IOR (2), _IOW (1) and _IOWR (3) do."""
    return direction << 30 | sizeof(structure) << 16 | ord("V") << 8 | number


QUERYCAP = _encode_request(2, 0, Capability)
ENUM_FMT = _encode_request(3, 2, FormatDescription)
S_FMT = _encode_request(3, 5, Format)
REQBUFS = _encode_request(3, 8, RequestBuffers)
QUERYBUF = _encode_request(3, 9, Buffer)
QBUF = _encode_request(3, 15, Buffer)
DQBUF = _encode_request(3, 17, Buffer)
STREAMON = _encode_request(1, 18, BufferType)
STREAMOFF = _encode_request(1, 19, BufferType)
S_PARM = _encode_request(3, 22, StreamParameters)
G_CTRL = _encode_request(3, 27, ControlValue)
S_CTRL = _encode_request(3, 28, ControlValue)
QUERYCTRL = _encode_request(3, 36, ControlQuery)
QUERYMENU = _encode_request(3, 37, MenuQuery)
ENUM_FRAMESIZES = _encode_request(3, 74, FrameSizes)
ENUM_FRAMEINTERVALS = _encode_request(3, 75, FrameIntervals)


def fourcc(text: str) -> int:
    """Return the number of a pixel format of four letters.

    Parameters
    ----------
    text
        For instance ``MJPG``.
    """
    return int.from_bytes(text.encode("ascii"), "little")
