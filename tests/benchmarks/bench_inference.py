"""What 2D pose costs and how near it is to MediaPipe.

``pytest -m benchmark tests/benchmarks/bench_inference.py -s``

Measures, never asserts a time. CPU time is the process's own, so it holds on a busy machine; wall
time does not.
"""

import os
import platform
import time
from datetime import date

import av
import numpy as np
import pytest

from engine.frames import Frame, FrameSet
from engine.inference.backends import BackendOptions, create_backend
from engine.inference.blazepose import DETECTOR_INPUT, INPUT, LANDMARK_INPUT, LANDMARK_OUTPUTS
from engine.inference.estimator import EstimatorOptions, create_estimator
from engine.models.shelf import load_model

pytestmark = [pytest.mark.benchmark, pytest.mark.model, pytest.mark.data]
GROUPS = {
    "face": range(11),
    "shoulders": (11, 12),
    "arms": range(13, 17),
    "hands": range(17, 23),
    "hips": (23, 24),
    "legs": range(25, 29),
    "feet": range(29, 33),
}


@pytest.fixture(scope="module")
def videos(data_folder):
    found = []
    for number in range(1, 5):
        with av.open(str(data_folder / "beam" / f"cam0{number}.mp4")) as file:
            found.append([frame.to_ndarray(format="bgr24") for frame in file.decode(video=0)])
    return found


@pytest.fixture(scope="module", autouse=True)
def header():
    print(
        f"\n{date.today()}  {platform.machine()}  {os.cpu_count()} cores  load "
        f"{os.getloadavg()[0]:.1f}"
    )


def time_call(run, times):
    """Return CPU and wall ms of one call."""
    run()
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(times):
        run()
    return (time.process_time() - cpu) / times * 1e3, (time.perf_counter() - wall) / times * 1e3


@pytest.mark.parametrize("parallel", [1, 2])
@pytest.mark.parametrize(
    ("file", "spec", "outputs"),
    [
        ("pose_detection.tflite", DETECTOR_INPUT, ()),
        ("pose_landmark_full.tflite", LANDMARK_INPUT, ()),
        ("pose_landmark_full.tflite", LANDMARK_INPUT, LANDMARK_OUTPUTS),
    ],
)
def test_cost_of_a_crop(file, spec, outputs, parallel):
    options = BackendOptions(parallel=parallel, outputs=outputs)
    backend = create_backend("openvino", load_model("blazepose").paths[file], options)
    crops = np.random.default_rng(0).random((4, *spec.size_wh, 3), np.float32)
    cpu, wall = time_call(lambda: backend.infer({INPUT: crops}), 20)
    kept = "trimmed" if outputs else "whole"
    print(
        f"{file} {kept}, {parallel} at a time: {cpu / 4:.1f} ms CPU, {wall / 4:.1f} ms wall a crop"
    )


@pytest.mark.parametrize("search_every", [15, 10**9])
def test_cost_of_a_frameset_of_four_views(videos, search_every):
    estimate = create_estimator("blazepose", 4, EstimatorOptions(search_every=search_every))
    framesets = iter([make_frameset(index, videos) for index in range(62)])
    estimate(next(framesets))
    cpu, wall = time_call(lambda: estimate(next(framesets)), 60)
    print(
        f"4 views of 1080×1920, search every {search_every}: {cpu:.1f} ms CPU, {wall:.1f} ms "
        "wall a frameset"
    )


def test_distance_to_the_reference_tracks(videos, data_folder):
    estimate = create_estimator("blazepose", 4)
    found = [estimate(make_frameset(index, videos)) for index in range(100)]
    xy = np.array([[view[0].xy for view in poses.poses_by_view] for poses in found])
    reference = np.load(data_folder / "beam" / "keypoints_mediapipe.npz")["kp"][..., :2]
    apart = np.linalg.norm(xy - reference, axis=-1)
    crossed = np.linalg.norm(xy[:, :, estimate.skeleton.mirror] - reference, axis=-1)
    agreed = np.nanmedian(apart[..., 11:], axis=-1) <= np.nanmedian(crossed[..., 11:], axis=-1)
    for view in range(4):
        rows = apart[:, view][agreed[:, view]]
        parts = {
            name: np.nanpercentile(rows[:, list(joints)], (50, 90))
            for name, joints in GROUPS.items()
        }
        text = "  ".join(
            f"{name} {median:.1f}/{ninety:.1f}" for name, (median, ninety) in parts.items()
        )
        median, ninety = np.nanpercentile(rows, (50, 90))
        print(
            f"cam0{view + 1}: {agreed[:, view].sum()} frames, median {median:.2f} px, 90 % "
            f"{ninety:.1f} px; {text}"
        )


def make_frameset(index, videos):
    time_ns = round(index * 1e9 / 60)
    frames = tuple(
        Frame(f"cam_{view}", index, time_ns, video[index]) for view, video in enumerate(videos)
    )
    return FrameSet(index, time_ns, frames)
