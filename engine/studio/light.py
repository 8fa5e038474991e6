"""Light of one instant for all views: the posed body, its colours, its shadow on the floor."""

from dataclasses import dataclass

import cv2
import numpy as np

from calibration.geometry.arrays import F32, F64, U8
from engine.studio import raster
from engine.studio.body.figure import Figure

FLOOR_HALF_M = 3.4
"""Half the edge of the floor that can be in shadow, round the middle of the room."""
FLOOR_PX = 416
_LIGHT_PX, _LIGHT_PX_PER_M = 416, 64.0
_CONTACT_PX = 104
_MIDDLE_M = np.array([0.0, 0.0, 0.9])
_LAMP = (0.95, 0.91, 0.84)
_SKY = (0.42, 0.45, 0.50)
_GROUND = (0.22, 0.19, 0.16)
"""Red, green, blue in linear light."""
_CONTACT_HEIGHT_M = 0.45
"""What is lower than this darkens the floor under it."""
GAMMA = (255 * (np.arange(1024) / 1023) ** (1 / 2.2)).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class LitInstant:
    """One instant, lit.

    Parameters
    ----------
    colour : (N, 3), 0 to 255
        Of every vertex; blue, green, red.
    shadow : (416, 416), uint8
        What is left of the light on the floor; rows along y, columns along x.
    box : (4,)
        First and last column, first and last row that are not bright; empty if last <= first.
    """

    colour: F32
    shadow: U8
    box: F32


class Light:
    """One lamp over the room, and the sky.

    Parameters
    ----------
    figure
        All that casts shadow.
    azimuth_rad
        Where the lamp hangs, from x towards y.
    """

    def __init__(self, figure: Figure, azimuth_rad: float) -> None:
        self._figure = figure
        self._paint = raster.Paint(
            np.ascontiguousarray(figure.albedo[:, ::-1]), figure.openness, GAMMA
        )
        # 52 degrees above the horizon
        to_lamp = np.array([0.71 * np.cos(azimuth_rad), 0.71 * np.sin(azimuth_rad), 0.9])
        to_lamp /= np.linalg.norm(to_lamp)
        across = np.cross(to_lamp, [0.0, 0.0, 1.0])
        across /= np.linalg.norm(across)
        self._axes = np.stack([across, np.cross(to_lamp, across), to_lamp])
        bgr = [np.array(colour)[::-1] for colour in (_LAMP, _SKY, _GROUND)]
        self._lamp = np.stack([to_lamp, *bgr]).astype(np.float32)
        self._map_from_floor = self._compute_map_from_floor()

    def light_instant(self, pose: raster.BonePose) -> LitInstant:
        """Pose the figure and light it.

        Parameters
        ----------
        pose
            Of all bones, in the room.
        """
        figure = self._figure
        posed = np.empty_like(figure.mesh.vertices)
        turned = np.empty_like(figure.mesh.normals)
        raster.skin(figure.mesh, pose, posed, turned)
        in_light = self._to_light_frame(posed)
        depth = np.full((_LIGHT_PX, _LIGHT_PX), -1e9, np.float32)
        raster.draw_depth_map(in_light, figure.triangles, depth)
        colour = np.empty_like(posed)
        raster.shade(turned, self._paint, raster.LightMap(in_light, depth), self._lamp, colour)
        shadow = self._cast_shadow(depth, posed)
        return LitInstant(colour, shadow, _find_dark_box(shadow))

    def _to_light_frame(self, xyz: F32) -> F32:
        """Return column, row and closeness to the lamp, (N, 3)."""
        axes = self._axes.copy()
        axes[:2] *= _LIGHT_PX_PER_M
        offset = -axes @ _MIDDLE_M + np.array([_LIGHT_PX / 2, _LIGHT_PX / 2, 0.0])
        return xyz @ axes.T.astype(np.float32) + offset.astype(np.float32)

    def _compute_map_from_floor(self) -> F64:
        """Return the affine map from pixels of the floor to pixels of the light's map, (2, 3)."""
        step = 2 * FLOOR_HALF_M / FLOOR_PX
        corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        floor = np.concatenate([corners * step - FLOOR_HALF_M, np.zeros((3, 1))], 1)
        origin, right, down = self._to_light_frame(floor.astype(np.float32))[:, :2]
        return np.stack([right - origin, down - origin, origin], -1).astype(np.float64)

    def _cast_shadow(self, depth: F32, posed: F32) -> U8:
        """Throw the silhouette on the floor and darken it under the feet."""
        silhouette = np.where(depth > -1e8, 255, 0).astype(np.uint8)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        thrown = cv2.warpAffine(silhouette, self._map_from_floor, (FLOOR_PX, FLOOR_PX), flags=flags)
        thrown = cv2.GaussianBlur(thrown, (0, 0), 1.8)
        near = posed[::6]
        near = near[near[:, 2] < _CONTACT_HEIGHT_M]
        cell = ((near[:, :2] + FLOOR_HALF_M) * (_CONTACT_PX / (2 * FLOOR_HALF_M))).astype(int)
        inside = ((cell >= 0) & (cell < _CONTACT_PX)).all(1)
        weight = (1 - near[inside, 2] / _CONTACT_HEIGHT_M) ** 2
        flat = cell[inside, 1] * _CONTACT_PX + cell[inside, 0]
        contact = np.bincount(flat, weight, _CONTACT_PX**2).reshape(_CONTACT_PX, _CONTACT_PX)
        contact = 1 - np.exp(-0.12 * cv2.GaussianBlur(contact.astype(np.float32), (0, 0), 1.3))
        contact = cv2.resize(contact, (FLOOR_PX, FLOOR_PX), interpolation=cv2.INTER_LINEAR)
        return (
            255 * (1 - thrown * np.float32(0.50 / 255)) * (1 - np.float32(0.45) * contact)
        ).astype(np.uint8)


def _find_dark_box(shadow: U8) -> F32:
    """Find the part of the floor that is not bright."""
    dark = shadow < 250
    columns = np.flatnonzero(dark.any(0))
    rows = np.flatnonzero(dark.any(1))
    if not len(columns):
        return np.zeros(4, np.float32)
    last = FLOOR_PX - 1
    box = [
        max(columns[0] - 2, 0),
        min(columns[-1] + 2, last),
        max(rows[0] - 2, 0),
        min(rows[-1] + 2, last),
    ]
    return np.array(box, np.float32)
