"""Similarity between two sets of points, and the errors that remain after it."""

import numpy as np

from calibration.geometry.arrays import F64


def align_similarity(source: F64, target: F64, weight: F64 | None = None) -> tuple[float, F64, F64]:
    """Find the similarity that carries points onto others with the least squared error.

    Parameters
    ----------
    source, target : (N, 3)
        Rows with NaN are left out.
    weight : (N,), optional

    Returns
    -------
    scale
    rotation : (3, 3)
    translation : (3,)
        ``target ~ scale * rotation @ source + translation``.

    Raises
    ------
    ValueError
        If fewer than three points remain.

    Notes
    -----
    Umeyama (1991), eq. 40-42.
    """
    weight = np.ones(len(source)) if weight is None else np.asarray(weight, float)
    good = np.isfinite(source).all(1) & np.isfinite(target).all(1) & (weight > 0)
    if good.sum() < 3:
        raise ValueError(f"A similarity needs three points in common, not {int(good.sum())}.")
    a = source[good]
    b = target[good]
    w = weight[good, None] / weight[good].sum()
    mean_a, mean_b = (w * a).sum(0), (w * b).sum(0)
    u, singular, vt = np.linalg.svd((w * (b - mean_b)).T @ (a - mean_a))
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * sign) @ vt
    scale = float((singular * sign).sum() / (w * (a - mean_a) ** 2).sum())
    return scale, rotation, mean_b - scale * rotation @ mean_a
