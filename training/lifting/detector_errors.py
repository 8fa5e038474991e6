"""Detector errors: how the real 2D model misplaces joints, put onto motion without pictures.

Errors are not drawn from a formula. Whole persons' errors that the model made in the studio, with
the confidence that it claimed, are taken and put onto other poses: then joints that fail together
still do, and a confidence still means what it means.
"""

import numpy as np

from calibration.geometry.arrays import F64, Mask
from engine.monocular.joint_window import NOW
from training.lifting.bodies import MIRROR
from training.lifting.sightings import Sightings

_LASTING = 0.85
"""Of an error that stays for the whole window: a model errs alike in neighbouring images."""
_JITTER = 0.35
"""Of an error that is new in each image, as a share of its size."""
_MIN_JITTER = 0.012
"""Of the person's extent: 3 px of a person 350 px tall."""
_GLIMPSE_SHARE = 0.12
"""Share of the joints of a moment that fail as in another picture."""
_SWAPPED_WINDOWS, _SWAPPED_ALWAYS, _LEGS_SWAPPED = 0.06, 0.01, 0.03
"""Share of the windows in which both sides are exchanged at half of the moments, at all, or of the
legs alone; 1 % of single pictures in the studio, a quarter of a view of a real person from behind.
"""
_LEG_MIRROR = np.where(np.arange(len(MIRROR)) < 6, np.arange(len(MIRROR)), MIRROR)
_MIN_DEPTH_M = 0.25


def detect(xyz: F64, errors: Sightings, rng: np.random.Generator) -> tuple[F64, F64]:
    """See motion as the 2D model would.

    Parameters
    ----------
    xyz : (N, S, 12, 3), m, camera
    errors
        Whose errors and confidences are used.
    rng

    Returns
    -------
    rays : (N, S, 12, 2), undistorted
    confidence : (N, S, 12), 0 to 1
    """
    true = xyz[..., :2] / np.maximum(xyz[..., 2:], _MIN_DEPTH_M)
    now = true[:, NOW]
    size = np.sqrt(((now - now.mean(1, keepdims=True)) ** 2).sum(-1).mean(-1))
    count, moments = true.shape[:2]
    table, sure = errors.compute_errors(), errors.confidence
    lasting = rng.integers(len(table), size=count)
    other = rng.integers(len(table), size=(count, moments))
    glimpse = rng.random((count, moments, true.shape[2])) < _GLIMPSE_SHARE
    error = np.where(glimpse[..., None], table[other], _LASTING * table[lasting][:, None])
    confidence = np.where(glimpse, sure[other], sure[lasting][:, None])
    jitter = np.maximum(_JITTER * np.linalg.norm(error, axis=-1, keepdims=True), _MIN_JITTER)
    error = error + jitter * rng.standard_normal(error.shape) / np.sqrt(2)
    return _swap_some(true + size[:, None, None, None] * error, confidence.astype(float), rng)


def _swap_some(rays: F64, confidence: F64, rng: np.random.Generator) -> tuple[F64, F64]:
    """Exchange sides in some windows, as the model does with people seen from behind."""
    count, moments = rays.shape[:2]
    often = (rng.random((count, 1)) < _SWAPPED_WINDOWS) & (rng.random((count, moments)) < 0.5)
    swapped = often | (rng.random((count, 1)) < _SWAPPED_ALWAYS)
    legs = (rng.random((count, 1)) < _LEGS_SWAPPED) & (rng.random((count, moments)) < 0.5)
    for exchanged, order in ((swapped, MIRROR), (legs, _LEG_MIRROR)):
        rays, confidence = _exchange(rays, confidence, exchanged, order)
    return rays, confidence


def _exchange(rays: F64, confidence: F64, where: Mask, order: np.ndarray) -> tuple[F64, F64]:
    """Reorder the joints of some moments."""
    return (
        np.where(where[..., None, None], rays[:, :, order], rays),
        np.where(where[..., None], confidence[:, :, order], confidence),
    )
