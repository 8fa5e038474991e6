"""Keyframes: which framesets of a recording solve the rig, and which judge it."""

import numpy as np

from calibration.errors import NotEnoughMotionError
from calibration.evidence.observations import Observations
from calibration.geometry.arrays import I64, Mask

# A joint below it does not calibrate. Four real videos, error of the joints: 80 mm with this gate,
# 84 mm with weights by confidence, 104 mm with a gate of 0.8.
MIN_CONFIDENCE = 0.5
MIN_JOINTS, MIN_FRAMES = 8, 12
HOLDOUT_EVERY, HOLDOUT_BLOCK_S = 5, 1.0


def select_training_rows(common: Observations, max_rows: int) -> I64:
    """Choose framesets to solve with: spread over time, the held-out blocks left out.

    Returns
    -------
    rows : (R,)
        Positions on the time axis of `common`, increasing; `max_rows` of them at most.

    Raises
    ------
    NotEnoughMotionError
        If too few framesets show the person in two views.
    """
    rows = np.flatnonzero(find_well_seen(common) & ~find_holdout(common.time_ns))
    if len(rows) < MIN_FRAMES:
        raise NotEnoughMotionError(
            f"The person is seen by two cameras at once in only {len(rows)} images."
            " Walk where at least two cameras see the whole body, for 20 seconds."
        )
    return spread_evenly(rows, max_rows)


def require_every_view(observations: Observations) -> None:
    """Refuse a recording of which a view hardly ever shows the person.

    Parameters
    ----------
    observations

    Raises
    ------
    NotEnoughMotionError
        If a view shows the person in too few images to place its camera; the message names it.
    """
    seen = (
        (observations.seen & (observations.confidence >= MIN_CONFIDENCE)).sum(-1) >= MIN_JOINTS
    ).sum(0)
    worst = int(np.argmin(seen))
    if seen[worst] < MIN_FRAMES:
        raise NotEnoughMotionError(
            f"View '{observations.view_names[worst]}' shows the person in only {seen[worst]} "
            "images, so its camera cannot be placed. Turn it so that it sees the person, or leave "
            "it out."
        )


def find_holdout(time_ns: I64) -> Mask:
    """Mark the blocks of time that are held out of the solution, (T,)."""
    span_ns = int(time_ns[-1] - time_ns[0]) + 1
    block_ns = min(int(HOLDOUT_BLOCK_S * 1e9), max(span_ns // 10, 1))
    return ((time_ns - time_ns[0]) // block_ns) % HOLDOUT_EVERY == HOLDOUT_EVERY // 2


def find_well_seen(common: Observations) -> Mask:
    """Find the framesets in which two views or more see most of the person, (T,)."""
    sure = common.seen & (common.confidence >= MIN_CONFIDENCE)
    return (sure.sum(-1) >= MIN_JOINTS).sum(-1) >= 2


def select_holdout_rows(common: Observations, max_rows: int) -> I64:
    """Choose framesets that were held out; where there are none, any."""
    seen = find_well_seen(common)
    rows = np.flatnonzero(seen & find_holdout(common.time_ns))
    return spread_evenly(rows if len(rows) else np.flatnonzero(seen), max_rows)


def spread_evenly(rows: I64, max_rows: int) -> I64:
    """Keep at most `max_rows` of the rows, evenly spread."""
    return (
        rows[np.linspace(0, len(rows) - 1, min(max_rows, len(rows))).round().astype(int)]
        if len(rows)
        else rows
    )
