"""Ring: cameras on stands round the place where a person moves, uneven as in a real room."""

import numpy as np

from calibration.geometry.arrays import F64
from calibration.geometry.projection import project
from calibration.geometry.transforms import rigid_transform, rotation_from_rotvec
from calibration.rig import Camera, Rig
from engine.studio.motion.route import EXTENT_M

RADIUS_M, HEIGHT_M = (3.2, 4.2), (1.0, 2.4)
K1 = (-0.15, 0.05)
FOCAL_RATIO = 1.115
"""From a camera's focal length to the next longer one's, for up to four; more share the range."""
_FOCAL_PER_METRE = 0.30
"""Focal length per metre of distance, in heights of a 4:3 image: 1.75 m fill half of it."""
_ROLL_DEG, _AIM_M = 3.0, 0.12
_PAIR_DEG = (75.0, 110.0)
_UNEVEN = 0.25
_BODY_M = 0.22
"""Half the width of a walker with swinging arms."""
_TRIES_PER_FOCAL, _SHRINK = 40, 0.985


def draw_ring(
    count: int,
    size_wh: tuple[int, int],
    stature_m: float,
    distortion: bool,
    rng: np.random.Generator,
) -> Rig:
    """Set up cameras.

    Parameters
    ----------
    count
        1 to 8.
    size_wh : px
    stature_m
        Of the tallest person who must be fully visible on the route; a small person gets longer
        lenses.
    distortion
        Draw k1 as well.
    rng

    Returns
    -------
    rig
        In the room's frame: origin under the middle of the ring, z up. Named cam_0, cam_1, ...
        round the ring.

    Notes
    -----
    Layouts are drawn until every camera sees a walker whole everywhere on the route. After 40 in
    vain all lenses become 1.5 % shorter.
    """
    shrink = 1.0
    while True:
        for _ in range(_TRIES_PER_FOCAL):
            cameras = _draw_layout(
                count, size_wh, shrink * (1.72 / stature_m) ** 0.8, distortion, rng
            )
            if all(_sees_route(camera, stature_m) for camera in cameras):
                return Rig(tuple(cameras))
        shrink *= _SHRINK


def world_from_room(rig: Rig) -> F64:
    """Find a rig's world frame: origin under the cameras' centroid, x towards the first one.

    Parameters
    ----------
    rig
        In the room's frame, z up.

    Returns
    -------
    world_from_room : (4, 4)
    """
    origin = np.mean([camera.centre for camera in rig], 0) * np.array([1.0, 1.0, 0.0])
    to_first = rig[0].centre - origin
    turn = rotation_from_rotvec(np.array([0.0, 0.0, -np.arctan2(to_first[1], to_first[0])]))
    return rigid_transform(turn, -turn @ origin)


def _draw_layout(
    count: int, size_wh: tuple[int, int], zoom: float, distortion: bool, rng: np.random.Generator
) -> list[Camera]:
    """Draw one layout: the farther a camera stands, the longer its lens."""
    place = rng.permutation(count)
    radius = RADIUS_M[0] + (RADIUS_M[1] - RADIUS_M[0]) * (place + rng.random(count)) / count
    spread = FOCAL_RATIO ** ((place - (count - 1) / 2) * 3 / max(count - 1, 3))
    short_side = min(size_wh[1], 0.75 * size_wh[0])
    focal = _FOCAL_PER_METRE * short_side * np.mean(RADIUS_M) * zoom * spread
    azimuth = _draw_azimuths(count, rng)
    height = rng.uniform(*HEIGHT_M, count)
    k1 = rng.uniform(*K1, count)
    cameras = []
    for i in range(count):
        centre = np.array(
            [radius[i] * np.cos(azimuth[i]), radius[i] * np.sin(azimuth[i]), height[i]]
        )
        aim = np.array([*rng.uniform(-_AIM_M, _AIM_M, 2), 0.90 + rng.uniform(-_AIM_M, _AIM_M)])
        rotation = _aim_camera(aim - centre, np.deg2rad(rng.uniform(-_ROLL_DEG, _ROLL_DEG)))
        matrix = np.array(
            [[focal[i], 0, (size_wh[0] - 1) / 2], [0, focal[i], (size_wh[1] - 1) / 2], [0, 0, 1]]
        )
        bending = np.array([k1[i] if distortion else 0.0, 0, 0, 0, 0])
        cameras.append(
            Camera(
                f"cam_{i}", size_wh, matrix, bending, rigid_transform(rotation, -rotation @ centre)
            )
        )
    return cameras


def _draw_azimuths(count: int, rng: np.random.Generator) -> F64:
    """Draw directions round the room, rad: uneven steps; two cameras stand at about 90 degrees."""
    if count == 2:
        steps = np.deg2rad([rng.uniform(*_PAIR_DEG), 0.0])
    else:
        steps = 1 + rng.uniform(-_UNEVEN, _UNEVEN, count)
        steps *= 2 * np.pi / steps.sum()
    return rng.uniform(0, 2 * np.pi) + np.concatenate([[0.0], np.cumsum(steps)[:-1]])


def _aim_camera(direction: F64, roll_rad: float) -> F64:
    """Turn a camera towards a direction, ``cam_from_room``, (3, 3)."""
    z = direction / np.linalg.norm(direction)
    x = np.cross(z, [0.0, 0.0, 1.0])
    x /= np.linalg.norm(x)
    return rotation_from_rotvec(np.array([0.0, 0.0, roll_rad])) @ np.stack([x, np.cross(z, x), z])


def _sees_route(camera: Camera, stature_m: float) -> bool:
    """Return whether a walker is whole in the image everywhere on the route."""
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ring = (EXTENT_M + _BODY_M) * np.stack([np.cos(angle), np.sin(angle)], -1)
    points = np.concatenate(
        [np.column_stack([ring, np.full(len(ring), z)]) for z in (0.0, stature_m)]
    )
    xy = project(points, camera)
    return bool(np.all((xy >= 0) & (xy <= np.array(camera.size_wh) - 1)))
