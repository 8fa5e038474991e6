"""Raster: compiled loops over vertices, triangles and pixels. They hold no lock.

Pixel convention: an integer is a pixel's centre. Samples: each pixel has 2 x 2 of them, a quarter
of a pixel off its centre. All floats are 32 bits wide.
"""

from functools import partial
from typing import NamedTuple

import numpy as np

from calibration.geometry.arrays import F32, U8
from calibration.geometry.fast_compile import jit_kernel

SAMPLES = 2
"""Per pixel and direction."""
_NEAR_M = 0.1


class Mesh(NamedTuple):
    """Vertices at rest and the bones they hang on: (N, 3), (N, 3), (N, 4), (N, 4)."""

    vertices: F32
    normals: F32
    bone: np.ndarray
    weight: F32


class BonePose(NamedTuple):
    """What carries rest points with their bones: (B, 3, 3), (B, 3)."""

    rotation: F32
    translation: F32


class Samples(NamedTuple):
    """Pixels: 1/depth, (h, w), 0 where nothing is; colour, (h, w, 4), 255 last where drawn."""

    nearness: F32
    colour: U8


class Paint(NamedTuple):
    """Surface: albedo (N, 3), openness (N,), curve (1024,) from linear light to 0..255."""

    albedo: F32
    openness: F32
    gamma: F32


class LightMap(NamedTuple):
    """Lamp's view: column, row, closeness of vertices, (N, 3); closest per pixel, (h, w)."""

    vertices: F32
    closest: F32


_compile = partial(jit_kernel, fastmath=True)


@_compile
def _pose_vertex(mesh: Mesh, pose: BonePose, i: int):
    """Carry a vertex with its bones (linear blend skinning)."""
    vertex = mesh.vertices[i]
    x = y = z = np.float32(0)
    for k in range(mesh.bone.shape[1]):
        w = mesh.weight[i, k]
        if w < 1e-3:
            continue
        r, t = pose.rotation[mesh.bone[i, k]], pose.translation[mesh.bone[i, k]]
        x += w * (r[0, 0] * vertex[0] + r[0, 1] * vertex[1] + r[0, 2] * vertex[2] + t[0])
        y += w * (r[1, 0] * vertex[0] + r[1, 1] * vertex[1] + r[1, 2] * vertex[2] + t[1])
        z += w * (r[2, 0] * vertex[0] + r[2, 1] * vertex[1] + r[2, 2] * vertex[2] + t[2])
    return x, y, z


@_compile
def _pose_normal(mesh: Mesh, pose: BonePose, i: int):
    """Turn a vertex's normal with its bones, and make it one long again."""
    normal = mesh.normals[i]
    x = y = z = np.float32(0)
    for k in range(mesh.bone.shape[1]):
        w = mesh.weight[i, k]
        if w < 1e-3:
            continue
        r = pose.rotation[mesh.bone[i, k]]
        x += w * (r[0, 0] * normal[0] + r[0, 1] * normal[1] + r[0, 2] * normal[2])
        y += w * (r[1, 0] * normal[0] + r[1, 1] * normal[1] + r[1, 2] * normal[2])
        z += w * (r[2, 0] * normal[0] + r[2, 1] * normal[1] + r[2, 2] * normal[2])
    length = np.float32(1) / np.sqrt(x * x + y * y + z * z + np.float32(1e-12))
    return x * length, y * length, z * length


@_compile
def skin(mesh: Mesh, pose: BonePose, posed: F32, turned: F32):
    """Carry vertices and normals with their bones into `posed` and `turned`, (N, 3)."""
    for i in range(mesh.vertices.shape[0]):
        posed[i, 0], posed[i, 1], posed[i, 2] = _pose_vertex(mesh, pose, i)
        turned[i, 0], turned[i, 1], turned[i, 2] = _pose_normal(mesh, pose, i)


@_compile
def project(mesh: Mesh, pose: BonePose, lens: F32, image: F32):
    """Pose vertices with bones in the camera's frame, and project them through the lens.

    `lens` is fx, fy, cx, cy, k1, k2, p1, p2, k3 and the largest squared radius it is good for;
    `image` (N, 3) takes x, y (px) and depth (m), which is 0 for what the lens cannot see.
    """
    fx, fy, cx, cy, k1, k2, p1, p2, k3, limit = lens
    for i in range(mesh.vertices.shape[0]):
        x, y, z = _pose_vertex(mesh, pose, i)
        image[i, 2] = 0.0
        if z < _NEAR_M:
            continue
        x, y = x / z, y / z
        square = x * x + y * y
        if square > limit:
            continue
        radial = 1 + square * (k1 + square * (k2 + square * k3))
        image[i, 0] = fx * (x * radial + 2 * p1 * x * y + p2 * (square + 2 * x * x)) + cx
        image[i, 1] = fy * (y * radial + p1 * (square + 2 * y * y) + 2 * p2 * x * y) + cy
        image[i, 2] = z


@_compile
def find_bounds(image: F32, width: int, height: int):
    """Return the box, x0 y0 x1 y1 (px, ends excluded), around what `project` put into `image`."""
    x0 = np.float32(width)
    y0 = np.float32(height)
    x1 = np.float32(-1)
    y1 = np.float32(-1)
    for i in range(image.shape[0]):
        if image[i, 2] > 0:
            x0, x1 = min(x0, image[i, 0]), max(x1, image[i, 0])
            y0, y1 = min(y0, image[i, 1]), max(y1, image[i, 1])
    return (
        max(0, int(x0) - 1),
        max(0, int(y0) - 1),
        min(width, int(x1) + 3),
        min(height, int(y1) + 3),
    )


@_compile
def _find_sample(pixel: F32, x0: int, y0: int):
    """Return where a pixel lies among the samples of a box that begins at x0, y0."""
    scale = np.float32(SAMPLES)
    shift = np.float32(0.5 * SAMPLES - 0.5)
    return (pixel[0] - x0) * scale + shift, (pixel[1] - y0) * scale + shift


@_compile
def rasterise(
    image: F32, triangles: np.ndarray, colour: F32, corner: tuple[int, int], target: Samples
):
    """Draw the triangles that face the camera into samples; the nearest wins.

    `image` (N, 3) px and m; `colour` (N, 3) 0 to 255; `corner` is the pixel of the first samples.
    """
    nearness, samples = target
    x0, y0 = corner
    height, width = nearness.shape
    for f in range(triangles.shape[0]):
        a, b, c = triangles[f, 0], triangles[f, 1], triangles[f, 2]
        if image[a, 2] <= 0 or image[b, 2] <= 0 or image[c, 2] <= 0:
            continue
        ax, ay = _find_sample(image[a], x0, y0)
        bx, by = _find_sample(image[b], x0, y0)
        cx, cy = _find_sample(image[c], x0, y0)
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if area >= -1e-6:
            # seen from behind: counter-clockwise outside is clockwise in an image with y down
            continue
        left = max(0, int(np.ceil(min(ax, bx, cx))))
        right = min(width - 1, int(np.floor(max(ax, bx, cx))))
        top = max(0, int(np.ceil(min(ay, by, cy))))
        bottom = min(height - 1, int(np.floor(max(ay, by, cy))))
        if left > right or top > bottom:
            continue
        inverse = np.float32(1) / area
        na = 1 / image[a, 2]
        nb = 1 / image[b, 2]
        nc = 1 / image[c, 2]
        step_a, step_b = (by - cy) * inverse, (cy - ay) * inverse
        for y in range(top, bottom + 1):
            wa = ((bx - left) * (cy - y) - (cx - left) * (by - y)) * inverse
            wb = ((cx - left) * (ay - y) - (ax - left) * (cy - y)) * inverse
            for x in range(left, right + 1):
                wc = 1 - wa - wb
                if wa >= 0 and wb >= 0 and wc >= 0:
                    near = wa * na + wb * nb + wc * nc
                    if near > nearness[y, x]:
                        nearness[y, x] = near
                        for k in range(3):
                            mixed = wa * colour[a, k] + wb * colour[b, k] + wc * colour[c, k]
                            samples[y, x, k] = np.uint8(mixed)
                        samples[y, x, 3] = 255
                wa += step_a
                wb += step_b


@_compile
def composite(samples: U8, taps: F32, corner: tuple[int, int], image: U8):
    """Average the samples with 4 x 4 taps and lay them over the image, in place.

    `samples` ((h + 2) * 2, (w + 2) * 2, 4) have a border of one pixel round the box that begins at
    the pixel `corner`; `taps` (4,) sum to 1; `image` (H, W, 3).
    """
    x0, y0 = corner
    height = samples.shape[0] // SAMPLES - 2
    width = samples.shape[1] // SAMPLES - 2
    for y in range(height):
        for x in range(width):
            r = g = b = covered = np.float32(0)
            top, left = (y + 1) * SAMPLES - 1, (x + 1) * SAMPLES - 1
            for j in range(4):
                for i in range(4):
                    if samples[top + j, left + i, 3] > 0:
                        w = taps[j] * taps[i]
                        covered += w
                        r += w * samples[top + j, left + i, 0]
                        g += w * samples[top + j, left + i, 1]
                        b += w * samples[top + j, left + i, 2]
            if covered > 0:
                rest = 1 - covered
                image[y0 + y, x0 + x, 0] = np.uint8(
                    image[y0 + y, x0 + x, 0] * rest + r + np.float32(0.5)
                )
                image[y0 + y, x0 + x, 1] = np.uint8(
                    image[y0 + y, x0 + x, 1] * rest + g + np.float32(0.5)
                )
                image[y0 + y, x0 + x, 2] = np.uint8(
                    image[y0 + y, x0 + x, 2] * rest + b + np.float32(0.5)
                )


@_compile
def draw_depth_map(light: F32, triangles: np.ndarray, depth: F32):
    """Draw all triangles into the light's orthographic depth map; larger is closer to the light.

    `light` (N, 3): column, row, closeness. A sample counts as hit a little beyond an edge too, so
    that no hole opens.
    """
    height, width = depth.shape
    for f in range(triangles.shape[0]):
        a = triangles[f, 0]
        b = triangles[f, 1]
        c = triangles[f, 2]
        ax = light[a, 0]
        ay = light[a, 1]
        bx = light[b, 0]
        by = light[b, 1]
        cx = light[c, 0]
        cy = light[c, 1]
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if area < 1e-9:
            continue
        left = max(0, int(np.ceil(min(ax, bx, cx) - 0.5)))
        right = min(width - 1, int(np.floor(max(ax, bx, cx) + 0.5)))
        top = max(0, int(np.ceil(min(ay, by, cy) - 0.5)))
        bottom = min(height - 1, int(np.floor(max(ay, by, cy) + 0.5)))
        closest = max(light[a, 2], light[b, 2], light[c, 2])
        inverse = 1 / area
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                wa = ((bx - x) * (cy - y) - (cx - x) * (by - y)) * inverse
                wb = ((cx - x) * (ay - y) - (ax - x) * (cy - y)) * inverse
                if wa >= -0.15 and wb >= -0.15 and wa + wb <= 1.15 and closest > depth[y, x]:
                    depth[y, x] = closest


@_compile
def shade(normals: F32, paint: Paint, light_map: LightMap, lamp: F32, colour: F32):
    """Light every vertex: one lamp with soft shadow, and sky above ground.

    `lamp` (4, 3): direction to the lamp, its colour, the sky's, the ground's; `colour` (N, 3) takes
    0 to 255.
    """
    albedo, openness, gamma = paint
    light, depth = light_map
    height, width = depth.shape
    for i in range(normals.shape[0]):
        lit = seen = np.float32(0)
        column, row = int(light[i, 0] + 0.5), int(light[i, 1] + 0.5)
        for dy in range(-2, 3, 2):
            for dx in range(-2, 3, 2):
                x, y = column + dx, row + dy
                if 0 <= x < width and 0 <= y < height:
                    seen += 1
                    if depth[y, x] < light[i, 2] + np.float32(0.035):
                        lit += 1
        share = lit / max(seen, np.float32(1))
        facing = (
            normals[i, 0] * lamp[0, 0] + normals[i, 1] * lamp[0, 1] + normals[i, 2] * lamp[0, 2]
        )
        # a little wrap-around, because no room has a point-like lamp only
        facing = (
            max(facing, np.float32(0)) * 0.85 + max(facing * 0.5 + 0.5, np.float32(0)) * 0.15
        ) * share
        up = 0.5 + 0.5 * normals[i, 2]
        for k in range(3):
            arriving = lamp[1, k] * facing + (lamp[2, k] * up + lamp[3, k] * (1 - up)) * openness[i]
            colour[i, k] = gamma[int(min(np.float32(1), albedo[i, k] * arriving) * 1023)]


@_compile
def darken(image: U8, floor: F32, shadow: U8, box: F32, window: tuple[int, int, int, int]):
    """Multiply a part of the image by the shadow on the floor, in place.

    `floor` (H, W, 2): column and row of the shadow map under each pixel; `box`: first and last
    column and row of the map that are not bright; `window`: x0 y0 x1 y1 of the image.
    """
    x0, y0, x1, y1 = window
    for y in range(y0, y1):
        for x in range(x0, x1):
            u, v = floor[y, x, 0], floor[y, x, 1]
            if u < box[0] or u >= box[1] or v < box[2] or v >= box[3]:
                continue
            i, j = int(u), int(v)
            a, b = u - i, v - j
            light = (shadow[j, i] * (1 - a) + shadow[j, i + 1] * a) * (1 - b)
            light += (shadow[j + 1, i] * (1 - a) + shadow[j + 1, i + 1] * a) * b
            for k in range(3):
                image[y, x, k] = np.uint8(image[y, x, k] * light * np.float32(1 / 255))


@_compile
def add_noise(image: U8, noise: np.ndarray, row: int, first: int):
    """Add a window of a noise field to an image, in place, saturating.

    `image` (H, W * 3); `noise` (>= H, >= W * 3) int8; the window begins at `row` and at the value
    `first` of each row.
    """
    height, width = image.shape
    for y in range(height):
        line, grain = image[y], noise[row + y, first : first + width]
        for x in range(width):
            line[x] = min(max(np.int16(line[x]) + np.int16(grain[x]), 0), 255)
