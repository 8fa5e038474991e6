"""Lighting of training pictures: the lamp, the surroundings and the sensor, at random."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from calibration.geometry.arrays import F32, F64, U8
from engine.studio import raster
from engine.studio.light import GAMMA
from training.studio.backdrop import Backdrop, Shadow
from training.studio.people import Body, draw_colour
from training.studio.textures import FACE_COUNT, draw_clutter

LAMP_ELEVATION_DEG = (22.0, 82.0)
LAMP_STRENGTH, SKY_STRENGTH = (0.3, 1.45), (0.28, 0.75)
"""Strength of the lamp and of the light from all sides, linear."""
TINT = 0.12
"""One standard deviation of a light's colour, as the logarithm of a channel."""

STUDIO_SHARE = 0.3
"""Share of the surroundings that are rooms of the studio; the others are clutter on all sides."""
ROOM_MARGIN_M, CEILING_M = (0.3, 3.5), (2.7, 4.5)
"""How far walls stand behind the cameras and the person."""

_MAP_PX, _MAP_PX_PER_M = 184, 58.0
_SHADOW_BLUR_PX = (0.6, 4.0)
_CLUTTER_COUNT = 96


@dataclass(frozen=True, slots=True, eq=False)
class Lamp:
    """The light of one picture.

    Parameters
    ----------
    rows : (4, 3), float32
        Direction to the lamp, its colour, the sky's, the ground's; blue, green, red.
    darkness
        What the lamp's shadow takes from the floor's light, 0 to 1.
    blur_px
        Of the shadow's edge.
    """

    rows: F32
    darkness: float
    blur_px: float


class Scenery:
    """What surroundings are made of: pictures that are drawn once for many.

    Parameters
    ----------
    rooms : of (6, S, S, 3)
        Of the studio.
    rng
        Draws the clutter.
    """

    def __init__(self, rooms: Sequence[U8], rng: np.random.Generator) -> None:
        self._clutter = [draw_clutter(rng) for _ in range(_CLUTTER_COUNT)]
        self._rooms = rooms

    def build_backdrop(self, inside: F64, rng: np.random.Generator) -> Backdrop:
        """Build a room round some points.

        Parameters
        ----------
        inside : (N, 3), m
            Cameras and joints.
        rng
        """
        low = inside.min(0) - rng.uniform(*ROOM_MARGIN_M, 3)
        high = inside.max(0) + rng.uniform(*ROOM_MARGIN_M, 3)
        low[2], high[2] = 0.0, max(float(rng.uniform(*CEILING_M)), float(inside[:, 2].max()) + 0.2)
        if rng.random() < STUDIO_SHARE:
            textures = self._rooms[int(rng.integers(len(self._rooms)))]
        else:
            textures = np.stack(
                [self._clutter[i] for i in rng.integers(0, len(self._clutter), FACE_COUNT)]
            )
        gain = rng.uniform(0.7, 1.25) * rng.uniform(0.75, 1.2, FACE_COUNT)
        return Backdrop(
            textures, low.astype(np.float32), high.astype(np.float32), gain.astype(np.float32)
        )


def draw_lamp(rng: np.random.Generator) -> Lamp:
    """Hang a lamp somewhere above, of some colour and strength, with ambient light besides."""
    azimuth = rng.uniform(0, 2 * np.pi)
    elevation = np.deg2rad(rng.uniform(*LAMP_ELEVATION_DEG))
    to_lamp = [
        np.cos(elevation) * np.cos(azimuth),
        np.cos(elevation) * np.sin(azimuth),
        np.sin(elevation),
    ]
    lamp = rng.uniform(*LAMP_STRENGTH) * np.exp(rng.normal(0, TINT, 3))
    sky = rng.uniform(*SKY_STRENGTH) * np.exp(rng.normal(0, TINT, 3))
    ground = sky * rng.uniform(0.25, 0.8) * np.exp(rng.normal(0, TINT, 3))
    rows = np.array([to_lamp, lamp, sky, ground], np.float32)
    darkness = float(lamp.mean() / (lamp.mean() + 2 * sky.mean()))
    return Lamp(rows, darkness, float(rng.uniform(*_SHADOW_BLUR_PX)))


def light_body(
    body: Body, albedo_bgr: F32, pose: raster.BonePose, lamp: Lamp
) -> tuple[F32, Shadow]:
    """Pose a body and light it.

    Parameters
    ----------
    body
    albedo_bgr : (N, 3), linear light
    pose
        (21, 3, 3) and (21, 3), m, room.
    lamp

    Returns
    -------
    colour : (N, 3), 0 to 255
        Of every vertex; blue, green, red.
    shadow
        On the floor.
    """
    mesh = body.figure.mesh
    posed = np.empty_like(mesh.vertices)
    turned = np.empty_like(mesh.normals)
    raster.skin(mesh, pose, posed, turned)
    map_from_room = _map_from_room(lamp.rows[0].astype(float), posed)
    in_light = posed @ map_from_room[:, :3].T + map_from_room[:, 3]
    depth = np.full((_MAP_PX, _MAP_PX), -1e9, np.float32)
    raster.draw_depth_map(in_light, body.figure.triangles, depth)
    colour = np.empty_like(posed)
    paint = raster.Paint(albedo_bgr, body.figure.openness, GAMMA)
    raster.shade(turned, paint, raster.LightMap(in_light, depth), lamp.rows, colour)
    silhouette = (depth > -1e8).astype(np.float32)
    soft = np.asarray(cv2.GaussianBlur(silhouette, (0, 0), lamp.blur_px), np.float32)
    light = 1 - np.float32(lamp.darkness) * soft
    return colour, Shadow(light, np.ascontiguousarray(map_from_room[:2, [0, 1, 3]]))


def draw_sensor(rng: np.random.Generator) -> U8:
    """Draw a sensor: exposure, white balance and contrast, (1, 256, 3), for `cv2.LUT`."""
    gain = np.exp(rng.normal(0, 0.18)) * np.exp(rng.normal(0, 0.06, 3))
    contrast = float(np.exp(rng.normal(0, 0.15)))
    value = (np.linspace(0, 1, 256)[:, None] ** contrast) * gain + rng.uniform(-0.02, 0.06)
    return (255 * value.clip(0, 1)).astype(np.uint8)[None]


def draw_furniture(image_bgr: U8, rng: np.random.Generator) -> None:
    """Draw flat things behind the person, in place; most are small."""
    size = image_bgr.shape[0]
    for _ in range(int(rng.integers(0, 6))):
        middle = rng.uniform(0, size, 2)
        spread = 2 ** rng.uniform(2, 5.6)
        corners = middle + rng.normal(0, spread, (4, 2))
        cv2.fillConvexPoly(
            image_bgr, cv2.convexHull(corners.astype(np.int32)), draw_colour(rng), cv2.LINE_AA
        )


def _map_from_room(to_lamp: F64, posed: F32) -> F32:
    """Return the matrix from the room to the lamp's map, (3, 4): column, row, closeness."""
    x, y, z = (float(value) for value in to_lamp)
    level = float(np.hypot(x, y))  # never 0: no lamp hangs straight above
    axes = (
        np.array([[y, -x, 0.0], [x * z, y * z, -level * level], [x * level, y * level, z * level]])
        / level
    )
    axes[:2] *= _MAP_PX_PER_M
    some = posed[::24]  # the map is a little larger than any body
    middle = (some.min(0) + some.max(0)) / 2
    shift = np.array([_MAP_PX / 2, _MAP_PX / 2, 0.0]) - axes @ middle
    return np.concatenate([axes, shift[:, None]], 1).astype(np.float32)
