"""BlazePose: the outputs of its two models, decoded as MediaPipe's public graphs define it.

The detector finds hips and reach of every person; the landmark model finds 33 joints in the square
around one of them, and the two points of the square for the next image.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F32, F64, U8
from engine.inference.backend import Backend
from engine.inference.pose_model import Detection, Sighting, upper_half_mean
from engine.inference.preprocess import (
    BLACK,
    EDGE,
    Region,
    crop_to_image,
    cut,
    region_from_points,
    to_batch,
)
from engine.models.card import ModelInput

INPUT = "input_1"
# Landmarks, presence, heat maps, and the landmarks in three dimensions.
LANDMARK_OUTPUTS = ("Identity", "Identity_1", "Identity_3", "Identity_4")
MIN_SCORE, MAX_OVERLAP = 0.5, 0.3  # of the detector, as in MediaPipe
REGION_SCALE = 1.25
LANDMARK_INPUT = ModelInput((256, 256), "nhwc", (0.0, 0.0, 0.0), (255.0, 255.0, 255.0))  # to [0, 1]

# To [-1, 1].
DETECTOR_INPUT = ModelInput((224, 224), "nhwc", (127.5, 127.5, 127.5), (127.5, 127.5, 127.5))
DETECTOR_STRIDES_PX = (8, 16, 32, 32, 32)
ANCHORS_PER_LAYER = 2  # one of aspect ratio 1, one between its scale and the next layer's
LANDMARKS = 39  # 33 joints, the region's two points, four unused ones
JOINTS = 33
REGION_POINTS = (33, 34)  # middle of the hips, and a point at the distance of the person's reach
REFINE_RADIUS = 3  # cells of the heat map: a 7×7 window
REFINE_FROM = 0.5  # from this peak on, the heat map replaces the regression
# The heat map's peak predicts errors better than the model's own visibility: for errors above 8 px
# in the studio its AUC is 0.81 against 0.54, for errors above 25 px in real videos 0.76 against
# 0.69. At a visibility above 0.8, joints with a peak below 0.4 are off by 54 px (median, real
# videos), those above 0.75 by 7.5 px.
PEAK_GUESSED, PEAK_SURE = 0.25, 0.75


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """People found in one image, best first.

    Parameters
    ----------
    box_xyxy : (N, 4), px of the crop
        Of the face.
    points : (N, 4, 2), px of the crop
        Middle of the hips, its reach point, middle of the shoulders, its reach point.
    score : (N,), 0 to 1
    """

    box_xyxy: F64
    points: F64
    score: F64


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """The landmark model's results in B crops.

    Parameters
    ----------
    xy : (B, 33, 2), px of the crop
    confidence : (B, 33), 0 to 1
        The model's visibility (not hidden, not outside), lowered where the joint's heat map has no
        clear peak.
    region_points : (B, 2, 2), px of the crop
        Centre of the next region, and its reach point.
    presence : (B,), 0 to 1
        Probability of a person in the crop.
    """

    xy: F64
    confidence: F64
    region_points: F64
    presence: F64


def build_anchors() -> F64:
    """Return the centres of the detector's anchors.

    Returns
    -------
    xy : (2254, 2), px of the crop
        Layers of one stride share a grid; in it, all anchors of a cell come before the next cell.
    """
    grids = []
    for stride in sorted(set(DETECTOR_STRIDES_PX)):
        cells = DETECTOR_INPUT.size_wh[0] // stride
        rows, columns = np.divmod(np.arange(cells * cells), cells)
        centers = (np.stack([columns, rows], axis=1) + 0.5) * stride
        grids.append(
            np.repeat(centers, ANCHORS_PER_LAYER * DETECTOR_STRIDES_PX.count(stride), axis=0)
        )
    return np.concatenate(grids)


def decode_detections(
    raw: F32, logit: F32, centers: F64, *, min_score: float, max_overlap: float
) -> Detections:
    """Decode the detector's output for one image.

    Parameters
    ----------
    raw : (2254, 12), px of the crop
        Box centre, size and four points, relative to the anchor.
    logit : (2254, 1)
        Of the score.
    centers : (2254, 2), px of the crop
        From `build_anchors`.
    min_score, max_overlap
        Detections below the first are dropped; boxes above the second (intersection over union) are
        of one person.

    Notes
    -----
    Boxes of one person are averaged by score instead of dropped (BlazeFace, Bazarevsky et al.
    2019), which steadies them from image to image.
    """
    score = _sigmoid(np.clip(logit[:, 0].astype(np.float64), -100.0, 100.0))
    order = np.flatnonzero(score >= min_score)
    order = order[np.argsort(-score[order], kind="stable")]
    values = raw[order].astype(np.float64)
    score = score[order]
    centers = centers[order]
    middle, half = centers + values[:, :2], values[:, 2:4] / 2
    rows = np.concatenate(
        [middle - half, middle + half, (values[:, 4:] + np.tile(centers, 4))], axis=1
    )
    merged, best = [], []
    while len(rows):
        same = _overlap(rows[0, :4], rows[:, :4]) > max_overlap
        same[0] = True
        merged.append(np.average(rows[same], axis=0, weights=score[same]))
        best.append(score[0])
        rows, score = rows[~same], score[~same]
    table = np.array(merged).reshape(-1, 12)
    return Detections(table[:, :4], table[:, 4:].reshape(-1, 4, 2), np.array(best))


def decode_landmarks(raw: F32, presence: F32, heat: F32, crop_px: int) -> Landmarks:
    """Decode the landmark model's output.

    Parameters
    ----------
    raw : (B, 195)
        x, y, z in px of the crop, and the logits of visibility and presence, for each landmark.
    presence : (B, 1), 0 to 1
        Of the person.
    heat : (B, h, w, 39)
        Logits of a heat map for each landmark.
    crop_px
        Side of the crop.
    """
    table = raw.reshape(len(raw), LANDMARKS, 5).astype(np.float64)
    xy, peak = _refine_landmarks(table[..., :2], heat, crop_px / heat.shape[1])
    sharpness = np.clip((peak - PEAK_GUESSED) / (PEAK_SURE - PEAK_GUESSED), 0.0, 1.0)
    confidence = _sigmoid(table[..., 3]) * sharpness
    return Landmarks(
        xy[:, :JOINTS],
        confidence[:, :JOINTS],
        xy[:, REGION_POINTS],
        presence[:, 0].astype(np.float64),
    )


def decode_own_pose(raw: F32, regions: Sequence[Region]) -> F64:
    """Decode the landmark model's own guess in three dimensions.

    Parameters
    ----------
    raw : (B, 117), m
        x, y, z of each landmark about the middle of the hips, in the axes of the crop.
    regions : B of them
        What the crops show; a crop may be turned against its image.

    Returns
    -------
    own_xyz : (B, 33, 3), m
        As in `engine.poses.Pose2D`: in the axes of the image.
    """
    own_xyz = raw.reshape(len(raw), LANDMARKS, 3)[:, :JOINTS].astype(np.float64)
    angle = np.array([region.angle_rad for region in regions])
    cos, sin = np.cos(angle), np.sin(angle)
    image_from_crop = np.zeros((len(raw), 3, 3))
    image_from_crop[:, 0, 0] = image_from_crop[:, 1, 1] = cos
    image_from_crop[:, 0, 1], image_from_crop[:, 1, 0] = -sin, sin
    image_from_crop[:, 2, 2] = 1.0
    return own_xyz @ np.swapaxes(image_from_crop, 1, 2)


def _refine_landmarks(xy: F64, heat: F32, cell_px: float) -> tuple[F64, F64]:
    """Move each landmark to its heat map's centre of mass where clear; return the peaks too."""
    height, width = heat.shape[1:3]
    offsets = np.arange(-REFINE_RADIUS, REFINE_RADIUS + 1)
    column, row = np.moveaxis(np.trunc(xy / cell_px).astype(np.int64), -1, 0)
    # a window of 7 x 7 cells around each landmark; (B, L, 7) for L landmarks
    columns = column[..., None] + offsets
    rows = row[..., None] + offsets
    inside = ((columns >= 0) & (columns < width))[..., None, :] & ((rows >= 0) & (rows < height))[
        ..., :, None
    ]
    b = np.arange(len(heat))[:, None, None, None]
    landmark = np.arange(heat.shape[3])[None, :, None, None]
    at_row = np.clip(rows, 0, height - 1)[..., :, None]
    at_column = np.clip(columns, 0, width - 1)[..., None, :]
    weight = np.where(
        inside, _sigmoid(heat[b, at_row, at_column, landmark].astype(np.float64)), 0.0
    )
    total, peak = weight.sum(axis=(2, 3)), weight.max(axis=(2, 3))
    centred = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    moved = (
        np.stack(
            [(weight.sum(axis=2) * columns).sum(axis=2), (weight.sum(axis=3) * rows).sum(axis=2)],
            axis=-1,
        )
        / np.maximum(total, 1e-9)[..., None]
    )
    trusted = centred & (peak >= REFINE_FROM)
    return np.where(trusted[..., None], moved * cell_px, xy), np.where(centred, peak, 0.0)


def _overlap(box: F64, boxes: F64) -> F64:
    """Compute the intersection over union of one box with many."""
    shared = np.clip(
        np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2]), 0.0, None
    ).prod(axis=1)
    area = np.prod(box[2:] - box[:2]) + np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) - shared
    return shared / np.maximum(area, 1e-9)


def _sigmoid(value: F64) -> F64:
    """Map a logit to 0 to 1."""
    return 1.0 / (1.0 + np.exp(-value))


class BlazePoseDetector:
    """The detector in a runtime.

    Parameters
    ----------
    backend
        The loaded model.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend, self._anchors = backend, build_anchors()

    def find(self, images_bgr: Sequence[U8], windows: Sequence[Region]) -> list[list[Detection]]:
        """Find the people in a square of each image; points are hips and reach point."""
        if not images_bgr:
            return []
        crop_wh = DETECTOR_INPUT.size_wh
        crops = [cut(image, region, crop_wh, BLACK) for image, region in zip(images_bgr, windows)]
        outputs = self._backend.infer({INPUT: to_batch(crops, DETECTOR_INPUT)})
        found = []
        for raw, logit, region in zip(outputs["Identity"], outputs["Identity_1"], windows):
            people = decode_detections(
                raw, logit, self._anchors, min_score=MIN_SCORE, max_overlap=MAX_OVERLAP
            )
            points = [crop_to_image(four[:2], region, crop_wh) for four in people.points]
            found.append([Detection(two, float(score)) for two, score in zip(points, people.score)])
        return found

    def close(self) -> None:
        """Release the runtime; may be called twice."""
        self._backend.close()


class BlazePoseModel:
    """The two models of BlazePose in a runtime.

    Parameters
    ----------
    detector
        Finds the people.
    landmarks
        The loaded model; `LANDMARK_OUTPUTS` of its outputs are used.
    """

    def __init__(self, detector: BlazePoseDetector, landmarks: Backend) -> None:
        self.name = f"BlazePose full ({landmarks.name})"
        self.skeleton_name = "blazepose_33"
        self._detector, self._landmarks = detector, landmarks

    def find(self, images_bgr: Sequence[U8], windows: Sequence[Region]) -> list[list[Detection]]:
        """Find the people in a square of each image; see `PoseModel.find`."""
        return self._detector.find(images_bgr, windows)

    def region(self, points: F64) -> Region:
        """Return the square around a person from its hips and reach."""
        return region_from_points(points[0], points[1], REGION_SCALE)

    def locate(self, images_bgr: Sequence[U8], regions: Sequence[Region]) -> list[Sighting]:
        """Find one person's joints in each region; see `PoseModel.locate`."""
        if not images_bgr:
            return []
        crop_wh = LANDMARK_INPUT.size_wh
        crops = [cut(image, region, crop_wh, EDGE) for image, region in zip(images_bgr, regions)]
        outputs = self._landmarks.infer({INPUT: to_batch(crops, LANDMARK_INPUT)})
        raw, presence, heat, own = (outputs[name] for name in LANDMARK_OUTPUTS)
        seen = decode_landmarks(raw, presence, heat, crop_wh[0])
        own_xyz = decode_own_pose(own, regions)
        return [
            Sighting(
                crop_to_image(seen.xy[i], region, crop_wh),
                seen.confidence[i],
                float(seen.presence[i]) * upper_half_mean(seen.confidence[i]),
                crop_to_image(seen.region_points[i], region, crop_wh),
                own_xyz[i],
            )
            for i, region in enumerate(regions)
        ]

    def close(self) -> None:
        """Release the runtime; may be called twice."""
        self._detector.close()
        self._landmarks.close()
