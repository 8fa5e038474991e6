"""What two models find in held-out pictures: measured against rig and image, and drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from calibration.geometry.arrays import F64, U8
from calibration.skeleton import Skeleton
from training.data.crops import Crop, camera_from_patch, patch_from_camera, patch_from_image
from training.data.recrop import region_from_square
from training.data.samples import MARGIN, ROOT, Samples
from training.evaluation.metrics import mpjpe
from training.finetuning.verdict import Comparison, number_time_blocks

PICTURE_PX = 320
MIN_LABELS = 6  # joints of a picture; fewer say little about a pose
RIG_BGR, MODEL_BGR = (255, 255, 255), (255, 200, 92)  # BGR: white is the rig, blue the model


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What both models found in the same pictures.

    Parameters
    ----------
    samples
        N pictures.
    size_px
        Side of what a model sees.
    before, after : (N, J, 3)
        ``u, v, w``.
    """

    samples: Samples
    size_px: int
    before: F64
    after: F64


@dataclass(frozen=True, slots=True)
class LineOfSightErrors:
    """RMS errors of a joint from the root, mm: across the line of sight, per axis, and along it."""

    across_mm: float
    along_mm: float


def find_judgeable(samples: Samples) -> np.ndarray:
    """Find the samples that a rig can judge: it knows the root, and enough other joints.

    Returns
    -------
    index
        Their positions.
    """
    known = (np.isfinite(samples.xyz).all(-1) & (samples.weight > 0)).sum(1)
    return np.flatnonzero((known >= MIN_LABELS) & (samples.root_depth_m > 0))


def measure_errors(predictions: Predictions) -> Comparison:
    """Measure both models against the rig's labels and against what the detector saw.

    Returns
    -------
    comparison
        Errors at the depth that the rig gives the root: both models are given the same, so that
        it cannot decide between them.
    """
    samples = predictions.samples
    before, after = measure_label_errors(predictions)
    before_uv, after_uv = (
        _compute_image_errors(predictions, uvw) for uvw in (predictions.before, predictions.after)
    )
    names = np.array(samples.actions or ("",))[samples.action]
    return Comparison(
        before, after, before_uv, after_uv, number_time_blocks(samples.time_ns, samples.clip), names
    )


def choose_typical(comparison: Comparison) -> tuple[int, ...]:
    """Choose a picture of each action: the one of median gain, neither the best nor the worst.

    Returns
    -------
    rows
        The most frequent action first.
    """
    both = np.isfinite(comparison.before_m) & np.isfinite(comparison.after_m)
    count = both.sum(1)
    gain = np.where(both, comparison.before_m - comparison.after_m, 0).sum(1) / np.maximum(count, 1)
    actions, counts = np.unique(comparison.action[count > 0], return_counts=True)
    rows = []
    for action in actions[np.argsort(-counts, kind="stable")]:
        row = np.flatnonzero((comparison.action == action) & (count > 0))
        rows.append(int(row[np.argsort(gain[row])[len(row) // 2]]))
    return tuple(rows)


def draw_before_after(predictions: Predictions, row: int) -> U8:
    """Draw what both models find in a picture: in the image, and from the side (depth).

    Parameters
    ----------
    predictions
    row
        Of the samples.

    Returns
    -------
    image : (P, 4 P, 3), BGR
        Before: image, side; after: image, side. White is the rig.
    """
    samples = predictions.samples
    crop = _make_crop(predictions, row)
    rig = patch_from_camera(samples.xyz[row].astype(float), crop, float(samples.root_depth_m[row]))
    rig = np.where((samples.weight[row] > 0)[:, None], rig, np.nan)
    panels = []
    for uvw in (predictions.before[row], predictions.after[row]):
        image = np.asarray(
            cv2.resize(np.ascontiguousarray(samples.image[row]), (PICTURE_PX, PICTURE_PX)), np.uint8
        )
        side = np.full_like(image, 24)
        for pose, colour in ((rig, RIG_BGR), (uvw, MODEL_BGR)):
            _draw_skeleton(image, pose[:, :2] / MARGIN, samples.skeleton, colour)
            _draw_skeleton(side, pose[:, [2, 1]] / MARGIN, samples.skeleton, colour)
        panels += [image, side]
    return np.concatenate(panels, axis=1)


def measure_label_errors(predictions: Predictions) -> tuple[F64, F64]:
    """Measure both models against what is known of the joints in space.

    Returns
    -------
    before, after : (N, J), m
        Root-relative, at the root's known depth; NaN where a joint is not known.
    """
    return _compute_rig_errors(predictions, predictions.before), _compute_rig_errors(
        predictions, predictions.after
    )


def measure_line_of_sight_errors(predictions: Predictions) -> LineOfSightErrors:
    """Measure the new model across and along the line of sight, for placing its poses in a room.

    Returns
    -------
    errors
        NaN where nothing is labelled.
    """
    samples = predictions.samples
    depth = samples.root_depth_m.astype(float)
    crops = [_make_crop(predictions, row) for row in range(len(samples))]
    xyz = np.stack(
        [
            camera_from_patch(predictions.after[row], crops[row], depth[row])
            for row in range(len(samples))
        ]
    )
    root = samples.skeleton.index(ROOT)
    label = np.where((samples.weight > 0)[..., None], samples.xyz.astype(float), np.nan)
    off = (xyz - xyz[:, root : root + 1]) - (label - samples.xyz[:, root : root + 1].astype(float))
    off[:, root] = np.nan
    ray = samples.xyz.astype(float) / np.linalg.norm(samples.xyz, axis=-1, keepdims=True)
    along = (off * ray).sum(-1)
    across = np.linalg.norm(off - along[..., None] * ray, axis=-1) / np.sqrt(2)
    return LineOfSightErrors(
        *(1e3 * float(np.sqrt(np.nanmean(error**2))) for error in (across, along))
    )


def _compute_rig_errors(predictions: Predictions, uvw: F64) -> F64:
    """Errors against the labels, (N, J), m; NaN where there is none."""
    samples = predictions.samples
    depth = samples.root_depth_m.astype(float)
    xyz = np.stack(
        [
            camera_from_patch(uvw[row], _make_crop(predictions, row), depth[row])
            for row in range(len(samples))
        ]
    )
    label = np.where((samples.weight > 0)[..., None], samples.xyz.astype(float), np.nan)
    root = samples.skeleton.index(ROOT)
    # the origin of both poses; its weight decides whether it is trained on, not where it is
    label[:, root] = samples.xyz[:, root]
    errors = mpjpe(xyz, label, root)
    errors[:, root] = np.nan  # 0 by definition
    return errors


def _compute_image_errors(predictions: Predictions, uvw: F64) -> F64:
    """Distances from the detector's joints, (N, J), in sides of the square; NaN where not seen."""
    xy = predictions.samples.xy.astype(float)
    seen = np.stack(
        [patch_from_image(xy[row], _make_crop(predictions, row)) for row in range(len(xy))]
    )
    return np.linalg.norm(uvw[..., :2] - seen, axis=-1)


def _make_crop(predictions: Predictions, row: int) -> Crop:
    """Return what a model sees of a sample."""
    samples = predictions.samples
    camera = samples.cameras[samples.camera[row]]
    return Crop(region_from_square(samples.region[row]), predictions.size_px, camera)


def _draw_skeleton(image: U8, uv: F64, skeleton: Skeleton, colour: Sequence[int]) -> None:
    """Draw a skeleton's lines where both ends are known."""
    px = (uv + 0.5) * PICTURE_PX
    for first, second in skeleton.lines or skeleton.bones:
        ends = px[[skeleton.index(first), skeleton.index(second)]]
        if np.isfinite(ends).all():
            start, end = (
                tuple(int(value) for value in np.clip(np.rint(point), -4096, 4096))
                for point in ends
            )
            cv2.line(image, start, end, tuple(colour), 2, cv2.LINE_AA)
