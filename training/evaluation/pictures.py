"""Pictures of an evaluation: crops with both poses drawn, and the poses from the side."""

import cv2
import numpy as np

from calibration.geometry.arrays import F64, I64, U8
from calibration.skeleton import Skeleton
from training.data.crops import Crop, patch_from_camera
from training.data.recrop import recrop, region_from_square
from training.data.samples import ROOT, Samples
from training.evaluation.estimate_samples import get_reference_poses
from training.evaluation.evaluation import ProtocolResult

PANEL_PX, CAPTION_PX = 256, 22
PICTURES_PER_KIND = 4
"""Of each kind."""

SIDE_VIEW_M = 2.0
"""Height and width of what is seen from the side."""

LEFT_BGR = (40, 150, 255)
RIGHT_BGR = (255, 170, 60)
MIDDLE_BGR = (120, 230, 120)
JUDGE_BGR = (235, 235, 235)
GROUND_BGR = (24, 20, 17)
TEXT_BGR = (210, 205, 200)


def choose_rows(measured: ProtocolResult, cluster: np.ndarray) -> dict[str, I64]:
    """Choose samples that show how bad, how usual and how good the poses are.

    Parameters
    ----------
    measured
    cluster : (N,)
        No kind shows two samples of one cluster, as long as there are others: neighbours look
        alike.

    Returns
    -------
    rows : by "worst", "typical" and "best"
        Positions of the samples; fewer than `PICTURES_PER_KIND` where there are fewer.
    """
    errors = measured.errors["mpjpe"]
    count = np.isfinite(errors).sum(1)
    own = np.where(count > 0, np.nansum(errors, 1) / np.maximum(count, 1), np.nan)
    known = np.flatnonzero(np.isfinite(own))
    if not len(known):
        return {}
    rising = known[np.argsort(own[known], kind="stable")]
    usual = known[np.argsort(np.abs(own[known] - np.median(own[known])), kind="stable")]
    kinds = {"worst": rising[::-1], "typical": usual, "best": rising}
    return {kind: _pick_spread_out(rows, cluster) for kind, rows in kinds.items()}


def draw_rows(measured: ProtocolResult, samples: Samples, rows: I64) -> U8:
    """Draw samples below one another.

    Parameters
    ----------
    measured
    samples
    rows
        Positions of the samples; one at least.

    Returns
    -------
    image_bgr : (H, W, 3)
        Per sample: the crop with the judge's pose, with the network's, and both from the side,
        pelvis on pelvis.
    """
    return np.concatenate([_draw_row(measured, samples, int(row)) for row in rows])


def draw_pose(
    image_bgr: U8, points: F64, skeleton: Skeleton, colour: tuple[int, int, int] | None = None
) -> None:
    """Draw a skeleton into an image.

    Parameters
    ----------
    image_bgr : (H, W, 3)
        Is changed.
    points : (J, 2), px
        NaN where missing.
    skeleton
    colour
        None paints the person's left warm, the right cold.
    """
    for a, b in skeleton.lines:
        ends = points[[skeleton.index(a), skeleton.index(b)]]
        if np.isfinite(ends).all() and np.abs(ends).max() < 1e4:
            (x1, y1), (x2, y2) = np.rint(ends).astype(int).tolist()
            cv2.line(image_bgr, (x1, y1), (x2, y2), colour or _pick_colour(a, b), 2, cv2.LINE_AA)


def _draw_row(measured: ProtocolResult, samples: Samples, row: int) -> U8:
    """Draw one sample."""
    region = samples.region[row]
    crop = Crop(region_from_square(region), PANEL_PX, samples.cameras[samples.camera[row]])
    picture = recrop(samples.image[row], region, region_from_square(region), PANEL_PX)
    judge = get_reference_poses(samples)[row]
    found = measured.xyz[row]
    panels = []
    for xyz in (judge, found):
        panel = picture.copy()
        draw_pose(
            panel, (patch_from_camera(xyz, crop, 1.0)[:, :2] + 0.5) * PANEL_PX, samples.skeleton
        )
        panels.append(panel)
    panels.append(_draw_side_view(judge, found, samples.skeleton))
    caption = np.full((CAPTION_PX, 3 * PANEL_PX, 3), GROUND_BGR, np.uint8)
    words = (
        samples.clips[samples.clip[row]],
        samples.actions[samples.action[row]],
        crop.camera.name,
    )
    error = np.nanmean(measured.errors["mpjpe"][row])
    text = f"{', '.join(filter(None, words))}: {error:.0f} mm   judge | model | from the side"
    ascii_text = text.encode("ascii", "replace").decode()
    cv2.putText(
        caption, ascii_text, (6, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.42, TEXT_BGR, 1, cv2.LINE_AA
    )
    return np.concatenate([caption, np.concatenate(panels, 1)])


def _draw_side_view(judge: F64, found: F64, skeleton: Skeleton) -> U8:
    """Draw both poses as someone to the camera's right sees them: depth to the right, up is up."""
    panel = np.full((PANEL_PX, PANEL_PX, 3), GROUND_BGR, np.uint8)
    root = skeleton.index(ROOT)
    for xyz, colour in ((judge, JUDGE_BGR), (found, None)):
        beside = (xyz - xyz[root])[:, [2, 1]] / SIDE_VIEW_M
        draw_pose(panel, (beside + 0.5) * PANEL_PX, skeleton, colour)
    return panel


def _pick_spread_out(rows: I64, cluster: np.ndarray) -> I64:
    """Choose the first of the rows, no two of one cluster while there are others."""
    _, first = np.unique(cluster[rows], return_index=True)
    ahead = np.sort(first)
    rest = np.setdiff1d(np.arange(len(rows)), ahead)
    return rows[np.concatenate([ahead, rest])[:PICTURES_PER_KIND]]


def _pick_colour(a: str, b: str) -> tuple[int, int, int]:
    """Paint a line by the side of the body that it belongs to."""
    sides = {joint.split("_")[0] for joint in (a, b)}
    if sides == {"left"}:
        return LEFT_BGR
    return RIGHT_BGR if sides == {"right"} else MIDDLE_BGR
