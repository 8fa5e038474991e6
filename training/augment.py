"""Augmentation: what is done to a crop before a network sees it, so that it knows more than the session showed.

No mirror images, as in EpipolarPose: a rig's views and a detector's left and right do not come mirrored.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from calibration.geometry.arrays import F64, U8, Mask
from engine.inference.preprocess import Region


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """How much is done.

    Parameters
    ----------
    scale
        One standard deviation of the crop's size, as a share; never more than one.
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
    """Return the square of a crop a little larger or smaller, and turned.

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
    width, height = region.size_wh
    return replace(
        region, size_wh=(width * factor, height * factor), angle_rad=region.angle_rad + (turn if turned else 0.0)
    )


def augment(crop_bgr: U8, occluders: Sequence[U8], config: AugmentConfig, rng: np.random.Generator) -> U8:
    """Change the light of a crop, put things into it, and send it through a poor camera.

    Parameters
    ----------
    crop_bgr : (H, W, 3)
        Is not changed.
    occluders : of (h, w, 4)
        From `occluders.load_voc_occluders`, or `occluders.draw_occluders` for those who have no copy of the set.
    config
    rng

    Returns
    -------
    crop_bgr : (H, W, 3)
    """
    changed = gain_colours(crop_bgr, config, rng)
    if rng.random() < config.occlusion_probability:
        degree = float(rng.uniform(*config.occlusion_degree))
        changed, _ = occlude(changed, occluders, degree, config, rng)
    return degrade(changed, config, rng)


def gain_colours(crop_bgr: U8, config: AugmentConfig, rng: np.random.Generator) -> U8:
    """Multiply each channel by a factor of its own."""
    gain = rng.uniform(*config.colour_gain, 3)
    table = (np.arange(256)[:, None] * gain).clip(0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(crop_bgr, table[None]), np.uint8)


def occlude(
    crop_bgr: U8, occluders: Sequence[U8], degree: float, config: AugmentConfig, rng: np.random.Generator
) -> tuple[U8, Mask]:
    """Put things into a crop until a share of it is covered.

    Parameters
    ----------
    crop_bgr : (H, W, 3)
        Is not changed.
    occluders : of (h, w, 4)
        One at least.
    degree
        Share of the crop to cover. Things that would cover more than the configured greatest are not put in, and there
        are no more than the configured number: a high degree may stay a little out of reach.
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
        If there is nothing to put in.
    """
    if not occluders:
        raise ValueError("Nothing was given that could stand in the crop.")
    result, covered = crop_bgr.copy(), np.zeros(crop_bgr.shape[:2], bool)
    greatest = config.occlusion_degree[1]
    for _ in range(config.most_occluders):
        if covered.mean() >= degree:
            break
        thing = occluders[int(rng.integers(len(occluders)))]
        centre = rng.uniform(0, 1, 2) * (crop_bgr.shape[1], crop_bgr.shape[0])
        thing = _resized(thing, float(rng.uniform(0.2, 1.0)) * min(crop_bgr.shape[:2]) / 256)
        pasted, here = _pasted(result, thing, centre)
        if (covered | here).mean() <= greatest:
            result, covered = pasted, covered | here
    return result, covered


def degrade(crop_bgr: U8, config: AugmentConfig, rng: np.random.Generator) -> U8:
    """Blur a crop, add noise, and pack it as JPEG, each by its chance."""
    result = crop_bgr
    if rng.random() < config.blur_probability:
        result = np.asarray(cv2.GaussianBlur(result, (0, 0), max(float(rng.uniform(0, config.blur_px)), 0.1)))
    if rng.random() < config.noise_probability:
        grain = rng.standard_normal(result.shape, np.float32) * np.float32(rng.uniform(0, config.noise))
        result = (result + grain).clip(0, 255).astype(np.uint8)
    if rng.random() < config.jpeg_probability:
        quality = int(rng.integers(config.jpeg_quality[0], config.jpeg_quality[1] + 1))
        packed = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        result = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))
    return np.asarray(result, np.uint8)


def _resized(thing: U8, factor: float) -> U8:
    """Scale a cut-out; at least a pixel remains."""
    height, width = (max(round(side * factor), 1) for side in thing.shape[:2])
    return np.asarray(cv2.resize(thing, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _pasted(crop_bgr: U8, thing: U8, centre_xy: F64) -> tuple[U8, Mask]:
    """Lay a cut-out over a copy of a crop; return that and where it lies."""
    result, here = crop_bgr.copy(), np.zeros(crop_bgr.shape[:2], bool)
    left, top = (round(c - side / 2) for c, side in zip(centre_xy, thing.shape[1::-1]))
    rows = slice(max(top, 0), min(top + thing.shape[0], crop_bgr.shape[0]))
    columns = slice(max(left, 0), min(left + thing.shape[1], crop_bgr.shape[1]))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return result, here
    part = thing[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    alpha = part[..., 3:].astype(np.float32) / 255
    result[rows, columns] = np.rint(alpha * part[..., :3] + (1 - alpha) * result[rows, columns]).astype(np.uint8)
    here[rows, columns] = part[..., 3] >= 128
    return result, here
