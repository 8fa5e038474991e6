"""How good labels are against exact truth: studio takes, the real network, the rig calibrated from
the same joints.

``EPIPOLE_BENCH_SEEDS=10-20 pytest -m benchmark -s tests/benchmarks/bench_labels.py``; a new seed
costs two minutes once (30 s, four cameras, every second frameset), then its joints, rig and truth
lie in ``EPIPOLE_BENCH_CACHE`` or the folder of temporary files. `fit_sigma.py` names the seeds that
taught; 10 to 20 were looked at often: report others.

Errors are those of shoulders, elbows, wrists, hips, knees and ankles to detector-style truth, after
one similarity per take.
"""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2, spearmanr

from calibration.evidence.observations import Observations
from calibration.evidence.timing import interpolate_to_common_time
from calibration.geometry.alignment import align_similarity
from calibration.rig import save_rig
from calibration.self_calibrate import CalibrationOptions
from calibration.skeleton import load_skeleton, strip_side
from engine.inference.estimator import create_estimator
from engine.offline import recording as offline
from engine.offline.footage import open_inputs
from engine.reconstruction.people import choose_before_rig, choose_by_rig
from engine.studio.address import StudioConfig
from engine.studio.scene import Studio
from training.labels.calibration import read_calibration
from training.labels.person import repair_person
from training.labels.pseudo_labels import make_labels
from training.labels.sigma import LABELLED_JOINTS
from training.labels.two_views.published_recipe import label_by_two_views

pytestmark = pytest.mark.benchmark
CACHE = Path(
    os.environ.get("EPIPOLE_BENCH_CACHE", Path(tempfile.gettempdir()) / "epipole_label_takes")
)
SKELETON = load_skeleton("blazepose_33")
LIMBS = SKELETON.indices(
    f"{side}_{joint}"
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    for side in ("left", "right")
)
GOOD_ERROR_M, LOOSE_ERROR_M = 0.03, 0.05
SWAPPED, GROSS, GROSS_OF_HEIGHT = 0.05, 0.03, 0.25


def read_seeds() -> list[int]:
    first, _, last = os.environ.get("EPIPOLE_BENCH_SEEDS", "10-11").partition("-")
    return list(range(int(first), int(last or first) + 1))


def test_labels_against_exact_truth():
    rows = {
        name: []
        for name in ("ours", "ours, spoiled", "two views", "three pairs", "two views, spoiled")
    }
    for seed in read_seeds():
        recording = load(seed)
        spoiled = spoil(recording[0], seed)
        for name, seen in (("ours", recording[0]), ("ours, spoiled", spoiled)):
            rows[name].append(label_with_all_views(seen, *recording[1:]))
        stature = Studio(StudioConfig(seed=seed)).stature_m
        rows["two views"].append(label_as_published(recording[0], *recording[1:], stature, (0, 1)))
        rows["three pairs"].append(
            label_as_published(recording[0], *recording[1:], stature, (0, 1, 2, 3))
        )
        rows["two views, spoiled"].append(
            label_as_published(spoiled, *recording[1:], stature, (0, 1))
        )
        print(seed, summarise(rows["ours"][-1:]), flush=True)
    for name, found in rows.items():
        print(f"{name:20s} {summarise(found)}")
    print(summarise_ranks(rows["ours"]))
    for percent, low, high in measure_coverage(np.concatenate([row[4] for row in rows["ours"]])):
        print(f"coverage at {percent} %: accepted limbs {low:.1f} %, all limbs {high:.1f} %")
    print(summarise_by_kind(rows["ours"]))
    assert all(rows.values())


def load(seed: int) -> tuple[Observations, Path, np.ndarray]:
    """What the network saw of a studio take, the rig that was calibrated from it, and the truth."""
    file = CACHE / f"{seed}.npz"
    if not file.is_file():
        make(seed, file)
    with np.load(file) as kept:
        seen = Observations(
            SKELETON, tuple(map(str, kept["views"])), tuple((int(w), int(h)) for w, h in kept["sizes_wh"]),
            kept["time_ns"], kept["xy"].astype(float), kept["confidence"].astype(float), kept["view_time_ns"],
        )  # fmt: skip
        return seen, file.with_suffix(".toml"), kept["truth"]


def make(seed: int, file: Path) -> None:
    """Film, find the joints, calibrate."""
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
    assert rig is not None, f"seed {seed} was refused"
    choice = choose_by_rig(recording.candidates, rig, choose_before_rig(recording.candidates))
    seen = recording.candidates.select(choice)
    file.parent.mkdir(parents=True, exist_ok=True)
    save_rig(rig, file.with_suffix(".toml"))
    np.savez_compressed(
        file, time_ns=seen.time_ns, view_time_ns=seen.view_time_ns, xy=seen.xy, confidence=seen.confidence,
        truth=truth, views=np.array(seen.view_names), sizes_wh=np.array(sizes),
    )  # fmt: skip


def spoil(seen: Observations, seed: int) -> Observations:
    """Exchange left and right in 5 % of the images, and put 3 % of the joints somewhere else."""
    rng = np.random.default_rng(seed)
    swapped = seen.swap_sides(rng.random(seen.view_time_ns.shape) < SWAPPED)
    gross = rng.random(seen.confidence.shape) < GROSS
    y = seen.xy[..., 1]
    height = np.where(np.isfinite(y), y, 0.0).max(-1) - np.where(np.isfinite(y), y, np.inf).min(-1)
    height = np.where(np.isfinite(height), height, 0.0)
    away = rng.normal(size=seen.xy.shape) * GROSS_OF_HEIGHT * height[..., None, None]
    return replace(swapped, xy=np.where(gross[..., None], swapped.xy + away, swapped.xy))


def label_with_all_views(seen: Observations, rig_file: Path, truth: np.ndarray) -> tuple:
    """Label with all views."""
    rig, calibration = read_calibration(rig_file)
    labels = make_labels(repair_person(seen, rig), rig, calibration)
    vector, scale = compute_errors(labels.xyz, truth)
    error = np.linalg.norm(vector, axis=-1)
    found = np.isfinite(error)
    pair = np.stack([labels.sigma_m, error], -1)
    turned = np.where(found[..., None, None], labels.covariance, np.eye(3)) * scale**2
    mahalanobis = (vector * np.linalg.solve(turned, np.nan_to_num(vector)[..., None])[..., 0]).sum(
        -1
    )
    limbs, sure = found[:, LIMBS], labels.accepted[:, LIMBS]
    return (
        error[:, LIMBS][limbs], sure[limbs], limbs.size, pair,
        np.stack([mahalanobis[:, LIMBS][limbs], sure[limbs]], -1), error, labels.accepted,
    )  # fmt: skip


def label_as_published(
    seen: Observations,
    rig_file: Path,
    truth: np.ndarray,
    stature_m: float,
    view_indices: tuple[int, ...],
) -> tuple:
    """Label as published."""
    rig, _ = read_calibration(rig_file)
    offsets = np.array([rig.time_offset_ns.get(name, 0) for name in seen.view_names], np.int64)
    labels = label_by_two_views(
        interpolate_to_common_time(seen, offsets), rig.cameras, stature_m, view_indices
    )
    error = np.linalg.norm(compute_errors(labels.xyz, truth)[0], axis=-1)[:, LIMBS]
    found = np.isfinite(error)
    return error[found], np.ones(found.sum(), bool), found.size


def compute_errors(xyz: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, float]:
    """Error vectors in the labels' own directions, m, after one robust similarity."""
    a, b = xyz[:, LIMBS].reshape(-1, 3), truth[:, LIMBS].reshape(-1, 3)
    near = np.isfinite(a).all(-1)
    for _ in range(4):
        scale, R, t = align_similarity(a[near], b[near])
        distance = np.linalg.norm(scale * a @ R.T + t - b, axis=-1)
        near = np.isfinite(distance) & (distance < np.nanpercentile(distance, 90))
    return (scale * xyz @ R.T + t - truth) @ R, scale


def summarise(rows: list[tuple]) -> str:
    """Sum up takes."""
    error, accepted = (
        np.concatenate([row[0] for row in rows]),
        np.concatenate([row[1] for row in rows]),
    )
    everything = sum(row[2] for row in rows)
    good = error < GOOD_ERROR_M
    return (
        f"found {100 * len(error) / everything:.1f} %, of them < 30 mm {100 * good.mean():.1f} %,"
        f" mean {1e3 * error.mean():.1f} mm | accepted {100 * accepted.sum() / everything:.1f} %,"
        f" precision {100 * good[accepted].mean():.2f} %, recall "
        f"{100 * (good & accepted).sum() / good.sum():.1f} %,"
        f" mean {1e3 * error[accepted].mean():.2f} mm, p95 "
        f"{1e3 * np.percentile(error[accepted], 95):.1f} mm"
    )


def summarise_by_kind(rows: list[tuple]) -> str:
    """Say of each kind of joint that can be a label how much is accepted and how far that is off."""
    error, accepted = (
        np.concatenate([row[5] for row in rows]),
        np.concatenate([row[6] for row in rows]),
    )
    lines = []
    for kind in LABELLED_JOINTS:
        joints = [i for i, joint in enumerate(SKELETON.joints) if strip_side(joint) == kind]
        off, sure = error[:, joints], accepted[:, joints]
        lines.append(
            f"{kind:10s} accepted {100 * sure.mean():5.1f} %,"
            f" of them < 30 mm {100 * (off[sure] < GOOD_ERROR_M).mean():5.1f} %,"
            f" < 50 mm {100 * (off[sure] < LOOSE_ERROR_M).mean():5.1f} %, mean "
            f"{1e3 * off[sure].mean():5.1f} mm"
        )
    return "\n".join(lines)


def summarise_ranks(rows: list[tuple]) -> str:
    """Say how expected and true errors rank: of all joints, of those that can be labels, and of the limbs."""
    pair, accepted = (
        np.concatenate([row[3] for row in rows]),
        np.concatenate([row[6] for row in rows]),
    )
    everything = range(len(SKELETON.joints))
    labelled = [i for i in everything if strip_side(SKELETON.joints[i]) in LABELLED_JOINTS]
    kinds = {
        f"all {len(everything)} joints": list(everything),
        "joints that can be labels": labelled,
        "limbs": LIMBS,
    }
    lines = []
    for name, joints in kinds.items():
        of_kind, sure = pair[:, joints], accepted[:, joints]
        lines.append(
            f"{name} {correlate_ranks(of_kind[np.isfinite(of_kind).all(-1)]):.3f}, accepted "
            f"{correlate_ranks(of_kind[sure]):.3f}"
        )
    return "rank of sigma and error: " + "; ".join(lines)


def correlate_ranks(pair: np.ndarray) -> float:
    """Rank correlation of predicted and true errors."""
    return float(spearmanr(pair[:, 0], pair[:, 1])[0])


def measure_coverage(found: np.ndarray) -> list[tuple[int, float, float]]:
    """How many errors lie within the ellipsoids that should hold 68 and 95 % of them."""
    inside = [(percent, found[:, 0] < chi2.ppf(percent / 100, 3)) for percent in (68, 95)]
    return [
        (percent, 100 * within[found[:, 1] > 0].mean(), 100 * within.mean())
        for percent, within in inside
    ]
