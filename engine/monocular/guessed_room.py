"""A room for one uncalibrated camera: its place is guessed, so that its poses can be shown."""

import numpy as np

from calibration.geometry.arrays import F64
from calibration.geometry.transforms import rigid_transform
from calibration.rig import Camera, Rig
from calibration.solve.lens_priors import FOCAL_OF_LONG_SIDE
from engine.monocular.upright import Floor

GUESSED_KEY = "guessed"
# From the middle of the room, and above its floor: a camera on a desk or a shelf.
DISTANCE_M, HEIGHT_M = 3.0, 1.3
LEVEL = (0.0, -1.0, 0.0)  # up, in the space of a camera that is neither tilted nor rolled
MIN_TURN_DEG = 2.0  # smaller corrections are ignored
TURN_EVERY_NS, TURN_NS = 3_000_000_000, 600_000_000  # between turns, and duration of one


def guess_rig(
    name: str, size_wh: tuple[int, int], up: F64 | None = None, height_m: float = HEIGHT_M
) -> Rig:
    """Make a rig of one uncalibrated camera.

    Parameters
    ----------
    name, size_wh
        Of the camera and its images, px.
    up : (3,), camera
        Of the room, as a unit vector (`engine.monocular.upright`); None for a camera that is level.
    height_m
        Of the camera above the floor.

    Returns
    -------
    rig
        An ordinary lens, facing the middle of the room. Its metadata marks it as a guess: it is for
        display and is never saved.
    """
    focal = FOCAL_OF_LONG_SIDE * max(size_wh)
    matrix = np.array(
        [[focal, 0, (size_wh[0] - 1) / 2], [0, focal, (size_wh[1] - 1) / 2], [0, 0, 1.0]]
    )
    rotation = _rotation_facing_center(np.array(LEVEL) if up is None else up)
    centre = np.array([DISTANCE_M, 0.0, height_m])
    place = rigid_transform(rotation, -rotation @ centre)
    return Rig((Camera(name, size_wh, matrix, cam_from_world=place),), metadata={GUESSED_KEY: True})


def is_guessed(rig: Rig) -> bool:
    """Return whether a rig is such a guess: then neither its floor nor its lens is known."""
    return bool(rig.metadata.get(GUESSED_KEY, False))


def is_same_guess(rig: Rig | None, before: Rig | None) -> bool:
    """Return whether two rigs are guesses for the same camera, perhaps with another up."""
    if rig is None or before is None or not (is_guessed(rig) and is_guessed(before)):
        return False
    return (rig[0].name, rig[0].size_wh) == (before[0].name, before[0].size_wh)


def _rotation_facing_center(up: F64) -> F64:
    """Turn a camera on the x axis so that its sight, projected on the floor, is -x, (3, 3)."""
    back: F64 = np.array([0.0, 0.0, -1.0]) + up[2] * up  # along the floor, backwards
    x: F64 = back / np.linalg.norm(back)
    return np.array([x, np.cross(up, x), up]).T


class GuessedRoom:
    """The guessed room of one camera, turned smoothly as its floor becomes known.

    Parameters
    ----------
    name, size_wh
        Of the camera and its images, px.

    Attributes
    ----------
    rig
        The current one; a new object only while it turns.
    """

    def __init__(self, name: str, size_wh: tuple[int, int]) -> None:
        self.rig = guess_rig(name, size_wh)
        self._before = self._target = Floor(np.array(LEVEL), HEIGHT_M)
        self._turn_start_ns: int | None = None
        self._turning = False

    def put(self, floor: Floor | None, timestamp_ns: int) -> None:
        """Turn to the floor if it is clearly another one; instants come in order of time.

        Parameters
        ----------
        floor
            As estimated by now; None while it is not known.
        timestamp_ns
            Of the instant.
        """
        if (
            floor is not None
            and self._may_turn(timestamp_ns)
            and _measure_angle_deg(floor, self._target) > MIN_TURN_DEG
        ):
            self._before, self._target = self._target, floor
            self._turn_start_ns, self._turning = timestamp_ns, True
        if not self._turning or self._turn_start_ns is None:
            return
        passed = min((timestamp_ns - self._turn_start_ns) / TURN_NS, 1.0)
        self._turning = passed < 1.0
        share = passed * passed * (3 - 2 * passed)
        # A turn is a few degrees: the chord is as good as the arc.
        up = (1 - share) * self._before.up + share * self._target.up
        height_m = (1 - share) * self._before.height_m + share * self._target.height_m
        self.rig = guess_rig(
            self.rig[0].name, self.rig[0].size_wh, up / np.linalg.norm(up), height_m
        )

    def _may_turn(self, timestamp_ns: int) -> bool:
        """Return whether the last turn is long enough ago, or time went back (a new start)."""
        return (
            self._turn_start_ns is None
            or not 0 <= timestamp_ns - self._turn_start_ns < TURN_EVERY_NS
        )


def _measure_angle_deg(one: Floor, other: Floor) -> float:
    """Measure the angle between two floors."""
    return float(np.degrees(np.arccos(np.clip(one.up @ other.up, -1.0, 1.0))))
