"""What two networks said of the pictures that were set aside, as errors against the rig and the image; and drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from calibration.geometry.arrays import F64, U8
from calibration.skeleton import Skeleton
from engine.inference.preprocess import Region
from training.data.crops import Crop, camera_from_patch, patch_from_camera, patch_from_image
from training.data.samples import MARGIN, ROOT, Samples
from training.finetuning.verdict import Exam, blocks_of_time
from training.judging.metrics import mpjpe

PICTURE_PX = 320
LEAST_LABELS = 6  # joints of a picture; fewer say little about a pose
RIG, NETWORK = (255, 255, 255), (255, 200, 92)  # BGR: white is the rig, blue the network


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What both networks said of the same pictures.

    Parameters
    ----------
    samples
        N pictures.
    size_px
        Side of what a network sees.
    before, after : (N, J, 3)
        ``u, v, w``.
    """

    samples: Samples
    size_px: int
    before: F64
    after: F64


@dataclass(frozen=True, slots=True)
class AgainstSight:
    """Root mean square errors of a joint relative to the root, mm: per axis across the line of sight, and along it."""

    across_mm: float
    along_mm: float


def judgeable(samples: Samples) -> np.ndarray:
    """Find the samples that a rig can judge: it knows the root, and enough other joints.

    Parameters
    ----------
    samples

    Returns
    -------
    index
        Their positions.
    """
    known = (np.isfinite(samples.xyz).all(-1) & (samples.weight > 0)).sum(1)
    return np.flatnonzero((known >= LEAST_LABELS) & (samples.root_depth_m > 0))


def mark(answers: Answers) -> Exam:
    """Measure both networks against the rig's labels and against what the detector saw.

    Parameters
    ----------
    answers

    Returns
    -------
    exam
        Errors at the depth that the rig gives the root: both networks are given the same, so that it cannot decide
        between them.
    """
    samples = answers.samples
    before, after = against_labels(answers)
    before_uv, after_uv = (_against_image(answers, uvw) for uvw in (answers.before, answers.after))
    names = np.array(samples.actions or ("",))[samples.action]
    return Exam(before, after, before_uv, after_uv, blocks_of_time(samples.time_ns, samples.clip), names)


def typical(exam: Exam) -> tuple[int, ...]:
    """Choose a picture of each action: the one whose gain is the median, neither the best nor the worst.

    Parameters
    ----------
    exam

    Returns
    -------
    rows
        The most frequent action first.
    """
    both = np.isfinite(exam.before_m) & np.isfinite(exam.after_m)
    count = both.sum(1)
    gain = np.where(both, exam.before_m - exam.after_m, 0).sum(1) / np.maximum(count, 1)
    actions, counts = np.unique(exam.action[count > 0], return_counts=True)
    rows = []
    for action in actions[np.argsort(-counts, kind="stable")]:
        row = np.flatnonzero((exam.action == action) & (count > 0))
        rows.append(int(row[np.argsort(gain[row])[len(row) // 2]]))
    return tuple(rows)


def draw_before_after(answers: Answers, row: int) -> U8:
    """Draw what both networks say of a picture: in the image, and from the side, where depth shows.

    Parameters
    ----------
    answers
    row
        Of the samples.

    Returns
    -------
    image : (P, 4 P, 3), BGR
        Before: image, side; after: image, side. White is the rig.
    """
    samples, crop = answers.samples, _crop(answers, row)
    rig = patch_from_camera(samples.xyz[row].astype(float), crop, float(samples.root_depth_m[row]))
    rig = np.where((samples.weight[row] > 0)[:, None], rig, np.nan)
    panels = []
    for uvw in (answers.before[row], answers.after[row]):
        image = np.asarray(cv2.resize(np.ascontiguousarray(samples.image[row]), (PICTURE_PX, PICTURE_PX)), np.uint8)
        side = np.full_like(image, 24)
        for pose, colour in ((rig, RIG), (uvw, NETWORK)):
            _draw(image, pose[:, :2] / MARGIN, samples.skeleton, colour)
            _draw(side, pose[:, [2, 1]] / MARGIN, samples.skeleton, colour)
        panels += [image, side]
    return np.concatenate(panels, axis=1)


def against_labels(answers: Answers) -> tuple[F64, F64]:
    """Measure both networks against what is known of the joints in space.

    Parameters
    ----------
    answers

    Returns
    -------
    before, after : (N, J), m
        Root-relative, at the root's known depth; NaN where a joint is not known.
    """
    return _against_rig(answers, answers.before), _against_rig(answers, answers.after)


def against_sight(answers: Answers) -> AgainstSight:
    """Measure the new network across and along the line of sight, for whoever places its poses in a room.

    Parameters
    ----------
    answers

    Returns
    -------
    errors
        NaN where nothing is labelled.
    """
    samples = answers.samples
    depth = samples.root_depth_m.astype(float)
    crops = [_crop(answers, row) for row in range(len(samples))]
    xyz = np.stack([camera_from_patch(answers.after[row], crops[row], depth[row]) for row in range(len(samples))])
    root = samples.skeleton.index(ROOT)
    label = np.where((samples.weight > 0)[..., None], samples.xyz.astype(float), np.nan)
    off = (xyz - xyz[:, root : root + 1]) - (label - samples.xyz[:, root : root + 1].astype(float))
    off[:, root] = np.nan
    ray = samples.xyz.astype(float) / np.linalg.norm(samples.xyz, axis=-1, keepdims=True)
    along = (off * ray).sum(-1)
    across = np.linalg.norm(off - along[..., None] * ray, axis=-1) / np.sqrt(2)
    return AgainstSight(*(1e3 * float(np.sqrt(np.nanmean(error**2))) for error in (across, along)))


def _against_rig(answers: Answers, uvw: F64) -> F64:
    """Errors against the labels, (N, J), m; NaN where there is none."""
    samples = answers.samples
    depth = samples.root_depth_m.astype(float)
    xyz = np.stack([camera_from_patch(uvw[row], _crop(answers, row), depth[row]) for row in range(len(samples))])
    label = np.where((samples.weight > 0)[..., None], samples.xyz.astype(float), np.nan)
    root = samples.skeleton.index(ROOT)
    label[:, root] = samples.xyz[:, root]  # the origin of both; its weight decides whether it teaches, not where it is
    errors = mpjpe(xyz, label, root)
    errors[:, root] = np.nan  # nought by definition
    return errors


def _against_image(answers: Answers, uvw: F64) -> F64:
    """Distances from what the detector saw, (N, J), in sides of the square; NaN where it saw nothing."""
    xy = answers.samples.xy.astype(float)
    seen = np.stack([patch_from_image(xy[row], _crop(answers, row)) for row in range(len(xy))])
    return np.linalg.norm(uvw[..., :2] - seen, axis=-1)


def _crop(answers: Answers, row: int) -> Crop:
    """Return what a network sees of a sample."""
    samples = answers.samples
    x, y, side = (float(value) for value in samples.region[row])
    return Crop(Region((x, y), (side, side)), answers.size_px, samples.cameras[samples.camera[row]])


def _draw(image: U8, uv: F64, skeleton: Skeleton, colour: Sequence[int]) -> None:
    """Draw a skeleton's lines where both ends are known."""
    px = (uv + 0.5) * PICTURE_PX
    for first, second in skeleton.lines or skeleton.bones:
        ends = px[[skeleton.index(first), skeleton.index(second)]]
        if np.isfinite(ends).all():
            start, end = (tuple(int(value) for value in np.clip(np.rint(point), -4096, 4096)) for point in ends)
            cv2.line(image, start, end, tuple(colour), 2, cv2.LINE_AA)
