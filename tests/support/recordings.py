"""Cameras that send JPEG, disks that stand still, and takes that can be killed in the middle."""

import subprocess
import sys
import threading
from pathlib import Path

import cv2
import pytest

from engine.frames import Frame, Jpeg
from engine.session.camera_recorder import CameraRecorder
from tests.support.patience import PATIENCE_S
from tests.support.videos import draw_picture

PERIOD_NS = 33_333_333
START_NS = 86_400_000_000_123  # a day after the machine was started


def jpeg_frame(number: int, camera: str = "a", size_wh: tuple[int, int] = (64, 48)) -> Frame:
    """Make frame `number` of a camera that sends JPEG at 30 per second."""
    data = cv2.imencode(".jpg", draw_picture(number, size_wh))[1].tobytes()
    time_ns = START_NS + number * PERIOD_NS + number % 3
    return Frame(camera, number, time_ns, Jpeg(data, size_wh))


def block_writes(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Let every recorder's disk stand still until the event is set."""
    goes_on, mux = threading.Event(), CameraRecorder._mux

    def wait(self, container, packet):
        goes_on.wait(PATIENCE_S)
        mux(self, container, packet)

    monkeypatch.setattr(CameraRecorder, "_mux", wait)
    return goes_on


def start_process(script: str, path: Path, *, limit_bytes: int | None = None) -> subprocess.Popen:
    """Run a script that records into `path` in its own process, with a limit on file size."""
    lines = [
        "import sys, time; sys.path.insert(0, '.')",
        "from pathlib import Path",
        "from engine.session.live_recorder import LiveRecording, RecordedCamera",
        "from engine.session.session import SessionFacts",
        "from tests.support.recordings import jpeg_frame",
        f"path = Path({str(path)!r})",
    ]
    if limit_bytes is not None:
        lines.append(
            f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit_bytes}, "
            f"{limit_bytes}))"
        )
    command = [sys.executable, "-c", "\n".join([*lines, script])]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


# An image of each camera every 15 ms; so many are 0.2 s.
FRAMES_IN_200_MS = 13
RECORD_FOREVER = """
names = ("a", "b", "c")
cameras = [RecordedCamera(name, "usb:" + name, None, 30.0) for name in names]
recording = LiveRecording(path, SessionFacts(), cameras)
taps = [recording.tap(name) for name in names]
for number in range(5000):
    for name, tap in zip(names, taps):
        tap(jpeg_frame(number, name, (320, 240)))
    print(number, recording.state().message, flush=True)
    time.sleep(0.015)
"""
