"""FloorEstimator: the floor before an uncalibrated camera, from people who stand or walk."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F64
from calibration.geometry.transforms import normalize
from engine.reconstruction.body_size import LIMBS

EVERY_NS = 500_000_000
MAX_INSTANTS = 120  # a minute at two a second, so that a camera that is tilted again is followed
MIN_INSTANTS = 6
# A person stands or walks if one knee is bent by less, and the trunk is in line with the legs.
# A model's knees are bent by 20 to 35 degrees on people who stand, its trunks are off by 1 to 10
# (`compact-studio` on synthetic people).
MAX_KNEE_DEG, MAX_TRUNK_DEG = 45.0, 15.0
PLAUSIBLE_PITCH_DEG, PLAUSIBLE_ROLL_DEG = 35.0, 10.0
MAX_LEAN_DEG = 50.0  # from a level camera's up; more is a person who lies, or a handstand
PLAUSIBLE_HEIGHT_M = (0.1, 4.0)
PITCH_SIGMA_DEG, ROLL_SIGMA_DEG = 20.0, 4.0  # of how cameras are mounted
CORRELATED_INSTANTS = 4.0  # this many neighbours count as one: a sway lasts two seconds
OUTLIER_SIGMAS = 2.0  # an instant this far off counts half
_ROBUST_STEPS = 5
_PAIRS = {
    joint: [LIMBS.index(f"left_{joint}"), LIMBS.index(f"right_{joint}")]
    for joint in ("shoulder", "hip", "knee", "ankle")
}


@dataclass(frozen=True, slots=True)
class ErrorModel:
    """The errors of one kind of evidence.

    Parameters
    ----------
    sigma
        Standard deviation of one instant.
    bias
        Standard deviation of the error common to all instants, which no average removes.
    """

    sigma: float
    bias: float


# Radians. SIDE: a person stands askew, or steps. LEAN: comes from the model's depth alone, whose
# errors are alike in all instants.
SIDE, LEAN = ErrorModel(0.05, 0.01), ErrorModel(0.10, 0.10)
# As a share of the distance of the feet: a raised foot, and the error of the distance as seen from
# a camera above.
FEET = ErrorModel(0.02, 0.005)
_SIGMA = np.array([[SIDE.sigma], [LEAN.sigma], [FEET.sigma]])
_BIAS = np.array([[SIDE.bias], [LEAN.bias], [FEET.bias]])
_LEVEL_PRIOR = np.diag([np.radians(ROLL_SIGMA_DEG) ** -2, 0.0, np.radians(PITCH_SIGMA_DEG) ** -2])


@dataclass(frozen=True, slots=True, eq=False)
class Floor:
    """The floor before a camera.

    Parameters
    ----------
    up : (3,), camera
        Away from the floor, a unit vector.
    height_m
        Of the camera above it.
    """

    up: F64
    height_m: float


class FloorEstimator:
    """Learn where up is from people who stand upright on a level floor; with bounded memory.

    Parameters
    ----------
    every_ns
        Minimum time between instants; nearer ones are not independent and are skipped.

    Notes
    -----
    There are three kinds of evidence for up ``u``. From the lens alone: it lies in the plane of the
    sights to ankles and shoulders, so with people at several places it is where these planes meet.
    From the person's size: all feet are on one plane, whose normal it is. And, weakly, because it
    rests on the model's depth: it is the direction from ankles to shoulders. Each is linear in
    ``u``, so the best estimate is an eigenvector; instants that disagree count less.
    """

    def __init__(self, every_ns: int = EVERY_NS) -> None:
        self._every_ns = every_ns
        self._instants: deque[F64] = deque(maxlen=MAX_INSTANTS)
        self._last_ns: int | None = None
        self._estimate: tuple[F64, float] | None = None  # from the current instants

    def reset(self) -> None:
        """Forget all instants: another camera."""
        self._instants.clear()
        self._last_ns = self._estimate = None

    def put(self, limbs: F64, timestamp_ns: int) -> None:
        """Add a person, if they stand upright and are seen from shoulders to ankles.

        Parameters
        ----------
        limbs : (12, 3), m, camera
            NaN where a joint was not found.
        timestamp_ns
        """
        if self._last_ns is not None and 0 <= timestamp_ns - self._last_ns < self._every_ns:
            return
        if _is_straight(limbs):
            self._instants.append(np.asarray(limbs, float))
            self._last_ns, self._estimate = timestamp_ns, None

    def estimate_floor(self, ankle_m: float) -> Floor | None:
        """Estimate the floor.

        Parameters
        ----------
        ankle_m
            Height of the ankle of a standing foot above the floor.

        Returns
        -------
        floor
            None before three seconds of evidence; its tilt is limited to plausible values.
        """
        if len(self._instants) < MIN_INSTANTS:
            return None
        if self._estimate is None:
            self._estimate = _estimate_up(np.stack(self._instants))
        up, above_ankles_m = self._estimate
        return Floor(up, float(np.clip(above_ankles_m + ankle_m, *PLAUSIBLE_HEIGHT_M)))


def pitch_roll_from_up(up: F64) -> tuple[float, float]:
    """Compute a camera's pitch and roll.

    Parameters
    ----------
    up : (3,), camera
        A unit vector.

    Returns
    -------
    pitch, roll : rad
        Positive downwards, and with up leaning to the right of the image; 0 where level.
    """
    return float(np.arcsin(np.clip(-up[2], -1.0, 1.0))), float(np.arctan2(up[0], -up[1]))


def up_from_pitch_roll(pitch: float, roll: float) -> F64:
    """Compute up before a camera; the inverse of `pitch_roll_from_up`.

    Parameters
    ----------
    pitch, roll : rad

    Returns
    -------
    up : (3,), camera
        A unit vector.
    """
    return np.array([np.cos(pitch) * np.sin(roll), -np.cos(pitch) * np.cos(roll), -np.sin(pitch)])


def clip_to_plausible(up: F64) -> F64:
    """Limit an up (3,) to pitches and rolls at which cameras are mounted."""
    limits = np.radians([PLAUSIBLE_PITCH_DEG, PLAUSIBLE_ROLL_DEG])
    pitch, roll = np.clip(pitch_roll_from_up(up), -limits, limits).tolist()
    return up_from_pitch_roll(pitch, roll)


def _is_straight(limbs: F64) -> bool:
    """Return whether a person stands or walks: legs and trunk in one line that points up."""
    shoulders, hips, knees, ankles = (
        limbs[_PAIRS[joint]] for joint in ("shoulder", "hip", "knee", "ankle")
    )
    knees_deg = _measure_angle_deg(hips - knees, knees - ankles)
    trunk_deg = _measure_angle_deg((shoulders - hips).mean(0), (hips - ankles).mean(0))
    lean_deg = _measure_angle_deg((shoulders - ankles).mean(0), np.array([0.0, -1.0, 0.0]))
    # A missing joint gives NaN, for which each comparison is false.
    straight = np.min(knees_deg) < MAX_KNEE_DEG and trunk_deg < MAX_TRUNK_DEG
    return bool(straight and lean_deg < MAX_LEAN_DEG)


def _measure_angle_deg(one: F64, other: F64) -> F64:
    """Measure the angle between vectors (..., 3)."""
    length = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    return np.degrees(
        np.arccos(np.clip((one * other).sum(-1) / np.maximum(length, 1e-9), -1.0, 1.0))
    )


def _estimate_up(limbs: F64) -> tuple[F64, float]:
    """Estimate up (3,) from limbs (N, 12, 3), and the camera's height above the ankles, m."""
    ankles, shoulders = (limbs[:, _PAIRS[joint]].mean(1) for joint in ("ankle", "shoulder"))
    up = clip_to_plausible(_solve_up(ankles, shoulders))
    return up, -float(np.median((limbs[:, _PAIRS["ankle"]] @ up).min(1)))


def _solve_up(ankles: F64, shoulders: F64) -> F64:
    """Solve for the up (3,) that best fits people from ankles to shoulders, each (N, 3)."""
    across = normalize(np.cross(ankles, shoulders))
    along = np.cross(across, normalize(shoulders - ankles))
    away_m = np.linalg.norm(ankles, axis=-1)
    # (3, 1): the variance of the mean of all instants, times their number. A bias does not average
    # out, so that many instants of a biased kind do not outweigh the other kinds.
    variance = CORRELATED_INSTANTS * _SIGMA**2 + len(ankles) * _BIAS**2
    counts, up = np.ones((3, len(ankles))), np.zeros(3)
    for _ in range(_ROBUST_STEPS):
        feet = (ankles - np.average(ankles, axis=0, weights=counts[2] / away_m**2)) / away_m[
            :, None
        ]
        rows = np.stack([across, along, feet])
        normal = _LEVEL_PRIOR + np.einsum("kn,kni,knj->ij", counts / variance, rows, rows)
        up = np.linalg.eigh(normal)[1][:, 0]
        counts = 1 / (1 + (rows @ up / (OUTLIER_SIGMAS * _SIGMA)) ** 2)
    return up if up[1] < 0 else -up
