"""Cameras for training: drawn at random before a person, and the crops of their images."""

import math
from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F32, F64
from calibration.geometry.projection import project
from calibration.geometry.transforms import rigid_transform
from calibration.rig import Camera
from engine.inference.preprocess import Region, image_from_crop


@dataclass(frozen=True, slots=True)
class CameraConfig:
    """How cameras are drawn: each value evenly between its least and its greatest.

    Parameters
    ----------
    height_m
        Above the floor.
    distance_m
        From the person, along the floor.
    field_deg
        Field of view along the longer side of the image.
    roll_deg
        Greatest, to either side.
    k1
        Kept small where a wide lens would fold.
    off_centre
        How far from the image's middle the person's middle may be, in half images.
    whole_share
        Share of the cameras that see all joints but a few; the others see what they see.
    """

    height_m: tuple[float, float] = (0.5, 2.6)
    distance_m: tuple[float, float] = (1.8, 6.0)
    field_deg: tuple[float, float] = (55.0, 100.0)
    roll_deg: float = 10.0
    k1: tuple[float, float] = (-0.15, 0.05)
    off_centre: float = 0.45
    whole_share: float = 0.85


SIZES_WH = ((640, 480), (1280, 720), (1920, 1080), (1280, 960), (480, 640), (720, 1280))
PAIR_ANGLE_RAD = (np.deg2rad(40.0), np.deg2rad(140.0))
"""Between two cameras that look at one instant, seen from above."""

_WHOLE_SHARE = 0.9
"""Share of the joints that are in the image of a camera that sees the whole person."""
_MAX_TRIES = 12
_MAX_DISTORTION = 0.1
"""Largest -k1 per squared radius of the corner: corners are 14 % off; lenses fold from 0.15."""
_NEWTON_STEPS = 6
_LENS_RADIUS_LIMIT = 1.15
"""A lens is good up to so many times the radius of its image's corner, as the studio has it."""


def draw_camera(
    name: str, xyz: F64, azimuth_rad: float, config: CameraConfig, rng: np.random.Generator
) -> Camera:
    """Draw a camera before a person.

    Parameters
    ----------
    name
    xyz : (J, 3), m, room
        The person's joints.
    azimuth_rad
        Where the camera stands, seen from the person, from x towards y.
    config
    rng

    Returns
    -------
    camera
        Its world is the room.
    """
    min_share = _WHOLE_SHARE if rng.random() < config.whole_share else 0.0
    best = _draw_candidate(name, xyz, azimuth_rad, config, rng)
    best_share = -1.0
    for attempt in range(_MAX_TRIES):
        camera = best if attempt == 0 else _draw_candidate(name, xyz, azimuth_rad, config, rng)
        share = float(np.mean(is_seen(xyz, camera)))
        if share > best_share:
            best, best_share = camera, share
        if best_share >= min_share:
            break
    return best


def is_seen(xyz: F64, camera: Camera) -> np.ndarray:
    """Return which points of the room, (..., 3), m, are in a camera's image, (...)."""
    xy = project(xyz, camera)
    with np.errstate(invalid="ignore"):
        return ((xy >= -0.5) & (xy <= np.array(camera.size_wh) - 0.5)).all(-1) & is_in_lens(
            xyz, camera
        )


def is_in_lens(xyz: F64, camera: Camera) -> np.ndarray:
    """Return for which points, (..., 3), m, the lens model holds, (...); beyond, it folds."""
    seen = xyz @ camera.R.T + camera.t
    depth = np.where(seen[..., 2] > 1e-6, seen[..., 2], np.nan)
    with np.errstate(invalid="ignore"):
        return ((seen[..., :2] / depth[..., None]) ** 2).sum(-1) < _compute_squared_limit(camera)


def pack_crop_lens(camera: Camera, region: Region, size_px: int) -> F32:
    """Pack a crop's lens into the numbers that `engine.studio.raster.project` wants, (10,).

    The crop is a camera of its own: the same lens, with other pixels.
    """
    matrix = image_from_crop(region, (size_px, size_px))
    scale = np.diag(matrix[:, :2])
    focal = np.diag(camera.matrix)[:2] / scale
    middle = (camera.principal_px - matrix[:, 2]) / scale
    return np.array(
        [*focal, *middle, *camera.distortion, _compute_squared_limit(camera)], np.float32
    )


def find_image_part(camera: Camera, region: Region, size_px: int) -> tuple[int, int, int, int]:
    """Return the part of an upright crop, x0 y0 x1 y1 (ends excluded), that is inside the image."""
    matrix = image_from_crop(region, (size_px, size_px))
    scale = np.diag(matrix[:, :2])
    low = np.ceil((-0.5 - matrix[:, 2]) / scale).astype(int).clip(0, size_px)
    high = (np.floor((np.array(camera.size_wh) - 0.5 - matrix[:, 2]) / scale).astype(int) + 1).clip(
        0, size_px
    )
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def undistort_rays(rays: F64, camera: Camera) -> F64:
    """Straighten rays, (..., 2), that a lens with k1 alone has bent.

    `calibration.geometry.projection.undistort` does it for every lens and takes thirty times as
    long.
    """
    k1 = float(camera.distortion[0])
    bent = np.sqrt((rays * rays).sum(-1))
    radius = bent
    for _ in range(_NEWTON_STEPS):
        squared = k1 * radius * radius
        radius = radius - (radius * (1 + squared) - bent) / np.maximum(1 + 3 * squared, 0.1)
    return rays * (radius / np.maximum(bent, 1e-12))[..., None]


def _draw_candidate(
    name: str, xyz: F64, azimuth_rad: float, config: CameraConfig, rng: np.random.Generator
) -> Camera:
    """Draw one camera that looks somewhere near the person's middle."""
    size_wh = SIZES_WH[int(rng.integers(len(SIZES_WH)))]
    field = np.deg2rad(rng.uniform(*config.field_deg))
    focal = max(size_wh) / 2 / np.tan(field / 2)
    middle = (xyz.min(0) + xyz.max(0)) / 2
    distance = rng.uniform(*config.distance_m)
    height = rng.uniform(*config.height_m)
    centre = np.array(
        [*(middle[:2] + distance * np.array([np.cos(azimuth_rad), np.sin(azimuth_rad)])), height]
    )
    away = config.off_centre * rng.uniform(-1, 1, 2) * np.array(size_wh) / 2 / focal
    rotation = _make_look_rotation(
        middle - centre, away, math.radians(config.roll_deg) * float(rng.uniform(-1, 1))
    )
    matrix = np.array(
        [[focal, 0, (size_wh[0] - 1) / 2], [0, focal, (size_wh[1] - 1) / 2], [0, 0, 1]]
    )
    corner = (np.array(size_wh) / 2 / focal) ** 2
    k1 = max(float(rng.uniform(*config.k1)), -_MAX_DISTORTION / float(corner.sum()))
    return Camera(
        name,
        size_wh,
        matrix,
        np.array([k1, 0, 0, 0, 0]),
        rigid_transform(rotation, -rotation @ centre),
    )


def _make_look_rotation(direction: F64, offset_rad: F64, roll_rad: float) -> F64:
    """Turn a camera, ``cam_from_room``, (3, 3): to a direction, then by (2,) rad, then rolled."""
    x, y, z = (float(value) for value in direction)
    level = math.hypot(x, y)
    length = math.sqrt(x * x + y * y + z * z)
    upright = np.array(
        [
            [y / level, -x / level, 0.0],
            [x * z / (level * length), y * z / (level * length), -level / length],
            [x / length, y / length, z / length],
        ]
    )
    right = float(offset_rad[0])
    down = float(offset_rad[1])
    roll = roll_rad
    turn = np.array(
        [[math.cos(right), 0, -math.sin(right)], [0, 1, 0], [math.sin(right), 0, math.cos(right)]]
    )
    nod = np.array(
        [[1, 0, 0], [0, math.cos(down), -math.sin(down)], [0, math.sin(down), math.cos(down)]]
    )
    rolled = np.array(
        [[math.cos(roll), -math.sin(roll), 0], [math.sin(roll), math.cos(roll), 0], [0, 0, 1]]
    )
    return rolled @ nod @ turn @ upright


def _compute_squared_limit(camera: Camera) -> float:
    """Return the squared radius up to which the lens model holds."""
    matrix = camera.matrix
    corner = np.array(
        [
            (camera.size_wh[0] - matrix[0, 2]) / matrix[0, 0],
            (camera.size_wh[1] - matrix[1, 2]) / matrix[1, 1],
        ]
    )
    return _LENS_RADIUS_LIMIT**2 * float((undistort_rays(corner, camera) ** 2).sum())
