"""Augmentation: random changes of a crop, so that a network sees more than the session showed.

No mirror images, as in EpipolarPose: a rig's views and a detector's left and right do not come
mirrored.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.special import ndtri

from calibration.geometry.arrays import F64, U8, Mask
from engine.inference.preprocess import Region

NORMAL_QUANTILES = ndtri((np.arange(256) + 0.5) / 256).astype(np.float32)
"""The normal distribution in 256 steps, one per value of a byte: a fifth of the time of drawing."""


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """How much is done.

    Parameters
    ----------
    scale
        One standard deviation of the crop's size, as a share; never more than one.
    shift
        One standard deviation of the crop's place, in crops; never more than two. The published
        recipe has 0, but a box around joints that were found is never quite where the person is.
    rotation_rad
        One standard deviation of its turn; never more than two.
    rotation_probability
    colour_gain
        Least and greatest factor of a channel.
    occlusion_probability
        Share of the crops that something stands in.
    occlusion_degree
        Least and greatest share of such a crop that is covered.
    most_occluders
        In one crop.
    blur_probability, noise_probability, jpeg_probability
    blur_px
        Greatest standard deviation of the blur.
    noise
        Greatest standard deviation of the noise, of 255.
    jpeg_quality
        Least and greatest.
    """

    scale: float = 0.25
    shift: float = 0.03
    rotation_rad: float = math.radians(30.0)
    rotation_probability: float = 0.6
    colour_gain: tuple[float, float] = (0.8, 1.2)
    occlusion_probability: float = 0.5
    occlusion_degree: tuple[float, float] = (0.0, 0.7)
    most_occluders: int = 24
    blur_probability: float = 0.3
    noise_probability: float = 0.3
    jpeg_probability: float = 0.3
    blur_px: float = 1.5
    noise: float = 12.0
    jpeg_quality: tuple[int, int] = (30, 90)


def jitter_region(region: Region, config: AugmentConfig, rng: np.random.Generator) -> Region:
    """Return the square of a crop a little larger or smaller, moved, and turned.

    Parameters
    ----------
    region
        Around the person.
    config
    rng

    Returns
    -------
    region
        Labels follow by themselves: they are made for the crop of this region.
    """
    factor = 1.0 + config.scale * float(np.clip(rng.normal(), -1.0, 1.0))
    turn = config.rotation_rad * float(np.clip(rng.normal(), -2.0, 2.0))
    turned = rng.random() < config.rotation_probability
    (x, y), (width, height) = region.center_xy, region.size_wh
    right, down = config.shift * np.clip(rng.normal(size=2), -2.0, 2.0)
    return Region(
        (x + float(right) * width, y + float(down) * height),
        (width * factor, height * factor),
        region.angle_rad + (turn if turned else 0.0),
    )


def augment(
    crop_bgr: U8, occluders: Sequence[U8], config: AugmentConfig, rng: np.random.Generator
) -> U8:
    """Change the colours of a crop, occlude part of it, and degrade it as a poor camera would.

    Parameters
    ----------
    crop_bgr : (H, W, 3)
        Is not changed.
    occluders : of (h, w, 4)
        From `occluders.load_voc_occluders`, or `occluders.draw_occluders` for those who have no
        copy of the set.
    config
    rng

    Returns
    -------
    crop_bgr : (H, W, 3)
    """
    changed = jitter_colours(crop_bgr, config, rng)
    if rng.random() < config.occlusion_probability:
        degree = float(rng.uniform(*config.occlusion_degree))
        changed, _ = occlude(changed, occluders, degree, config, rng)
    return degrade(changed, config, rng)


def jitter_colours(crop_bgr: U8, config: AugmentConfig, rng: np.random.Generator) -> U8:
    """Multiply each channel of a crop, (H, W, 3), by a factor of its own, clipped to 255."""
    gain = rng.uniform(*config.colour_gain, 3)
    table = (np.arange(256)[:, None] * gain).clip(0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(crop_bgr, table[None]), np.uint8)


def occlude(
    crop_bgr: U8,
    occluders: Sequence[U8],
    degree: float,
    config: AugmentConfig,
    rng: np.random.Generator,
) -> tuple[U8, Mask]:
    """Paste things into a crop until a share of it is covered.

    Parameters
    ----------
    crop_bgr : (H, W, 3)
        Is not changed.
    occluders : of (h, w, 4)
        One at least.
    degree
        Share of the crop to cover. Things that would cover more than the configured greatest are
        not put in, and there are no more than the configured number: a high degree may stay a
        little out of reach.
    config
    rng

    Returns
    -------
    crop_bgr : (H, W, 3)
    covered : (H, W)
        Where something stands.

    Raises
    ------
    ValueError
        If there is nothing to paste.

    Notes
    -----
    Sárándi et al., "How Robust Is 3D Human Pose Estimation to Occlusion?", 2018.
    """
    if not occluders:
        raise ValueError("Nothing was given that could stand in the crop.")
    result = crop_bgr.copy()
    covered = np.zeros(crop_bgr.shape[:2], bool)
    hidden, greatest = 0, config.occlusion_degree[1] * covered.size
    for _ in range(config.most_occluders):
        if hidden >= degree * covered.size:
            break
        thing = occluders[int(rng.integers(len(occluders)))]
        centre = rng.uniform(0, 1, 2) * (crop_bgr.shape[1], crop_bgr.shape[0])
        thing = _resize(thing, float(rng.uniform(0.2, 1.0)) * min(crop_bgr.shape[:2]) / 256)
        place, part = _clip_to_crop(thing, centre, crop_bgr)
        here = part[..., 3] >= 128
        fresh = int(np.count_nonzero(here & ~covered[place]))
        if part.size and hidden + fresh <= greatest:
            result[place] = _blend(part, result[place])
            covered[place] |= here
            hidden += fresh
    return result, covered


def degrade(crop_bgr: U8, config: AugmentConfig, rng: np.random.Generator) -> U8:
    """Blur a crop, (H, W, 3), add noise, and compress it as JPEG, each by its own probability."""
    result = crop_bgr
    if rng.random() < config.blur_probability:
        result = np.asarray(
            cv2.GaussianBlur(result, (0, 0), max(float(rng.uniform(0, config.blur_px)), 0.1))
        )
    if rng.random() < config.noise_probability:
        table = NORMAL_QUANTILES * np.float32(rng.uniform(0, config.noise))
        grain = cv2.LUT(rng.integers(0, 256, result.shape, np.uint8), table)
        result = cv2.add(result, grain, dtype=cv2.CV_8U)
    if rng.random() < config.jpeg_probability:
        quality = int(rng.integers(config.jpeg_quality[0], config.jpeg_quality[1] + 1))
        packed = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        result = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))
    return np.asarray(result, np.uint8)


def _resize(thing: U8, factor: float) -> U8:
    """Scale a cut-out, by halves first (10 times faster than by area), to 1 pixel or more."""
    target_wh = [max(round(side * factor), 1) for side in thing.shape[1::-1]]
    while min(thing.shape[:2]) >= 2 and factor <= 0.5:
        height, width = thing.shape[0] // 2, thing.shape[1] // 2
        even = thing[: 2 * height, : 2 * width]
        thing = np.asarray(
            cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8
        )
        factor = 2 * factor
    return np.asarray(cv2.resize(thing, target_wh, interpolation=cv2.INTER_LINEAR), np.uint8)


def _clip_to_crop(thing: U8, centre_xy: F64, crop_bgr: U8) -> tuple[tuple[slice, slice], U8]:
    """Return where in a crop a cut-out is, and which part of it is there; both may be empty."""
    left, top = (round(c - side / 2) for c, side in zip(centre_xy, thing.shape[1::-1]))
    rows = slice(max(top, 0), max(min(top + thing.shape[0], len(crop_bgr)), 0))
    columns = slice(max(left, 0), max(min(left + thing.shape[1], crop_bgr.shape[1]), 0))
    part = thing[
        rows.start - top : max(rows.stop - top, 0),
        columns.start - left : max(columns.stop - left, 0),
    ]
    return (rows, columns), part


def _blend(part: U8, ground_bgr: U8) -> U8:
    """Lay a piece with opacity, (h, w, 4), over the ground, (h, w, 3)."""
    opacity = np.multiply(part[..., 3], np.float32(1 / 255), dtype=np.float32)
    colour = np.asarray(cv2.cvtColor(part, cv2.COLOR_BGRA2BGR), np.uint8)
    return np.asarray(cv2.blendLinear(colour, ground_bgr, opacity, 1 - opacity), np.uint8)
