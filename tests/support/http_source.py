"""What every test of an HTTP camera does with it: open it, read, and close it."""

import threading

from engine.capture.network.mjpeg import HttpMjpegSource
from engine.frames import Frame
from tests.support.ip_cameras import MjpegServer
from tests.support.patience import PATIENCE_MS, PATIENCE_S, ROOMY_NETWORK, wait_until

QUICK_FPS = 120.0
# A thread that is there for longer waits for a camera that says nothing.
THREAD_EXIT_S = PATIENCE_S / 2


def read_first_frames(
    camera: MjpegServer, count: int = 8, path: str = "/video", login: str = ""
) -> list[Frame]:
    """Open a camera, read, and close it."""
    source = HttpMjpegSource(camera.address_of(path, login), "left", ROOMY_NETWORK)
    source.open()
    try:
        return read_frames(source, count)
    finally:
        source.close()


def read_frames(source: HttpMjpegSource, count: int) -> list[Frame]:
    """Read so many frames."""
    frames = [source.read(PATIENCE_MS) for _ in range(count)]
    return [frame for frame in frames if frame is not None]


def is_thread_gone() -> bool:
    """Tell whether the thread of the source, if there is one, ends by itself."""
    return wait_until(
        lambda: "camera left" not in [thread.name for thread in threading.enumerate()],
        THREAD_EXIT_S,
    )
