"""Studio recordings with exact truth: the model's joints, the rig calibrated from them, the truth.

A new seed costs two minutes once (30 s, four cameras, every second frameset); then its joints, rig
and truth are in ``EPIPOLE_BENCH_CACHE`` or the folder of temporary files.
"""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from calibration.evidence.observations import Observations
from calibration.geometry.alignment import align_similarity
from calibration.rig import save_rig
from calibration.self_calibrate import CalibrationOptions
from calibration.skeleton import load_skeleton
from engine.inference.estimator import create_estimator
from engine.offline import recording as offline
from engine.offline.footage import open_inputs
from engine.reconstruction.people import choose_before_rig, choose_by_rig
from training.errors import TrainingError

CACHE = Path(
    os.environ.get("EPIPOLE_BENCH_CACHE", Path(tempfile.gettempdir()) / "epipole_label_takes")
)
SKELETON = load_skeleton("blazepose_33")
LIMBS = SKELETON.indices(
    f"{side}_{joint}"
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    for side in ("left", "right")
)
GOOD_ERROR_M = 0.03
SWAPPED, GROSS, GROSS_OF_HEIGHT = 0.05, 0.03, 0.25


def load_recording(seed: int) -> tuple[Observations, Path, np.ndarray]:
    """Return what the model saw of a recording, the file of its rig, and the truth (T, J, 3), m."""
    file = CACHE / f"{seed}.npz"
    if not file.is_file():
        _make_recording(seed, file)
    with np.load(file) as kept:
        seen = Observations(
            SKELETON,
            tuple(map(str, kept["views"])),
            tuple((int(w), int(h)) for w, h in kept["sizes_wh"]),
            kept["time_ns"],
            kept["xy"].astype(float),
            kept["confidence"].astype(float),
            kept["view_time_ns"],
        )
        return seen, file.with_suffix(".toml"), kept["truth"]


def _make_recording(seed: int, file: Path) -> None:
    """Film a person, find the joints, calibrate, and keep all of it."""
    with open_inputs([f"studio:?cameras=4&seconds=30&seed={seed}"]) as footage:
        estimator = create_estimator("blazepose", 4)
        framesets = (frameset for frameset in footage.read_framesets() if frameset.index % 2 == 0)
        sets = offline.estimate_poses(framesets, estimator)
        sizes = tuple(source.size_wh for source in footage.sources)
        recording = offline.PoseRecording(sets, SKELETON, footage.view_names, sizes)
        rig = offline.calibrate_recording(
            recording, CalibrationOptions(footage.studio.stature_m)
        ).rig
        truth = footage.studio.truth_as_detected(recording.candidates.time_ns)
        estimator.close()
    if rig is None:
        raise TrainingError(f"The rig of studio seed {seed} was refused. Take another seed.")
    choice = choose_by_rig(recording.candidates, rig, choose_before_rig(recording.candidates))
    seen = recording.candidates.select(choice)
    file.parent.mkdir(parents=True, exist_ok=True)
    save_rig(rig, file.with_suffix(".toml"))
    np.savez_compressed(
        file,
        time_ns=seen.time_ns,
        view_time_ns=seen.view_time_ns,
        xy=seen.xy,
        confidence=seen.confidence,
        truth=truth,
        views=np.array(seen.view_names),
        sizes_wh=np.array(sizes),
    )


def spoil(seen: Observations, seed: int) -> Observations:
    """Exchange left and right in 5 % of the images, and move 3 % of the joints far away."""
    rng = np.random.default_rng(seed)
    swapped = seen.swap_sides(rng.random(seen.view_time_ns.shape) < SWAPPED)
    gross = rng.random(seen.confidence.shape) < GROSS
    y = seen.xy[..., 1]
    height = np.where(np.isfinite(y), y, 0.0).max(-1) - np.where(np.isfinite(y), y, np.inf).min(-1)
    height = np.where(np.isfinite(height), height, 0.0)
    away = rng.normal(size=seen.xy.shape) * GROSS_OF_HEIGHT * height[..., None, None]
    return replace(swapped, xy=np.where(gross[..., None], swapped.xy + away, swapped.xy))


def compute_errors(xyz: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, float]:
    """Return errors, m, in the labels' own axes after one robust similarity, and its scale."""
    a, b = xyz[:, LIMBS].reshape(-1, 3), truth[:, LIMBS].reshape(-1, 3)
    near = np.isfinite(a).all(-1)
    for _ in range(4):
        scale, R, t = align_similarity(a[near], b[near])
        distance = np.linalg.norm(scale * a @ R.T + t - b, axis=-1)
        near = np.isfinite(distance) & (distance < np.nanpercentile(distance, 90))
    return (scale * xyz @ R.T + t - truth) @ R, scale


def correlate_ranks(pair: np.ndarray) -> float:
    """Return the rank correlation of predicted and true errors, (N, 2)."""
    rank, _ = spearmanr(pair[:, 0], pair[:, 1])
    return float(rank)  # pyright: ignore[reportArgumentType]  # scipy's result is untyped
