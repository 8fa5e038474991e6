"""Metrics: how far predicted poses are from the truth, as papers define and as some compute it.

Each error is a distance per joint, (N, J), in metres, so that it can be averaged by joint, view or
action. Missing is NaN and is left out of every mean.
"""

import numpy as np

from calibration.geometry.arrays import F64, Mask

PCK_M = 0.150
AUC_THRESHOLDS_M = np.linspace(0.0, 0.150, 31)
"""0 to 150 mm in steps of 5, as MPI-INF-3DHP's own evaluation has them."""

PCKH_SHARE = 0.5
"""A joint counts as found within this share of the head's size."""

MIN_JOINTS = 3
"""Fewer do not fix a similarity."""


def to_root_relative(xyz: F64, root: int) -> F64:
    """Return poses, (N, J, 3), with one joint of theirs as origin."""
    return xyz - xyz[:, root : root + 1]


def joint_errors(predicted: F64, truth: F64) -> F64:
    """Return the distances as they are.

    Parameters
    ----------
    predicted, truth : (N, J, 2 or 3)
        In one frame and unit.

    Returns
    -------
    errors : (N, J)
        NaN where either is missing.
    """
    return np.linalg.norm(predicted - truth, axis=-1)


def mpjpe(predicted: F64, truth: F64, root: int) -> F64:
    """Return errors with each pose's own root as its origin (MPJPE, protocol #1).

    Parameters
    ----------
    predicted, truth : (N, J, 3), m
    root
        Position of the root joint.

    Returns
    -------
    errors : (N, J), m

    Notes
    -----
    As Human3.6M defines it (Ionescu et al. 2014).
    """
    return joint_errors(to_root_relative(predicted, root), to_root_relative(truth, root))


def n_mpjpe(predicted: F64, truth: F64, root: int) -> F64:
    """Return errors after the one scale per pose that fits best (N-MPJPE).

    Parameters
    ----------
    predicted, truth : (N, J, 3), m
    root
        Position of the root joint.

    Returns
    -------
    errors : (N, J), m

    Notes
    -----
    ``s = sum <g, p> / sum |p|²`` (Rhodin et al. 2018), over the joints that both have.
    EpipolarPose's code takes the scale of the Procrustes alignment instead, and its numbers differ.
    """
    p = to_root_relative(predicted, root)
    g = to_root_relative(truth, root)
    both = _find_common_joints(p, g)
    product = np.where(both, g * p, 0.0).sum((1, 2), keepdims=True)
    square = np.where(both, p * p, 0.0).sum((1, 2), keepdims=True)
    scale = np.divide(product, square, out=np.zeros_like(product), where=square > 0)
    return joint_errors(scale * p, g)


def p_mpjpe(predicted: F64, truth: F64) -> F64:
    """Return errors after the similarity per pose that fits best (P-MPJPE, PA-MPJPE, protocol #2).

    Parameters
    ----------
    predicted, truth : (N, J, 3), m

    Returns
    -------
    errors : (N, J), m
        NaN for poses with fewer than three joints in common.
    """
    return joint_errors(align_poses(predicted, truth), truth)


def rerooted_p_mpjpe(predicted: F64, truth: F64, root: int) -> F64:
    """Return errors after the best similarity and a shift root to root (EpipolarPose's code).

    Parameters
    ----------
    predicted, truth : (N, J, 3), m
    root
        Position of the root joint.

    Returns
    -------
    errors : (N, J), m

    Notes
    -----
    Not the standard: the second shift undoes the best one. It is here to compare with what such
    papers print.
    """
    return mpjpe(align_poses(predicted, truth), truth, root)


def align_poses(source: F64, target: F64) -> F64:
    """Align each pose with its target by the similarity of least squared error.

    Parameters
    ----------
    source, target : (N, J, 3)

    Returns
    -------
    moved : (N, J, 3)
        All joints of `source`; NaN for poses with fewer than three joints in common.

    Notes
    -----
    Umeyama (1991), all poses at once; no reflection.
    """
    both = _find_common_joints(source, target)
    count = both.sum(1, keepdims=True).astype(float)
    share = both / np.maximum(count, 1.0)
    mean_a = np.where(both, share * source, 0.0).sum(1, keepdims=True)
    mean_b = np.where(both, share * target, 0.0).sum(1, keepdims=True)
    a = np.where(both, source - mean_a, 0.0)
    b = np.where(both, target - mean_b, 0.0)
    u, singular, vt = np.linalg.svd(np.swapaxes(b, 1, 2) @ a)
    sign = np.ones_like(singular)
    sign[:, 2] = np.where(np.linalg.det(u @ vt) < 0, -1.0, 1.0)
    rotation = (u * sign[:, None]) @ vt
    square = (a * a).sum((1, 2))
    trace = (singular * sign).sum(-1)
    scale = np.divide(trace, square, out=np.zeros_like(trace), where=square > 0)
    moved = scale[:, None, None] * (source - mean_a) @ np.swapaxes(rotation, 1, 2) + mean_b
    return np.where(count >= MIN_JOINTS, moved, np.nan)


def pck(errors: F64, threshold_m: float = PCK_M) -> F64:
    """Return, per joint of each pose, 1 where the error is within a threshold, else 0 (PCK).

    Parameters
    ----------
    errors : (N, J), m
    threshold_m

    Returns
    -------
    correct : (N, J)
        Its mean is the PCK; NaN where the error is.

    Notes
    -----
    As MPI-INF-3DHP defines 3D PCK (Mehta et al. 2017), with 150 mm.
    """
    return _count_within(errors, threshold_m)


def auc(errors: F64) -> F64:
    """Return, per joint of each pose, the mean PCK over the thresholds from 0 to 150 mm.

    Parameters
    ----------
    errors : (N, J), m

    Returns
    -------
    share : (N, J)
        Its mean is the AUC; NaN where the error is.

    Notes
    -----
    As MPI-INF-3DHP defines it (Mehta et al. 2017).
    """
    within = np.searchsorted(AUC_THRESHOLDS_M, errors, side="left")
    return np.where(np.isnan(errors), np.nan, 1.0 - within / len(AUC_THRESHOLDS_M))


def pckh(errors_px: F64, head_px: F64) -> F64:
    """Return, per joint of each pose, 1 where the error is within half a head (PCKh@0.5).

    Parameters
    ----------
    errors_px : (N, J)
        In the image.
    head_px : (N,)
        From the neck to the top of the head.

    Returns
    -------
    correct : (N, J)
        Its mean is the PCKh; NaN where the error or the head is missing.

    Notes
    -----
    Andriluka et al. (2014); their head size is 0.6 of the diagonal of an annotated head box, which
    other sets do not have.
    """
    relative = errors_px / np.where(head_px > 0, head_px, np.nan)[:, None]
    return _count_within(relative, PCKH_SHARE)


def _find_common_joints(a: F64, b: F64) -> Mask:
    """Mark the joints that both poses have, (N, J, 1)."""
    return np.asarray(np.isfinite(a + b).all(-1, keepdims=True))


def _count_within(errors: F64, threshold: float) -> F64:
    """Return 1 where an error is within a threshold, else 0; NaN stays NaN."""
    return np.where(np.isnan(errors), np.nan, (errors <= threshold).astype(float))
