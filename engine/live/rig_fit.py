"""How well a rig explains what the cameras see, and which small change explains it better."""

import itertools
from dataclasses import dataclass, replace

import numpy as np

from calibration.evidence.evidence import select_calibration_joints
from calibration.evidence.noise import estimate_sigma_px
from calibration.evidence.observations import Observations
from calibration.evidence.timing import interpolate_to_common_time
from calibration.geometry.arrays import F64
from calibration.geometry.fast_arrays import pack_cameras
from calibration.geometry.fast_instant import project_compiled, triangulate_compiled
from calibration.rig import Rig

MIN_CONFIDENCE = 0.5  # confidence from which a joint counts, as in calibration
# A rig fits if the median joint of every view is nearer than this. On synthetic walkers with a
# model's errors, three seeds each of two to six cameras, the worst view of a correct rig has 0.8 to
# 2.0, with one camera turned by 3 degrees 3.7 to 9.
MAX_FIT_SIGMAS = 2.5
# Cap of a joint's squared error: beyond three sigmas a worse error says no more.
MAX_SIGMAS2 = 9.0
MIN_JOINTS_COMPARED = 100  # of a view; with fewer it is not judged
# Up to five views all orders of the cameras are tried, beyond that swaps of two, greedily.
MAX_EXHAUSTIVE_VIEWS = 5
# Clocks are searched this far to both sides, in these steps.
SEARCH_NS, SEARCH_STEP_NS = 500_000_000, 40_000_000
REFINE_STEPS_NS = (60_000_000, 30_000_000, *[20_000_000] * 4)  # smaller ones would follow the noise


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """How far the observations are from what the rig predicts.

    Parameters
    ----------
    sigmas, px : (V,)
        Median reprojection error of each view, in expected errors and in px; NaN where there is
        nothing to compare.
    cost
        Mean capped squared distance in sigmas, over all joints.
    """

    sigmas: F64
    px: F64
    cost: float

    @property
    def fits(self) -> bool:
        """Whether no view contradicts the rig, and at least two agree with it."""
        known = np.isfinite(self.sigmas)
        return bool(known.sum() >= 2 and (self.sigmas[known] < MAX_FIT_SIGMAS).all())


def measure_fit(seen: Observations, rig: Rig) -> Fit:
    """Measure how well a rig explains the observations.

    Parameters
    ----------
    seen
        Raw, each view with its own times.
    rig
        Its cameras in the order of the views; its time offsets are applied.
    """
    offsets = np.array([rig.time_offset_ns.get(name, 0) for name in rig.names], np.int64)
    common = interpolate_to_common_time(seen, offsets)
    V = len(rig)
    limbs = seen.skeleton.indices(select_calibration_joints(seen.skeleton))
    sigma = np.moveaxis(estimate_sigma_px(common, MIN_CONFIDENCE)[:, :, limbs], 1, 0).reshape(V, -1)
    xy = np.ascontiguousarray(np.moveaxis(common.xy[:, :, limbs], 1, 0).reshape(V, -1, 2))
    cameras = pack_cameras(rig.cameras)
    xyz = triangulate_compiled(xy, np.where(np.isfinite(sigma), 1 / sigma**2, 0.0), cameras)
    error = np.linalg.norm(project_compiled(xyz, cameras) - xy, axis=-1)
    counts = np.isfinite(sigma) & np.isfinite(xyz).all(-1)
    # A joint behind a camera has an infinite error.
    error = np.where(counts & ~np.isfinite(error), np.inf, np.where(counts, error, np.nan))
    capped = np.minimum((error[counts] / sigma[counts]) ** 2, MAX_SIGMAS2)
    return Fit(
        _compute_medians(error / sigma),
        _compute_medians(error),
        float(capped.mean()) if counts.any() else np.inf,
    )


def find_best_order(seen: Observations, rig: Rig) -> tuple[tuple[int, ...], Fit]:
    """Find which camera of the rig each view belongs to.

    Parameters
    ----------
    seen
        Raw, each view with its own times.
    rig
        Its cameras in the order of the views.

    Returns
    -------
    order : V of them
        View v is from camera ``order[v]``.
    fit
        Of the rig in that order.
    """
    V = len(rig)
    identity = tuple(range(V))
    if V <= MAX_EXHAUSTIVE_VIEWS:
        options = [order for order in itertools.permutations(identity) if _is_possible(order, rig)]
        fits = {order: measure_fit(seen, reorder_cameras(rig, order)) for order in options}
        best = min(fits, key=lambda order: fits[order].cost)
        return best, fits[best]
    best, fit = identity, measure_fit(seen, rig)
    for _ in range(V):
        options = [_swap(best, a, b) for a, b in itertools.combinations(range(V), 2)]
        fits = {
            order: measure_fit(seen, reorder_cameras(rig, order))
            for order in options
            if _is_possible(order, rig)
        }
        better = min(fits, key=lambda order: fits[order].cost, default=best)
        if better == best or fits[better].cost >= fit.cost:
            break
        best, fit = better, fits[better]
    return best, fit


def reorder_cameras(rig: Rig, order: tuple[int, ...]) -> Rig:
    """Give each view the camera that it belongs to, under the view's own name.

    Parameters
    ----------
    rig
    order
        As `find_best_order` returns it.
    """
    cameras = tuple(replace(rig[c], name=name) for c, name in zip(order, rig.names))
    offsets = {name: rig.time_offset_ns.get(rig[c].name, 0) for c, name in zip(order, rig.names)}
    return replace(rig, cameras=cameras, time_offset_ns=offsets)


def drop_views(seen: Observations, rig: Rig, views: tuple[int, ...]) -> tuple[Observations, Rig]:
    """Leave some views out of both.

    Parameters
    ----------
    seen, rig
    views
        Positions of those to leave out.

    Returns
    -------
    seen, rig
        Of the other views, in the same order.
    """
    kept = [v for v in range(len(rig)) if v not in views]
    fewer = Observations(
        seen.skeleton,
        tuple(seen.view_names[v] for v in kept),
        tuple(seen.sizes_wh[v] for v in kept),
        seen.time_ns,
        seen.xy[:, kept],
        seen.confidence[:, kept],
        seen.view_time_ns[:, kept],
    )
    return fewer, replace(rig, cameras=tuple(rig[v] for v in kept))


def search_clocks(seen: Observations, rig: Rig) -> Rig:
    """Find time offsets up to half a second away from the rig's, from the body's motion.

    Parameters
    ----------
    seen
        Raw, each view with its own times.
    rig
        Its cameras in the order of the views.

    Returns
    -------
    rig
        With the offsets that best explain the observations; the first camera's is unchanged.

    Notes
    -----
    One camera at a time, the one that gains most first; then `refine_clocks`.
    """
    lags = np.arange(-SEARCH_NS, SEARCH_NS + 1, SEARCH_STEP_NS)
    cost = measure_fit(seen, rig).cost
    for _ in range(len(rig)):
        options = [_shift_offset(rig, v, int(lag)) for v in range(len(rig)) for lag in lags if lag]
        costs = [measure_fit(seen, option).cost for option in options]
        if min(costs) > 0.98 * cost:
            break
        rig, cost = options[int(np.argmin(costs))], min(costs)
        if measure_fit(seen, rig).fits:
            break
    return refine_clocks(seen, rig)


def refine_clocks(seen: Observations, rig: Rig) -> Rig:
    """Find the time offsets within 0.1 s of the rig's that best explain the observations.

    Parameters
    ----------
    seen
        Raw, each view with its own times.
    rig
        Its cameras in the order of the views.

    Returns
    -------
    rig
        The first camera's offset is unchanged.

    Notes
    -----
    Takes the minimum of a parabola through three costs, camera by camera and repeatedly, because
    each depends on the others. Error on eight rigs of three or four cameras, 10 s of a synthetic
    walker with a model's errors: 0.7 ms in the median, 3.2 ms at most.
    """
    for step in REFINE_STEPS_NS:
        for v in range(1, len(rig)):
            here = measure_fit(seen, rig).cost
            before, after = (
                measure_fit(seen, _shift_offset(rig, v, lag)).cost for lag in (-step, step)
            )
            bend = before - 2 * here + after
            move = 0.5 * (before - after) / bend if bend > 0 else np.sign(before - after)
            rig = _shift_offset(rig, v, round(float(np.clip(move, -2, 2)) * step))
    return rig


def _shift_offset(rig: Rig, v: int, lag_ns: int) -> Rig:
    """Add to a camera's time offset; moving the first camera moves all others the other way."""
    offsets = {name: rig.time_offset_ns.get(name, 0) for name in rig.names}
    for other, name in enumerate(rig.names):
        if v == 0 and other != 0:
            offsets[name] -= lag_ns
        elif v == other and v != 0:
            offsets[name] += lag_ns
    return replace(rig, time_offset_ns=offsets)


def _is_possible(order: tuple[int, ...], rig: Rig) -> bool:
    """Return whether each view could be from that camera, by the size of its images."""
    return all(rig[c].size_wh == rig[v].size_wh for v, c in enumerate(order))


def _swap(order: tuple[int, ...], a: int, b: int) -> tuple[int, ...]:
    """Swap two entries."""
    swapped = list(order)
    swapped[a], swapped[b] = order[b], order[a]
    return tuple(swapped)


def _compute_medians(values: F64) -> F64:
    """Compute each row's median; NaN where there are too few values."""
    rows: list[F64] = [row[~np.isnan(row)] for row in values]
    return np.array([np.median(row) if len(row) >= MIN_JOINTS_COMPARED else np.nan for row in rows])
