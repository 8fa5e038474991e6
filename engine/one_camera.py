"""A room for one camera alone: where it stands is made up, so that what it sees can be shown."""

import numpy as np

from calibration.geometry.transforms import rigid
from calibration.lenses import FOCAL_OF_LONG_SIDE
from calibration.rig import Camera, Rig

GUESSED = "guessed"
DISTANCE_M, HEIGHT_M = 3.0, 1.3  # from the middle of the room, and above its floor: a camera on a desk or a shelf
# Towards the middle, level: the camera's right is the room's y, its down is the room's -z, it looks along -x.
_CAM_FROM_WORLD_R = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [-1.0, 0.0, 0.0]])


def guess_rig(name: str, size_wh: tuple[int, int]) -> Rig:
    """Make a rig of one camera that nobody has calibrated.

    Parameters
    ----------
    name, size_wh
        Of the camera and its images, px.

    Returns
    -------
    rig
        An ordinary lens, level, before the middle of the room. It says of itself that it is a guess, and is no
        calibration: it is shown, never saved.
    """
    focal = FOCAL_OF_LONG_SIDE * max(size_wh)
    matrix = np.array([[focal, 0, (size_wh[0] - 1) / 2], [0, focal, (size_wh[1] - 1) / 2], [0, 0, 1.0]])
    centre = np.array([DISTANCE_M, 0.0, HEIGHT_M])
    place = rigid(_CAM_FROM_WORLD_R, -_CAM_FROM_WORLD_R @ centre)
    return Rig((Camera(name, size_wh, matrix, cam_from_world=place),), metadata={GUESSED: True})


def is_guessed(rig: Rig) -> bool:
    """Whether a rig is such a guess: then neither its floor nor its lens is known."""
    return bool(rig.metadata.get(GUESSED, False))
