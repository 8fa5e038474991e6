"""Crops: which part of an image a model sees, how it is cut, and the way back to the image."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from calibration.geometry.arrays import F32, F64, U8
from engine.models.card import ModelInput

# The detector finds bodies from 0.3 of its input's side: in the whole image that is half the height
# of a 16:9 image; these squares lower it to a fifth of the height.
WINDOW_SHARES = (1.0, 0.6)

BLACK = cv2.BORDER_CONSTANT
EDGE = cv2.BORDER_REPLICATE


@dataclass(frozen=True, slots=True)
class Region:
    """A rotated rectangle in an image.

    Parameters
    ----------
    center_xy
        px.
    size_wh
        px, along its own axes.
    angle_rad
        Clockwise on the screen; 0 is upright.
    """

    center_xy: tuple[float, float]
    size_wh: tuple[float, float]
    angle_rad: float = 0.0


def whole_image(size_wh: tuple[int, int]) -> Region:
    """Return the square around an image, letterboxed."""
    side = float(max(size_wh))
    return Region((size_wh[0] / 2, size_wh[1] / 2), (side, side))


def search_windows(size_wh: tuple[int, int]) -> tuple[Region, ...]:
    """Return the squares in which to search for people, the whole image first.

    Parameters
    ----------
    size_wh
        Of the image, px.

    Returns
    -------
    windows
        The whole image, squares as high as the image, then smaller ones, each overlapping the next
        by half: a person who is small in the image is large in one of them.
    """
    short = min(size_wh)
    windows = [whole_image(size_wh)]
    for share in WINDOW_SHARES:
        side = share * short
        counts = [1 + max(math.ceil((length - side) / (side / 2)), 0) for length in size_wh]
        xs, ys = (
            np.linspace(side / 2, length - side / 2, count)
            for length, count in zip(size_wh, counts)
        )
        windows += [Region((float(x), float(y)), (side, side)) for y in ys for x in xs]
    return tuple(windows)


def region_from_points(center_xy: F64, top_xy: F64, scale: float) -> Region:
    """Return the square around a person, turned so that the person stands upright in it.

    Parameters
    ----------
    center_xy : (2,), px
        Middle of the hips.
    top_xy : (2,), px
        A point at the distance of the person's reach, in the direction of the head.
    scale
        Margin around the person.
    """
    right, down = (float(value) for value in top_xy - center_xy)
    side = 2.0 * math.hypot(right, down) * scale
    return Region(
        (float(center_xy[0]), float(center_xy[1])), (side, side), math.atan2(right, -down)
    )


def region_from_box(box_xyxy: F64, scale: float, size_wh: tuple[int, int]) -> Region:
    """Return the upright rectangle around a box, with the aspect ratio of a model's input.

    Parameters
    ----------
    box_xyxy : (4,), px
        Left, top, right, bottom.
    scale
        Margin around the box.
    size_wh
        Of the model's input; only the ratio is used.

    Returns
    -------
    region
        The smallest one of that ratio that contains the box, times `scale`.
    """
    left, top, right, bottom = (float(value) for value in box_xyxy)
    ratio = size_wh[0] / size_wh[1]
    height = max(bottom - top, (right - left) / ratio)
    return Region(
        ((left + right) / 2, (top + bottom) / 2), (height * ratio * scale, height * scale)
    )


def image_from_crop(region: Region, crop_wh: tuple[int, int]) -> F64:
    """Return the affine map from a crop's pixels to the image's.

    Parameters
    ----------
    region
        What the crop shows.
    crop_wh
        px.

    Returns
    -------
    matrix : (2, 3)
        ``xy_image = matrix @ (x_crop, y_crop, 1)``.

    Notes
    -----
    Crop pixel 0 lies on the region's edge and pixel ``crop_wh`` on the opposite one, as in the
    graphs of MediaPipe: its models were trained on crops that were cut this way.
    """
    cos = math.cos(region.angle_rad)
    sin = math.sin(region.angle_rad)
    axes = np.array([[cos, -sin], [sin, cos]]) * region.size_wh
    matrix = np.empty((2, 3))
    matrix[:, :2] = axes / crop_wh
    matrix[:, 2] = region.center_xy - axes.sum(axis=1) / 2
    return matrix


def cut(image_bgr: U8, region: Region, crop_wh: tuple[int, int], border: int) -> U8:
    """Cut a region out of an image.

    Parameters
    ----------
    image_bgr : (H, W, 3)
        The image.
    region
        May extend beyond the image.
    crop_wh
        px.
    border
        `BLACK` or `EDGE`: what fills the crop beyond the image.

    Returns
    -------
    crop_bgr : (h, w, 3)
    """
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crop = cv2.warpAffine(
        image_bgr, image_from_crop(region, crop_wh), crop_wh, flags=flags, borderMode=border
    )
    return np.asarray(crop, np.uint8)


def to_batch(crops_bgr: Sequence[U8], model_input: ModelInput) -> F32:
    """Convert crops to the input of a model.

    Parameters
    ----------
    crops_bgr : B of (h, w, 3)
        All of the model's input size.
    model_input
        Of its card.

    Returns
    -------
    batch : (B, h, w, 3) or (B, 3, h, w)
        RGB, normalised, in the model's layout.
    """
    width, height = model_input.size_wh
    batch = np.empty((len(crops_bgr), 3, height, width), np.float32)
    if model_input.layout == "nhwc":
        batch = np.empty((len(crops_bgr), height, width, 3), np.float32)
    planes = batch if model_input.layout == "nchw" else batch.transpose(0, 3, 1, 2)
    for crop, target in zip(crops_bgr, planes):
        for channel, (mean, std) in enumerate(zip(model_input.mean, model_input.std)):
            np.multiply(crop[..., 2 - channel], np.float32(1 / std), out=target[channel])
            if mean:
                target[channel] -= np.float32(mean / std)
    return batch


def crop_to_image(xy: F64, region: Region, crop_wh: tuple[int, int]) -> F64:
    """Convert points from a crop to the image.

    Parameters
    ----------
    xy : (N, 2), px of the crop
        The points.
    region
        What the crop shows.
    crop_wh
        px.

    Returns
    -------
    xy : (N, 2), px of the image
    """
    matrix = image_from_crop(region, crop_wh)
    return xy @ matrix[:, :2].T + matrix[:, 2]
