"""Evaluate: run a network on samples, and measure it under four protocols, the honest one first.

What a network alone can know is a crop around the joints that a detector found, and the person's
stature. Papers of this family measure with the crop and the depth of the ground truth; those
figures are reported beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from calibration.geometry.arrays import F64, I64
from calibration.skeleton import Skeleton
from calibration.world.scale import CHAIN_OF_STATURE
from training.data.crops import (
    Crop,
    camera_from_patch,
    patch_from_camera,
    patch_from_image,
    root_depth_from_bones,
)
from training.data.recrop import region_from_square
from training.data.samples import ROOT, Samples, Teacher
from training.errors import TrainingError
from training.evaluation import metrics
from training.evaluation.estimate_samples import (
    EstimateFunction,
    estimate_samples,
    find_detector_squares,
    find_true_squares,
    get_reference_poses,
)
from training.evaluation.evaluation import METRICS, Evaluation, EvaluationProtocol, ProtocolResult
from training.evaluation.intervals import bootstrap_interval, mean_by_joint, mean_by_label

CHAINS = tuple(
    pair
    for side in ("left", "right")
    for pair in (
        (ROOT, "thorax"),
        (f"{side}_hip", f"{side}_knee"),
        (f"{side}_knee", f"{side}_ankle"),
    )
)
"""Shoulders to ankles, once for each side.

The trunk counts twice, so that a hip that a network puts too low shortens the thigh by what it adds
to the trunk, and the sum stays.
"""

MIN_CLIPS = 5
"""With fewer clips, blocks of time are resampled in their place."""

MAX_TABLE_ROWS = 32
"""A table by view or action with more rows is not one that a person reads."""

MIN_CLUSTERS = 8
"""Of fewer, a bootstrap promises more certainty than there is."""

WORST_CLIP_COUNT = 3
JUDGE_DESCRIPTIONS: dict[Teacher, str] = {
    "truth": "the truth that came with the samples",
    "annotation": "what people marked in the images",
    "labels": "the labels of a rig",
}
"""How a report names the samples' teacher."""


@dataclass(frozen=True, slots=True)
class EvaluateConfig:
    """How a network is judged.

    Parameters
    ----------
    model, judge
        Names for the report; an empty judge is named by the samples' teacher.
    stature_m : by person
        As given by the person; those missing are measured from the judge's own poses.
    block_s
        Length of the blocks of time that stand for clips where there are few.
    seed
        Of the intervals.
    """

    model: str = "network"
    judge: str = ""
    stature_m: Mapping[str, float] = field(default_factory=dict)
    block_s: float = 5.0
    seed: int = 0


def evaluate_model(
    estimate: EstimateFunction, samples: Samples, size_px: int, config: EvaluateConfig | None = None
) -> Evaluation:
    """Judge a network under all four protocols.

    Parameters
    ----------
    estimate
    samples
        With truth or labels; those are the judge.
    size_px
        Side of the network's input.
    config

    Returns
    -------
    evaluation
        Its protocols: the detector's box with the depth from stature, then with the true depth; the
        true box likewise.

    Raises
    ------
    TrainingError
        If nothing can be compared.
    """
    parts = []
    for box, regions in (
        ("found", find_detector_squares(samples)),
        ("true", find_true_squares(samples)),
    ):
        uvw = estimate_samples(estimate, samples, size_px, regions=regions)
        parts.append((uvw, regions, box))
    return _evaluate_parts(parts, samples, config or EvaluateConfig())


def evaluate_poses(uvw: F64, samples: Samples, config: EvaluateConfig | None = None) -> Evaluation:
    """Judge poses that a network gave in the crops of the samples' own regions.

    Parameters
    ----------
    uvw : (N, J, 3)
        From `estimate_samples`; NaN where there is no pose.
    samples
    config

    Returns
    -------
    evaluation
        Two protocols: the depth from stature, and the true depth.

    Raises
    ------
    TrainingError
        If nothing can be compared.
    """
    return _evaluate_parts([(uvw, samples.region, "stored")], samples, config or EvaluateConfig())


def _evaluate_parts(
    parts: list[tuple[F64, F64, str]], samples: Samples, config: EvaluateConfig
) -> Evaluation:
    """Measure each part, (uvw, regions, box), with the depth from stature and with the true one."""
    truth = get_reference_poses(samples)
    stature = _find_statures(truth, samples, config.stature_m)
    cluster, clusters_are = _assign_clusters(samples, config.block_s)
    results = []
    for uvw, regions, box in parts:
        placed = _place_poses(uvw, regions, samples, stature)
        pckh = _compute_pckh(uvw, regions, truth, samples)
        for depth, xyz in placed.items():
            measured = _measure(
                EvaluationProtocol(box, depth),
                (xyz, _compute_metrics(xyz, truth, pckh, samples.skeleton)),
                samples,
                cluster,
            )
            results.append(_add_intervals(measured, cluster, config.seed))
    if not any(
        np.isfinite(values).any() for measured in results for values in measured.errors.values()
    ):
        raise TrainingError(
            f"None of the {len(samples)} samples can be judged: nothing is known of their joints. "
            "Take samples that have a truth, or whose labels were accepted."
        )
    people = {
        person: stature[row]
        for row, person in enumerate(samples.persons)
        if np.isfinite(stature[row])
    }
    config = replace(config, judge=config.judge or JUDGE_DESCRIPTIONS[samples.teacher])
    remarks = _collect_remarks(results, (cluster, people), samples.teacher, config)
    names = (config.model, config.judge, samples.skeleton.joints)
    return Evaluation(
        *names, cluster, clusters_are, people, tuple(results), remarks, samples.teacher
    )


def _place_poses(uvw: F64, regions: F64, samples: Samples, stature_m: F64) -> dict[str, F64]:
    """Place poses before their cameras, (N, J, 3), m, by depth from stature and by the true one."""
    chains = chain_indices(samples.skeleton)
    xyz = {depth: np.full(uvw.shape, np.nan) for depth in ("bones", "true")}
    true_depth = get_reference_poses(samples)[:, samples.skeleton.index(ROOT), 2]
    for row in np.flatnonzero(np.isfinite(uvw).any((1, 2)) & np.isfinite(regions).all(-1)):
        crop = _make_crop(regions[row], samples, int(row))
        lengths = np.full(
            len(chains), stature_m[samples.person[row]] * CHAIN_OF_STATURE * 2 / len(chains)
        )
        at_1m = camera_from_patch(uvw[row], crop, 1.0)
        xyz["bones"][row] = at_1m * root_depth_from_bones(uvw[row], crop, chains, lengths)
        xyz["true"][row] = at_1m * true_depth[row]
    return xyz


def chain_indices(skeleton: Skeleton) -> I64:
    """Return the bones whose lengths give the depth as positions, (B, 2)."""
    return np.array([[skeleton.index(a), skeleton.index(b)] for a, b in CHAINS], np.int64)


def _find_statures(truth: F64, samples: Samples, given: Mapping[str, float]) -> F64:
    """Return each person's stature, (persons,), m: as given, else by the judge's median chain."""
    a, b = chain_indices(samples.skeleton).T
    chain = np.linalg.norm(truth[:, a] - truth[:, b], axis=-1).sum(-1) / 2
    stature = np.full(len(samples.persons), np.nan)
    for row, person in enumerate(samples.persons):
        own = chain[(samples.person == row) & np.isfinite(chain)]
        stature[row] = given.get(
            person, float(np.median(own)) / CHAIN_OF_STATURE if own.size else np.nan
        )
    return stature


def _compute_metrics(xyz: F64, truth: F64, pckh: F64, skeleton: Skeleton) -> dict[str, F64]:
    """Measure poses by every metric, (N, J) each, mm or %."""
    root = skeleton.index(ROOT)
    errors = metrics.mpjpe(xyz, truth, root)
    return {
        "mpjpe": 1e3 * errors,
        "p_mpjpe": 1e3 * metrics.p_mpjpe(xyz, truth),
        "rerooted_p_mpjpe": 1e3 * metrics.rerooted_p_mpjpe(xyz, truth, root),
        "n_mpjpe": 1e3 * metrics.n_mpjpe(xyz, truth, root),
        "pck": 100 * metrics.pck(errors),
        "auc": 100 * metrics.auc(errors),
        "pckh": 100 * pckh,
    }


def _compute_pckh(uvw: F64, regions: F64, truth: F64, samples: Samples) -> F64:
    """Compare in the image, (N, J): with the judge's poses as seen, or with annotated joints."""
    target = np.full((*uvw.shape[:2], 2), np.nan)
    for row in np.flatnonzero(np.isfinite(regions).all(-1)):
        crop = _make_crop(regions[row], samples, int(row))
        annotated = patch_from_image(samples.xy[row].astype(float), crop)
        known = np.isfinite(truth[row]).any()
        target[row] = patch_from_camera(truth[row], crop, 1.0)[:, :2] if known else annotated
    top, neck = (target[:, samples.skeleton.index(joint)] for joint in ("head_top", "upper_neck"))
    return metrics.pckh(
        metrics.joint_errors(uvw[..., :2], target), np.linalg.norm(top - neck, axis=-1)
    )


def _measure(
    protocol: EvaluationProtocol,
    poses: tuple[F64, dict[str, F64]],
    samples: Samples,
    cluster: np.ndarray,
) -> ProtocolResult:
    """Average the errors of poses by joint, view, action and person, and name the worst clips."""
    xyz, errors = poses
    names = {
        "view": np.array([camera.name for camera in samples.cameras])[samples.camera],
        "action": np.array(samples.actions)[samples.action],
        "person": np.array(samples.persons)[samples.person],
    }
    joints = {
        metric: mean_by_joint(values, samples.skeleton.joints) for metric, values in errors.items()
    }
    by = {"joint": _group_by_name(joints)}
    for group, labels in names.items():
        if len(np.unique(labels)) <= MAX_TABLE_ROWS:
            by[group] = _group_by_name(
                {metric: mean_by_label(values, labels) for metric, values in errors.items()}
            )
    clips = mean_by_label(errors["mpjpe"], cluster)
    worst = sorted(((mm, clip) for clip, mm in clips.items() if np.isfinite(mm)), reverse=True)[
        :WORST_CLIP_COUNT
    ]
    counted = 100 * float(np.isfinite(errors["mpjpe"]).mean())
    return ProtocolResult(
        protocol, xyz, errors, {}, by, counted, tuple((clip, mm) for mm, clip in worst)
    )


def _add_intervals(measured: ProtocolResult, cluster: np.ndarray, seed: int) -> ProtocolResult:
    """Add the overall means and their bounds."""
    overall = {
        metric: bootstrap_interval(measured.errors[metric], cluster, seed=seed)
        for metric in METRICS
    }
    return replace(measured, overall=overall)


def _group_by_name(by_metric: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Turn means by metric and name into means by name and metric."""
    names = next(iter(by_metric.values()))
    return {name: {metric: means[name] for metric, means in by_metric.items()} for name in names}


def _assign_clusters(samples: Samples, block_s: float) -> tuple[np.ndarray, str]:
    """Name the cluster of each sample, (N,): its clip, or a block of its clip's time."""
    clip = np.array(samples.clips)[samples.clip]
    if len(np.unique(clip)) >= MIN_CLIPS or not len(samples):
        return clip, f"{len(np.unique(clip))} resampled clips"
    first = {name: int(samples.time_ns[clip == name].min()) for name in np.unique(clip)}
    since_s = (samples.time_ns - np.array([first[name] for name in clip])) * 1e-9
    start = np.floor(since_s / block_s) * block_s
    names = np.array([f"{name}, {s:g}–{s + block_s:g} s" for name, s in zip(clip, start)])
    return names, f"{len(np.unique(names))} resampled blocks of {block_s:g} s"


def _collect_remarks(
    results: list[ProtocolResult],
    known: tuple[np.ndarray, dict[str, float]],
    teacher: Teacher,
    config: EvaluateConfig,
) -> tuple[str, ...]:
    """List what limits the figures; `known` are the clusters and the statures."""
    cluster, people = known
    joints = results[0].errors["mpjpe"].shape[1]
    said = [
        f"The {ROOT}, 0 by definition, is one of the {joints} joints of MPJPE, as in the papers."
    ]
    guessed = [person for person in people if person not in config.stature_m]
    if guessed:
        said.append(
            "'Depth from stature' uses the stature of "
            f"{', '.join(guessed) if len(guessed) <= 3 else f'{len(guessed)} people'} from the "
            "judge's poses: one number per person, which a person would type in."
        )
    if teacher != "truth":
        said.append(
            f"Judged by {config.judge}, not by a truth: an error that they share with the "
            "network is not seen."
        )
    count = len(np.unique(cluster))
    if count < MIN_CLUSTERS:
        said.append(
            f"The intervals are based on {count} clips or blocks only: they are narrower than they "
            "should be."
        )
    if results[0].counted_percent < 50:
        said.append(
            f"Only {results[0].counted_percent:.0f} % of the joints could be compared; the hard "
            "ones may be missing."
        )
    return tuple(said)


def _make_crop(region: F64, samples: Samples, row: int) -> Crop:
    """Describe a square of a sample's image; its size in pixels does not matter here."""
    return Crop(region_from_square(region), 1, samples.cameras[samples.camera[row]])
