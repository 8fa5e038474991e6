"""Wander: a walk that never repeats itself, not even turned about the middle.

The rosette of `calibration.synthetic.walker.walk_room` is nearly the same 7.7 s later and turned by
139 degrees, so that a view which is so late fits a wrong rig. People do not walk so.
"""

import numpy as np

from calibration.geometry.arrays import F64
from calibration.synthetic.walker import Walker, compute_heading, hang_arms, walk_along

SWING_HZ = 0.9
# Three circles on one another: shares of the reach, and rad/s. With two the path would repeat
# itself, turned; the first is always the fastest, so that the person never stops and spins.
SHARES = (0.50, 0.30, 0.20)
TURN_RAD_S = (0.80, 0.31, -0.47)


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
    path = sum(
        share * np.exp(1j * (rate * time_s + (1 + 0.7 * number) * walker.phase_rad))
        for number, (share, rate) in enumerate(zip(SHARES, TURN_RAD_S))
    )
    return walker.reach_m * np.stack([np.real(path), np.imag(path)], -1) + walker.middle_m
