"""The viewpoint with a single camera: first fitted to the person, then following on a leash.

With several cameras the picture shows the whole room and the viewpoint does not move.
"""

from dataclasses import replace

import numpy as np

from app.presenters.room import RoomScene
from app.views.room.orbit import HALF_FOV_TAN, Orbit
from calibration.geometry.arrays import F64

_PERSON_M = 1.8  # one height for all, so that a squat does not move the picture
_HEIGHT_SHARE = 0.58  # of the picture, seen from the side; seen from above it is half
_DISTANCE_M = _PERSON_M / (2 * HALF_FOV_TAN * _HEIGHT_SHARE)
_BESIDE_RAD = 0.6  # from the line of sight, so that uncertainty in depth is visible
_ELEVATION_RAD = 0.3
_LEASH_M = 0.5  # a step to the side or jitter in depth moves nothing
_PULL = 0.12  # share of the distance beyond the leash per frame: half of it in 0.18 s at 30 fps
_MIN_STEP_M = 0.005  # less is not worth a new picture
_JUMP_M = 2.5  # outside the picture: move there at once


def find_single_camera_person(scene: RoomScene) -> F64 | None:
    """Find where a person seen by a single camera stands.

    Returns
    -------
    place : (3,), m, world
        On the floor; None with several cameras, or without a person.
    """
    if scene.rig is None or len(scene.rig) != 1 or not scene.people:
        return None
    xyz = scene.people[0].xyz
    seen = xyz[np.isfinite(xyz).all(-1)]
    return np.array([*np.median(seen[:, :2], axis=0), 0.0]) if len(seen) else None


def look_at_person(place: F64, camera_centre: F64) -> Orbit:
    """Look at a person from beside the camera, filling half of the picture's height.

    Parameters
    ----------
    place, camera_centre : (3,), m, world
    """
    x, y, _ = (camera_centre - place).tolist()
    azimuth = float(np.arctan2(y, x)) + _BESIDE_RAD
    return Orbit(
        place + _PERSON_M / 2 * np.array([0.0, 0.0, 1.0]), azimuth, _ELEVATION_RAD, _DISTANCE_M
    )


def follow_person(orbit: Orbit, place: F64) -> Orbit:
    """Follow a person who leaves the middle of the picture.

    Parameters
    ----------
    orbit
    place : (3,), m, world

    Returns
    -------
    orbit
        The same object where they are near enough.
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
