"""A walker: a procedural person whose joints are known exactly, for tests, benchmarks and examples.

Every motion is a function of time alone, so that cameras with clocks of their own can sample any
instant.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np

from calibration.geometry.arrays import F64
from calibration.synthetic.body import (
    ANKLE_HEIGHT,
    HALF_STANCE,
    SEAT_HEIGHT,
    SHANK,
    SIDES,
    THIGH,
    Feet,
    Posture,
    build_body,
)

Motion: TypeAlias = Callable[[F64], F64]
Path: TypeAlias = Callable[[F64], tuple[F64, F64]]  # time to place (T, 2) and heading (T,)

STANCE_SHARE = 0.6  # of a gait cycle that a foot is on the floor
LIFT_M, STEP_PITCH_RAD = 0.09, 0.45


@dataclass(frozen=True, slots=True)
class Walker:
    """A person, and the space in which they move.

    Parameters
    ----------
    stature_m
    middle_m
        Middle of the place, x and y in the world.
    reach_m
        How far from the middle the person walks.
    phase_rad
        Turns and shifts the motion, so that two walkers differ.
    """

    stature_m: float = 1.75
    middle_m: tuple[float, float] = (0.0, 0.0)
    reach_m: float = 1.4
    phase_rad: float = 0.0


def walk_room(walker: Walker, time_s: F64) -> F64:
    """Walk a rosette through the whole place, swinging the arms and raising them now and then.

    Parameters
    ----------
    walker
    time_s : (T,), s

    Returns
    -------
    xyz : (T, 33, 3), m, world
        In the order of the skeleton ``blazepose_33``.
    """
    path = partial(_rosette, walker)
    swing = 2 * np.pi * 0.9 * time_s
    raised = np.maximum(0, np.sin(0.7 * time_s + walker.phase_rad)) ** 2
    arm = hang_arms(time_s)
    arm[:, 0, 0] = -0.5 * np.sin(swing) + 1.6 * raised
    arm[:, 1, 0] = 0.5 * np.sin(swing) + 1.2 * np.maximum(0, -np.sin(0.53 * time_s)) ** 2
    arm[:, :, 2] = 0.35 + 0.25 * np.sin(swing)[:, None] * [1, -1]
    trunk = np.stack([0.06 + 0 * time_s, 0.02 * np.sin(swing), 0.12 * np.sin(swing)], 1)
    return walk_along(walker, path, time_s, trunk, arm)


def walk_line(walker: Walker, time_s: F64) -> F64:
    """Walk to and fro along one line.

    Parameters and result are those of `walk_room`.
    """
    path = partial(_thin_ellipse, walker)
    swing = 2 * np.pi * 0.9 * time_s
    arm = hang_arms(time_s)
    arm[:, :, 0] = 0.5 * np.sin(swing)[:, None] * [-1, 1]
    arm[:, :, 2] = 0.35 + 0.2 * np.sin(swing)[:, None] * [1, -1]
    return walk_along(walker, path, time_s, np.tile([0.06, 0.0, 0.0], (len(time_s), 1)), arm)


def step_in_place(walker: Walker, time_s: F64) -> F64:
    """March on the spot with swinging arms.

    Parameters and result are those of `walk_room`.
    """
    path = partial(_spot, walker)
    swing = 2 * np.pi * 0.9 * time_s
    arm = hang_arms(time_s)
    arm[:, :, 0] = 0.8 * np.sin(swing)[:, None] * [-1, 1]
    arm[:, :, 2] = 0.5 + 0.3 * np.sin(0.5 * swing)[:, None] * [1, -1]
    return walk_along(walker, path, time_s, np.zeros((len(time_s), 3)), arm)


def stand(walker: Walker, time_s: F64) -> F64:
    """Stand still, but for a sway of some millimetres.

    Parameters and result are those of `walk_room`.
    """
    place, heading = _spot(walker, time_s)
    sway = 0.004 * np.stack([np.sin(1.3 * time_s), np.sin(0.9 * time_s + 1)], 1)
    trunk = 0.01 * np.stack([np.sin(1.1 * time_s), np.sin(0.7 * time_s), np.sin(0.5 * time_s)], 1)
    height = (ANKLE_HEIGHT + 0.985 * (THIGH + SHANK)) * walker.stature_m
    posture = Posture(raise_to_height(place + sway, height), heading, trunk, hang_arms(time_s))
    return build_body(walker.stature_m, posture, _plant_feet(walker, time_s, ahead=0.0))


def dance(walker: Walker, time_s: F64) -> F64:
    """Step about within half a metre, turn, dip, and reach in all directions.

    Parameters and result are those of `walk_room`.
    """
    path = partial(_sway_about, walker)
    arm = hang_arms(time_s)
    for side, sign in enumerate((1, -1)):
        arm[:, side, 0] = 0.9 + 1.2 * np.sin(1.3 * time_s + 1.7 * sign + walker.phase_rad)
        arm[:, side, 1] = 0.7 + 0.6 * np.sin(0.9 * time_s + sign)
        arm[:, side, 2] = 0.7 + 0.6 * np.sin(1.9 * time_s - sign)
    trunk = np.stack(
        [0.2 + 0.2 * np.sin(0.8 * time_s), 0.2 * np.sin(1.1 * time_s), 0.4 * np.sin(0.6 * time_s)],
        1,
    )
    return walk_along(walker, path, time_s, trunk, arm)


def sit(walker: Walker, time_s: F64) -> F64:
    """Sit on a chair and talk with the hands.

    Parameters and result are those of `walk_room`.
    """
    place, heading = _spot(walker, time_s)
    arm = hang_arms(time_s)
    for side, sign in enumerate((1, -1)):
        arm[:, side, 0] = 0.5 + 0.5 * np.sin(0.9 * time_s + 1.5 * sign)
        arm[:, side, 2] = 1.1 + 0.5 * np.sin(1.3 * time_s - sign)
    trunk = np.stack(
        [0.1 + 0.1 * np.sin(0.7 * time_s), 0.03 * np.sin(time_s), 0.15 * np.sin(0.8 * time_s)], 1
    )
    hip = raise_to_height(place, SEAT_HEIGHT * walker.stature_m)
    return build_body(
        walker.stature_m,
        Posture(hip, heading, trunk, arm),
        _plant_feet(walker, time_s, ahead=THIGH * walker.stature_m),
    )


MOTIONS: Mapping[str, Callable[[Walker, F64], F64]] = {
    "room": walk_room,
    "line": walk_line,
    "in_place": step_in_place,
    "stand": stand,
    "dance": dance,
    "sit": sit,
}


def _rosette(walker: Walker, time_s: F64) -> tuple[F64, F64]:
    """Walk round the middle, now near, now far, at about 0.6 m/s."""

    def place(t: F64) -> F64:
        angle = 0.5 * t + walker.phase_rad
        radius = walker.reach_m * (0.6 + 0.4 * np.sin(0.83 * t + 2 * walker.phase_rad))
        return np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1) + walker.middle_m

    return place(time_s), compute_heading(place, time_s)


def _thin_ellipse(walker: Walker, time_s: F64) -> tuple[F64, F64]:
    """Walk to and fro with a narrow turn at each end."""

    def place(t: F64) -> F64:
        along = walker.reach_m * np.cos(0.6 * t)
        across = 0.15 * np.sin(0.6 * t)
        cosine = np.cos(walker.phase_rad)
        sine = np.sin(walker.phase_rad)
        return (
            np.stack([cosine * along - sine * across, sine * along + cosine * across], -1)
            + walker.middle_m
        )

    return place(time_s), compute_heading(place, time_s)


def _spot(walker: Walker, time_s: F64) -> tuple[F64, F64]:
    """Stay at the middle."""
    return np.zeros((*np.shape(time_s), 2)) + walker.middle_m, np.full(
        np.shape(time_s), walker.phase_rad
    )


def _sway_about(walker: Walker, time_s: F64) -> tuple[F64, F64]:
    """Keep within half a metre of the middle and look to all sides."""
    place = (
        0.25 * np.stack([np.sin(0.9 * time_s), np.sin(0.7 * time_s + walker.phase_rad)], -1)
        + walker.middle_m
    )
    return place, walker.phase_rad + 1.2 * np.sin(0.45 * time_s)


def compute_heading(place: Callable[[F64], F64], time_s: F64) -> F64:
    """Look where a path, (T,) s to (T, 2) m, leads at some times: (T,), rad."""
    step = place(time_s + 1e-3) - place(time_s - 1e-3)
    return np.arctan2(step[..., 1], step[..., 0])


def walk_along(walker: Walker, path: Path, time_s: F64, trunk: F64, arm: F64) -> F64:
    """Build a body over feet that step along a path.

    Parameters
    ----------
    walker
    path
    time_s : (T,), s
    trunk : (T, 3), rad
        Forward lean, side lean and twist.
    arm : (T, 2, 3), rad
        Flexion, abduction and the elbow's flexion, left first.

    Returns
    -------
    xyz : (T, 33, 3), m, world
    """
    cadence = 0.9  # cycles per second
    place, heading = path(time_s)
    speed = np.linalg.norm(path(time_s + 1e-3)[0] - path(time_s - 1e-3)[0], axis=-1) / 2e-3
    half_stance = STANCE_SHARE / 2 * speed / cadence + 0.02
    leg = 0.985 * (THIGH + SHANK) * walker.stature_m
    height = ANKLE_HEIGHT * walker.stature_m + np.sqrt(
        leg**2 - np.minimum(half_stance, 0.6 * leg) ** 2
    )
    return build_body(
        walker.stature_m,
        Posture(raise_to_height(place, height), heading, trunk, arm),
        _plan_steps(walker, path, time_s, cadence),
    )


def _plan_steps(walker: Walker, path: Path, time_s: F64, cadence: float) -> Feet:
    """Plant each foot for most of its cycle and swing it to its next place for the rest."""
    ankle = np.zeros((len(time_s), 2, 3))
    heading = np.zeros((len(time_s), 2))
    pitch = np.zeros((len(time_s), 2))
    for side, (sign, shift) in enumerate(zip(SIDES.values(), (0.0, 0.5))):
        phase = cadence * time_s + shift
        cycle = np.floor(phase)
        swung = np.clip((phase - cycle - STANCE_SHARE) / (1 - STANCE_SHARE), 0, 1)
        share = (swung * swung * (3 - 2 * swung))[:, None]
        prints: list[tuple[F64, F64]] = []
        for later in (0, 1):
            place, towards = path((cycle + later + STANCE_SHARE / 2 - shift) / cadence)
            left = np.stack([-np.sin(towards), np.cos(towards)], -1)
            prints.append((place + sign * HALF_STANCE * walker.stature_m * left, towards))
        ankle[:, side, :2] = (1 - share) * prints[0][0] + share * prints[1][0]
        ankle[:, side, 2] = ANKLE_HEIGHT * walker.stature_m + LIFT_M * np.sin(np.pi * swung) ** 2
        turn = prints[1][1] - prints[0][1]
        heading[:, side] = prints[0][1] + share[:, 0] * np.arctan2(np.sin(turn), np.cos(turn))
        pitch[:, side] = STEP_PITCH_RAD * np.sin(np.pi * swung) * np.cos(np.pi * swung)
    return Feet(ankle, heading, pitch)


def _plant_feet(walker: Walker, time_s: F64, ahead: float) -> Feet:
    """Keep both feet in place, `ahead` metres in front of the hips."""
    place, heading = _spot(walker, time_s)
    forward = np.stack([np.cos(heading), np.sin(heading)], -1)
    left = np.stack([-np.sin(heading), np.cos(heading)], -1)
    ankle = np.full((len(time_s), 2, 3), ANKLE_HEIGHT * walker.stature_m)
    for side, sign in enumerate(SIDES.values()):
        ankle[:, side, :2] = place + ahead * forward + sign * HALF_STANCE * walker.stature_m * left
    return Feet(ankle, np.stack([heading, heading], 1), np.zeros((len(time_s), 2)))


def hang_arms(time_s: F64) -> F64:
    """Let both arms hang, slightly bent, (T, 2, 3)."""
    return np.tile([0.0, 0.15, 0.25], (len(time_s), 2, 1))


def raise_to_height(place: F64, height: F64 | float) -> F64:
    """Lift places of the floor to a height, (T, 3)."""
    return np.concatenate([place, np.broadcast_to(height, len(place))[:, None]], 1)
