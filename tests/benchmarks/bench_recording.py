"""What recording live cameras costs, and what a kill costs; run with ``pytest -m benchmark … -s``.

``EPIPOLE_BENCH_S`` shortens the minute. Prints date, machine and figures; asserts losses and
memory, never a time.
"""

import os
import platform
import random
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.frames import Frame, Jpeg
from engine.offline.footage import open_inputs
from engine.session.live_recorder import LiveRecording, RecordedCamera
from engine.session.repair import repair
from engine.session.session import Session, SessionFacts
from tests.support.recordings import FRAMES_IN_200_MS, RECORD_FOREVER, start_process

pytestmark = pytest.mark.benchmark
NAMES = ("a", "b", "c", "d")
PERIOD_NS = 33_333_333
SECONDS = float(os.environ.get("EPIPOLE_BENCH_S", "60"))


def print_figure(what, figure):
    """Print one figure with its day and machine."""
    machine = f"{platform.processor() or platform.machine()} x{os.cpu_count()}"
    sys.stdout.write(f"\n{datetime.now(UTC):%Y-%m-%d} {machine}  {what}: {figure}\n")


def measure_resident_mb():
    """Memory of this process, MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def draw_room(size_wh):
    """Draw an image about as busy as a room: 85 kB as JPEG at 1280x720."""
    rng = np.random.default_rng(0)
    rough = cv2.resize(
        rng.integers(0, 255, (18, 32, 3), np.uint8), size_wh, interpolation=cv2.INTER_CUBIC
    )
    noise = rng.normal(0, 4.2, rough.shape)
    return np.clip(rough + noise, 0, 255).astype(np.uint8)


def make_jpeg_frames(size_wh):
    """Make frames as cameras that send JPEG."""
    images = [np.roll(draw_room(size_wh), 8 * number, 1) for number in range(8)]
    data = [
        cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes() for image in images
    ]
    return lambda name, number, time_ns: Frame(
        name, number, time_ns, Jpeg(data[number % 8], size_wh)
    )


def make_raw_frames(size_wh):
    """Make frames as cameras that send raw images."""
    images = [np.roll(draw_room(size_wh), 8 * number, 1) for number in range(8)]
    return lambda name, number, time_ns: Frame(name, number, time_ns, images[number % 8])


def play_live(recording, frame, seconds):
    """Play four cameras at 30 per second; return cores used, and by how much the memory grew."""
    taps = [(name, recording.tap(name)) for name in NAMES]
    count, cpu_s, start_ns = round(30 * seconds), time.process_time(), time.monotonic_ns()
    before_mb = measure_resident_mb()
    for number in range(count):
        time_ns = start_ns + number * PERIOD_NS
        time.sleep(max(0, time_ns - time.monotonic_ns()) / 1e9)
        for shift_ns, (name, tap) in enumerate(taps):
            tap(frame(name, number, time_ns + shift_ns))
        if number == 90:
            before_mb = measure_resident_mb()
    return (time.process_time() - cpu_s) / seconds, measure_resident_mb() - before_mb


@pytest.mark.parametrize(
    ("what", "cameras", "size_wh"),
    [
        ("JPEG as it came", make_jpeg_frames, (1280, 720)),
        ("compressed here", make_raw_frames, (640, 480)),
    ],
)
def test_four_cameras_at_30_per_second(tmp_path, what, cameras, size_wh):
    frame = cameras(size_wh)
    recording = LiveRecording(
        tmp_path / "s",
        SessionFacts(),
        [RecordedCamera(name, name, size_wh, 30.0) for name in NAMES],
    )
    cores, grown_mb = play_live(recording, frame, SECONDS)
    state = recording.close()
    size_kb = (tmp_path / "s" / "cameras" / "a.mkv").stat().st_size / (30e3 * SECONDS)
    print_figure(
        f"4 cameras {size_wh[0]}x{size_wh[1]}, {SECONDS:.0f} s, {what}",
        f"{cores:.3f} cores, {grown_mb:+.1f} MB, {state.lost} of {state.frames + state.lost} "
        f"lost, {size_kb:.0f} kB",
    )
    with open_inputs([tmp_path / "s"]) as footage:
        assert footage.remarks == ()
    assert state.lost == 0
    assert grown_mb < 20


def test_20_kills(tmp_path):
    lost = []
    for seed in range(20):
        path = tmp_path / str(seed)
        process = start_process(RECORD_FOREVER, path)
        assert process.stdout is not None
        for _ in range(random.Random(seed).randint(1, 150)):
            sent = int(process.stdout.readline().split()[0]) + 1
        process.send_signal(signal.SIGKILL)
        process.communicate()
        repair(path)
        session = Session.open(path)
        lost += [
            sent - sum(row.kept for row in session.ledger(camera)) for camera in session.cameras
        ]
    print_figure(
        "20 kills, frames lost of each camera at 66/s",
        f"at most {max(lost)}, {np.mean(lost):.1f} on average",
    )
    assert max(lost) <= FRAMES_IN_200_MS


def test_repairing_a_minute(tmp_path):
    frame = make_jpeg_frames((1280, 720))
    recording = LiveRecording(
        tmp_path / "s", SessionFacts(), [RecordedCamera("a", "a", (1280, 720), 30.0)]
    )
    tap, process_s = recording.tap("a"), 0.0
    for number in range(1800):
        tap(frame("a", number, number * PERIOD_NS))
        time.sleep(0.002)
    while (
        sum(recorder.frames for recorder in recording._recorders.values()) + recording.state().lost
        < 1800
    ):
        time.sleep(0.01)
    video = tmp_path / "s" / "cameras" / "a.mkv"
    data, manifest = video.read_bytes(), (tmp_path / "s" / "session.toml").read_bytes()
    recording.close()
    video.write_bytes(data)
    (tmp_path / "s" / "session.toml").write_bytes(manifest)
    process_s = time.process_time()
    messages = repair(tmp_path / "s")
    print_figure(
        "repair a minute of one camera",
        f"{time.process_time() - process_s:.2f} CPU s; {messages[0]}",
    )
