"""Whether a camera moved during the recording: its residuals before and after an instant differ.

A camera that is knocked sees everything shifted from then on. The rig takes the middle, so that
what is left in its images points one way before and the other way after, for all joints alike; a
network's own errors point elsewhere for every joint.
"""

from dataclasses import dataclass

import numpy as np

from calibration.evidence.evidence import Evidence
from calibration.geometry.arrays import F64
from calibration.solve.refine import RefinementSettings, compute_joint_weights
from calibration.solve.residuals import Estimate, compute_reprojection

SPLITS = np.linspace(0.15, 0.85, 15)  # of the framesets: where a camera may have moved
MIN_JOINTS = 8  # seen before and after
# The median joint's shift, as a share of the torso, and over its standard error. None of
# 40 recordings without a knock passes (20 of made-up joints; 20 of the studio, real detector).
MIN_SHIFT_OF_TORSO, MIN_SIGMAS = 0.014, 8.0
MIN_VIEWS = 3  # two views bend to each other: neither can be blamed


@dataclass(frozen=True, slots=True)
class Movement:
    """A camera that moved.

    Parameters
    ----------
    view
        Its position.
    time_ns
        About when, as the framesets' times are.
    """

    view: int
    time_ns: int


def find_movement(
    evidence: Evidence, estimate: Estimate, settings: RefinementSettings
) -> Movement | None:
    """Find the camera that was knocked during the recording.

    Parameters
    ----------
    evidence, estimate, settings
        Of the last refinement.

    Returns
    -------
    movement
        Of the view whose joints shift most; None where none clearly does, or there are two views.
    """
    V, T, _ = evidence.sigma.shape
    if V < MIN_VIEWS:
        return None
    images = compute_reprojection(evidence, estimate)
    weight = compute_joint_weights(evidence, images, settings)
    per_torso = np.where(images.valid, evidence.sigma, 0.0) / evidence.size_px[..., None]
    residual = images.residual * per_torso[..., None]
    found: list[tuple[float, int, int]] = []
    for v in range(V):
        for row in np.unique((SPLITS * T).astype(int)):
            shift, sigmas = _compare_halves(residual[v], weight[v], row)
            if shift > MIN_SHIFT_OF_TORSO and sigmas > MIN_SIGMAS:
                # as in a cumulative sum: away from the true instant both halves are mixed
                found.append((shift * float(np.sqrt(row * (T - row))), v, row))
    if not found:
        return None
    _, view, row = max(found)
    return Movement(view, int(evidence.time_ns[row]))


def _compare_halves(residual: F64, weight: F64, row: int) -> tuple[float, float]:
    """Shift of the median joint from before a row to after it, in torsos and in sigmas.

    `residual` (T, J, 2) in torsos, `weight` (T, J).
    """
    total = weight[:row].sum(0), weight[row:].sum(0)
    seen = (total[0] > 1) & (total[1] > 1)
    if seen.sum() < MIN_JOINTS:
        return 0.0, 0.0
    before, after = (
        (weight[rows][..., None] * residual[rows]).sum(0)[seen] / sums[seen, None]
        for rows, sums in zip((slice(None, row), slice(row, None)), total)
    )
    shift = np.median(after - before, axis=0)
    # from the median absolute deviation: 1.4826 of it is a normal sigma
    scatter = 1.4826 * np.median(np.abs(after - before - shift), axis=0)
    error = np.maximum(scatter, 1e-6) / np.sqrt(seen.sum())
    return float(np.linalg.norm(shift)), float(np.linalg.norm(shift / error))
