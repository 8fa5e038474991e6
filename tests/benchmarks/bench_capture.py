"""What capture, framesets and recording cost.

``pytest -m benchmark tests/benchmarks/bench_capture.py -s``

Prints date, machine and figures; asserts nothing about time. On the four videos of ``data/beam``
(1080p, 60 fps).
"""

import os
import platform
import sys
import threading
import time
from datetime import UTC, datetime

import numpy as np
import pytest

from calibration.skeleton import load_skeleton
from engine.capture.video import source as video_file
from engine.capture.video.source import VideoFileSource
from engine.frames import Frame
from engine.offline.footage import open_inputs
from engine.session.session import SessionFacts
from engine.session.writer import SessionWriter
from tests.support.pose_sets import make_pose_sets_2d

pytestmark = [pytest.mark.benchmark, pytest.mark.data]


def print_figure(what, figure):
    """Print one figure with its day and machine."""
    machine = f"{platform.processor() or platform.machine()} x{os.cpu_count()}"
    sys.stdout.write(f"\n{datetime.now(UTC):%Y-%m-%d} {machine}  {what}: {figure}\n")


@pytest.fixture(scope="module")
def videos(data_folder):
    return [data_folder / "beam" / f"cam0{n}.mp4" for n in (1, 2, 3, 4)]


def test_decoding_one_video_at_a_time(videos):
    for path in videos:
        source = VideoFileSource(path)
        source.open()
        start, count = time.process_time(), 0
        while source.read() is not None:
            count += 1
        print_figure(
            f"decode {path.name} to BGR",
            f"{(time.process_time() - start) / count * 1e3:.1f} CPU ms per frame",
        )
        source.close()


def burn_cpu(seconds):
    """Stand in for a network: work outside the interpreter's lock for about this long."""
    matrix = np.ones((400, 400))
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        np.matmul(matrix, matrix)


@pytest.mark.parametrize("ahead", [4, 1])
def test_decoding_ahead_of_work(videos, ahead, monkeypatch):
    monkeypatch.setattr(video_file, "DECODE_AHEAD", ahead)
    with open_inputs(videos) as footage:
        wall, cpu, count = time.perf_counter(), time.process_time(), 0
        for _ in footage.read_framesets():
            burn_cpu(0.02)
            count += 1
        print_figure(
            f"4 videos and 20 ms of work per frameset, {ahead} frames ahead",
            f"{(time.perf_counter() - wall) / count * 1e3:.1f} ms wall, "
            f"{(time.process_time() - cpu) / count * 1e3:.1f} CPU ms per frameset",
        )


def test_decoding_in_step_with_work(videos):
    with open_inputs(videos) as footage:
        for source in footage.sources:
            source.close()
        start, count = time.perf_counter(), 0
        from engine.capture.video.decode import DamageCounts, decode_pictures, open_video

        opened = [open_video(path, path.stem) for path in videos]
        streams = [
            decode_pictures(container, stream, DamageCounts()) for container, stream in opened
        ]
        for decoded in zip(*streams):
            for picture in decoded:
                video_file._to_image_bgr(picture)
            burn_cpu(0.02)
            count += 1
        print_figure(
            "the same in one thread",
            f"{(time.perf_counter() - start) / count * 1e3:.1f} ms wall per frameset",
        )
        for container, _ in opened:
            container.close()


def test_recording_studio_frames(tmp_path):
    image = (
        np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    )
    with SessionWriter(tmp_path / "s", SessionFacts()) as writer:
        recorder = writer.record_camera("a", source="studio", size_wh=(640, 480), rate_fps=30.0)
        start = time.process_time()
        for number in range(300):
            recorder.put(Frame("a", number, number * 33_333_333, image))
        recorder.close()
        cpu_ms = (time.process_time() - start) / 300 * 1e3
    size_kb = (tmp_path / "s" / "cameras" / "a.mkv").stat().st_size / 300e3
    print_figure(
        "record 640x480 as Motion JPEG", f"{cpu_ms:.2f} CPU ms, {size_kb:.0f} kB per frame"
    )


def test_copying_a_video_into_a_session(videos, tmp_path):
    with SessionWriter(tmp_path / "s", SessionFacts()) as writer:
        start = time.process_time()
        for path in videos:
            writer.copy_video(path, path.stem)
        print_figure(
            "copy 4 videos", f"{(time.process_time() - start) / 400 * 1e3:.2f} CPU ms per frame"
        )


def test_writing_poses(tmp_path):
    made = make_pose_sets_2d(300, view_count=4)
    with SessionWriter(tmp_path / "s", SessionFacts()) as writer:
        poses = writer.open_pose_files(load_skeleton("blazepose_33"), "abcd")
        start = time.process_time()
        for pose_set in made:
            poses.raw_2d.put(pose_set)
        cpu_ms = (time.process_time() - start) / 300 * 1e3
    size_kb = (tmp_path / "s" / "poses_2d_raw.bin").stat().st_size / 300e3
    print_figure("write 2D poses of 4 views", f"{cpu_ms:.2f} CPU ms, {size_kb:.1f} kB per frameset")
    assert threading.active_count() < 20
