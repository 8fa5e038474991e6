"""Monocular: how far the poses of each method for one camera are from the truth."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import rankdata

from calibration.geometry.arrays import F64, I64, Mask
from calibration.rig import Camera, Rig
from engine.monocular.guessed_room import guess_rig
from engine.monocular.load import load_monocular_model
from engine.offline import recording as offline
from engine.offline.progress import Progress, StepProgress
from engine.offline.single_view import OfflineMonocular, follow_person
from engine.poses import PoseSet2D, PoseSet3D
from training.evaluation.intervals import bootstrap_interval
from training.evaluation.metrics import (
    mpjpe,
    n_mpjpe,
    p_mpjpe,
    rerooted_p_mpjpe,
)
from training.world.observe import ObservedClip, select_view, select_views
from training.world.pose_errors import BLOCK_S
from training.world.subject import LIVE, UNCALIBRATED, BenchOptions, Subject
from training.world.table import Cell, Column, Row
from training.world.truth import LIMBS, find_true_limbs, select_cameras

_MIN_CORRELATED = 20
_HIPS = [LIMBS.index("left_hip"), LIMBS.index("right_hip")]

COLUMNS = (
    Column("clip", "clip"),
    Column("view", "view"),
    Column("method", "method"),
    Column("poses", "poses"),
    Column("found_percent", "found %", 0),
    Column("mpjpe_mm", "MPJPE mm", 0, interval=("mpjpe_low_mm", "mpjpe_high_mm")),
    Column("n_mpjpe_mm", "N mm", 0, interval=("n_mpjpe_low_mm", "n_mpjpe_high_mm")),
    Column("pa_mpjpe_mm", "PA mm", 0, interval=("pa_mpjpe_low_mm", "pa_mpjpe_high_mm")),
    Column("rerooted_pa_mm", "PA at root mm", 0),
    Column("sigma_correlation", "sigma rank", 2),
    Column("within_1_percent", "in 1 σ %", 0),
    Column("within_2_percent", "in 2 σ %", 0),
    Column("truth", "joints by"),
)


@dataclass(frozen=True, slots=True, eq=False)
class MonocularPoses:
    """What one method made of one view, and the truth.

    Parameters
    ----------
    limbs, truth : (T, 12, 3), m, camera
        NaN where missing.
    sigma : (T, 12, 3), m, camera
        Claimed standard deviation per axis, about the middle of the hips.
    block : (T,)
        Which block of time an instant is of, for the intervals.
    source
        Of the truth.
    """

    limbs: F64
    truth: F64
    sigma: F64
    block: I64
    source: str


class MonocularBench:
    """Measures every method on every view, and keeps what it measured for the summary."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], list[MonocularPoses]] = {}

    def measure(
        self, observed: ObservedClip, options: BenchOptions, progress: Progress
    ) -> Iterator[Row]:
        """Measure the methods on the views of a clip.

        Yields
        ------
        row
            For each view and method. None of a clip without true cameras.
        """
        rig = observed.clip.rig
        if rig is None:
            return
        total = len(rig) * len(options.methods)
        done = 0
        for view in range(len(rig)):
            truth = find_true_limbs(observed, (view,))
            for method in options.methods:
                step = f"{observed.clip.name}: {method}"
                progress(StepProgress(step, done / total, "views", done, total))
                done += 1
                if truth is None:
                    continue
                poses = _estimate(observed, view, method, truth.xyz)
                poses = replace(poses, source=truth.source)
                group = observed.clip.folder.name
                self._found.setdefault((group, method), []).append(poses)
                names = {"clip": observed.clip.name, "view": rig[view].name, "method": method}
                yield names | describe(poses)

    def summarise(self) -> Iterator[Row]:
        """Summarise all views of all clips of a folder, for each method.

        Yields
        ------
        row
            Where a folder has more than one view.
        """
        for (group, method), parts in self._found.items():
            if len(parts) < 2:
                continue
            offset = np.cumsum([0, *(int(part.block.max(initial=0)) + 1 for part in parts[:-1])])
            whole = MonocularPoses(
                np.concatenate([part.limbs for part in parts]),
                np.concatenate([part.truth for part in parts]),
                np.concatenate([part.sigma for part in parts]),
                np.concatenate([part.block + start for part, start in zip(parts, offset)]),
                parts[0].source,
            )
            names = {"clip": group, "view": f"all {len(parts)}", "method": method}
            yield names | describe(whole)


def describe(poses: MonocularPoses) -> dict[str, Cell]:
    """Return the values of a row."""
    estimated, true = (
        np.concatenate([xyz, xyz[:, _HIPS].mean(1, keepdims=True)], 1)
        for xyz in (poses.limbs, poses.truth)
    )
    root = len(LIMBS)
    cells: dict[str, Cell] = {"truth": poses.source}
    for key, errors in (
        ("mpjpe", mpjpe(estimated, true, root)[:, :root]),
        ("n_mpjpe", n_mpjpe(estimated, true, root)[:, :root]),
        ("pa_mpjpe", p_mpjpe(poses.limbs, poses.truth)),
    ):
        interval = bootstrap_interval(errors, poses.block, seed=0)
        cells |= {
            f"{key}_mm": 1000 * interval.mean,
            f"{key}_low_mm": 1000 * interval.low,
            f"{key}_high_mm": 1000 * interval.high,
        }
    again = rerooted_p_mpjpe(estimated, true, root)[:, :root]
    cells["rerooted_pa_mm"] = 1000 * float(np.nanmean(again)) if np.isfinite(again).any() else None
    known: Mask = np.asarray(np.isfinite(poses.truth).all((1, 2)), bool)
    found = known & np.isfinite(poses.limbs).all((1, 2)) & np.isfinite(poses.sigma).all((1, 2))
    cells["poses"] = int(found.sum())
    cells["found_percent"] = 100 * float(found.sum() / max(known.sum(), 1))
    return cells | _judge_sigmas(poses, found)


def _judge_sigmas(poses: MonocularPoses, found: Mask) -> dict[str, Cell]:
    """Compare the claimed errors with the true ones, after the one scale per pose."""
    if found.sum() < _MIN_CORRELATED:
        return {}
    limbs, truth = (
        xyz - xyz[:, _HIPS].mean(1, keepdims=True)
        for xyz in (poses.limbs[found], poses.truth[found])
    )
    scale = (limbs * truth).sum((1, 2)) / (limbs**2).sum((1, 2))
    error = scale[:, None, None] * limbs - truth
    sigma = scale[:, None, None] * poses.sigma[found]
    ratio = np.abs(error) / sigma
    correlations = [
        _correlate_ranks(
            np.linalg.norm(error[:, joint], axis=-1), np.linalg.norm(sigma[:, joint], axis=-1)
        )
        for joint in range(len(LIMBS))
        if np.ptp(sigma[:, joint]) > 0
    ]
    return {
        "sigma_correlation": float(np.mean(correlations)) if correlations else 0.0,
        "within_1_percent": 100 * float(np.nanmean(ratio <= 1)),
        "within_2_percent": 100 * float(np.nanmean(ratio <= 2)),
    }


def _correlate_ranks(one: F64, other: F64) -> float:
    """Return Spearman's correlation of two quantities, (N,)."""
    return float(np.corrcoef(rankdata(one), rankdata(other))[0, 1])


def _estimate(observed: ObservedClip, view: int, method: str, truth: F64) -> MonocularPoses:
    """Run a method on one view, as the program does with a single calibrated camera."""
    assert observed.clip.rig is not None
    true_rig = select_cameras(observed.clip.rig, (view,))
    recording = select_views(observed.recording, (view,))
    model = load_monocular_model(method.removesuffix(LIVE).removesuffix(UNCALIBRATED))
    assert model is not None
    with closing(model):
        monocular = OfflineMonocular(
            model, recording.skeleton, sees_future=not method.endswith(LIVE)
        )
        if monocular.sees_images:
            for frames, poses_2d in observed.read_images():
                alone = select_view(poses_2d, view)
                monocular.put(
                    replace(frames, frames=(frames.frames[view],)), alone, _nobody(poses_2d)
                )
        followed, stature_m = follow_person(recording), observed.clip.stature_m
        rig = true_rig
        if method.endswith(UNCALIBRATED):
            guess = guess_rig(true_rig[0].name, true_rig[0].size_wh)
            rig = monocular.level_rig(followed, guess, stature_m)
        found = monocular.fill(followed, rig, stature_m)
        sigma = _gather_sigmas(monocular, found, rig)
    block = np.floor(np.array(observed.time_s) / BLOCK_S).astype(np.int64)
    # Before its camera a pose has the same axes whatever is known of the room.
    limbs = _to_camera(_gather_limbs(found, recording), rig[0])
    return MonocularPoses(limbs, _to_camera(truth, true_rig[0]), sigma, block, "")


def _gather_limbs(found: offline.Reconstruction, recording: offline.PoseRecording) -> F64:
    """Return the limbs of the person at every instant, (T, 12, 3), m, world."""
    chosen = recording.skeleton.indices(LIMBS)
    limbs = np.full((len(found.poses_3d), len(LIMBS), 3), np.nan)
    for t, poses in enumerate(found.poses_3d):
        if poses.people:
            limbs[t] = poses.people[0].xyz[chosen]
    return limbs


def _gather_sigmas(monocular: OfflineMonocular, found: offline.Reconstruction, rig: Rig) -> F64:
    """Return what the method claims of its limbs about the root, (T, 12, 3), m, camera."""
    sigma = np.full((len(found.poses_2d), len(LIMBS), 3), np.nan)
    for t, poses in enumerate(found.poses_2d):
        people = poses.poses_by_view[0]
        shape = monocular.estimate_shape(poses, rig, people[0]) if people else None
        if shape is not None:
            variance = np.diagonal(shape.covariance[: len(LIMBS)], axis1=1, axis2=2)
            sigma[t] = np.sqrt(variance)
    return sigma


def _to_camera(xyz: F64, camera: Camera) -> F64:
    """Carry points of the world, (..., 3), m, before a camera."""
    return xyz @ camera.R.T + camera.t


def _nobody(poses_2d: PoseSet2D) -> PoseSet3D:
    """Return an instant with nobody in the room."""
    return PoseSet3D(poses_2d.index, poses_2d.timestamp_ns, ())


def make_monocular_subject() -> Subject:
    """Make the table of the methods for one camera; it remembers what it measured."""
    bench = MonocularBench()
    return Subject(
        "monocular",
        "One camera: errors of the limbs; the true lens and up are known unless it says otherwise",
        COLUMNS,
        bench.measure,
        bench.summarise,
    )
