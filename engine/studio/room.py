"""Room: planks, walls, a door, pictures and a skirting board, drawn once per camera."""

from dataclasses import dataclass

import cv2
import numpy as np

from calibration.geometry.arrays import F32, F64, I64, U8
from calibration.geometry.projection import rays_from_pixels, undistort
from calibration.rig import Camera
from engine.studio.fields import value_noise
from engine.studio.light import FLOOR_HALF_M, FLOOR_PX

HALF_M, CEILING_M = 4.7, 3.1
_PLANK_M, _PLANK_LENGTH_M = 0.16, 1.3
_FLOOR, _CEILING = 0, 1
_FAR = -1e6
"""Where in the shadow map a pixel looks that does not see the floor."""


@dataclass(frozen=True, slots=True, eq=False)
class Backdrop:
    """One camera's empty room.

    Parameters
    ----------
    image_bgr : (H, W, 3), uint8
    floor : (H, W, 2), px
        Column and row of the shadow map under each pixel.
    """

    image_bgr: U8
    floor: F32


class Room:
    """The room of one seed.

    Parameters
    ----------
    rng
        Decides colours, pictures and doors.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._wood = (
            np.array([0.36, 0.24, 0.145]) * rng.uniform(0.75, 1.3) * rng.uniform(0.93, 1.07, 3)
        )
        self._walls = [np.array([0.51, 0.52, 0.51]) * rng.uniform(0.86, 1.12, 3) for _ in range(4)]
        self._seeds = rng.integers(0, 2**31, 4)

    def draw_backdrop(self, camera: Camera, blur_px: float) -> Backdrop:
        """Draw the empty room as a camera sees it.

        Parameters
        ----------
        camera
            Given in the room's frame.
        blur_px
            Sigma of the lens.
        """
        directions, origin = _compute_rays(camera), camera.centre
        side, distance = _find_first_hit(origin, directions)
        hit = origin + directions * distance[..., None]
        colour = np.empty(hit.shape)
        colour[side == _FLOOR] = self._colour_planks(hit[side == _FLOOR])
        colour[side == _CEILING] = (0.75, 0.75, 0.73)
        for wall in range(4):
            seen = side == wall + 2
            if seen.any():
                colour[seen] = self._colour_wall(wall, hit[seen])
        colour *= np.clip(1.05 - 0.012 * (hit[..., 0] ** 2 + hit[..., 1] ** 2), 0.6, 1.1)[..., None]
        shown = (
            255 * np.clip(colour, 0, 1) ** (1 / 2.2) * _compute_vignette(camera.size_wh)[..., None]
        )
        image = np.ascontiguousarray(shown[..., ::-1].astype(np.uint8))
        if blur_px > 0:
            image = np.asarray(cv2.GaussianBlur(image, (3, 3), blur_px), np.uint8)
        place = (hit[..., :2] + FLOOR_HALF_M) * (FLOOR_PX / (2 * FLOOR_HALF_M))
        return Backdrop(
            image, np.where((side == _FLOOR)[..., None], place, _FAR).astype(np.float32)
        )

    def _colour_planks(self, floor: F64) -> F64:
        """Colour points of the floor, linear red, green, blue."""
        x, y = floor[:, 0], floor[:, 1]
        row = np.floor(y / _PLANK_M)
        along = x + (row * 0.618 % 1) * 1.7
        piece = np.floor(along / _PLANK_LENGTH_M)
        tone = value_noise(np.stack([row * 7.1, piece * 3.7, np.zeros_like(x)], 1), 1)
        grain = value_noise(np.stack([along * 3, y * 60, row], 1), 2)
        colour = self._wood * (0.72 + 0.4 * tone + 0.25 * grain)[:, None]
        across_gap = np.abs(y / _PLANK_M - np.round(y / _PLANK_M)) < 0.02
        along_gap = np.abs(along / _PLANK_LENGTH_M - np.round(along / _PLANK_LENGTH_M)) < 0.003
        colour[across_gap | along_gap] *= 0.55
        return colour

    def _colour_wall(self, wall: int, points: F64) -> F64:
        """Colour points of a wall with its pictures and its door."""
        rng = np.random.default_rng(self._seeds[wall])
        along, height = points[:, 1 if wall < 2 else 0], points[:, 2]
        plaster = value_noise(
            np.stack([along * 1.3, height * 1.3, np.full(len(along), wall)], 1), 4
        )
        colour = self._walls[wall] * (0.93 + 0.14 * plaster)[:, None]
        for _ in range(3):
            left, low = rng.uniform(-3.5, 2.5), rng.uniform(1.1, 1.5)
            width = rng.uniform(0.4, 1.0)
            tall = rng.uniform(0.4, 0.8)
            paint = rng.uniform(0.1, 0.7, 3)
            inset = np.minimum.reduce(
                [along - left, left + width - along, height - low, low + tall - height]
            )
            colour[inset > 0] = (0.12, 0.10, 0.09)
            canvas = inset > 0.04
            strokes = np.stack(
                [along[canvas] * 6, height[canvas] * 6, np.full(canvas.sum(), left)], 1
            )
            colour[canvas] = paint * (0.5 + value_noise(strokes, wall))[:, None]
        door = np.abs(along - rng.uniform(-3.5, 3.5))
        colour[(door < 0.45) & (height < 2.05)] = (0.33, 0.22, 0.14)
        colour[(door < 0.36) & (np.abs(height - 1.5) < 0.4)] = (0.40, 0.27, 0.17)
        colour[height < 0.10] = (0.72, 0.72, 0.70)
        return colour * np.clip(0.82 + 0.06 * height, 0, 1)[:, None]


def _compute_rays(camera: Camera) -> F64:
    """Find what every pixel looks at, (H, W, 3); 1 long along the optical axis."""
    width, height = camera.size_wh
    pixel = np.stack(np.meshgrid(np.arange(width, dtype=float), np.arange(height, dtype=float)), -1)
    seen = undistort(rays_from_pixels(pixel, camera.matrix), camera.distortion)
    return np.concatenate([seen, np.ones((height, width, 1))], -1) @ camera.R


def _find_first_hit(origin: F64, directions: F64) -> tuple[I64, F64]:
    """Find the side of the room that each ray meets first, and how far along the ray."""
    side = np.full(directions.shape[:2], -1, np.int64)
    distance = np.full(directions.shape[:2], np.inf)
    planes = ((2, 0.0), (2, CEILING_M), (0, -HALF_M), (0, HALF_M), (1, -HALF_M), (1, HALF_M))
    for number, (axis, value) in enumerate(planes):
        with np.errstate(divide="ignore", invalid="ignore"):
            along = (value - origin[axis]) / directions[..., axis]
        nearer = (along > 1e-6) & (along < distance)
        side[nearer], distance[nearer] = number, along[nearer]
    return side, distance


def _compute_vignette(size_wh: tuple[int, int]) -> F64:
    """Return how much of the light reaches each pixel, (H, W)."""
    x = np.linspace(-1, 1, size_wh[0])
    y = np.linspace(-1, 1, size_wh[1])[:, None]
    return 1 - 0.06 * (x**2 + y**2)
