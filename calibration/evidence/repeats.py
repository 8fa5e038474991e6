"""Repeats: a view that shows one image again and again."""

import numpy as np

from calibration.evidence.observations import Observations
from calibration.geometry.arrays import Mask

MIN_FROZEN_S, MIN_FROZEN_IMAGES = 1.0, 5


def find_frozen_span(observations: Observations, view: int) -> tuple[float, float] | None:
    """Find the longest time in which a view's joints stay the same to the last digit.

    Parameters
    ----------
    observations
        As the network saw them, not interpolated.
    view
        Position.

    Returns
    -------
    span : s since the first frameset
        From when to when; None below a second, or where another view stays the same as well (a
        person may stand still in front of a clean picture).
    """
    frozen = _find_longest_run(observations, view)
    if frozen is None:
        return None
    first, last = frozen
    rows = slice(first, last + 1)
    for other in range(len(observations.view_names)):
        if other != view and _find_repeats(observations, other)[rows].mean() > 0.5:
            return None
    times = (observations.view_time_ns[[first, last], view] - observations.time_ns[0]) * 1e-9
    return float(times[0]), float(times[1])


def _find_longest_run(observations: Observations, view: int) -> tuple[int, int] | None:
    """Find the first and the last frameset of the longest frozen time."""
    repeats = _find_repeats(observations, view)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], repeats, [False]]).astype(int)))
    runs = edges.reshape(-1, 2)
    if not len(runs):
        return None
    times = observations.view_time_ns[:, view]
    first, last = max(
        ((int(a) - 1, int(b) - 1) for a, b in runs), key=lambda run: times[run[1]] - times[run[0]]
    )
    long = times[last] - times[first] >= MIN_FROZEN_S * 1e9
    return (first, last) if long and last - first >= MIN_FROZEN_IMAGES else None


def _find_repeats(observations: Observations, view: int) -> Mask:
    """Find the framesets whose image of a view has the joints of the one before, (T,)."""
    xy = observations.xy[:, view]
    seen: Mask = np.asarray(observations.seen[:, view].any(-1), bool)
    # one image may serve two framesets
    new_image: Mask = np.diff(observations.view_time_ns[:, view]) > 0
    equal = (xy[1:] == xy[:-1]) | (np.isnan(xy[1:]) & np.isnan(xy[:-1]))
    repeats = np.zeros(len(xy), bool)
    repeats[1:] = equal.all((1, 2)) & seen[1:] & seen[:-1] & new_image
    return repeats
