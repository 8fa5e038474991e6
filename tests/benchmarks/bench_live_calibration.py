"""After how many seconds live calibration has a rig, how good it is, and what it costs.

``EPIPOLE_BENCH_SEEDS=0-3 EPIPOLE_BENCH_CACHE=DIR pytest -m benchmark -s
tests/benchmarks/bench_live_calibration.py`` Poses of a studio recording are estimated once (every
third frameset of 40 s, some 40 s of processor time) and kept in DIR.
"""

import os
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from calibration.judge.report import CalibrationReport
from calibration.rig import Rig
from calibration.self_calibrate import CalibrationOptions
from calibration.skeleton import load_skeleton
from engine.inference.estimator import create_estimator
from engine.live.calibration import LiveCalibration
from engine.live.motion_log import MotionLog, calibrate_from_log
from engine.offline.footage import open_inputs
from engine.poses import PoseSet2D
from engine.session.pose_files import PoseFileHeader, PoseReader, PoseWriter
from engine.studio.address import parse_address
from engine.studio.scene import Studio
from tests.support.calibrations import (
    measure_camera_errors,
    measure_focal_errors_percent,
    measure_pair_rotation_errors_deg,
)

pytestmark = [pytest.mark.benchmark, pytest.mark.model]
SECONDS, EVERY = 40, 3
CAMERAS = (2, 3, 4)
WINDOWS_S = (4, 6, 9)
STARTS_S = (0, 7, 14, 21, 28)


@dataclass(frozen=True)
class StudioPoses:
    """The poses of a studio recording at a third of its rate, and its truth."""

    sets: tuple[PoseSet2D, ...]
    truth: Rig
    stature_m: float
    skeleton: str

    @property
    def sizes_wh(self) -> tuple[tuple[int, int], ...]:
        return tuple(camera.size_wh for camera in self.truth)


def read_seeds() -> list[int]:
    first, _, last = os.environ.get("EPIPOLE_BENCH_SEEDS", "0-0").partition("-")
    return list(range(int(first), int(last or first) + 1))


def load_studio_poses(folder: Path, cameras: int, seed: int) -> StudioPoses:
    """Estimate the poses of a recording, or read them if that was done before."""
    address = f"studio:?cameras={cameras}&seconds=60&seed={seed}"
    kept = Path(os.environ.get("EPIPOLE_BENCH_CACHE", folder)) / f"programme-{cameras}-{seed}.poses"
    if not kept.exists():
        write_poses(kept, address)
    reader = PoseReader(kept)
    studio = Studio(parse_address(address))
    return StudioPoses(
        tuple(reader.sets_2d()), studio.rig, studio.stature_m, reader.header.skeleton
    )


def write_poses(path: Path, address: str) -> None:
    """Write the poses of a recording."""
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with open_inputs([address]) as footage:
        estimator = create_estimator("blazepose", len(footage.view_names))
        skeleton = estimator.skeleton
        writer = PoseWriter(
            partial, PoseFileHeader(2, skeleton.name, skeleton.joints, footage.view_names)
        )
        for frames in footage.read_framesets():
            if frames.timestamp_ns > SECONDS * 1e9:
                break
            if frames.index % EVERY == 0:
                writer.put(estimator(frames))
        writer.close()
        estimator.close()
    partial.rename(path)


def measure_errors(rig: Rig, truth: Rig) -> tuple[float, float, float]:
    """Worst pair of directions, deg; worst place, cm; worst focal length, percent."""
    place = measure_camera_errors(rig, truth, 1.0)[1].max() * 100
    return (
        measure_pair_rotation_errors_deg(rig, truth).max(),
        place,
        np.abs(measure_focal_errors_percent(rig, truth)).max(),
    )


@pytest.mark.parametrize("cameras", CAMERAS)
def test_how_much_motion_gives_a_rig(cameras, tmp_path):
    recordings = [load_studio_poses(tmp_path, cameras, seed) for seed in read_seeds()]
    for window_s in WINDOWS_S:
        found, cpu_s, tried = [], [], 0
        for recording in recordings:
            for start_s in STARTS_S:
                skeleton = load_skeleton(recording.skeleton)
                log = MotionLog(skeleton, recording.truth.names, recording.sizes_wh)
                for poses in recording.sets:
                    if start_s * 1e9 <= poses.timestamp_ns <= (start_s + window_s) * 1e9:
                        log.put(poses)
                start = time.process_time()
                rig = calibrate_from_log(
                    log.candidates(), CalibrationOptions(stature_m=recording.stature_m)
                ).rig
                cpu_s.append(time.process_time() - start)
                tried += 1
                found += [] if rig is None else [measure_errors(rig, recording.truth)]
        worst = np.max(found, axis=0) if found else np.full(3, np.nan)
        middle = np.median(found, axis=0) if found else np.full(3, np.nan)
        print(
            f"{cameras} cameras, {window_s} s: a rig in {len(found)} of {tried}; median / "
            f"worst: {middle[0]:.2f} /"
            f" {worst[0]:.2f} deg, {middle[1]:.0f} / {worst[1]:.0f} cm, focal {middle[2]:.1f} / "
            f"{worst[2]:.1f} %;"
            f" {np.mean(cpu_s):.1f} s of processor time",
            flush=True,
        )


@pytest.mark.parametrize("cameras", CAMERAS)
def test_live_in_the_time_of_the_take(cameras, tmp_path):
    for seed in read_seeds():
        replay_live(load_studio_poses(tmp_path, cameras, seed), f"{cameras} cameras, seed {seed}")


def replay_live(recording: StudioPoses, label: str) -> None:
    """Feed a recording to live calibration, and print the rigs that it used."""
    now_s = 0.0

    def report_rig(rig: Rig | None, report: CalibrationReport | None) -> None:
        if rig is None or report is None:
            return
        pair_deg, place_cm, focal = measure_errors(rig, recording.truth)
        doubt = max(camera.focal_sigma_percent for camera in report.cameras)
        print(
            f"{label}: {now_s:4.1f} s {report.verdict}, focal sigma {doubt:.1f} %;"
            f" truth: {pair_deg:.2f} deg, {place_cm:.0f} cm, focal {focal:.1f} %",
            flush=True,
        )

    options = CalibrationOptions(stature_m=recording.stature_m)
    live = LiveCalibration(
        load_skeleton(recording.skeleton),
        recording.truth.names,
        recording.sizes_wh,
        options,
        on_rig=report_rig,
    )
    put_ms, state_ms = [], []
    for poses in recording.sets:
        now_s = (poses.timestamp_ns - recording.sets[0].timestamp_ns) * 1e-9
        put_ms.append(measure_cpu_ms(partial(live.put, poses)))
        while live.is_busy:  # wait for the calibration: the seconds are those of motion
            time.sleep(0.02)
            live.state()
        state_ms.append(measure_cpu_ms(live.state))
    live.close()
    print(
        f"put {np.median(put_ms):.2f} ms (99 %: {np.percentile(put_ms, 99):.2f}), state "
        f"{np.median(state_ms):.2f} ms"
    )


def measure_cpu_ms(call) -> float:
    """Processor time of this thread."""
    start = time.thread_time()
    call()
    return (time.thread_time() - start) * 1e3
