"""Head: skull, face and hair; by the face a model tells front from back."""

import numpy as np

from calibration.geometry.arrays import F64, Mask
from engine.studio.body.anatomy import SIGNS, Anatomy
from engine.studio.body.appearance import Appearance
from engine.studio.body.materials import Material, PaintedPart, cut_along_all, paint_surface
from engine.studio.body.surface import Field, build_surface
from engine.studio.fields import capsule, ellipsoid, smooth_union, value_noise

CELL_M = 0.008
_MESH_LOW_M = np.array([-0.115, -0.15, 1.43])
_MESH_HIGH_M = np.array([0.115, 0.14, 1.78])
_FACE_BEFORE_M = -0.045
_HAIRLINE_M = (
    np.array([-0.10, -0.075, -0.045, -0.015, 0.02, 0.05, 0.12]),
    np.array([1.702, 1.702, 1.685, 1.640, 1.625, 1.565, 1.555]),
)
"""Depth and height of the lower edge of the hair."""


class Head:
    """The fields of one head, in metres of the reference person (1.75 m)."""

    def __init__(self, appearance: Appearance) -> None:
        self._hair_radii = np.array([0.087, 0.107, 0.102]) * appearance.hair_volume

    def field(self, points: F64) -> F64:
        """Return the distance to skin and hair together, (N,), m."""
        return smooth_union(self.skin(points), self.hair(points), 0.006)

    def skin(self, points: F64) -> F64:
        """Return the distance to the head without hair, (N,), m."""
        head = ellipsoid(points, np.array([0, 0.012, 1.650]), np.array([0.075, 0.095, 0.092]))
        jaw = ellipsoid(points, np.array([0, -0.028, 1.606]), np.array([0.060, 0.066, 0.085]))
        chin = ellipsoid(points, np.array([0, -0.062, 1.545]), np.array([0.030, 0.026, 0.022]))
        neck = capsule(points, np.array([[0, 0.028, 1.44], [0, 0.012, 1.58]]), (0.058, 0.052))
        nose = capsule(points, np.array([[0, -0.092, 1.640], [0, -0.112, 1.603]]), (0.008, 0.0125))
        for piece, fillet in ((jaw, 0.03), (chin, 0.03), (neck, 0.02), (nose, 0.012)):
            head = smooth_union(head, piece, fillet)
        for sign in SIGNS:
            head = _add_eye_and_nostril(points, head, sign)
        lips = ellipsoid(points, np.array([0, -0.091, 1.561]), np.array([0.024, 0.011, 0.009]))
        head = smooth_union(head, lips, 0.008)
        for sign in SIGNS:
            ear = ellipsoid(
                points, np.array([sign * 0.078, 0.012, 1.625]), np.array([0.011, 0.019, 0.032])
            )
            head = smooth_union(head, ear, 0.006)
        return head

    def hair(self, points: F64) -> F64:
        """Return the distance to the hair, (N,), m."""
        cap = ellipsoid(points, np.array([0, 0.016, 1.656]), self._hair_radii)
        return np.maximum(cap, (np.interp(points[:, 1], *_HAIRLINE_M) - points[:, 2]) * 0.7)

    def hairline(self, points: F64) -> F64:
        """Return a field, positive on the hair."""
        return self.skin(points) - self.hair(points)


def build_head(anatomy: Anatomy, appearance: Appearance) -> PaintedPart:
    """Make the head and the neck."""
    head, scale = Head(appearance), anatomy.scale

    def scale_field(field: Field) -> Field:
        return lambda points: scale * field(points / scale)

    surface = build_surface(
        scale_field(head.field), _MESH_LOW_M * scale, _MESH_HIGH_M * scale, CELL_M * scale
    )
    borders = [scale_field(field) for field in (head.hairline, _eye, _iris, _brow, _lips, _mouth)]
    surface, (hair, eye, iris, brow, lips, mouth) = cut_along_all(surface, borders)
    material = np.full(len(surface.triangles), Material.SKIN, np.int64)
    material[hair] = Material.HAIR
    material[eye] = Material.EYE_WHITE
    material[iris & eye] = Material.IRIS
    material[brow] = Material.BROW
    material[lips] = Material.LIP
    material[mouth] = Material.MOUTH
    part = paint_surface(surface, material, appearance)
    _shade_face(
        part.surface.vertices / scale,
        part.material == Material.SKIN,
        np.array(appearance.skin),
        part.colour,
    )
    _streak_hair(part.surface.vertices / scale, part.material == Material.HAIR, part.colour)
    return part


def _add_eye_and_nostril(points: F64, head: F64, sign: float) -> F64:
    """Hollow an eye socket, put the eyeball in, and add one wing of the nose."""
    wing = ellipsoid(
        points, np.array([sign * 0.012, -0.100, 1.598]), np.array([0.010, 0.010, 0.009])
    )
    socket = ellipsoid(
        points, np.array([sign * 0.032, -0.104, 1.640]), np.array([0.020, 0.016, 0.013])
    )
    eyeball = ellipsoid(
        points, np.array([sign * 0.031, -0.083, 1.638]), np.array([0.0135, 0.0125, 0.0115])
    )
    head = -smooth_union(-smooth_union(head, wing, 0.006), socket, 0.012)
    return smooth_union(head, eyeball, 0.002)


def _restrict_to_face(points: F64, field: F64) -> F64:
    """Keep a field on the front of the head only."""
    return np.where(points[:, 1] < _FACE_BEFORE_M, field, -0.1)


def _eye(points: F64) -> F64:
    """Return a field, positive between the eyelids."""
    x, z = np.abs(points[:, 0]), points[:, 2]
    return _restrict_to_face(
        points, 0.016 * (1 - ((x - 0.031) / 0.0145) ** 2 - ((z - 1.6372) / 0.0060) ** 2)
    )


def _iris(points: F64) -> F64:
    """Return a field, positive on the irises."""
    x, z = np.abs(points[:, 0]), points[:, 2]
    return _restrict_to_face(
        points, 0.007 * (1 - ((x - 0.0305) / 0.0068) ** 2 - ((z - 1.6378) / 0.0062) ** 2)
    )


def _brow(points: F64) -> F64:
    """Return a field, positive on the eyebrows."""
    x, z = np.abs(points[:, 0]), points[:, 2]
    arch = z - 1.6585 + (x - 0.034) ** 2 * 10 - 0.08 * (x - 0.034)
    return _restrict_to_face(points, np.minimum(0.019 - np.abs(x - 0.033), 0.0042 - np.abs(arch)))


def _lips(points: F64) -> F64:
    """Return a field, positive on the lips."""
    x, z = np.abs(points[:, 0]), points[:, 2]
    thickness = 0.0075 - np.abs(z - 1.561) - 0.0055 * (x / 0.0245) ** 2
    return _restrict_to_face(points, np.minimum(0.0245 - x, thickness))


def _mouth(points: F64) -> F64:
    """Return a field, positive on the line between the lips."""
    x, z = np.abs(points[:, 0]), points[:, 2]
    return _restrict_to_face(points, np.minimum(0.0225 - x, 0.0014 - np.abs(z - 1.5615)))


def _shade_face(points: F64, skin: Mask, skin_colour: F64, colour: F64) -> None:
    """Shade eye sockets, cheeks, nostrils, ears and the underside of the chin, in place."""
    x = np.abs(points[:, 0])
    y = points[:, 1]
    z = points[:, 2]
    face = skin & (y < _FACE_BEFORE_M)
    socket = face & (((x - 0.032) / 0.021) ** 2 + ((z - 1.641) / 0.014) ** 2 < 1)
    cheek = face & (((x - 0.036) / 0.020) ** 2 + ((z - 1.595) / 0.018) ** 2 < 1)
    nostril = face & (x < 0.014) & (np.abs(z - 1.5905) < 0.005) & (y < -0.09)
    colour[socket] = colour[socket] * 0.5 + skin_colour * 0.41
    colour[cheek] = colour[cheek] * 0.55 + skin_colour * np.array([1.05, 0.87, 0.85]) * 0.45
    colour[nostril] = skin_colour * 0.6
    colour[skin & (x > 0.076)] *= np.array([1.0, 0.9, 0.88])
    colour[skin & (z < 1.525)] *= 0.86


def _streak_hair(points: F64, hair: Mask, colour: F64) -> None:
    """Streak the hair from the crown downwards, in place."""
    x, y, z = points[hair].T
    streak = value_noise(np.stack([np.arctan2(x, y - 0.01) * 14, z * 4, np.zeros_like(z)], 1), 3)
    colour[hair] *= (0.7 + 0.6 * streak)[:, None]
