"""Repair left and right: a network that mistakes a back for a front swaps a body's sides."""

import itertools

import numpy as np

from calibration.evidence.evidence import select_calibration_joints
from calibration.evidence.observations import Observations
from calibration.evidence.timing import interpolate_to_common_time
from calibration.geometry.arrays import F64, I64, Mask
from calibration.geometry.projection import project
from calibration.geometry.triangulation import triangulate
from calibration.rig import Camera, Rig

MAX_SIGMAS2 = 12.0  # squared sigmas that one joint may add for or against a swap
STEP_SIGMAS = 6.0  # sigmas that a joint ordinarily moves between framesets
CHANGE_PRIOR = 10.0  # sides do not change for less than this many squared sigmas
LOOKBACK_IMAGES = 4  # images that each one is compared with
SWAPPED_PRIOR_S = 100.0  # per second: most of the time the network is right
# Two views fit a body in profile nearly as well with its sides exchanged in one of them.
PAIR_SWAP_PRIOR = 10.0
MAX_SWAPPED_SHARE = 0.5  # of one of two views' framesets
SWAP_PRIOR = 1.0  # a swap must be better than none by this many squared sigmas
# Up to five views all patterns of swaps are tried, beyond that those of two views at most.
MAX_EXHAUSTIVE_VIEWS = 5


def find_swaps_by_motion(observations: Observations, sigma: F64) -> Mask:
    """Find framesets where a view's left and right jumped, from each view's own motion.

    Parameters
    ----------
    observations
    sigma : (T, V, J), px

    Returns
    -------
    swapped : (T, V)
        True where left and right must be exchanged to go on as before; the more frequent state
        counts as correct.

    Notes
    -----
    The best sequence of sides (Viterbi): a joint costs its squared jumps since the last few images,
    capped, in sigmas. One image back is not enough: between two good images a network may find a
    body that faces nowhere.
    """
    T, V = observations.view_time_ns.shape
    costs = np.stack(
        [_compute_step_costs(observations, sigma, reach) for reach in range(1, LOOKBACK_IMAGES + 1)]
    )
    period_s = float(np.median(np.diff(observations.time_ns))) * 1e-9 if T > 1 else 1.0
    prior = SWAPPED_PRIOR_S * period_s
    swapped = np.zeros((T, V), bool)
    for v in range(V):
        swapped[:, v] = _find_steadiest_sides(costs[:, :, v], prior)
        # one view alone shows only that sides changed, not which are correct: the majority is
        if swapped[:, v].mean() > 0.5:
            swapped[:, v] = ~swapped[:, v]
    return swapped


def _find_steadiest_sides(costs: F64, prior: float) -> Mask:
    """Find the sides of one view's framesets that go on best with the last few, (T,).

    `costs` (reach, T, 2): of keeping or changing sides since the image before, the one before that,
    and so on; `prior`: of being exchanged at all, per frameset.
    """
    reach, T = costs.shape[:2]
    # a state holds the sides of the last few images, newest first: the cost of a step depends on
    # all of them, and Viterbi may look one state back only
    states = np.array(list(itertools.product([False, True], repeat=reach)))
    total = np.zeros(len(states))
    back = np.zeros((T, len(states)), np.int64)
    older = [np.flatnonzero((states[:, :-1] == state[1:]).all(1)) for state in states]
    for t in range(T):
        onward = np.empty(len(states))
        for i, (now, before) in enumerate(zip(states, older)):
            changes = now[0] != np.column_stack([states[before]])
            step = np.where(changes, costs[:, t, 1], costs[:, t, 0]).sum(1)
            best = int(np.argmin(total[before] + step))
            back[t, i] = before[best]
            onward[i] = total[before][best] + step[best] + prior * now[0]
        # only differences count; without this the sums lose digits over a long recording
        total = onward - onward.min()
    chosen = np.zeros(T, bool)
    state = int(np.argmin(total))
    for t in range(T - 1, -1, -1):
        chosen[t] = states[state, 0]
        state = int(back[t, state])
    return chosen


def find_swaps_by_rig(observations: Observations, sigma: F64, rig: Rig) -> Mask:
    """Find framesets where a view has left and right exchanged, from all views together.

    Parameters
    ----------
    observations
        As the network saw them.
    sigma : (T, V, J), px
    rig

    Returns
    -------
    swapped : (T, V)

    Notes
    -----
    For every frameset each pattern of swaps is triangulated and costs its capped squared
    reprojection error; the views' own motion links the framesets (Viterbi over patterns). Two views
    alone cannot show which of them is swapped; their motion does.
    """
    offsets = np.array(
        [rig.time_offset_ns.get(name, 0) for name in observations.view_names], np.int64
    )
    common = interpolate_to_common_time(observations, offsets)
    patterns = _list_swap_patterns(len(observations.view_names))
    unary = np.stack(
        [_compute_pattern_cost(common, sigma, rig, pattern) for pattern in patterns], 1
    )
    unary += (PAIR_SWAP_PRIOR if patterns.shape[1] == 2 else SWAP_PRIOR) * patterns.sum(1)
    chosen = _viterbi(unary, _compute_step_costs(observations, sigma), patterns)
    swapped = patterns[chosen]
    if swapped.shape[1] == 2:
        # two views fit nearly as well with one of them exchanged throughout (squats: 66° off): what
        # they show is only where sides change, and the network is right most of the time
        swapped ^= swapped.mean(0) > MAX_SWAPPED_SHARE
    return swapped


def _list_swap_patterns(view_count: int) -> Mask:
    """List the patterns of swaps, (S, V): all, or those of few views and their complements."""
    if view_count <= MAX_EXHAUSTIVE_VIEWS:
        return np.array(list(itertools.product([False, True], repeat=view_count)))
    few: list[Mask] = []
    for count in range(3):
        for chosen in itertools.combinations(range(view_count), count):
            pattern = np.zeros(view_count, bool)
            pattern[list(chosen)] = True
            few += [pattern, ~pattern]
    return np.unique(np.array(few), axis=0)


def _compute_pattern_cost(common: Observations, sigma: F64, rig: Rig, pattern: Mask) -> F64:
    """Sum each frameset's capped squared reprojection errors under one pattern of swaps, (T,)."""
    joints = _find_limb_joints(common)
    T, V = common.confidence.shape[:2]
    repaired = common.swap_sides(np.broadcast_to(pattern, (T, V)))
    mirrored_sigma = np.where(pattern[None, :, None], sigma[..., common.skeleton.mirror], sigma)[
        ..., joints
    ]
    xy = np.moveaxis(repaired.xy[:, :, joints], 1, 0).reshape(V, -1, 2)
    spread = np.moveaxis(mirrored_sigma, 1, 0).reshape(V, -1)
    seen = np.isfinite(xy).all(-1) & np.isfinite(spread)
    xyz = triangulate(xy, np.where(seen, 1 / spread**2, 0.0), rig.cameras)
    error = (
        np.stack([_compute_error_px(xyz, xy[v], camera) for v, camera in enumerate(rig.cameras)])
        / spread
    )
    squared = np.where(np.isfinite(error), np.minimum(error**2, MAX_SIGMAS2), MAX_SIGMAS2)
    counted = seen & (seen.sum(0) >= 2)
    return np.where(counted, squared, 0.0).reshape(V, T, -1).sum((0, 2))


def _compute_step_costs(observations: Observations, sigma: F64, reach: int = 1) -> F64:
    """Cost of keeping and of changing sides since the image `reach` before, (T, V, 2)."""
    joints = _find_limb_joints(observations)
    mirror = observations.skeleton.mirror[joints]
    T, V = observations.confidence.shape[:2]
    cost = np.zeros((T, V, 2))
    for v in range(V):
        rows = np.flatnonzero(np.isfinite(sigma[:, v][:, joints]).any(-1))
        now, before = rows[reach:], rows[:-reach]
        # the better seen of both images decides: a wide sigma would let any jump pass
        sharper = np.minimum(sigma[now, v][:, joints], sigma[before, v][:, joints])
        spread = STEP_SIGMAS * reach**0.5 * sharper
        for changed, other in enumerate((joints, mirror)):
            step = observations.xy[now, v][:, joints] - observations.xy[before, v][:, other]
            squared = (step**2).sum(-1) / spread**2
            prior = CHANGE_PRIOR * changed if reach == 1 else 0.0
            cost[now, v, changed] = prior + np.where(
                np.isfinite(squared), np.minimum(squared, MAX_SIGMAS2), 0.0
            ).sum(-1)
    return cost


def _viterbi(unary: F64, step: F64, states: Mask) -> I64:
    """Find the cheapest sequence of states.

    Parameters
    ----------
    unary : (T, S)
    step : (T, V, 2)
        Cost per view of keeping or changing its side.
    states : (S, V)

    Returns
    -------
    chosen : (T,)
    """
    changes = states[:, None] != states[None]
    cost, back = unary[0].copy(), np.zeros(unary.shape, np.int64)
    for t in range(1, len(unary)):
        kept, changed = step[t, :, 0], step[t, :, 1]
        onward = cost[:, None] + kept.sum() + changes @ (changed - kept)
        back[t] = onward.argmin(0)
        cost = onward.min(0) + unary[t]
        cost -= cost.min()
    chosen = np.zeros(len(unary), np.int64)
    chosen[-1] = cost.argmin()
    for t in range(len(unary) - 1, 0, -1):
        chosen[t - 1] = back[t, chosen[t]]
    return chosen


def _compute_error_px(xyz: F64, xy: F64, camera: Camera) -> F64:
    """Distance between the images of points and what a view saw, px, (N,)."""
    return np.linalg.norm(project(xyz, camera) - xy, axis=-1)


def _find_limb_joints(observations: Observations) -> I64:
    """Return the joints that have a side."""
    return observations.skeleton.indices(select_calibration_joints(observations.skeleton))
