"""How good labels are against exact truth: studio recordings, the real model, their own rig.

``EPIPOLE_BENCH_SEEDS=10-20 pytest -m benchmark -s tests/benchmarks/bench_labels.py``; a new seed
costs two minutes once (30 s, four cameras, every second frameset), then its joints, rig and truth
are in ``EPIPOLE_BENCH_CACHE`` or the folder of temporary files. `fit_sigma.py` names the seeds of
its training; 10 to 20 were looked at often: report others.

Errors are those of shoulders, elbows, wrists, hips, knees and ankles to detector-style truth, after
one similarity per recording.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2

from calibration.evidence.observations import Observations
from calibration.evidence.timing import interpolate_to_common_time
from calibration.skeleton import strip_side
from engine.studio.address import StudioConfig
from engine.studio.scene import Studio
from training.labels.calibration import read_calibration
from training.labels.person import repair_person
from training.labels.pseudo_labels import make_labels
from training.labels.sigma import LABELLED_JOINTS
from training.labels.two_views.published_recipe import label_by_two_views
from training.tools.studio_truth import (
    GOOD_ERROR_M,
    LIMBS,
    SKELETON,
    compute_errors,
    correlate_ranks,
    load_recording,
    spoil,
)

pytestmark = pytest.mark.benchmark
LOOSE_ERROR_M = 0.05


def read_seeds() -> list[int]:
    first, _, last = os.environ.get("EPIPOLE_BENCH_SEEDS", "10-11").partition("-")
    return list(range(int(first), int(last or first) + 1))


def test_labels_against_exact_truth():
    rows = {
        name: []
        for name in ("ours", "ours, spoiled", "two views", "three pairs", "two views, spoiled")
    }
    for seed in read_seeds():
        recording = load_recording(seed)
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


def summarise(rows: list[tuple]) -> str:
    """Sum up recordings."""
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
    """Format for each kind of joint that can be a label how much is accepted and its error."""
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
    """Format how predicted and true errors rank: all joints, those that can be labels, limbs."""
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


def measure_coverage(found: np.ndarray) -> list[tuple[int, float, float]]:
    """Return how many errors are within the ellipsoids that should hold 68 and 95 % of them."""
    inside = [(percent, found[:, 0] < chi2.ppf(percent / 100, 3)) for percent in (68, 95)]
    return [
        (percent, 100 * within[found[:, 1] > 0].mean(), 100 * within.mean())
        for percent, within in inside
    ]
