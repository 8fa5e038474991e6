"""Left and right repaired: networks take a person's back for their front, and whole bodies swap sides."""

import itertools

import numpy as np

from calibration.evidence import calibration_joints
from calibration.geometry.arrays import F64, I64, Mask
from calibration.geometry.projection import project
from calibration.geometry.triangulation import triangulate
from calibration.observations import Observations
from calibration.rig import Camera, Rig
from calibration.timing import at_common_time

CAPPED_SIGMAS2 = 12.0  # squared sigmas that one joint may say for or against a swap
STEP_SIGMAS = 4.0  # a joint may move so many sigmas between framesets without surprise
SWAP_PRIOR = 1.0  # a swap must be better than none by so many squared sigmas
ALL_PATTERNS_VIEWS = 5  # up to five views all patterns of swaps are weighed, beyond that those of two views at most


def steady_sides(observations: Observations, sigma: F64) -> Mask:
    """Find framesets where a view's left and right jumped, from each view's own motion.

    Parameters
    ----------
    observations
    sigma : (T, V, J), px

    Returns
    -------
    swapped : (T, V)
        True where left and right must be exchanged to go on as before; the more frequent state counts as right.

    Notes
    -----
    The best sequence of two states (Viterbi): a joint pays its squared jump, capped, in sigmas.
    """
    cost = _step_costs(observations, sigma)
    unary = np.zeros((len(observations.time_ns), 2))
    unary[:, 1] = SWAP_PRIOR / 10
    swapped = np.zeros(cost.shape[:2], bool)
    states = np.array([[False], [True]])
    for v in range(cost.shape[1]):
        swapped[:, v] = states[_viterbi(unary, cost[:, v : v + 1], states), 0]
        if swapped[:, v].mean() > 0.5:
            swapped[:, v] = ~swapped[:, v]
    return swapped


def sides_by_rig(observations: Observations, sigma: F64, rig: Rig) -> Mask:
    """Find framesets where a view has left and right exchanged, from all views and the motion together.

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
    For every frameset each pattern of swaps is triangulated and pays its capped squared reprojection error; the
    views' own motion links the framesets (Viterbi over patterns). Two views alone cannot tell which of them is
    swapped; their motion does (REALDATA 2).
    """
    offsets = np.array([rig.time_offset_ns.get(name, 0) for name in observations.views], np.int64)
    common = at_common_time(observations, offsets)
    patterns = _patterns(len(observations.views))
    unary = np.stack([_pattern_cost(common, sigma, rig, pattern) for pattern in patterns], 1)
    unary += SWAP_PRIOR * patterns.sum(1)
    chosen = _viterbi(unary, _step_costs(observations, sigma), patterns)
    return patterns[chosen]


def _patterns(views: int) -> Mask:
    """List the patterns of swaps to weigh, (S, V): all, or those of few views and their complements."""
    if views <= ALL_PATTERNS_VIEWS:
        return np.array(list(itertools.product([False, True], repeat=views)))
    few = []
    for count in range(3):
        for chosen in itertools.combinations(range(views), count):
            pattern = np.zeros(views, bool)
            pattern[list(chosen)] = True
            few += [pattern, ~pattern]
    return np.unique(np.array(few), axis=0)


def _pattern_cost(common: Observations, sigma: F64, rig: Rig, pattern: Mask) -> F64:
    """Sum each frameset's capped squared reprojection errors under one pattern of swaps, (T,)."""
    joints = _limb_joints(common)
    T, V = common.confidence.shape[:2]
    repaired = common.mirrored(np.broadcast_to(pattern, (T, V)))
    mirrored_sigma = np.where(pattern[None, :, None], sigma[..., common.skeleton.mirror], sigma)[..., joints]
    xy = np.moveaxis(repaired.xy[:, :, joints], 1, 0).reshape(V, -1, 2)
    spread = np.moveaxis(mirrored_sigma, 1, 0).reshape(V, -1)
    seen = np.isfinite(xy).all(-1) & np.isfinite(spread)
    xyz = triangulate(xy, np.where(seen, 1 / spread**2, 0.0), rig.cameras)
    error = np.stack([_error_px(xyz, xy[v], camera) for v, camera in enumerate(rig.cameras)]) / spread
    squared = np.where(np.isfinite(error), np.minimum(error**2, CAPPED_SIGMAS2), CAPPED_SIGMAS2)
    counted = seen & (seen.sum(0) >= 2)
    return np.where(counted, squared, 0.0).reshape(V, T, -1).sum((0, 2))


def _step_costs(observations: Observations, sigma: F64) -> F64:
    """Cost of going on with the same sides, and of changing them, from one image to the next, (T, V, 2)."""
    joints = _limb_joints(observations)
    mirror = observations.skeleton.mirror[joints]
    T, V = observations.confidence.shape[:2]
    cost = np.zeros((T, V, 2))
    for v in range(V):
        rows = np.flatnonzero(np.isfinite(sigma[:, v][:, joints]).any(-1))
        now, before = rows[1:], rows[:-1]
        spread = STEP_SIGMAS * np.minimum(sigma[now, v][:, joints], sigma[before, v][:, joints])
        for changed, other in enumerate((joints, mirror)):
            step = observations.xy[now, v][:, joints] - observations.xy[before, v][:, other]
            squared = (step**2).sum(-1) / spread**2
            cost[now, v, changed] = np.where(np.isfinite(squared), np.minimum(squared, CAPPED_SIGMAS2), 0.0).sum(-1)
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


def _error_px(xyz: F64, xy: F64, camera: Camera) -> F64:
    """Distance between the images of points and what a view saw, px, (N,)."""
    return np.linalg.norm(project(xyz, camera) - xy, axis=-1)


def _limb_joints(observations: Observations) -> I64:
    """Joints that tell the sides apart."""
    return observations.skeleton.indices(calibration_joints(observations.skeleton))
