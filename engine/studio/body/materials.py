"""Part: a painted piece of a body, and what its triangles are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from calibration.geometry.arrays import F64, I64, Mask
from engine.studio.body.appearance import Appearance
from engine.studio.body.surface import Field, Surface, cut_along, split_by_label


class Material(IntEnum):
    """What a triangle is made of."""

    SHIRT = 0
    TROUSERS = 1
    SHOE = 2
    SKIN = 3
    HAIR = 4
    SOLE = 5
    EYE_WHITE = 6
    IRIS = 7
    BROW = 8
    LIP = 9
    MOUTH = 10


CLOTH = (Material.SHIRT, Material.TROUSERS)


@dataclass(frozen=True, slots=True, eq=False)
class PaintedPart:
    """A painted mesh.

    Parameters
    ----------
    surface
    material : (N,), of each vertex
    colour : (N, 3), 0 to 255, as a screen shows it
        Red, green, blue.
    """

    surface: Surface
    material: I64
    colour: F64


def paint_surface(surface: Surface, material: I64, appearance: Appearance) -> PaintedPart:
    """Give every triangle the colour of its material.

    Parameters
    ----------
    surface
    material : (F,), of each triangle
    appearance

    Returns
    -------
    part
        With vertices of its own on both sides of every border.
    """
    split, of_vertex = split_by_label(surface, material)
    return PaintedPart(split, of_vertex, build_palette(appearance)[of_vertex])


def build_palette(appearance: Appearance) -> F64:
    """Return the colours of the materials, (11, 3), 0 to 255, sRGB; red, green, blue."""
    hair = np.array(appearance.hair)
    lips = np.array(appearance.lips)
    return np.array(
        [
            appearance.shirt,
            appearance.trousers,
            appearance.shoes,
            appearance.skin,
            appearance.hair,
            (60, 60, 60),
            (224, 219, 214),
            (52, 36, 28),
            hair * 0.9,
            lips,
            lips * 0.5,
        ]
    )


def cut_along_all(surface: Surface, borders: Sequence[Field]) -> tuple[Surface, list[Mask]]:
    """Cut a surface along several borders.

    Parameters
    ----------
    surface
    borders
        Positive on the inner side.

    Returns
    -------
    surface
    meant : one (F,) mask per border
        Which triangles lie on the positive side.
    """
    for border in borders:
        surface = cut_along(surface, border)
    middles = surface.vertices[surface.triangles].mean(1)
    return surface, [border(middles) > 0 for border in borders]
