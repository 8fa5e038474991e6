"""Hands: a palm and five fingers, slightly bent."""

import numpy as np

from calibration.geometry.arrays import F64
from engine.studio.body.anatomy import SIDES, SIGNS, Anatomy
from engine.studio.body.appearance import Appearance
from engine.studio.body.materials import Material, PaintedPart, paint_surface
from engine.studio.body.surface import build_surface
from engine.studio.fields import capsule, loft, smooth_union

CELL_M = 0.009
_PALM = np.array(
    [
        [-0.030, 0.0, 0.021, 0.029],
        [0.000, 0.0, 0.019, 0.028],
        [0.030, 0.0, 0.017, 0.036],
        [0.075, 0.0, 0.015, 0.042],
        [0.090, 0.0, 0.012, 0.040],
    ]
)
_FINGERS = ((-0.032, 0.070), (-0.011, 0.080), (0.011, 0.074), (0.031, 0.058))
"""Place across the palm and length, m, from the index to the little finger."""
_KNUCKLES_M = 0.085


class Hand:
    """One hand, in metres of the reference person.

    Parameters
    ----------
    anatomy
    side
        0 the left hand, 1 the right.
    """

    def __init__(self, anatomy: Anatomy, side: int) -> None:
        name = SIDES[side]
        self._scale = anatomy.scale
        self._wrist = anatomy.joint(f"{name}_wrist")
        along = anatomy.direction(f"{name}_shoulder", f"{name}_elbow")
        inwards = np.cross([0.0, 1.0, 0.0], along)
        self._axes = np.stack(
            [along, [0.0, 1.0, 0.0], -np.sign(inwards[0]) * SIGNS[side] * inwards]
        )

    def point(self, along_m: float, across_m: float, inwards_m: float) -> F64:
        """Return a point of the hand, (3,), m, body frame; across grows away from the thumb."""
        return self._wrist + self._scale * (np.array([along_m, across_m, inwards_m]) @ self._axes)

    def tip(self, finger: int) -> F64:
        """Return the tip of a finger, (3,), m, body frame; 0 the index finger, 3 the little one."""
        across, length = _FINGERS[finger]
        return self.point(_KNUCKLES_M + length, across * 1.02, 0.018)

    @property
    def thumb_tip(self) -> F64:
        """The tip of the thumb, (3,), m, body frame."""
        return self.point(0.092, -0.060, 0.018)

    def field(self, points: F64) -> F64:
        """Return the distance to the hand, (N,), m."""
        scale = self._scale
        along, across, inwards = self._axes
        hand = loft(points, np.stack([self._wrist, along, inwards, across]), _PALM * scale)
        for finger, (place, length) in enumerate(_FINGERS):
            knuckle = self.point(_KNUCKLES_M, place, 0.0)
            middle = self.point(_KNUCKLES_M + 0.55 * length, place * 1.05, 0.005)
            hand = self._add_capsule(points, hand, (knuckle, middle), (0.0098, 0.0088), 0.006)
            hand = self._add_capsule(
                points, hand, (middle, self.tip(finger)), (0.0088, 0.0072), 0.004
            )
        ball = self.point(0.025, -0.030, 0.006)
        joint = self.point(0.065, -0.058, 0.014)
        hand = self._add_capsule(points, hand, (ball, joint), (0.014, 0.0105), 0.010)
        return self._add_capsule(points, hand, (joint, self.thumb_tip), (0.0105, 0.0085), 0.004)

    def _add_capsule(
        self,
        points: F64,
        hand: F64,
        ends: tuple[F64, F64],
        radii_m: tuple[float, float],
        fillet_m: float,
    ) -> F64:
        """Add one capsule to the hand."""
        radii = (radii_m[0] * self._scale, radii_m[1] * self._scale)
        return smooth_union(hand, capsule(points, np.stack(ends), radii), fillet_m * self._scale)


def build_hand(anatomy: Anatomy, appearance: Appearance, side: int) -> PaintedPart:
    """Make one hand.

    Parameters
    ----------
    anatomy
    appearance
    side
        0 the left hand, 1 the right.
    """
    hand, half = Hand(anatomy, side), 0.14 * anatomy.scale
    middle = hand.point(0.07, 0.0, 0.0)
    surface = build_surface(hand.field, middle - half, middle + half, CELL_M * anatomy.scale)
    return paint_surface(
        surface, np.full(len(surface.triangles), Material.SKIN, np.int64), appearance
    )
