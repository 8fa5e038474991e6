"""Exercises: what a person does in front of two phones, with both feet planted.

As in `calibration.synthetic.walker`, every motion is a function of time alone. The feet do not move
at all, so the floor and the scale have the least to go by.
"""

from collections.abc import Callable, Mapping

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
from calibration.synthetic.walker import Walker, hang_arms, raise_to_height

SQUAT_DEPTH, LUNGE_DEPTH = 0.19, 0.15  # of stature, by which the hips go down
LUNGE_STRIDE = 0.36  # of stature, between the ankles
LEG_STRAIGHT = 0.985  # of thigh and shank: how far a leg is stretched when a person stands
LEG_NAMES = ("knee", "ankle", "heel", "foot_index")
HIDDEN_BY_TABLE = tuple(f"{side}_{joint}" for joint in LEG_NAMES for side in SIDES)
"""Joints that a table hides."""


def squat(walker: Walker, time_s: F64) -> F64:
    """Bend the knees deeply, the arms ahead, at a pace that changes.

    Parameters
    ----------
    walker
        Faces `phase_rad`.
    time_s : (T,), s

    Returns
    -------
    xyz : (T, 33, 3), m, world
        In the order of the skeleton ``blazepose_33``.
    """
    down = np.sin(np.pi * (0.30 * time_s + 0.06 * np.sin(0.5 * time_s))) ** 2
    down *= 0.8 + 0.2 * np.sin(0.37 * time_s + walker.phase_rad)
    arm = hang_arms(time_s)
    arm[:, :, 0] = 0.1 + 1.4 * down[:, None]
    arm[:, :, 2] = 0.25 + 0.3 * np.sin(0.8 * time_s)[:, None] ** 2 * [1.0, 0.7]
    trunk = np.stack([0.05 + 0.6 * down, 0.03 * np.sin(0.7 * time_s), 0.05 * np.sin(time_s)], 1)
    back = np.stack([-0.07 * down, 0.012 * np.sin(0.9 * time_s)], 1)
    return _stand_on(walker, (-SQUAT_DEPTH * down, back), trunk, arm, _side_by_side(1.6))


def lunge(walker: Walker, time_s: F64) -> F64:
    """Go up and down with one foot ahead of the other. Parameters and result as of `squat`."""
    down = np.sin(np.pi * (0.33 * time_s + 0.06 * np.sin(0.4 * time_s)) + 0.2) ** 2
    down *= 0.8 + 0.2 * np.sin(0.43 * time_s + walker.phase_rad)
    arm = hang_arms(time_s)
    arm[:, :, 0] = 0.3 + 0.9 * down[:, None] * [1.0, 0.4]
    arm[:, :, 2] = 0.4 + 0.8 * np.sin(0.45 * time_s)[:, None] ** 2
    trunk = np.stack(
        [0.05 + 0.15 * down, 0.05 * np.sin(0.6 * time_s), 0.25 * np.sin(0.5 * time_s)], 1
    )
    ahead = np.stack([0.05 * np.sin(0.7 * time_s), 0.02 * np.sin(0.9 * time_s)], 1)
    feet = _side_by_side(1.2) + np.array([[0.5, 0.0], [-0.5, 0.0]]) * LUNGE_STRIDE
    return _stand_on(walker, (-LUNGE_DEPTH * down - 0.055, ahead), trunk, arm, feet)


def reach(walker: Walker, time_s: F64) -> F64:
    """Reach to all sides and lean after the arms. Parameters and result as of `squat`."""
    arm = hang_arms(time_s)
    for side, sign in enumerate((1, -1)):
        arm[:, side, 0] = 1.1 + 1.1 * np.sin(0.9 * time_s + 1.3 * sign)
        arm[:, side, 1] = 0.7 + 0.6 * np.sin(0.7 * time_s + 0.8 * sign)
        arm[:, side, 2] = 0.5 + 0.45 * np.sin(1.3 * time_s - sign)
    trunk = np.stack(
        [
            0.20 + 0.20 * np.sin(0.6 * time_s),
            0.22 * np.sin(0.8 * time_s + 0.5),
            0.50 * np.sin(0.5 * time_s),
        ],
        1,
    )
    sway = 0.04 * np.stack([np.sin(0.6 * time_s), np.sin(0.8 * time_s)], 1)
    dip = -0.03 - 0.02 * np.sin(0.55 * time_s) ** 2
    return _stand_on(walker, (dip, sway), trunk, arm, _side_by_side(1.5))


def sit_at_table(walker: Walker, time_s: F64) -> F64:
    """Sit at a table and talk with both hands, turning and leaning.

    Parameters and result are those of `squat`; `HIDDEN_BY_TABLE` names what nobody sees.
    """
    arm = hang_arms(time_s)
    for side, sign in enumerate((1, -1)):
        arm[:, side, 0] = 0.7 + 0.6 * np.sin(0.8 * time_s + 1.5 * sign)
        arm[:, side, 1] = 0.4 + 0.3 * np.sin(0.6 * time_s - sign)
        arm[:, side, 2] = 1.0 + 0.6 * np.sin(1.2 * time_s - sign)
    trunk = np.stack(
        [
            0.12 + 0.15 * np.sin(0.5 * time_s),
            0.10 * np.sin(0.7 * time_s),
            0.35 * np.sin(0.6 * time_s),
        ],
        1,
    )
    feet = _side_by_side(1.5) + np.array([THIGH, 0.0])
    seated = SEAT_HEIGHT - ANKLE_HEIGHT - LEG_STRAIGHT * (THIGH + SHANK)
    still = np.zeros((len(time_s), 2))
    return _stand_on(walker, (seated + still[:, 0], still), trunk, arm, feet)


EXERCISES: Mapping[str, Callable[[Walker, F64], F64]] = {
    "squat": squat,
    "lunge": lunge,
    "reach": reach,
    "table": sit_at_table,
}


def _side_by_side(width: float) -> F64:
    """Place both ankles, ahead and to the left, as shares of stature, (2, 2)."""
    return np.array([[0.0, sign * width * HALF_STANCE] for sign in SIDES.values()])


def _stand_on(walker: Walker, hip: tuple[F64, F64], trunk: F64, arm: F64, ankles: F64) -> F64:
    """Build a body over feet that stay; the hip's rise, of stature, and shift, m, are its own."""
    size, heading = walker.stature_m, walker.phase_rad
    turn = np.array([[np.cos(heading), -np.sin(heading)], [np.sin(heading), np.cos(heading)]])
    rise, shift = hip
    T = len(rise)
    height = size * (ANKLE_HEIGHT + LEG_STRAIGHT * (THIGH + SHANK) + rise)
    place = shift @ turn.T + walker.middle_m
    ankle = np.full((T, 2, 3), ANKLE_HEIGHT * size)
    ankle[:, :, :2] = size * ankles @ turn.T + walker.middle_m
    facing = np.full(T, heading)
    feet = Feet(ankle, np.stack([facing, facing], 1), np.zeros((T, 2)))
    return build_body(size, Posture(raise_to_height(place, height), facing, trunk, arm), feet)
