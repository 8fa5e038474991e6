"""Draw a skeleton, in the image of a camera and in the room alike.

The colour of a bone shows the side of the body, its strength the confidence; the colour of a joint
shows its confidence. Bones and joints of one style are passed to Qt together, and none is
transparent: Qt draws an opaque line with flat ends in 2 µs, a transparent or round one in 20 µs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PyQt6.QtCore import QLineF, QPointF, Qt
from PyQt6.QtGui import QPainter, QPen, QPolygonF

from app.views.theme import PALETTE, blend, colour_from_confidence, to_qcolor
from calibration.geometry.arrays import F64
from calibration.skeleton import Skeleton

_FACE = ("eye", "ear", "mouth")
_HAND = ("pinky", "index", "thumb")
_FINE = ("nose", *_FACE, *_HAND)
_EARS = ("left_ear", "right_ear")
_SHOULDERS = ("left_shoulder", "right_shoulder")
_HEAD_BY_NECK = 0.55  # radius of a head by the distance from the shoulders to the ears
_LEVELS = 6  # of confidence that are drawn differently
_MIN_HAND_WIDTH_PX = 3.0  # thinner bones leave no room for fingers
_RIM = "#12161c"
_DULL = "#2a2f36"


@dataclass(frozen=True, slots=True, eq=False)
class FlatSkeleton:
    """A skeleton's joints on the screen.

    Parameters
    ----------
    skeleton
    xy : (J, 2), px of the widget
        NaN where missing.
    confidence : (J,), 0 to 1
    width_px
        Of a bone at full confidence.
    """

    skeleton: Skeleton
    xy: F64
    confidence: F64
    width_px: float


@dataclass(frozen=True, slots=True)
class _Parts:
    """Drawn parts: lines (joint, joint, colour, fine), joints (joint, fine), and the head."""

    lines: tuple[tuple[int, int, str, bool], ...]
    joints: tuple[tuple[int, bool], ...]
    head: tuple[int, int, int, int] | None


def draw_skeleton(painter: QPainter, flat: FlatSkeleton) -> None:
    """Draw head and neck, then bones, then joints.

    Parameters
    ----------
    painter
        With antialiasing on.
    flat
    """
    parts = _select_parts(flat.skeleton)
    points = [QPointF(x, y) if x == x and y == y else None for x, y in flat.xy.tolist()]
    rounded = np.rint(np.minimum(np.maximum(flat.confidence, 0.0), 1.0) * _LEVELS).tolist()
    levels = [int(level) if level == level else 0 for level in rounded]
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if parts.head:
        _draw_head(painter, [points[index] for index in parts.head], flat.width_px)
    _draw_bones(painter, parts, points, levels, flat.width_px)
    _draw_joints(painter, parts, points, levels, flat.width_px)


def _choose_side_colour(joints: Sequence[str]) -> str:
    """Choose a bone's colour by its side; a bone across the body has neither."""
    if all("left" in joint for joint in joints):
        return PALETTE.left
    if all("right" in joint for joint in joints):
        return PALETTE.right
    return PALETTE.middle


@lru_cache(8)
def _select_parts(skeleton: Skeleton) -> _Parts:
    """Select the parts to draw, once; the head is a circle and replaces the face."""
    joints = skeleton.joints
    has_head = set(_EARS + _SHOULDERS) <= set(joints)

    def is_in_face(joint: str) -> bool:
        """Whether the circle of the head replaces a joint."""
        return has_head and any(part in joint for part in _FACE)

    lines = tuple(
        (
            joints.index(a),
            joints.index(b),
            _choose_side_colour((a, b)),
            any(part in a + b for part in _FINE) and "foot" not in a + b,
        )
        for a, b in skeleton.lines
        if not (is_in_face(a) or is_in_face(b))
    )
    dots = tuple(
        (index, any(part in joint for part in _FINE) and "foot" not in joint)
        for index, joint in enumerate(joints)
        if not is_in_face(joint) and (not any(part in joint for part in _HAND) or "foot" in joint)
    )
    a, b = skeleton.indices(_EARS).tolist() if has_head else (0, 0)
    c, d = skeleton.indices(_SHOULDERS).tolist() if has_head else (0, 0)
    return _Parts(lines, dots, (a, b, c, d) if has_head else None)


@lru_cache(1024)
def _make_bone_pen(colour: str, level: int, width_px: float) -> QPen:
    """Make the pen of a bone once; low confidence is dull."""
    strength = 0.35 + 0.65 * level / _LEVELS
    drawn = blend(to_qcolor(_DULL), to_qcolor(colour), strength)
    return QPen(drawn, width_px, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap)


@lru_cache(1024)
def _make_dot_pen(colour: str, width_px: float) -> QPen:
    """Make a pen with round points, once."""
    return QPen(to_qcolor(colour), width_px, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)


@lru_cache(64)
def _make_joint_pen(level: int, width_px: float) -> QPen:
    """Make the pen of a joint of this confidence, once."""
    return _make_dot_pen(colour_from_confidence(level / _LEVELS).name(), width_px)


def _draw_head(painter: QPainter, places: list[QPointF | None], width_px: float) -> None:
    """Draw a neck and a circle for the head, where ears and shoulders are known."""
    a, b, c, d = places
    if a is None or b is None or c is None or d is None:
        return
    head, neck = (a + b) / 2, (c + d) / 2
    away = neck - head
    length = float(np.hypot(away.x(), away.y()))
    if length < 1e-6:
        return
    radius = length * _HEAD_BY_NECK
    painter.setPen(_make_bone_pen(PALETTE.middle, _LEVELS * 3 // 4, round(width_px * 0.8, 1)))
    painter.drawLine(neck, head + away * (radius / length))
    painter.drawEllipse(head, radius, radius)


def _draw_bones(
    painter: QPainter,
    parts: _Parts,
    points: list[QPointF | None],
    levels: list[int],
    width_px: float,
) -> None:
    """Draw all bones, one style at a time."""
    groups: dict[tuple[str, bool, int], list[QLineF]] = {}
    for i, j, colour, fine in parts.lines:
        start, end = points[i], points[j]
        if start is None or end is None or (fine and width_px < _MIN_HAND_WIDTH_PX):
            continue
        groups.setdefault((colour, fine, min(levels[i], levels[j])), []).append(QLineF(start, end))
    for (colour, fine, level), lines in groups.items():
        width = round(width_px * (0.45 if fine else 1.0), 1)
        painter.setPen(_make_bone_pen(colour, level, width))
        painter.drawLines(*lines)


def _draw_joints(
    painter: QPainter,
    parts: _Parts,
    points: list[QPointF | None],
    levels: list[int],
    width_px: float,
) -> None:
    """Draw a dot per joint, with a dark rim so that it shows on any image."""
    groups: dict[tuple[bool, int], list[QPointF]] = {}
    for index, fine in parts.joints:
        place = points[index]
        if place is not None:
            groups.setdefault((fine, levels[index]), []).append(place)
    rims = [place for (fine, _), places in groups.items() if not fine for place in places]
    if rims:
        painter.setPen(_make_dot_pen(_RIM, round(width_px * 2.2, 1)))
        painter.drawPoints(QPolygonF(rims))
    for (fine, level), places in groups.items():
        painter.setPen(_make_joint_pen(level, round(width_px * (0.9 if fine else 1.7), 1)))
        painter.drawPoints(QPolygonF(places))
