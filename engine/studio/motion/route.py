"""Route: the line a walker follows through the middle of the room."""

import numpy as np

from calibration.geometry.arrays import F64

EXTENT_M = 1.14
"""How far from the middle the route leads, in every direction."""
_CIRCLE_M, _WANDER_M = 0.80, 0.34
_LAPS = 4
"""A circle whose own centre goes round the middle once in so many laps."""


class Route:
    """A closed line by its length: small circles that wander round the room.

    Parameters
    ----------
    rng
        Decides where it starts and which way it turns.

    Attributes
    ----------
    middle : (2,) m and deg, room
        Where motions on the spot are done, and facing where.

    Notes
    -----
    It comes from 0.46 m to 1.14 m of the middle in every direction and is never narrower than half
    a metre, so that every camera sees the walker near and far, from all sides.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        angle = np.linspace(0, 2 * np.pi * _LAPS, 4001)
        phase, wander = rng.uniform(0, 2 * np.pi, 2)
        turn = rng.choice([-1.0, 1.0])
        line = _CIRCLE_M * np.exp(1j * (angle + phase)) + _WANDER_M * np.exp(
            1j * (angle / _LAPS + wander)
        )
        self._xy = np.stack([line.real, turn * line.imag], -1)
        self._length = np.concatenate(
            [[0.0], np.cumsum(np.linalg.norm(np.diff(self._xy, axis=0), axis=1))]
        )
        tangent = np.gradient(self._xy, axis=0)
        # heading 0 faces -y, 90 faces +x
        self._heading_deg = np.rad2deg(np.unwrap(np.arctan2(tangent[:, 0], -tangent[:, 1])))
        self.middle = (np.zeros(2), float(rng.uniform(-180, 180)))

    def place(self, along_m: float) -> tuple[F64, float]:
        """Return point, (2,), m, room, and heading, deg, after a length; full turns count."""
        laps, along = divmod(along_m, self._length[-1])
        xy = np.array([np.interp(along, self._length, self._xy[:, axis]) for axis in range(2)])
        once = self._heading_deg[-1] - self._heading_deg[0]
        return xy, float(np.interp(along, self._length, self._heading_deg) + laps * once)
