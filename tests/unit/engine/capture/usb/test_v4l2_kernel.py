"""The seam to the operating system, against the real one: what needs no camera."""

import os
import sys

import pytest

from engine.capture.usb import v4l2_abi as abi

if sys.platform != "linux":
    pytest.skip("this is how Linux is asked", allow_module_level=True)

from engine.capture.usb.v4l2_kernel import LINUX

FIONREAD = 0x541B  # how many bytes wait in a pipe: answered into one number


@pytest.fixture
def pipe():
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_the_answer_of_a_request_is_written_into_its_structure(pipe):
    os.write(pipe[1], b"12345")
    answer = abi.BufferType(0)
    LINUX.kernel.ioctl(pipe[0], FIONREAD, answer)
    assert answer.type == 5


def test_a_file_that_is_no_camera_refuses(tmp_path):
    path = tmp_path / "video0"
    path.touch()
    fd = LINUX.kernel.open(path)
    with pytest.raises(OSError, match="ioctl"):
        LINUX.kernel.ioctl(fd, abi.QUERYCAP, abi.Capability())
    LINUX.kernel.close(fd)


def test_waiting_tells_readiness_from_silence_and_from_an_end(pipe):
    assert LINUX.kernel.wait(pipe[0], 0.0) == (False, False)
    os.write(pipe[1], b"1")
    assert LINUX.kernel.wait(pipe[0], 0.0) == (True, False)
    other_end, end = os.pipe()
    os.close(end)
    assert LINUX.kernel.wait(other_end, 1.0) == (False, True)
    os.close(other_end)


def test_shared_memory_is_copied_out_and_does_not_outlive_its_closing(tmp_path):
    path = tmp_path / "buffer"
    path.write_bytes(b"abcdef" + bytes(8192))
    fd = LINUX.kernel.open(path)
    memory = LINUX.kernel.map(fd, 8000, 0)
    assert memory[:6] == b"abcdef"
    memory.close()
    LINUX.kernel.close(fd)
    with pytest.raises(ValueError, match="closed"):
        memory[:6]
