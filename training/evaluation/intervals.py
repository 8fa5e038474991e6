"""Means of a metric by group, and how sure they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.geometry.arrays import F64

RESAMPLES = 2000
CONFIDENCE_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean, and the range in which it would lie with other clips.

    Parameters
    ----------
    low, mean, high
        In the unit of the metric; NaN where nothing was measured.
    """

    low: float
    mean: float
    high: float


def mean(errors: F64) -> float:
    """Average what was measured; NaN where nothing was."""
    measured = errors[np.isfinite(errors)]
    return float(measured.mean()) if measured.size else float("nan")


def mean_by_joint(errors: F64, joints: Sequence[str]) -> dict[str, float]:
    """Average each joint over the poses.

    Parameters
    ----------
    errors : (N, J)
    joints : J names

    Returns
    -------
    means : by joint
        NaN for one that was never measured.
    """
    return {joint: mean(errors[:, index]) for index, joint in enumerate(joints)}


def mean_by_label(errors: F64, labels: Sequence[str] | NDArray[Any]) -> dict[str, float]:
    """Average the poses of each action, view or person.

    Parameters
    ----------
    errors : (N, J)
    labels : N of them

    Returns
    -------
    means : by label, in alphabetic order
    """
    labels = np.asarray(labels)
    return {str(label): mean(errors[labels == label]) for label in np.unique(labels)}


def bootstrap_interval(
    errors: F64, clips: Sequence[str] | NDArray[Any], *, seed: int, resamples: int = RESAMPLES
) -> Interval:
    """Bound a mean by resampling whole clips.

    Parameters
    ----------
    errors : (N, J) or (N,)
        For a comparison of two networks: the differences of their errors on the same poses.
    clips : N of them
        What a pose belongs to. Neighbouring frames are nearly the same pose: drawn one by one they
        would promise a certainty that is not there.
    seed
    resamples

    Returns
    -------
    interval
        95 %. One clip alone gives bounds of NaN: it says nothing about other clips.

    Notes
    -----
    Percentile bootstrap (Efron & Tibshirani 1993, 13.3) over clips as clusters.
    """
    _, clip = np.unique(np.asarray(clips), return_inverse=True)
    flat = np.asarray(errors, float).reshape(len(clip), -1)
    sums = np.bincount(clip, np.nansum(flat, 1))
    counts = np.bincount(clip, np.isfinite(flat).sum(1))
    sums, counts = sums[counts > 0], counts[counts > 0]
    if len(sums) < 2:
        return Interval(np.nan, mean(flat), np.nan)
    drawn = np.random.default_rng(seed).multinomial(
        len(sums), np.full(len(sums), 1 / len(sums)), resamples
    )
    means = (drawn @ sums) / (drawn @ counts)
    low, high = np.quantile(means, [(1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2])
    return Interval(float(low), mean(flat), float(high))
