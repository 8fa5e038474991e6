"""Cut again: a crop that a network sees, out of the larger crop that is stored of a sample."""

import cv2
import numpy as np

from calibration.geometry.arrays import F64, U8
from engine.inference.preprocess import Region, image_from_crop
from training.data.samples import MARGIN


def recrop(stored_bgr: U8, stored: F64, region: Region, size_px: int) -> U8:
    """Cut a crop out of a stored one.

    Parameters
    ----------
    stored_bgr : (P, P, 3)
        Of `training.data.samples.Samples.image`.
    stored : (3,), px of the original image
        Of `training.data.samples.Samples.region`: the crop shows `MARGIN` times that.
    region
        What to cut, in the original image.
    size_px
        Side of the crop to make.

    Returns
    -------
    crop_bgr : (size, size, 3)
        Black beyond what was stored.
    """
    shown_px = MARGIN * float(stored[2])
    affine = image_from_crop(region, (size_px, size_px))
    affine[:, 2] -= stored[:2] - shown_px / 2
    affine *= len(stored_bgr) / shown_px
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(stored_bgr, affine, (size_px, size_px), flags=flags), np.uint8)


def region_from_square(square: F64) -> Region:
    """Return a square, (3,), of centre and side in px, as a region."""
    x, y, side = (float(value) for value in square)
    return Region((x, y), (side, side))
