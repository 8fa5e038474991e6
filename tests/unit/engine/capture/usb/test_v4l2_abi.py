"""The numbers that a C compiler gives for linux/videodev2.h on a machine of 64 bit."""

from ctypes import sizeof

import pytest

from engine.capture.usb import v4l2_abi as abi

SIZES = {
    abi.Capability: 104,
    abi.FormatDescription: 64,
    abi.FrameSizes: 44,
    abi.FrameIntervals: 52,
    abi.Format: 208,
    abi.StreamParameters: 204,
    abi.RequestBuffers: 20,
    abi.Buffer: 88,
    abi.ControlQuery: 68,
    abi.MenuQuery: 44,
    abi.ControlValue: 8,
}
REQUESTS = {
    "QUERYCAP": 0x80685600,
    "ENUM_FMT": 0xC0405602,
    "S_FMT": 0xC0D05605,
    "REQBUFS": 0xC0145608,
    "QUERYBUF": 0xC0585609,
    "QBUF": 0xC058560F,
    "DQBUF": 0xC0585611,
    "STREAMON": 0x40045612,
    "STREAMOFF": 0x40045613,
    "S_PARM": 0xC0CC5616,
    "G_CTRL": 0xC008561B,
    "S_CTRL": 0xC008561C,
    "QUERYCTRL": 0xC0445624,
    "QUERYMENU": 0xC02C5625,
    "ENUM_FRAMESIZES": 0xC02C564A,
    "ENUM_FRAMEINTERVALS": 0xC034564B,
}
OFFSETS = {
    (abi.Capability, "device_caps"): 88,
    (abi.FormatDescription, "pixelformat"): 44,
    (abi.FrameSizes, "stepwise"): 12,
    (abi.FrameIntervals, "stepwise"): 20,
    (abi.Format, "pix"): 8,
    (abi.PixelFormat, "bytesperline"): 16,
    (abi.StreamParameters, "capture"): 4,
    (abi.CaptureParameters, "timeperframe"): 8,
    (abi.Buffer, "timestamp_s"): 24,
    (abi.Buffer, "sequence"): 56,
    (abi.Buffer, "offset"): 64,
    (abi.Buffer, "length"): 72,
    (abi.ControlQuery, "minimum"): 40,
    (abi.ControlQuery, "flags"): 56,
}


@pytest.mark.parametrize("structure", SIZES, ids=lambda structure: structure.__name__)
def test_a_structure_is_as_large_as_the_kernels(structure):
    assert sizeof(structure) == SIZES[structure]


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_has_the_kernels_number(name):
    assert getattr(abi, name) == REQUESTS[name]


@pytest.mark.parametrize("place", OFFSETS, ids=lambda place: f"{place[0].__name__}.{place[1]}")
def test_a_field_lies_where_the_kernel_has_it(place):
    structure, name = place
    assert getattr(structure, name).offset == OFFSETS[place]


def test_four_letters_make_the_kernels_pixel_format():
    assert abi.fourcc("MJPG") == 0x47504A4D
    assert abi.fourcc("NV12") == 0x3231564E
