"""Run a network on samples: the square that it sees is cut out of the stored crop."""

from collections.abc import Callable

import numpy as np

from calibration.geometry.arrays import F32, F64
from engine.inference.preprocess import to_batch
from training.data.crops import network_input, square_around_joints, square_around_root
from training.data.recrop import recrop, region_from_square
from training.data.samples import ROOT, Samples

EstimateFunction = Callable[[F32], F32]
"""Normalised crops, (B, 3, S, S), to joints in the patch, (B, J, 3)."""


def estimate_samples(
    estimate: EstimateFunction,
    samples: Samples,
    size_px: int,
    batch: int = 32,
    *,
    regions: F64 | None = None,
) -> F64:
    """Estimate the joints in every sample.

    Parameters
    ----------
    estimate
    samples
    size_px
        Side of the network's input.
    batch
        Crops at once.
    regions : (N, 3), px of the original image
        Centre and side of the squares that it sees; None takes those of the samples.

    Returns
    -------
    uvw : (N, J, 3)
        In the crops of `regions`; NaN where a region is.
    """
    regions = samples.region if regions is None else regions
    seen = np.flatnonzero(np.isfinite(regions).all(-1))
    uvw = np.full((len(samples), len(samples.skeleton.joints), 3), np.nan)
    input_spec = network_input(size_px)
    for start in range(0, len(seen), batch):
        rows = seen[start : start + batch]
        crops = [
            recrop(
                samples.image[row], samples.region[row], region_from_square(regions[row]), size_px
            )
            for row in rows
        ]
        uvw[rows] = estimate(to_batch(crops, input_spec))
    return uvw


def find_detector_squares(samples: Samples) -> F64:
    """Return the squares around a detector's joints, (N, 3); NaN where it found fewer than two."""
    squares = np.full((len(samples), 3), np.nan)
    for row in np.flatnonzero(np.isfinite(samples.xy).all(-1).sum(-1) >= 2):
        region = square_around_joints(samples.xy[row].astype(float))
        squares[row] = *region.center_xy, region.size_wh[0]
    return squares


def find_true_squares(samples: Samples) -> F64:
    """Return the squares around the true roots, (N, 3); NaN where a root is not known."""
    squares = np.full((len(samples), 3), np.nan)
    root = get_reference_poses(samples)[:, samples.skeleton.index(ROOT)]
    for row in np.flatnonzero(root[:, 2] > 0):
        region = square_around_root(root[row], samples.cameras[samples.camera[row]])
        squares[row] = *region.center_xy, region.size_wh[0]
    return squares


def get_reference_poses(samples: Samples) -> F64:
    """Return the poses that judge, (N, J, 3), m, camera: labels that were rejected are NaN."""
    return np.where(samples.weight[..., None] > 0, samples.xyz, np.nan).astype(float)
