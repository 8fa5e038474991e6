"""A room for one camera alone: where it stands is made up, so that what it sees can be shown."""

import numpy as np

from calibration.geometry.arrays import F64
from calibration.geometry.transforms import rigid
from calibration.lenses import FOCAL_OF_LONG_SIDE
from calibration.rig import Camera, Rig

GUESSED = "guessed"
DISTANCE_M, HEIGHT_M = 3.0, 1.3  # from the middle of the room, and above its floor: a camera on a desk or a shelf
LEVEL = (0.0, -1.0, 0.0)  # up, in the space of a camera that is neither tilted nor rolled


def guess_rig(name: str, size_wh: tuple[int, int], up: F64 | None = None, height_m: float = HEIGHT_M) -> Rig:
    """Make a rig of one camera that nobody has calibrated.

    Parameters
    ----------
    name, size_wh
        Of the camera and its images, px.
    up : (3,), camera
        Of the room, as a unit vector (`engine.upright`); None for a camera that is level.
    height_m
        Of the camera above the floor.

    Returns
    -------
    rig
        An ordinary lens before the middle of the room, turned to it. It says of itself that it is a guess, and is no
        calibration: it is shown, never saved.
    """
    focal = FOCAL_OF_LONG_SIDE * max(size_wh)
    matrix = np.array([[focal, 0, (size_wh[0] - 1) / 2], [0, focal, (size_wh[1] - 1) / 2], [0, 0, 1.0]])
    cam_from_world_R = _facing_the_middle(np.array(LEVEL) if up is None else up)
    centre = np.array([DISTANCE_M, 0.0, height_m])
    place = rigid(cam_from_world_R, -cam_from_world_R @ centre)
    return Rig((Camera(name, size_wh, matrix, cam_from_world=place),), metadata={GUESSED: True})


def is_guessed(rig: Rig) -> bool:
    """Whether a rig is such a guess: then neither its floor nor its lens is known."""
    return bool(rig.metadata.get(GUESSED, False))


def is_turned(rig: Rig | None, before: Rig | None) -> bool:
    """Whether two rigs are guesses for one camera: the same lens and sizes, but perhaps another up."""
    if rig is None or before is None or not (is_guessed(rig) and is_guessed(before)):
        return False
    return (rig[0].name, rig[0].size_wh) == (before[0].name, before[0].size_wh)


def _facing_the_middle(up: F64) -> F64:
    """Turn a camera on the room's x axis so that it looks along -x, as far as it looks along the floor, (3, 3)."""
    towards_camera = np.array([0.0, 0.0, -1.0]) + up[2] * up  # the line of sight's part along the floor, backwards
    x = towards_camera / np.linalg.norm(towards_camera)
    return np.stack([x, np.cross(up, x), up], axis=-1)
