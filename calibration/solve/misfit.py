"""Views that do not fit: started at another time, mirrored, or of something else."""

# poselib has no types
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import numpy as np
import poselib

from calibration.errors import CalibrationError, DegenerateError
from calibration.evidence.evidence import select_calibration_joints
from calibration.evidence.keyframes import MIN_CONFIDENCE, spread_evenly
from calibration.evidence.noise import estimate_sigma_px
from calibration.evidence.observations import Observations
from calibration.evidence.timing import interpolate_to_common_time
from calibration.geometry.arrays import F64, I64
from calibration.solve.initialise import CANNOT_PLACE_MESSAGE, ScoutedRig, scout
from calibration.solve.lens_priors import LensPriors

SEARCH_S, SEARCH_STEP_S = 5.0, 1 / 15
MATCH_FRAMES, MIN_MATCHES = 40, 80
GATE_SIGMAS = 1.5
MIN_INLIER_GAIN = 1.15  # inliers of a shift over those of no shift, at least
NEAR_BEST_SHARE = 0.93  # shifts with this share of the most inliers are as good


def search_time_offsets(observations: Observations) -> I64:
    """Find how far the views' clocks are apart, up to 5 s, from the motion alone.

    Parameters
    ----------
    observations
        Sides steady.

    Returns
    -------
    offset_ns : (V,), ns
        What to add to each view's times to get the first view's; 0 where no shift is clearly
        better.

    Notes
    -----
    For each shift the joints of two views must fit one fundamental matrix (LO-RANSAC, PoseLib); the
    shift with most inliers wins.
    """
    offsets = np.zeros(len(observations.view_names), np.int64)
    for v in range(1, len(observations.view_names)):
        offsets[v] = _find_pair_offset(observations, 0, v)
    return offsets


def explain_misfit(
    common: Observations, rows: I64, lenses: LensPriors, scouted: ScoutedRig | None
) -> CalibrationError:
    """Find out why a view does not fit the others.

    Parameters
    ----------
    common, rows, lenses
    scouted
        The best rig so far; None where the cameras could not be placed at all.

    Returns
    -------
    error
        To be raised; its message names the view and what to do.
    """
    order = range(len(common.view_names)) if scouted is None else np.argsort(scouted.agreement)[:2]
    for v in order:
        try:
            mirrored = scout(common.flip_views((int(v),)), rows, lenses)
        except CalibrationError:
            continue
        if mirrored.fits and (
            scouted is None or mirrored.agreement[v] > scouted.agreement[v] + 0.2
        ):
            return DegenerateError(
                f"The video of '{common.view_names[v]}' is a mirror image: it fits the others "
                "only when left and right are exchanged. Switch mirroring off in that camera's "
                "settings, or flip the video, and calibrate again."
            )
    if scouted is None:
        return DegenerateError(CANNOT_PLACE_MESSAGE)
    worst = int(np.argmin(scouted.agreement))
    return DegenerateError(
        f"View '{common.view_names[worst]}' does not fit the others: only "
        f"{scouted.agreement[worst]:.0%} of its joints agree with them. Check that it shows the "
        "same person at the same time, and that the camera did not move."
    )


def _find_pair_offset(observations: Observations, first: int, second: int) -> int:
    """Find what to add to the second view's times, relative to the first one's, ns."""
    pair = _select_two_views(observations, first, second)
    span_s = float(observations.time_ns[-1] - observations.time_ns[0]) * 1e-9
    reach_s = min(SEARCH_S, span_s / 2)
    steps = int(reach_s / SEARCH_STEP_S)
    lags_ns = (np.arange(-steps, steps + 1) * SEARCH_STEP_S * 1e9).astype(np.int64)
    inliers = np.array([_measure_inlier_share(pair, int(lag)) for lag in lags_ns])
    if inliers.max() < MIN_INLIER_GAIN * inliers[steps]:
        return 0
    # gait repeats itself: the smallest shift is the likeliest
    near = np.flatnonzero(inliers >= NEAR_BEST_SHARE * inliers.max())
    best = int(near[np.argmin(np.abs(lags_ns[near]))])
    while 0 < best < len(inliers) - 1 and inliers[best] < max(inliers[best - 1], inliers[best + 1]):
        best += 1 if inliers[best + 1] > inliers[best - 1] else -1
    return int(lags_ns[best])


def _select_two_views(observations: Observations, first: int, second: int) -> Observations:
    """Select two views."""
    both = [first, second]
    return Observations(
        observations.skeleton,
        tuple(observations.view_names[v] for v in both),
        tuple(observations.sizes_wh[v] for v in both),
        observations.time_ns,
        observations.xy[:, both],
        observations.confidence[:, both],
        observations.view_time_ns[:, both],
    )


def _measure_inlier_share(pair: Observations, lag_ns: int) -> float:
    """Share of joints of two views that fit one fundamental matrix, the second shifted."""
    common = interpolate_to_common_time(pair, np.array([0, lag_ns], np.int64))
    rows = np.flatnonzero((common.seen.sum(-1) >= 8).all(1))
    rows = spread_evenly(rows, MATCH_FRAMES)
    joints = common.skeleton.indices(select_calibration_joints(common.skeleton))
    few = common.select_framesets(rows)
    sigma = (
        estimate_sigma_px(few, MIN_CONFIDENCE)[:, :, joints]
        if len(rows)
        else np.zeros((0, 2, len(joints)))
    )
    good = np.isfinite(sigma).all(1)
    if good.sum() < MIN_MATCHES:
        return 0.0
    xy: F64 = few.xy[:, :, joints]
    gate = GATE_SIGMAS * float(np.median(sigma[np.isfinite(sigma)]))
    options = {"max_epipolar_error": gate, "max_iterations": 300, "min_iterations": 50, "seed": 0}
    _, info = poselib.estimate_fundamental(xy[:, 0][good], xy[:, 1][good], options, {})
    return float(info["num_inliers"]) / float(good.sum())
