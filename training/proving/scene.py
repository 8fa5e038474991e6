"""Scene: one recording of a cell, drawn from a seed, with its truth."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from calibration.rig import Rig
from calibration.self_calibrate import CalibrationOptions
from calibration.synthetic.film import Take, film
from calibration.synthetic.network_errors import NoiseConfig
from calibration.synthetic.synthetic import (
    NETWORK_NOISE,
    SyntheticObservations,
    list_frameset_times,
)
from calibration.synthetic.walker import Motion, Walker
from training.proving.cells import GIVEN, SHARED, Cell
from training.proving.mocap import PoseWindow, draw_person

SECONDS, FPS = 25.0, 15.0
REACH_RANGE_M = (0.7, 1.3)  # of a walk from the middle of the place
STATURE_RANGE_M = (1.55, 1.95)
FACING_SPREAD_RAD = np.radians(30.0)
# Together 2 to 6 px of a torso of 300 px (METHODS.md 3.4).
JITTER_OF_TORSO, DRIFT_OF_TORSO = (0.004, 0.012), (0.006, 0.018)
GROSS = 0.03


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A recording whose truth is known.

    Parameters
    ----------
    rig
        The truth; before the bump, where a camera is bumped.
    seen
    options
        What the calibration is given.
    """

    rig: Rig
    seen: SyntheticObservations
    options: CalibrationOptions


def draw_scene(cell: Cell, seed: int, windows: Sequence[PoseWindow] = ()) -> Scene:
    """Draw a recording; the same seed gives the same one.

    Parameters
    ----------
    cell
    seed
    windows
        Of real motion; needed by the cells without a procedural one.
    """
    random = np.random.default_rng([seed, 5])
    setup = cell.draw_setup(seed)
    rig = _delay(setup.rig, cell)
    stature_m, motion, seconds = _draw_person(cell, setup.middle_m, windows, random)
    take = Take(motion, list_frameset_times(seconds, FPS), _draw_noise(random), cell.faults)
    intrinsics = rig.cameras if cell.lenses == GIVEN else ()
    options = CalibrationOptions(stature_m, intrinsics, shared_intrinsics=cell.lenses == SHARED)
    return Scene(rig, film(rig, take, seed=seed), options)


def _delay(rig: Rig, cell: Cell) -> Rig:
    """Let some views begin later."""
    offsets = dict(rig.time_offset_ns)
    for view, seconds in cell.late_s:
        offsets[rig.names[view]] += round(seconds * 1e9)
    return replace(rig, time_offset_ns=offsets)


def _draw_person(
    cell: Cell,
    middle: tuple[float, float],
    windows: Sequence[PoseWindow],
    random: np.random.Generator,
) -> tuple[float, Motion, float]:
    """Draw who moves how: stature, motion and its length in seconds."""
    if cell.motion is None:
        window = windows[int(random.integers(len(windows)))]
        stature_m, motion = draw_person(window, middle, random)
        return stature_m, motion, min(SECONDS, window.seconds)
    stature_m = random.uniform(*STATURE_RANGE_M)
    phase = random.uniform(0, 2 * np.pi)
    if cell.turned_to_cameras:  # the cameras' centroid is the world's origin
        towards = np.arctan2(-middle[1], -middle[0])
        phase = towards + FACING_SPREAD_RAD * random.normal()
    walker = Walker(stature_m, middle, random.uniform(*REACH_RANGE_M), phase)
    return stature_m, partial(cell.motion, walker), SECONDS


def _draw_noise(random: np.random.Generator) -> NoiseConfig:
    """Draw how good the network is on this recording."""
    return replace(
        NETWORK_NOISE,
        jitter_of_torso=random.uniform(*JITTER_OF_TORSO),
        drift_of_torso=random.uniform(*DRIFT_OF_TORSO),
        gross=GROSS,
    )
