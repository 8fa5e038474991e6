"""A lifted body and the floor: feet are not below a known one, and stand on a guessed one."""

import numpy as np

from calibration.geometry.arrays import F64
from calibration.rig import Camera, Rig
from engine.monocular.guessed_room import is_guessed
from engine.monocular.placing import PlacedBody
from engine.reconstruction.body_size import LIMBS

_ANKLES = [LIMBS.index("left_ankle"), LIMBS.index("right_ankle")]
_MIN_CAMERA_HEIGHT_M = 0.3  # a lower camera sees the floor too edge-on to correct distances


def compute_floor_shift_m(xyz: F64, ankle_m: float, rig: Rig) -> float:
    """Compute how far up to move a body for its feet to be on or above the floor.

    Parameters
    ----------
    xyz : (L, 3), m, world
        The limbs first, as `engine.reconstruction.body_size.LIMBS`.
    ankle_m
        Height of the ankle of a standing foot.
    rig
        Calibrated: feet must not be below its floor. Guessed: the lower foot stands on it.
    """
    ankle_z = xyz[_ANKLES, 2]
    if not np.isfinite(ankle_z).any():
        return 0.0
    lowest = float(np.nanmin(ankle_z))
    return ankle_m - lowest if is_guessed(rig) else max(-lowest, 0.0)


def keep_above_floor(placed: PlacedBody, camera: Camera, min_height_m: float) -> PlacedBody:
    """Bring a body whose feet would be below the floor nearer to the camera, within its errors.

    Parameters
    ----------
    placed
    camera
        Calibrated: its floor is known.
    min_height_m
        Half the height of the ankle of a standing foot.

    Returns
    -------
    placed
        The same where its feet are not below the floor, or the camera is too low.
    """
    up = camera.R[:, 2]  # of the room, in the camera's space
    drop = (
        float(np.nanmin(placed.xyz[_ANKLES] @ up))
        if np.isfinite(placed.xyz[_ANKLES]).all(-1).any()
        else np.nan
    )
    height = float(camera.centre[2])
    if not (
        drop < 0 and height > min_height_m + _MIN_CAMERA_HEIGHT_M and height + drop < min_height_m
    ):
        return placed
    return placed.scale(max((height - min_height_m) / -drop, 1 - 3 * placed.share))
