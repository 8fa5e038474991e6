"""Upright: which way is up before a camera that nobody calibrated, learned from whoever stands or walks before it."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F64
from calibration.geometry.transforms import normalize
from engine.reconstruction.body_size import LIMBS

EVERY_NS = 500_000_000
MAX_INSTANTS = 120  # a minute at two a second: a camera that somebody tilts anew is followed
MIN_INSTANTS = 6
# Somebody stands or walks: one knee is bent by less, and the trunk goes on where the legs end. A
# network's knees are bent by 20 to 35 degrees on people who stand, its trunks are off by 1 to 10
# (`compact-studio` in the studio).
MAX_KNEE_DEG, MAX_TRUNK_DEG = 45.0, 15.0
PLAUSIBLE_PITCH_DEG, PLAUSIBLE_ROLL_DEG = 35.0, 10.0
MAX_LEAN_DEG = 50.0  # whoever leans so much before a level camera lies, or stands on their hands
PLAUSIBLE_HEIGHT_M = (0.1, 4.0)
PITCH_SIGMA_DEG, ROLL_SIGMA_DEG = 20.0, 4.0  # standard deviations of how cameras are put up
CORRELATED_INSTANTS = 4.0  # of so many neighbouring instants one counts: a sway lasts two seconds
OUTLIER_SIGMAS = 2.0  # an instant that is so far off counts half
_ROBUST_STEPS = 5
_PAIRS = {
    joint: [LIMBS.index(f"left_{joint}"), LIMBS.index(f"right_{joint}")]
    for joint in ("shoulder", "hip", "knee", "ankle")
}


@dataclass(frozen=True, slots=True)
class ErrorModel:
    """What one kind of evidence errs by.

    Parameters
    ----------
    sigma
        Standard deviation of one instant.
    bias
        Standard deviation of what is common to all instants, and so no average takes away.
    """

    sigma: float
    bias: float


# Per radian. SIDE: a person stands askew, or steps. LEAN: the network's depth is all that tells it,
# and errs alike.
SIDE, LEAN = ErrorModel(0.05, 0.01), ErrorModel(0.10, 0.10)
# As a share of how far away the feet are: a foot that is raised, and the error of the distance seen
# from above.
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
    """Learn where up is from people who stand upright on a level floor; with memory, bounded.

    Parameters
    ----------
    every_ns
        Instants nearer to each other in time say the same, and are left out.

    Notes
    -----
    Three things are told of up ``u``. Through the lens alone: it lies in the plane of the sights to
    ankles and shoulders, so that people at several places have it where their planes meet. Through
    the person's size: all feet are on one plane, whose normal it is. And, weakly, since the depth
    in it is the network's: it is the direction from ankles to shoulders. Each is linear in ``u``,
    so that the best one is an eigenvector; instants that disagree count less.
    """

    def __init__(self, every_ns: int = EVERY_NS) -> None:
        self._every_ns = every_ns
        self._instants: deque[F64] = deque(maxlen=MAX_INSTANTS)
        self._last_ns: int | None = None
        self._estimate: tuple[F64, float] | None = None  # by the instants of now

    def reset(self) -> None:
        """Begin anew: another camera."""
        self._instants.clear()
        self._last_ns = self._estimate = None

    def put(self, limbs: F64, timestamp_ns: int) -> None:
        """Look at a person; who does not stand upright, or is not seen from shoulders to ankles,
        says nothing.

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
        """Say where the floor is.

        Parameters
        ----------
        ankle_m
            How high above the floor the ankle of a foot is that stands on it.

        Returns
        -------
        floor
            None before three seconds of evidence; never tilted by more than is believable.
        """
        if len(self._instants) < MIN_INSTANTS:
            return None
        if self._estimate is None:
            self._estimate = _estimate_up(np.stack(self._instants))
        up, above_ankles_m = self._estimate
        return Floor(up, float(np.clip(above_ankles_m + ankle_m, *PLAUSIBLE_HEIGHT_M)))


def pitch_roll_from_up(up: F64) -> tuple[float, float]:
    """Say how a camera is held.

    Parameters
    ----------
    up : (3,), camera
        A unit vector.

    Returns
    -------
    pitch, roll : rad
        Downwards, and so that up leans to the right of the image: both 0 where it is level.
    """
    return float(np.arcsin(np.clip(-up[2], -1.0, 1.0))), float(np.arctan2(up[0], -up[1]))


def up_from_pitch_roll(pitch: float, roll: float) -> F64:
    """Say where up is before a camera that is held so; the inverse of `pitch_roll_from_up`, (3,)."""
    return np.array([np.cos(pitch) * np.sin(roll), -np.cos(pitch) * np.cos(roll), -np.sin(pitch)])


def clip_to_plausible(up: F64) -> F64:
    """Bring an up (3,) to the nearest pitch and roll at which somebody puts a camera."""
    limits = np.radians([PLAUSIBLE_PITCH_DEG, PLAUSIBLE_ROLL_DEG])
    pitch, roll = np.clip(pitch_roll_from_up(up), -limits, limits).tolist()
    return up_from_pitch_roll(pitch, roll)


def _is_straight(limbs: F64) -> bool:
    """Whether somebody stands or walks: legs and trunk in one line, which points up rather than sideways."""
    shoulders, hips, knees, ankles = (
        limbs[_PAIRS[joint]] for joint in ("shoulder", "hip", "knee", "ankle")
    )
    knees_deg = _measure_angle_deg(hips - knees, knees - ankles)
    trunk_deg = _measure_angle_deg((shoulders - hips).mean(0), (hips - ankles).mean(0))
    lean_deg = _measure_angle_deg((shoulders - ankles).mean(0), np.array([0.0, -1.0, 0.0]))
    straight = (
        np.min(knees_deg) < MAX_KNEE_DEG and trunk_deg < MAX_TRUNK_DEG
    )  # NaN is less than nothing
    return bool(straight and lean_deg < MAX_LEAN_DEG)


def _measure_angle_deg(one: F64, other: F64) -> F64:
    """Measure the angle between vectors (..., 3)."""
    length = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    return np.degrees(
        np.arccos(np.clip((one * other).sum(-1) / np.maximum(length, 1e-9), -1.0, 1.0))
    )


def _estimate_up(limbs: F64) -> tuple[F64, float]:
    """Find up (3,) from limbs (N, 12, 3), and how far the camera is above the lower ankles, m."""
    ankles, shoulders = (limbs[:, _PAIRS[joint]].mean(1) for joint in ("ankle", "shoulder"))
    up = clip_to_plausible(_solve_up(ankles, shoulders))
    return up, -float(np.median((limbs[:, _PAIRS["ankle"]] @ up).min(1)))


def _solve_up(ankles: F64, shoulders: F64) -> F64:
    """Find the up (3,) that people from ankles (N, 3) to shoulders (N, 3) agree on best."""
    across = normalize(np.cross(ankles, shoulders))
    along = np.cross(across, normalize(shoulders - ankles))
    away_m = np.linalg.norm(ankles, axis=-1)
    variance = (
        CORRELATED_INSTANTS * _SIGMA**2 + len(ankles) * _BIAS**2
    )  # (3, 1): of all instants of a kind, times how many they are
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
