"""How the eye stays with somebody who is alone with one camera: first fitted to them, then drawn
along on a leash.

Where several cameras are, the picture shows the whole room and the eye stands still.
"""

from dataclasses import replace

import numpy as np

from app.presenters.room import RoomScene
from app.views.room.orbit import HALF_FOV_TAN, Orbit
from calibration.geometry.arrays import F64

_PERSON_M = 1.8  # one height for all, so that nobody who squats or reaches up makes the picture bob
_HEIGHT_SHARE = (
    0.58  # of the picture's height that they fill where the eye is level; from above it is half
)
_DISTANCE_M = _PERSON_M / (2 * HALF_FOV_TAN * _HEIGHT_SHARE)
_BESIDE_RAD = (
    0.6  # from the camera's own line of sight: far enough that doubt along it shows as length
)
_ELEVATION_RAD = 0.3
_LEASH_M = 0.5  # a step to the side or a guess that trembles moves nothing
_PULL = 0.12  # of what is beyond the leash, each time: at 30 a second half of it in 0.18 s
_MIN_STEP_M = 0.005  # less is not worth a new picture
_JUMP_M = 2.5  # so far out is out of the picture: look there at once


def find_single_camera_person(scene: RoomScene) -> F64 | None:
    """Find where somebody stands who is alone with one camera.

    Returns
    -------
    place : (3,), m, world
        On the floor; None where there are several cameras, or nobody is seen.
    """
    if scene.rig is None or len(scene.rig) != 1 or not scene.people:
        return None
    xyz = scene.people[0].xyz
    seen = xyz[np.isfinite(xyz).all(-1)]
    return np.array([*np.median(seen[:, :2], axis=0), 0.0]) if len(seen) else None


def look_at_person(place: F64, camera_centre: F64) -> Orbit:
    """Look at somebody from beside their camera so that they fill half of the picture's height.

    Parameters
    ----------
    place, camera_centre : (3,), m, world

    Returns
    -------
    orbit
    """
    x, y, _ = (camera_centre - place).tolist()
    azimuth = float(np.arctan2(y, x)) + _BESIDE_RAD
    return Orbit(
        place + _PERSON_M / 2 * np.array([0.0, 0.0, 1.0]), azimuth, _ELEVATION_RAD, _DISTANCE_M
    )


def follow_person(orbit: Orbit, place: F64) -> Orbit:
    """Go a little of the way after somebody who leaves the middle of the picture.

    Parameters
    ----------
    orbit
    place : (3,), m, world

    Returns
    -------
    orbit
        The very same where they are near enough.
    """
    away = (place - orbit.target) * [1.0, 1.0, 0.0]
    distance_m = float(np.linalg.norm(away))
    pull = 1.0 if distance_m > _JUMP_M else _PULL
    step_m = pull * (distance_m - _LEASH_M)
    return (
        replace(orbit, target=orbit.target + step_m / distance_m * away)
        if step_m > _MIN_STEP_M
        else orbit
    )
