"""Textures behind people in training pictures: the studio's own rooms, and random clutter.

A network that saw one room learns the room. Pictures here are made of noise, stripes, checks,
gradients, boxes and polygons, laid over each other at random.
"""

import cv2
import numpy as np

from calibration.geometry.arrays import F64, U8
from calibration.geometry.transforms import rigid_transform
from calibration.rig import Camera
from engine.studio.room import CEILING_M, HALF_M, Room
from training.studio.people import draw_colour

TEXTURE_PX = 192
FACE_COUNT = 6
"""Floor, ceiling, then the walls at -x, +x, -y and +y, in the order of `engine.studio.room`."""
_LAYERS = (1, 4)


def draw_clutter(rng: np.random.Generator) -> U8:
    """Draw a picture of nothing.

    Returns
    -------
    texture_bgr : (192, 192, 3)
    """
    image = np.empty((TEXTURE_PX, TEXTURE_PX, 3), np.float32)
    image[:] = draw_colour(rng)
    for _ in range(int(rng.integers(_LAYERS[0], _LAYERS[1] + 1))):
        layer = _LAYER_KINDS[int(rng.integers(len(_LAYER_KINDS)))]
        layer(image, rng)
    image += rng.normal(0, 1, image.shape).astype(np.float32) * np.float32(rng.uniform(0, 8))
    return image.clip(0, 255).astype(np.uint8)


def render_room_textures(seed: int) -> U8:
    """Photograph the six sides of a room of the studio, each squarely from the middle.

    Parameters
    ----------
    seed
        Of the room.

    Returns
    -------
    textures_bgr : (6, 192, 192, 3)
        Rows and columns as `training.studio.backdrop` reads them.
    """
    room = Room(np.random.default_rng([seed, 4]))
    middle = np.array([0.0, 0.0, CEILING_M / 2])
    return np.stack(
        [
            room.draw_backdrop(_make_side_camera(side, middle), 0.0).image_bgr
            for side in range(FACE_COUNT)
        ]
    )


def side_axes(side: int) -> tuple[int, int, int, float]:
    """Return the axis that a side is square to, those of its columns and rows, and the sign."""
    if side < 2:
        return 2, 0, 1, (-1.0, 1.0)[side]
    axis = (side - 2) // 2
    return axis, 1 - axis, 2, (-1.0, 1.0)[side % 2]


def _make_side_camera(side: int, middle: F64) -> Camera:
    """Return a camera in the middle of the room that sees one side from edge to edge."""
    axis, across, down, sign = side_axes(side)
    rotation = np.zeros((3, 3))
    rotation[0, across], rotation[1, down], rotation[2, axis] = 1.0, 1.0, sign
    half = np.array([HALF_M, HALF_M, CEILING_M / 2])
    focal = half[axis] / half[[across, down]] * (TEXTURE_PX / 2)
    centre = (TEXTURE_PX - 1) / 2
    matrix = np.array([[focal[0], 0, centre], [0, focal[1], centre], [0, 0, 1]])
    # A mirrored pose where the axes are left-handed: a texture needs no camera that exists.
    size_wh = (TEXTURE_PX, TEXTURE_PX)
    return Camera(
        "side", size_wh, matrix, cam_from_world=rigid_transform(rotation, -rotation @ middle)
    )


def _blend_noise(image: np.ndarray, rng: np.random.Generator) -> None:
    """Blend in a second colour by smooth noise."""
    cells = int(2 ** rng.uniform(1, 6))
    share = rng.random((cells + 1, cells + 1), np.float32)
    _blend(image, cv2.resize(share, image.shape[1::-1], interpolation=cv2.INTER_CUBIC), rng)


def _blend_stripes(image: np.ndarray, rng: np.random.Generator) -> None:
    """Blend in a second colour by stripes at any angle, soft or hard."""
    _blend(image, _draw_wave(rng), rng)


def _blend_checks(image: np.ndarray, rng: np.random.Generator) -> None:
    """Blend in a second colour by checks at any angle."""
    _blend(image, (_draw_wave(rng) > 0.5).astype(np.float32) * _draw_wave(rng), rng)


def _blend_gradient(image: np.ndarray, rng: np.random.Generator) -> None:
    """Blend in a second colour from one edge to the other."""
    angle = rng.uniform(0, 2 * np.pi)
    x, y = _make_grid()
    _blend(image, 0.5 + 0.7 * (np.cos(angle) * x + np.sin(angle) * y), rng)


def _draw_boxes(image: np.ndarray, rng: np.random.Generator) -> None:
    """Lay boxes over all, some with a frame."""
    for _ in range(int(rng.integers(1, 12))):
        x, y = rng.uniform(-0.1, 1, 2) * TEXTURE_PX
        width, height = 2 ** rng.uniform(3, 6.7, 2)
        corners = (int(x), int(y)), (int(x + width), int(y + height))
        cv2.rectangle(image, *corners, draw_colour(rng), -1, cv2.LINE_AA)
        if rng.random() < 0.4:
            cv2.rectangle(image, *corners, draw_colour(rng), int(rng.integers(1, 5)), cv2.LINE_AA)


def _draw_polygons(image: np.ndarray, rng: np.random.Generator) -> None:
    """Lay polygons, discs and sticks over all: sticks as wide as limbs are no limbs."""
    for _ in range(int(rng.integers(1, 9))):
        place = rng.uniform(0, TEXTURE_PX, 2)
        shape = int(rng.integers(3))
        if shape == 0:
            corners = place + rng.normal(
                0, 2 ** rng.uniform(2.5, 5.5), (int(rng.integers(3, 7)), 2)
            )
            cv2.fillPoly(image, [corners.astype(np.int32)], draw_colour(rng), cv2.LINE_AA)
        elif shape == 1:
            cv2.circle(
                image,
                place.astype(int).tolist(),
                int(2 ** rng.uniform(1.5, 5)),
                draw_colour(rng),
                -1,
                cv2.LINE_AA,
            )
        else:
            end = place + rng.normal(0, 40, 2)
            ends = place.astype(int).tolist(), end.astype(int).tolist()
            cv2.line(image, *ends, draw_colour(rng), int(rng.integers(2, 14)), cv2.LINE_AA)


_LAYER_KINDS = (
    _blend_noise,
    _blend_noise,
    _blend_stripes,
    _blend_checks,
    _blend_gradient,
    _draw_boxes,
    _draw_boxes,
    _draw_polygons,
    _draw_polygons,
)


def _draw_wave(rng: np.random.Generator) -> np.ndarray:
    """Return a wave over the texture, (192, 192), 0 to 1."""
    angle, periods = rng.uniform(0, np.pi), 2 ** rng.uniform(0.5, 5)
    x, y = _make_grid()
    wave = np.sin(np.pi * periods * (np.cos(angle) * x + np.sin(angle) * y) + rng.uniform(0, 6.3))
    return (0.5 + wave * rng.uniform(0.5, 5)).clip(0, 1).astype(np.float32)


def _blend(image: np.ndarray, share: np.ndarray, rng: np.random.Generator) -> None:
    """Mix a second colour in, by `share` (192, 192), clipped to 0 to 1."""
    weight = (share.clip(0, 1) * rng.uniform(0.2, 1.0)).astype(np.float32)[..., None]
    image += weight * (np.array(draw_colour(rng), np.float32) - image)


def _make_grid() -> tuple[np.ndarray, np.ndarray]:
    """Return x and y over a texture, -1 to 1."""
    line = np.linspace(-1, 1, TEXTURE_PX, dtype=np.float32)
    return line[None, :], line[:, None]
