"""Joints at a common instant: each view's track carried to the frameset's time, with its velocity."""

import numpy as np

from calibration.geometry.arrays import F64, I64
from calibration.observations import Observations

LONGEST_GAP_S = 0.12  # no joint is interpolated across a longer gap


def at_common_time(observations: Observations, offset_ns: I64) -> Observations:
    """Carry every view's joints to the times of the framesets.

    Parameters
    ----------
    observations
    offset_ns : (V,), ns
        What to add to each view's own times to get the rig's time.

    Returns
    -------
    observations
        With `view_time_ns` equal to `time_ns`; confidence is the lesser of the two neighbours'.

    Notes
    -----
    Linear interpolation between the two neighbouring images of the view (PERFORMANCE D: 8.8 mm to 2.1 mm for
    free-running cameras). A frameset without an image of the view gets one only if both neighbours are near.
    """
    T, V, J = observations.confidence.shape
    xy = np.full((T, V, J, 2), np.nan)
    confidence = np.zeros((T, V, J))
    for v in range(V):
        has_image = observations.seen[:, v].any(-1)
        own = observations.view_time_ns[has_image, v] + offset_ns[v]
        if not has_image.any():
            continue
        if not np.any(offset_ns[v]) and np.array_equal(own, observations.time_ns[has_image]) and has_image.all():
            xy[:, v], confidence[:, v] = observations.xy[:, v], observations.confidence[:, v]
            continue
        order = np.argsort(own, kind="stable")
        track_xy = observations.xy[has_image, v][order]
        track_confidence = np.where(observations.seen[has_image, v], observations.confidence[has_image, v], 0.0)[order]
        xy[:, v], confidence[:, v] = _interpolated(own[order], track_xy, track_confidence, observations.time_ns)
    times = np.repeat(observations.time_ns[:, None], V, 1)
    return Observations(
        observations.skeleton, observations.views, observations.sizes_wh, observations.time_ns, xy, confidence, times
    )


def velocity_px_s(observations: Observations) -> F64:
    """Differentiate every view's joints over time.

    Parameters
    ----------
    observations
        At common times.

    Returns
    -------
    velocity : (T, V, J, 2), px/s
        Central difference over two framesets on each side; 0 where it cannot be had.
    """
    time_s = (observations.time_ns - observations.time_ns[0]) * 1e-9
    xy = np.where(observations.seen[..., None], observations.xy, np.nan)
    velocity = np.full(xy.shape, np.nan)
    for reach in (2, 1):
        if len(xy) <= 2 * reach:
            continue
        span = (time_s[2 * reach :] - time_s[: -2 * reach])[:, None, None, None]
        difference = (xy[2 * reach :] - xy[: -2 * reach]) / span
        inner = velocity[reach:-reach]
        velocity[reach:-reach] = np.where(np.isfinite(inner), inner, difference)
    return np.nan_to_num(velocity)


def _interpolated(own_ns: I64, xy: F64, confidence: F64, time_ns: I64) -> tuple[F64, F64]:
    """Sample one view's track at the given times."""
    after = np.clip(np.searchsorted(own_ns, time_ns, side="left"), 1, len(own_ns) - 1) if len(own_ns) > 1 else None
    if after is None:
        after = np.zeros(len(time_ns), int)
    before = np.maximum(after - 1, 0)
    span = np.maximum(own_ns[after] - own_ns[before], 1)
    share = np.clip((time_ns - own_ns[before]) / span, -0.5, 1.5)[:, None]
    near = np.minimum(np.abs(time_ns - own_ns[before]), np.abs(time_ns - own_ns[after])) < LONGEST_GAP_S * 1e9 / 2
    joinable = (span < LONGEST_GAP_S * 1e9)[:, None] & near[:, None]
    on_before, on_after = share == 0, share == 1
    both = (confidence[before] > 0) & (confidence[after] > 0) & joinable
    mixed = np.where(both[..., None], (1 - share)[..., None] * xy[before] + share[..., None] * xy[after], np.nan)
    mixed = np.where(on_before[..., None], xy[before], np.where(on_after[..., None], xy[after], mixed))
    lesser = np.where(both, np.minimum(confidence[before], confidence[after]), 0.0)
    lesser = np.where(on_before, confidence[before], np.where(on_after, confidence[after], lesser))
    return mixed, np.where(np.isfinite(mixed).all(-1), lesser, 0.0)
