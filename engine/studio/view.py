"""View: one camera of the studio, from posed bones to pixels."""

from dataclasses import dataclass

import cv2
import numpy as np

from calibration.geometry.arrays import F32, U8
from calibration.geometry.projection import project, rays_from_pixels, undistort
from calibration.rig import Camera
from engine.studio import raster
from engine.studio.body.figure import Figure
from engine.studio.light import FLOOR_HALF_M, FLOOR_PX, LitInstant
from engine.studio.room import Room

_NOISE_TILE_PX = 64
"""By how much the noise field is larger than an image, for its window to move."""
_NEAR_M = 0.5
_BLUR_OFFSETS_PX = np.array([-0.75, -0.25, 0.25, 0.75])


@dataclass(frozen=True, slots=True)
class Optics:
    """What a camera adds to the picture.

    Parameters
    ----------
    blur_px
        Sigma of the lens; 0 is off.
    noise
        Sigma of the sensor, grey levels; 0 is off.
    """

    blur_px: float
    noise: float


class View:
    """One camera's renderer; holds nothing that changes.

    Parameters
    ----------
    camera
        In the room's frame.
    room
    figure
        None for an empty room.
    optics
    """

    def __init__(self, camera: Camera, room: Room, figure: Figure | None, optics: Optics) -> None:
        self._camera, self._figure = camera, figure
        self._backdrop = room.draw_backdrop(camera, optics.blur_px)
        self._lens = pack_lens(camera)
        self._taps = compute_taps(optics.blur_px)
        self._noise = _make_noise_field(camera.size_wh, optics.noise) if optics.noise > 0 else None

    def render(self, pose: raster.BonePose, lit: LitInstant | None, rng: np.random.Generator) -> U8:
        """Render the picture.

        Parameters
        ----------
        pose
            Of all bones, in the room, at the camera's own instant.
        lit
            Of the frameset; None in an empty room.
        rng
            Decides the noise of this frame.

        Returns
        -------
        image_bgr : (H, W, 3), uint8
        """
        image = self._backdrop.image_bgr.copy()
        if self._figure is not None and lit is not None:
            self._throw_shadow(image, lit)
            self._draw(image, self._figure, pose, lit)
        if self._noise is not None:
            row, column = rng.integers(0, _NOISE_TILE_PX, 2)
            raster.add_noise(image.reshape(len(image), -1), self._noise, row, 3 * column)
        return image

    def _draw(self, image: U8, figure: Figure, pose: raster.BonePose, lit: LitInstant) -> None:
        """Draw the figure over the image."""
        camera = self._camera
        R, t = camera.R.astype(np.float32), camera.t.astype(np.float32)
        in_camera = raster.BonePose(R @ pose.rotation, pose.translation @ R.T + t)
        projected = np.empty_like(figure.mesh.vertices)
        raster.project(figure.mesh, in_camera, self._lens, projected)
        x0, y0, x1, y1 = raster.find_bounds(projected, *camera.size_wh)
        if x1 <= x0 or y1 <= y0:
            return
        shape = ((y1 - y0 + 2) * raster.SAMPLES, (x1 - x0 + 2) * raster.SAMPLES)
        samples = raster.Samples(np.zeros(shape, np.float32), np.zeros((*shape, 4), np.uint8))
        raster.rasterise(projected, figure.triangles, lit.colour, (x0 - 1, y0 - 1), samples)
        raster.composite(samples.colour, self._taps, (x0, y0), image)

    def _throw_shadow(self, image: U8, lit: LitInstant) -> None:
        """Darken the floor where the lamp does not reach it."""
        if lit.box[1] <= lit.box[0]:
            return
        window = self._find_shadow_window(lit.box)
        raster.darken(image, self._backdrop.floor, lit.shadow, lit.box, window)

    def _find_shadow_window(self, box: F32) -> tuple[int, int, int, int]:
        """Find the pixels, x0 y0 x1 y1, within which a part of the floor lies."""
        width, height = self._camera.size_wh
        metres = box.astype(float) * (2 * FLOOR_HALF_M / FLOOR_PX) - FLOOR_HALF_M
        share = np.linspace(0, 1, 5)
        x, y = np.meshgrid(
            metres[0] + share * (metres[1] - metres[0]), metres[2] + share * (metres[3] - metres[2])
        )
        floor = np.stack([x, y, np.zeros_like(x)], -1).reshape(-1, 3)
        if (floor @ self._camera.R[2] + self._camera.t[2]).min() < _NEAR_M:
            return 0, 0, width, height
        xy = project(floor, self._camera)
        low = np.floor(xy.min(0)).astype(int) - 3
        high = np.ceil(xy.max(0)).astype(int) + 4
        return (
            max(int(low[0]), 0),
            max(int(low[1]), 0),
            min(int(high[0]), width),
            min(int(high[1]), height),
        )


def pack_lens(camera: Camera) -> F32:
    """Pack a camera's lens into the numbers of `raster.project`.

    Returns
    -------
    lens : (10,)
        fx, fy, cx, cy (px), k1, k2, p1, p2, k3, and the squared radius up to which they hold:
        beyond the corners of the image a strong lens folds points back into it.
    """
    width, height = camera.size_wh
    corners = np.array([[0.0, 0.0], [width, 0.0], [0.0, height], [width, height]])
    radius = np.linalg.norm(
        undistort(rays_from_pixels(corners, camera.matrix), camera.distortion), axis=-1
    ).max()
    matrix = camera.matrix
    head = [matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2]]
    return np.array([*head, *camera.distortion, (1.15 * radius) ** 2], np.float32)


def compute_taps(blur_px: float) -> F32:
    """Weigh the four samples on a line that make a pixel, (4,), for a lens of some blur (sigma)."""
    if blur_px <= 0:
        return np.array([0, 0.5, 0.5, 0], np.float32)
    weight = np.exp(-0.5 * (_BLUR_OFFSETS_PX / blur_px) ** 2)
    return (weight / weight.sum()).astype(np.float32)


def _make_noise_field(size_wh: tuple[int, int], sigma: float) -> np.ndarray:
    """Make a field of slightly correlated noise, (H + 64, (W + 64) * 3), int8."""
    width, height = size_wh
    shape = (height + _NOISE_TILE_PX, width + _NOISE_TILE_PX, 3)
    noise = np.random.default_rng(1).normal(0, 1, shape).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), 0.7)
    return (
        np.clip(np.round(noise * (sigma / noise.std())), -127, 127)
        .astype(np.int8)
        .reshape(shape[0], -1)
    )
