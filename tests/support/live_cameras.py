"""Cameras that live in a script: they send, wait, hang, die and come back as they are told."""

import threading
import time
from collections.abc import Callable

import numpy as np

from engine.capture.state import CameraPhase, CameraState
from engine.clock import host_ns
from engine.errors import CameraDisconnectedError, CameraNotFoundError, CameraTimeoutError
from engine.frames import Frame, Jpeg

PERIOD_NS = 33_333_333


class ScriptedCamera:
    """A camera that sends small images at its rate, until it is told something else."""

    def __init__(self, name: str = "left", rate_fps: float = 100.0) -> None:
        self.name, self.live = name, True
        self.rate_fps, self.size_wh = rate_fps, (8, 6)
        self.frame_count, self.remarks = None, ()
        self.is_plugged_in = True  # False: it cannot be opened, and who reads it loses it
        self.is_silent = False
        self.hangs = False
        self.is_over = False
        self.opened = 0
        self.sequence = 0
        self.closed = threading.Event()

    def open(self) -> None:
        if not self.is_plugged_in:
            raise CameraNotFoundError(self.name, f"Camera '{self.name}' is not there. Plug it in.")
        self.closed.clear()
        self.opened += 1
        self.sequence = 0

    def read(self, timeout_ms: int) -> Frame | None:
        if self.hangs:
            self.closed.wait()
        if self.is_over:
            return None
        if self.is_silent:
            time.sleep(timeout_ms / 1000)
            raise CameraTimeoutError(self.name, "nothing")
        time.sleep(1 / self.rate_fps)
        if not self.is_plugged_in or self.closed.is_set():
            raise CameraDisconnectedError(
                self.name, f"Camera '{self.name}' is gone. Plug it in again."
            )
        self.sequence += 1
        return make_image(self.name, self.sequence, host_ns(), self.size_wh)

    def close(self) -> None:
        self.closed.set()


class FakeFeed:
    """A feed without a thread: the test hands over its frames."""

    def __init__(self, name: str, period_ns: float = PERIOD_NS) -> None:
        self.name, self.period_ns = name, period_ns
        self.live, self.ended = True, False
        self.listener: Callable[[Frame], object] | None = None
        self.sequence = -1

    def deliver_to(self, listener: Callable[[Frame], object] | None) -> None:
        self.listener = listener

    def send(self, time_ns: int) -> None:
        self.sequence += 1
        if self.listener is not None:
            self.listener(make_image(self.name, self.sequence, time_ns))

    def state(self) -> CameraState:
        return CameraState(self.name, "", CameraPhase.LIVE)


def make_image(name: str, sequence: int, time_ns: int, size_wh: tuple[int, int] = (8, 6)) -> Frame:
    """Make a black image."""
    return Frame(name, sequence, time_ns, np.zeros((size_wh[1], size_wh[0], 3), np.uint8))


def make_jpeg(name: str, sequence: int, time_ns: int, size: int) -> Frame:
    """Make an image that cannot be decoded, so that a test sees whether somebody does."""
    return Frame(name, sequence, time_ns, Jpeg(b"x" * size, (1280, 720)))
