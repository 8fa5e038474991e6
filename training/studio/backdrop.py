"""Surroundings: a box with pictures on its sides and a shadow on its floor, seen by a lens."""

from functools import partial
from typing import NamedTuple

import numpy as np

from calibration.geometry.arrays import F32, F64, U8
from calibration.geometry.fast_compile import jit_kernel
from calibration.rig import Camera
from engine.inference.preprocess import Region, image_from_crop
from training.studio.cameras import undistort_rays

NODES = 17
"""Rays are found at so many pixels per line and interpolated between: enough for a background."""


class Backdrop(NamedTuple):
    """A box-shaped room.

    Parameters
    ----------
    textures_bgr : (6, S, S, 3), uint8
        Floor, ceiling, walls at -x, +x, -y, +y.
    low, high : (3,), m, float32
        Its corners.
    gain : (6,), float32
        How bright each side is, in parts of its texture.
    """

    textures_bgr: U8
    low: F32
    high: F32
    gain: F32


class Shadow(NamedTuple):
    """What is left of the light on the floor.

    Parameters
    ----------
    light : (M, M), float32
        0 to 1, as the lamp sees the floor.
    map_from_floor : (2, 3), float32
        Column and row of `light` from x and y of the floor, m.
    """

    light: F32
    map_from_floor: F32


def compute_crop_rays(camera: Camera, region: Region, size_px: int) -> F32:
    """Find what a crop's pixels look at.

    Parameters
    ----------
    camera
        Of the whole image.
    region
        What the crop shows; may reach over the image's edge.
    size_px
        Side of the crop.

    Returns
    -------
    rays : (17, 17, 3), room
        On an even grid from the crop's first pixel to its last; 1 long along the optical axis.
        Beyond the image's edge, where a lens may fold, they go on as a straight lens would see.
    """
    matrix = image_from_crop(region, (size_px, size_px))
    line = np.linspace(0, size_px - 1, NODES)
    pixels = np.stack(np.meshgrid(line, line), -1) @ matrix[:, :2].T + matrix[:, 2]
    inside = pixels.clip(-0.5, np.array(camera.size_wh) - 0.5)
    seen = (inside - camera.principal_px) / np.diag(camera.matrix)[:2]
    ideal = undistort_rays(seen, camera) + (pixels - inside) / np.diag(camera.matrix)[:2]
    rays = np.concatenate([ideal, np.ones((NODES, NODES, 1))], -1) @ camera.R
    return rays.astype(np.float32)


def draw_backdrop(image_bgr: U8, rays: F32, centre: F64, room: Backdrop, shadow: Shadow) -> None:
    """Fill a crop with what is behind the person, in place.

    Parameters
    ----------
    image_bgr : (P, P, 3)
    rays : (17, 17, 3), room
        From `compute_crop_rays`.
    centre : (3,), m, room
        Of the camera, inside the room.
    room
    shadow
    """
    _fill(image_bgr, rays, centre.astype(np.float32), room, shadow)


@partial(jit_kernel, fastmath=True)
def _sample_light(light, to_map, x, y):
    """Read what is left of the light at a point of the floor."""
    u = to_map[0, 0] * x + to_map[0, 1] * y + to_map[0, 2]
    v = to_map[1, 0] * x + to_map[1, 1] * y + to_map[1, 2]
    if u < 0 or v < 0 or u >= light.shape[1] - 1 or v >= light.shape[0] - 1:
        return np.float32(1)
    m, n = int(u), int(v)
    p, q = u - np.float32(m), v - np.float32(n)
    above = light[n, m] + (light[n, m + 1] - light[n, m]) * p
    below = light[n + 1, m] + (light[n + 1, m + 1] - light[n + 1, m]) * p
    return above + (below - above) * q


@partial(jit_kernel, fastmath=True)
def _sample_texture(texture, x, y, bright, pixel):
    """Sample a picture between its pixels, brighter or darker."""
    most = texture.shape[0] - 2
    m, n = min(max(int(x), 0), most), min(max(int(y), 0), most)
    p, q = x - np.float32(m), y - np.float32(n)
    for k in range(3):
        first = np.float32(texture[n, m, k])
        second = np.float32(texture[n, m + 1, k])
        third = np.float32(texture[n + 1, m, k])
        fourth = np.float32(texture[n + 1, m + 1, k])
        above = first + (second - first) * p
        below = third + (fourth - third) * p
        value = (above + (below - above) * q) * bright
        pixel[k] = np.uint8(min(max(value, np.float32(0)), np.float32(255)))


@partial(jit_kernel, fastmath=True)
def _blend_rows(above, below, share, line):
    """Fill `line` with the rays between two rows of nodes."""
    for i in range(line.shape[0]):
        for k in range(3):
            line[i, k] = above[i, k] + (below[i, k] - above[i, k]) * share


@partial(jit_kernel, fastmath=True)
def _find_hit(ray, centre, low, high, per_m):
    """Return the side that a ray meets first, where in the room, and where in its picture."""
    rx, ry, rz = ray
    far = np.float32(1e9)
    flat = np.float32(1e-6)
    wall_x = rx > 0
    wall_y = ry > 0
    wall_z = rz > 0
    tx = ((high[0] if wall_x else low[0]) - centre[0]) / rx if abs(rx) > flat else far
    ty = ((high[1] if wall_y else low[1]) - centre[1]) / ry if abs(ry) > flat else far
    tz = ((high[2] if wall_z else low[2]) - centre[2]) / rz if abs(rz) > flat else far
    t = min(tx, ty, tz)
    hx = centre[0] + t * rx
    hy = centre[1] + t * ry
    hz = centre[2] + t * rz
    x = (hx - low[0]) * per_m[0]
    y = (hz - low[2]) * per_m[2]
    if t == tz:
        side = int(wall_z)
        y = (hy - low[1]) * per_m[1]
    elif t == tx:
        side = 2 + int(wall_x)
        x = (hy - low[1]) * per_m[1]
    else:
        side = 4 + int(wall_y)
    return side, hx, hy, x, y


@partial(jit_kernel, fastmath=True)
def _fill(image, rays, centre, room, shadow):
    """Follow every pixel's ray to the first side it meets, and sample that side's picture there."""
    textures, low, high, gain = room
    light, to_map = shadow
    size, last = image.shape[0], np.float32(textures.shape[1] - 1)
    nodes = rays.shape[0] - 1
    step = np.float32(nodes) / np.float32(size - 1)
    per_m = last / (high - low)
    line = np.empty((nodes + 1, 3), np.float32)
    for row in range(size):
        v = np.float32(row) * step
        j = min(int(v), nodes - 1)
        b = v - np.float32(j)
        _blend_rows(rays[j], rays[j + 1], b, line)
        for column in range(size):
            u = np.float32(column) * step
            i = min(int(u), nodes - 1)
            a = u - np.float32(i)
            rx = line[i, 0] + (line[i + 1, 0] - line[i, 0]) * a
            ry = line[i, 1] + (line[i + 1, 1] - line[i, 1]) * a
            rz = line[i, 2] + (line[i + 1, 2] - line[i, 2]) * a
            side, hx, hy, x, y = _find_hit((rx, ry, rz), centre, low, high, per_m)
            bright = gain[side]
            if side == 0:
                bright *= _sample_light(light, to_map, hx, hy)
            _sample_texture(textures[side], x, y, bright, image[row, column])
