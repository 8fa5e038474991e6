"""Mocap: the motion of real people in bodies of other proportions, as cells use it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from calibration.geometry.arrays import F32, F64
from calibration.synthetic import walker
from calibration.synthetic.body import ANKLE_HEIGHT, complete_body
from calibration.world.scale import CHAIN_OF_STATURE
from engine.reconstruction.body_size import LIMBS
from training.errors import DatasetError
from training.lifting.bodies import Proportions, build_bodies
from training.lifting.motion_bank import turn_about_vertical
from training.motion.motion import Motion
from training.motion.read import read_motions

RATE_FPS = 30.0
MIN_SECONDS, STEP_S = 12.0, 4.0
MAX_AWAY_M = 1.6  # from the middle of the place: farther away, no camera of a small room sees them
SIZE_RANGE = (0.90, 1.10)
FLOOR_PERCENTILE = 5.0  # of the heights of the lower ankle
PROPORTIONS = Proportions()
USUAL_STATURE_M = (
    PROPORTIONS.trunk_m + PROPORTIONS.hip_drop_m + PROPORTIONS.thigh_m + PROPORTIONS.shank_m
) / CHAIN_OF_STATURE


@dataclass(frozen=True, slots=True, eq=False)
class PoseWindow:
    """A stretch of a real person's motion that stays in one place.

    Parameters
    ----------
    name
        Of the motion.
    xyz : (T, 12, 3), m, z up
        `LIMBS`, `RATE_FPS` a second.
    """

    name: str
    xyz: F32

    @property
    def seconds(self) -> float:
        """Time from the first pose to the last."""
        return (len(self.xyz) - 1) / RATE_FPS


def read_windows(paths: Sequence[Path], seconds: float) -> tuple[PoseWindow, ...]:
    """Read motion and cut it into windows.

    Parameters
    ----------
    paths
        Files or folders, as `training.motion.read.read_motions` takes them.
    seconds
        Longest window.

    Raises
    ------
    DatasetError
        If a file cannot be read, or no motion is long enough and stays in one place.
    """
    windows = [
        window
        for path in paths
        for motion in read_motions(path)
        for window in cut_windows(motion, seconds)
    ]
    if paths and not windows:
        given = ", ".join(str(path) for path in paths)
        raise DatasetError(
            f"No motion in {given} lasts {MIN_SECONDS:.0f} s "
            f"within {MAX_AWAY_M} m of one place. Give other files with --motion."
        )
    return tuple(windows)


def cut_windows(motion: Motion, seconds: float) -> Iterable[PoseWindow]:
    """Cut a motion into windows that begin `STEP_S` apart, and keep those in one place."""
    resampled = motion.resample(RATE_FPS)
    limbs = resampled.xyz[:, [resampled.joints.index(name) for name in LIMBS]]
    longest, step = round(seconds * RATE_FPS), round(STEP_S * RATE_FPS)
    for first in range(0, len(limbs) - round(MIN_SECONDS * RATE_FPS), step):
        part = limbs[first : first + longest]
        place = part[:, _HIPS].mean(1)[:, :2]
        if np.linalg.norm(place - np.median(place, 0), axis=-1).max() <= MAX_AWAY_M:
            yield PoseWindow(motion.name, part)


def draw_person(
    window: PoseWindow, middle_m: tuple[float, float], random: np.random.Generator
) -> tuple[float, walker.Motion]:
    """Draw a person of other proportions who moves so, about a place, turned anywhere.

    Returns
    -------
    stature_m
    motion
        (T,) s from the window's beginning to (T, 33, 3) m; before it and after its end the person
        stands still.
    """
    size = random.uniform(*SIZE_RANGE)
    body = size * build_bodies(window.xyz[None].astype(float), PROPORTIONS, random)[0]
    body = turn_about_vertical(body[None], random.uniform(0, 2 * np.pi, 1))[0]
    stature_m = size * USUAL_STATURE_M
    lower = body[:, _ANKLES, 2].min(1)
    hips = np.median(body[:, _HIPS].mean(1), 0)
    floor_m = np.percentile(lower, FLOOR_PERCENTILE) - ANKLE_HEIGHT * stature_m
    body += np.array([*middle_m, 0.0]) - np.array([hips[0], hips[1], floor_m])
    return stature_m, partial(_sample, complete_body(body, stature_m))


def _sample(xyz: F64, time_s: F64) -> F64:
    """Interpolate poses, linear between two."""
    at = np.clip(time_s * RATE_FPS, 0, len(xyz) - 1)
    before = np.minimum(at.astype(int), len(xyz) - 2)
    share = (at - before)[:, None, None]
    return xyz[before] * (1 - share) + xyz[before + 1] * share


_HIPS = [LIMBS.index("left_hip"), LIMBS.index("right_hip")]
_ANKLES = [LIMBS.index("left_ankle"), LIMBS.index("right_ankle")]
