"""Motions on the spot, as functions of the share of a performance that is over.

Because all of them meet in the relaxed stance, any of them may follow any other without a jump and
without a step.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F64
from engine.studio.body.anatomy import Anatomy
from engine.studio.body.posture import Posture, concatenate_postures, select_instants
from engine.studio.motion.stance import Draft

LEFT, RIGHT = 0, 1
ABDUCTION, FLEXION, TWIST = 0, 1, 2
PITCH, LEAN, TURN = 0, 1, 2
BACK, UP = 1, 2


@dataclass(frozen=True, slots=True)
class Motion:
    """Something a person does on the spot.

    Parameters
    ----------
    seconds
        How long one performance takes.
    write
        From the shares of the performance that are over, (T,), 0 to 1, to the draft of T instants.
    """

    seconds: float
    write: Callable[[F64], Draft]


def perform(motion: Motion, time_s: F64, anatomy: Anatomy) -> Posture:
    """Perform a motion again and again, every other time with left and right exchanged.

    Parameters
    ----------
    motion
    time_s : (T,), s
        Since its first beginning.
    anatomy

    Returns
    -------
    posture
        At the origin, facing -y.
    """
    cycle, share = np.divmod(np.maximum(time_s, 0.0) / motion.seconds, 1.0)
    mirrored = cycle.astype(int) % 2 == 1
    order = np.argsort(mirrored, kind="stable")
    parts = []
    if not mirrored.all():
        parts.append(motion.write(share[~mirrored]).posture(anatomy))
    if mirrored.any():
        parts.append(motion.write(share[mirrored]).mirror().posture(anatomy))
    return select_instants(concatenate_postures(parts), np.argsort(order))


def hump(share: F64) -> F64:
    """Rise from 0 to 1 and fall back while the share goes from 0 to 1, (T,); 0 outside."""
    return np.sin(np.pi * np.clip(share, 0, 1)) ** 2


def plateau(share: F64, rise: float = 0.3) -> F64:
    """Rise from 0 to 1 within a share of `rise`, stay, and fall back as long before 1, (T,)."""
    return smoothstep(share / rise) * smoothstep((1 - share) / rise)


def smoothstep(share: F64) -> F64:
    """Go from 0 to 1 with soft ends while the share goes from 0 to 1, (T,)."""
    x = np.clip(share, 0, 1)
    return x * x * (3 - 2 * x)
