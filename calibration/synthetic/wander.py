"""Wander: a walk that never repeats itself, not even turned about the middle.

The rosette of `calibration.synthetic.walker.walk_room` is nearly the same 7.7 s later and turned by
139 degrees, so that a view which is so late fits a wrong rig. People do not walk so.
"""

import numpy as np

from calibration.geometry.arrays import F64
from calibration.synthetic.walker import Walker, compute_heading, hang_arms, walk_along

SWING_HZ = 0.9
# Radians per second along and across: no two have a common period within minutes.
AHEAD_RAD_S, ACROSS_RAD_S = (0.41, 0.67), (0.53, 0.29)
SHARES = (0.62, 0.38)


def wander(walker: Walker, time_s: F64) -> F64:
    """Walk about the whole place, swinging the arms and raising them now and then.

    Parameters
    ----------
    walker
        Also `phase_rad` makes two of them differ in more than a turn.
    time_s : (T,), s

    Returns
    -------
    xyz : (T, 33, 3), m, world
        In the order of the skeleton ``blazepose_33``.
    """
    swing = 2 * np.pi * SWING_HZ * time_s
    raised = [
        np.maximum(0, np.sin(rate * time_s + walker.phase_rad + start)) ** 2
        for rate, start in ((0.71, 0.0), (0.47, 2.0))
    ]
    arm = hang_arms(time_s)
    arm[:, 0, 0] = -0.5 * np.sin(swing) + 1.6 * raised[0]
    arm[:, 1, 0] = 0.5 * np.sin(swing) + 1.3 * raised[1]
    arm[:, :, 2] = 0.35 + 0.25 * np.sin(swing)[:, None] * [1, -1]
    twist = 0.12 * np.sin(swing) + 0.15 * np.sin(0.37 * time_s)
    trunk = np.stack([0.06 + 0.05 * raised[1], 0.02 * np.sin(swing), twist], 1)

    def path(t: F64) -> tuple[F64, F64]:
        return _find_place(walker, t), compute_heading(lambda at: _find_place(walker, at), t)

    return walk_along(walker, path, time_s, trunk, arm)


def _find_place(walker: Walker, time_s: F64) -> F64:
    """Find where the person is, (T, 2), m."""
    phase = walker.phase_rad
    along, across = (
        sum(
            share * np.sin(rate * time_s + (step + 1 + number) * phase)
            for number, (share, rate) in enumerate(zip(SHARES, rates))
        )
        for step, rates in enumerate((AHEAD_RAD_S, ACROSS_RAD_S))
    )
    c, s = np.cos(phase), np.sin(phase)
    turned = np.stack([c * along - s * across, s * along + c * across], -1)
    return walker.reach_m * turned + walker.middle_m
