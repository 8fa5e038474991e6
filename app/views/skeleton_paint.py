"""How a skeleton is drawn, in a camera's image and in the room alike.

A bone's colour tells the person's side, its strength the confidence; a joint's colour tells its confidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtGui import QBrush, QColor, QPainter, QPen

from app.views.theme import PALETTE, confidence_colour
from calibration.geometry.arrays import F64
from calibration.skeleton import Skeleton

_FACE = ("nose", "eye", "ear", "mouth")
_HAND = ("pinky", "index", "thumb")
_EARS = ("left_ear", "right_ear")
_SHOULDERS = ("left_shoulder", "right_shoulder")
_HEAD_BY_NECK = 0.55  # radius of a head by the distance from the shoulders to the ears


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


def draw_skeleton(painter: QPainter, flat: FlatSkeleton) -> None:
    """Draw head and neck, then bones, then joints.

    Parameters
    ----------
    painter
        With antialiasing on.
    flat
    """
    joints = flat.skeleton.joints
    _draw_head(painter, flat)
    for a, b in flat.skeleton.lines:
        i, j = joints.index(a), joints.index(b)
        if not (np.isfinite(flat.xy[i]).all() and np.isfinite(flat.xy[j]).all()):
            continue
        colour = side_colour((a, b))
        confidence = float(min(flat.confidence[i], flat.confidence[j]))
        colour.setAlphaF(0.35 + 0.65 * min(max(confidence, 0.0), 1.0))
        width = flat.width_px * (0.45 if _is_small(a) else 1.0)
        pen = QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawLine(QPointF(*flat.xy[i]), QPointF(*flat.xy[j]))
    _draw_joints(painter, flat)


def side_colour(joints: Sequence[str]) -> QColor:
    """Choose the colour of the person's side that joints belong to.

    Parameters
    ----------
    joints
        Names; a bone across the body belongs to neither side.

    Returns
    -------
    colour
    """
    if all("left" in joint for joint in joints):
        return QColor(PALETTE.left)
    if all("right" in joint for joint in joints):
        return QColor(PALETTE.right)
    return QColor(PALETTE.middle)


def _draw_head(painter: QPainter, flat: FlatSkeleton) -> None:
    """Draw a neck and a circle for the head, where the skeleton has ears and shoulders."""
    if not set(_EARS + _SHOULDERS) <= set(flat.skeleton.joints):
        return
    ears, shoulders = flat.xy[flat.skeleton.indices(_EARS)], flat.xy[flat.skeleton.indices(_SHOULDERS)]
    if not (np.isfinite(ears).all() and np.isfinite(shoulders).all()):
        return
    head, neck = ears.mean(0), shoulders.mean(0)
    length = float(np.linalg.norm(head - neck))
    if length < 1e-6:
        return
    colour = QColor(PALETTE.middle)
    colour.setAlphaF(0.8)
    painter.setPen(QPen(colour, flat.width_px * 0.8, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    radius = length * _HEAD_BY_NECK
    painter.drawLine(QPointF(*neck), QPointF(*(head + (neck - head) * radius / length)))
    painter.drawEllipse(QPointF(*head), radius, radius)


def _draw_joints(painter: QPainter, flat: FlatSkeleton) -> None:
    """Draw a dot per joint, rimmed dark so that it shows on any image."""
    for name, xy, confidence in zip(flat.skeleton.joints, flat.xy, flat.confidence):
        if not np.isfinite(xy).all() or any(part in name for part in _HAND):
            continue
        small = _is_small(name)
        radius = flat.width_px * (0.4 if small else 0.95)
        rim = QPen(QColor(10, 12, 16, 200), flat.width_px * 0.25)
        painter.setPen(Qt.PenStyle.NoPen if small else rim)
        painter.setBrush(QBrush(confidence_colour(float(confidence))))
        painter.drawEllipse(QPointF(*xy), radius, radius)


def _is_small(joint: str) -> bool:
    """Whether a joint belongs to the face or the hand, which are drawn finer."""
    return any(part in joint for part in (*_FACE, *_HAND))
