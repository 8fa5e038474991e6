"""How far limbs are from the true ones: MPJPE, N-MPJPE and PA-MPJPE with their intervals."""

from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F64
from training.evaluation.intervals import Interval, bootstrap_interval
from training.evaluation.metrics import mpjpe, n_mpjpe, p_mpjpe
from training.world.truth import LIMBS

BLOCK_S = 0.5
"""Blocks of time that are resampled: about one step of a walking person.

Poses within a block are nearly the same; clips of two to six seconds still give several.
"""

MIN_BLOCKS = 4
"""Of fewer, a bootstrap promises more certainty than there is: no interval is given."""

_LEFT_HIP, _RIGHT_HIP = LIMBS.index("left_hip"), LIMBS.index("right_hip")


@dataclass(frozen=True, slots=True)
class PoseErrors:
    """Mean errors over the poses of a clip.

    Parameters
    ----------
    mpjpe, n_mpjpe, pa_mpjpe : m
        With the middle of the hips as origin; after one scale per pose; after a similarity per
        pose. The bounds are 95 %, NaN for a clip too short to give any.
    poses
        How many were compared.
    """

    mpjpe: Interval
    n_mpjpe: Interval
    pa_mpjpe: Interval
    poses: int

    def as_cells(self) -> dict[str, float | int]:
        """Return the values of a row of a table, mm, under the keys of `POSE_KEYS`."""
        cells: dict[str, float | int] = {"poses": self.poses}
        for key, interval in zip(POSE_KEYS, (self.mpjpe, self.n_mpjpe, self.pa_mpjpe)):
            stem = key.removesuffix("_mm")
            cells[key] = 1000 * interval.mean
            cells[f"{stem}_low_mm"] = 1000 * interval.low
            cells[f"{stem}_high_mm"] = 1000 * interval.high
        return cells


POSE_KEYS = ("mpjpe_mm", "n_mpjpe_mm", "pa_mpjpe_mm")


def measure_pose_errors(
    limbs: F64, truth: F64, time_s: F64 | list[float], *, seed: int = 0
) -> PoseErrors:
    """Compare limbs with the true ones.

    Parameters
    ----------
    limbs, truth : (T, 12, 3), m
        In the order of `LIMBS`, in axes that agree; the origin does not matter.
    time_s : (T,)
    seed
        Of the intervals.
    """
    estimated, true = (np.concatenate([xyz, _find_middle(xyz)], 1) for xyz in (limbs, truth))
    root = len(LIMBS)
    absolute = mpjpe(estimated, true, root)[:, :root]
    blocks = np.floor(np.asarray(time_s, float) / BLOCK_S).astype(np.int64)
    return PoseErrors(
        _bound(absolute, blocks, seed),
        _bound(n_mpjpe(estimated, true, root)[:, :root], blocks, seed),
        _bound(p_mpjpe(limbs, truth), blocks, seed),
        int(np.isfinite(absolute).any(1).sum()),
    )


def _find_middle(xyz: F64) -> F64:
    """Return the middle of the hips, (T, 1, 3)."""
    return (xyz[:, [_LEFT_HIP]] + xyz[:, [_RIGHT_HIP]]) / 2


def _bound(errors: F64, blocks: np.ndarray, seed: int) -> Interval:
    """Return the mean with its interval, or without one where there are too few blocks."""
    interval = bootstrap_interval(errors, blocks, seed=seed)
    if len(np.unique(blocks[np.isfinite(errors).any(1)])) < MIN_BLOCKS:
        return Interval(np.nan, interval.mean, np.nan)
    return interval
