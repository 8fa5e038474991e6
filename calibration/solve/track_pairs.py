"""Two views' tracks: how well they fit one epipolar geometry, and which clock fits best.

No lens and no rig is needed: only that both cameras stand still and see one person.
"""

# poselib and scipy have no types
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from dataclasses import dataclass, replace

import numpy as np
import poselib
from scipy.optimize import least_squares

from calibration.evidence.evidence import select_calibration_joints
from calibration.evidence.keyframes import MIN_CONFIDENCE
from calibration.evidence.noise import estimate_sigma_px
from calibration.evidence.observations import Observations
from calibration.evidence.timing import MAX_GAP_INTERVALS, MAX_GAP_S
from calibration.geometry.arrays import F64, Mask

GATE_SIGMAS = 2.0
MIN_MATCHES = 80
COARSE_INSTANTS, FINE_INSTANTS = 40, 120
# A rate barely matters within this window, so that a shift can be found before the rate is known.
WINDOW_S = 10.0
MAX_ROUNDS, SETTLED_SIGMAS = 8, 0.4
MAX_STEP_S, MAX_STRETCH = 0.3, 0.05
SLOPE_S = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One view's joints over its own time.

    Parameters
    ----------
    time_s : (N,), s
        Since the first frameset, increasing.
    xy : (N, J, 2), px
    sigma : (N, J), px
        Infinite where missing.
    """

    time_s: F64
    xy: F64
    sigma: F64

    def retime(self, offset_s: float, rate: float) -> "Track":
        """Map the times by ``offset + rate * own``."""
        return replace(self, time_s=offset_s + rate * self.time_s)

    def cut(self, start_s: float, end_s: float) -> "Track":
        """Keep the images from start to end."""
        kept = (self.time_s >= start_s) & (self.time_s < end_s)
        return Track(self.time_s[kept], self.xy[kept], self.sigma[kept])


@dataclass(frozen=True, slots=True)
class TrackClock:
    """A view's clock against another view's.

    Parameters
    ----------
    offset_s, rate
        ``time of the other = offset + rate * own``.
    rate_sigma
        One standard deviation of the rate, of independent errors.
    share
        Of the joints that fit one epipolar geometry over the whole overlap.
    """

    offset_s: float
    rate: float
    rate_sigma: float
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class _Matches:
    """Joints of two views at common instants: `xy` (2, N, 2), `sigma` (2, N), `velocity` (N, 2)."""

    xy: F64
    sigma: F64
    velocity: F64
    time_s: F64


def gather_tracks(observations: Observations) -> list[Track]:
    """Gather every view's track, in the order of the views."""
    joints = observations.skeleton.indices(select_calibration_joints(observations.skeleton))
    sigma = estimate_sigma_px(observations, MIN_CONFIDENCE)[:, :, joints]
    xy = observations.xy[:, :, joints]
    own_s = (observations.view_time_ns - observations.time_ns[0]) * 1e-9
    tracks: list[Track] = []
    for v in range(len(observations.view_names)):
        rows = np.flatnonzero(np.isfinite(sigma[:, v]).any(-1))
        rows = rows[np.unique(own_s[rows, v], return_index=True)[1]]
        tracks.append(Track(own_s[rows, v], xy[rows, v], sigma[rows, v]))
    return tracks


def find_overlap(one: Track, two: Track) -> tuple[float, float]:
    """Find the first and the last instant that both saw, s; the last before the first if none."""
    if not len(one.time_s) or not len(two.time_s):
        return 0.0, -1.0
    return max(one.time_s[0], two.time_s[0]), min(one.time_s[-1], two.time_s[-1])


def measure_share(
    one: Track, two: Track, *, instants: int = COARSE_INSTANTS, window_s: float = np.inf
) -> float:
    """Measure the share of the joints of two views that fit one epipolar geometry.

    Parameters
    ----------
    one, two
    instants
        That are looked at, evenly spread.
    window_s
        Of the middle of the overlap.

    Returns
    -------
    share : 0 to 1
        0 where too few joints are shared.

    Notes
    -----
    LO-RANSAC (PoseLib); deterministic.
    """
    fit = _fit_fundamental(_match(one, two, instants, window_s))
    return 0.0 if fit is None else float(fit[1].mean())


def refine_clock(
    one: Track, two: Track, offset_s: float, rate: float, *, least_share: float = 0.0
) -> TrackClock | None:
    """Refine the second view's clock from the motion.

    Parameters
    ----------
    one, two
        The second with its own times.
    offset_s, rate
        Where to start: within about 0.2 s in the middle of the overlap.
    least_share
        That the first window must reach, else the rest is not tried.

    Returns
    -------
    clock
        None where too few joints are shared, or fit.

    Notes
    -----
    Least squares of the Sampson errors over the fundamental matrix, offset and rate together (after
    Albl et al., "On the Two-View Geometry of Unsynchronized Cameras", CVPR 2017), in a window that
    doubles until it holds the whole overlap.
    """
    rate_sigma = np.inf
    start, end = find_overlap(one, two.retime(offset_s, rate))
    window_s = WINDOW_S
    while True:
        for _ in range(MAX_ROUNDS):
            step = _step_clock(one, two.retime(offset_s, rate), window_s)
            if step is None:
                return None
            shift_s, factor, rate_sigma = step
            offset_s, rate = factor * offset_s + shift_s, factor * rate
            if abs(factor - 1) < SETTLED_SIGMAS * rate_sigma:
                break
        if measure_share(one, two.retime(offset_s, rate), window_s=window_s) < least_share:
            return None
        if window_s >= end - start:
            break
        window_s *= 2
    share = measure_share(one, two.retime(offset_s, rate), instants=FINE_INSTANTS)
    return TrackClock(offset_s, rate, rate_sigma, share)


def _step_clock(one: Track, two: Track, window_s: float) -> tuple[float, float, float] | None:
    """Improve a clock once: what to add, by what to multiply, and the factor's sigma."""
    matches = _match(one, two, FINE_INSTANTS, window_s)
    fit = _fit_fundamental(matches)
    if fit is None:
        return None
    middle = float(matches.time_s.mean())
    centre, size = matches.xy.mean((0, 1)), float(matches.xy.std())
    to_unit = np.array([[size, 0, centre[0]], [0, size, centre[1]], [0, 0, 1]])
    start = to_unit.T @ fit[0] @ to_unit
    start /= np.linalg.norm(start)
    unit, sigma = (matches.xy - centre) / size, matches.sigma / size
    velocity, since_s = matches.velocity / size, matches.time_s - middle

    def residual(x: F64) -> F64:
        moved = unit[1] - velocity * (x[9] + x[10] * since_s)[:, None]
        away = _measure_sampson(x[:9].reshape(3, 3), unit[0], moved, sigma)
        # the scale of the matrix has no meaning: hold it
        return np.concatenate([away, [100 * (float(np.linalg.norm(x[:9])) - 1)]])

    solved = least_squares(
        residual, np.append(start.ravel(), [0.0, 0.0]), loss="cauchy", x_scale="jac", max_nfev=8
    )
    spread = float(np.sqrt(np.maximum(np.linalg.pinv(solved.jac.T @ solved.jac)[10, 10], 0)))
    shift = float(np.clip(solved.x[9], -MAX_STEP_S, MAX_STEP_S))
    stretch = float(np.clip(solved.x[10], -MAX_STRETCH, MAX_STRETCH))
    return shift - stretch * middle, 1 + stretch, spread


def _match(one: Track, two: Track, instants: int, window_s: float) -> _Matches:
    """Match the joints of two views at instants spread over the middle of their overlap."""
    start, end = find_overlap(one, two)
    middle, reach = (start + end) / 2, min(max(end - start, 0), window_s) / 2
    times = np.linspace(middle - reach, middle + reach, instants)
    xy_one, sigma_one = _sample(one, times)
    xy_two, sigma_two = _sample(two, times)
    before, after = _sample(two, times - SLOPE_S)[0], _sample(two, times + SLOPE_S)[0]
    velocity = (after - before) / (2 * SLOPE_S)
    good = np.isfinite(sigma_one) & np.isfinite(sigma_two)
    good &= np.isfinite(velocity).all(-1)
    return _Matches(
        np.stack([xy_one[good], xy_two[good]]),
        np.stack([sigma_one[good], sigma_two[good]]),
        velocity[good],
        np.repeat(times, good.sum(1)),
    )


def _sample(track: Track, times_s: F64) -> tuple[F64, F64]:
    """Interpolate a track, (K, J, 2) px, and its sigma, (K, J) px; NaN and infinite in gaps."""
    own = track.time_s
    shape = (len(times_s), *track.sigma.shape[1:])
    if len(own) < 2:
        return np.full((*shape, 2), np.nan), np.full(shape, np.inf)
    after = np.clip(np.searchsorted(own, times_s), 1, len(own) - 1)
    before = after - 1
    span = own[after] - own[before]
    share = ((times_s - own[before]) / span)[:, None]
    near = span < max(MAX_GAP_S, MAX_GAP_INTERVALS * float(np.median(np.diff(own))))
    # the ends may be extrapolated by one interval, as for the slope there
    near &= (share[:, 0] >= -1) & (share[:, 0] <= 2)
    sigma = np.maximum(track.sigma[before], track.sigma[after])
    sigma = np.where(near[:, None], sigma, np.inf)
    xy = (1 - share)[..., None] * track.xy[before] + share[..., None] * track.xy[after]
    return np.where(np.isfinite(sigma)[..., None], xy, np.nan), sigma


def _measure_sampson(F: F64, one: F64, two: F64, sigma: F64) -> F64:
    """Signed Sampson errors in standard deviations, (N,)."""
    line_two = one @ F[:, :2].T + F[:, 2]
    line_one = two @ F[:2] + F[2]
    error: F64 = (two * line_two[:, :2]).sum(1) + line_two[:, 2]
    spread = sigma[0] ** 2 * (line_one[:, :2] ** 2).sum(1)
    spread = spread + sigma[1] ** 2 * (line_two[:, :2] ** 2).sum(1)
    away: F64 = error / np.sqrt(np.maximum(spread, 1e-300))
    return away


def _fit_fundamental(matches: _Matches) -> tuple[F64, Mask] | None:
    """Fit a fundamental matrix; None where the matches are too few."""
    if len(matches.time_s) < MIN_MATCHES:
        return None
    gate = GATE_SIGMAS * float(np.median(matches.sigma))
    options = {"max_epipolar_error": gate, "max_iterations": 300, "min_iterations": 50, "seed": 0}
    F, info = poselib.estimate_fundamental(matches.xy[0], matches.xy[1], options, {})
    return np.asarray(F, float), np.asarray(info["inliers"], bool)
