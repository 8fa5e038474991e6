"""What a person is doing, from the joints alone, so that acceptance can be reported by action."""

import numpy as np

from calibration.geometry.arrays import F64
from calibration.skeleton import Skeleton

ACTIONS = ("standing", "walking", "low", "bent", "arms up", "out of view")
LOW_SHARE = 0.8  # of the hips' usual height: squats, lunges, a chair
BENT_RAD = 0.7  # of the trunk from upright
RAISED_M = 0.1  # a wrist above its shoulder
WALKING_M_S = 0.25
SMOOTHING_S = 0.5


def name_actions(xyz: F64, time_s: F64, skeleton: Skeleton) -> np.ndarray:
    """Name what a person does in each frameset.

    Parameters
    ----------
    xyz : (T, J, 3), m, world (z up)
    time_s : (T,)
    skeleton
        With shoulders, wrists and hips; else all is 'standing'.

    Returns
    -------
    action : (T,) of str
        One of `ACTIONS`; the trunk decides before the arms, and the arms before walking.
    """
    named = np.full(len(xyz), "standing", dtype=object)
    needed = [
        f"{side}_{joint}" for joint in ("shoulder", "wrist", "hip") for side in ("left", "right")
    ]
    if not set(needed) <= set(skeleton.joints) or len(xyz) == 0:
        return named
    shoulders, wrists, hips = (xyz[:, skeleton.indices(needed[i : i + 2])] for i in (0, 2, 4))
    middle = hips.mean(1)
    trunk = shoulders.mean(1) - middle
    with np.errstate(invalid="ignore", divide="ignore"):
        lean_rad = np.arccos(np.clip(trunk[:, 2] / np.linalg.norm(trunk, axis=-1), -1, 1))
    usual_m = float(np.nanpercentile(middle[:, 2], 80)) if np.isfinite(middle).any() else np.nan
    named[_compute_pace_m_s(middle, time_s) > WALKING_M_S] = "walking"
    named[((wrists[..., 2] - shoulders[..., 2]) > RAISED_M).any(1)] = "arms up"
    named[lean_rad > BENT_RAD] = "bent"
    named[middle[:, 2] < LOW_SHARE * usual_m] = "low"
    named[~np.isfinite(middle).all(-1)] = "out of view"
    return named


def _compute_pace_m_s(middle: F64, time_s: F64) -> F64:
    """Measure how fast the hips move about over half a second, (T,)."""
    if len(time_s) < 2:
        return np.zeros(len(time_s))
    reach = max(1, round(SMOOTHING_S / 2 / max(float(np.median(np.diff(time_s))), 1e-3)))
    rows = np.arange(len(time_s))
    after = np.minimum(rows + reach, len(rows) - 1)
    before = np.maximum(rows - reach, 0)
    step = np.linalg.norm((middle[after] - middle[before])[:, :2], axis=-1)
    return np.nan_to_num(step / np.maximum(time_s[after] - time_s[before], 1e-3))
