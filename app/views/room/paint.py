"""Painters of the room: floor, cameras, trail, legends and note."""

from functools import lru_cache
from itertools import pairwise

import numpy as np
from PyQt6.QtCore import QLineF, QPointF, QRectF, Qt
from PyQt6.QtGui import QBrush, QFontMetricsF, QLinearGradient, QPainter, QPen, QPolygonF

from app.views.room.orbit import Orbit, clip_to_near_plane
from app.views.theme import PALETTE, blend, colour_from_confidence, make_font, to_qcolor
from calibration.geometry.arrays import F64
from calibration.rig import Camera, Rig

ROOM_HEIGHT_M = 1.8
CAMERA_NAME_U = 24.0  # how far above a camera its name reaches
_TRAIL_STEPS = 10  # of strength; each is one draw call
_GROUND = "#141920"  # the trail fades into it; a transparent line costs ten times as much


class Eye:
    """Projects the room into the picture, for the painters below.

    Parameters
    ----------
    orbit
    size_wh
        Of the picture, px.
    scale
        Of type and lines.
    """

    def __init__(self, orbit: Orbit, size_wh: tuple[int, int], scale: float) -> None:
        self.orbit = orbit
        self.size_wh = size_wh
        self.scale = scale

    def project(self, xyz: F64) -> F64:
        """Project points of the room, (N, 2), px; NaN behind the eye."""
        return self.orbit.project(xyz, self.size_wh)[0]

    def depth_m(self, xyz: F64) -> float:
        """Compute the depth of a point."""
        return float(self.orbit.project(xyz, self.size_wh)[1])


def compute_room_corners(rig: Rig | None) -> F64:
    """Return points that a picture of the whole room must show, (N, 3), m."""
    centres = (
        np.array([camera.centre for camera in rig]) if rig else np.array([[2.0, 2, 1], [-2, -2, 1]])
    )
    return np.concatenate([centres, centres * [1, 1, 0], [[0, 0, 0], [0, 0, ROOM_HEIGHT_M]]])


def paint_ground(painter: QPainter, area: QRectF, scale: float) -> None:
    """Fill the background, a little lighter towards the top."""
    painter.fillRect(area, to_qcolor(PALETTE.ground))
    gradient = QLinearGradient(0, 0, 0, area.height())
    gradient.setColorAt(0, to_qcolor("#1a212a"))
    gradient.setColorAt(1, to_qcolor("#10141a"))
    painter.setPen(QPen(to_qcolor(PALETTE.line), 1))
    painter.setBrush(QBrush(gradient))
    painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), 8 * scale, 8 * scale)


def paint_floor(painter: QPainter, eye: Eye, rig: Rig | None) -> None:
    """Draw a grid of one metre, fading outwards."""
    reach = np.ceil(np.abs(compute_room_corners(rig)[:, :2]).max()) + 1
    for value in np.arange(-reach, reach + 0.5):
        strength = float(1 - 0.75 * abs(value) / reach)
        colour = blend(to_qcolor("#171d25"), to_qcolor("#44515f"), strength)
        painter.setPen(QPen(colour, (1.6 if value == 0 else 1.0) * eye.scale * 0.8))
        for line in (
            [[value, -reach, 0], [value, reach, 0]],
            [[-reach, value, 0], [reach, value, 0]],
        ):
            _draw_line(painter, eye, np.array(line[0]), np.array(line[1]))


def paint_camera(painter: QPainter, eye: Eye, camera: Camera, depth_m: float) -> None:
    """Draw the frustum of a camera, its height above the floor and its name."""
    u = eye.scale
    painter.setPen(QPen(to_qcolor("#5c6775"), 1.2 * u, Qt.PenStyle.DotLine))
    _draw_line(painter, eye, camera.centre, camera.centre * [1, 1, 0])
    xy = eye.project(np.vstack([camera.centre, compute_view_corners(camera, depth_m)]))
    if not np.isfinite(xy).all():
        return
    points = [QPointF(*point) for point in xy.tolist()]
    edge = QPen(to_qcolor(PALETTE.accent), 1.5 * u)
    edge.setCapStyle(Qt.PenCapStyle.RoundCap)
    edge.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(edge)
    painter.setBrush(to_qcolor(PALETTE.accent, 0.13))
    painter.drawPolygon(QPolygonF(points[1:]))
    painter.drawLines(*(QLineF(points[0], point) for point in points[1:]))
    painter.setBrush(to_qcolor(PALETTE.accent))
    painter.drawEllipse(points[0], 3.2 * u, 3.2 * u)
    painter.setFont(make_font(u, 12, bold=True))
    painter.setPen(to_qcolor(PALETTE.text))
    top = min(points, key=lambda point: point.y())
    box = QRectF(top.x() - 100 * u, top.y() - CAMERA_NAME_U * u, 200 * u, 20 * u)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, camera.name)


def choose_frustum_depth_m(rig: Rig) -> float:
    """Choose the depth of the frustums, in proportion to the room."""
    centres = np.array([camera.centre for camera in rig])
    return float(
        np.clip(0.16 * np.linalg.norm(centres - centres.mean(0), axis=-1).mean(), 0.15, 1.0)
    )


def paint_trail(painter: QPainter, xy: F64, scale: float) -> None:
    """Draw the path of the first person, older parts fainter.

    Parameters
    ----------
    painter
    xy : (N, 2), px
        Oldest first; NaN where unknown.
    scale
    """
    points = [QPointF(x, y) if x == x else None for x, y in xy.tolist()]
    step = max(len(points) / _TRAIL_STEPS, 1.0)
    groups: dict[int, list[QLineF]] = {}
    for index, (start, end) in enumerate(pairwise(points)):
        if start is not None and end is not None:
            groups.setdefault(int(index / step), []).append(QLineF(start, end))
    for strength, lines in groups.items():
        painter.setPen(_make_trail_pen(strength, scale))
        painter.drawLines(*lines)


@lru_cache(64)
def _make_trail_pen(strength: int, scale: float) -> QPen:
    """Make the pen of a part of the trail, once; older parts are nearer to the floor's colour."""
    colour = blend(
        to_qcolor(_GROUND), to_qcolor(PALETTE.accent), 0.08 + 0.62 * (strength + 1) / _TRAIL_STEPS
    )
    return QPen(colour, 2.6 * scale, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap)


def paint_legend(painter: QPainter, size_wh: tuple[int, int], scale: float) -> None:
    """Explain the colours along the lower edge."""
    u, face = scale, make_font(scale, 11)
    painter.setFont(face)
    metrics = QFontMetricsF(face)
    x, y = 16 * u, size_wh[1] - 18 * u

    def write(x: float, words: str) -> float:
        """Write text; return where it ends, px."""
        painter.setPen(to_qcolor(PALETTE.muted))
        painter.drawText(QPointF(x, y + metrics.capHeight() / 2), words)
        return x + metrics.horizontalAdvance(words)

    for colour, words in ((PALETTE.left, "left side"), (PALETTE.right, "right side")):
        painter.setPen(
            QPen(to_qcolor(colour), 3 * u, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
        )
        painter.drawLine(QPointF(x, y), QPointF(x + 16 * u, y))
        x = write(x + 22 * u, words) + 16 * u
    x = write(x, "confidence: low") + 6 * u
    painter.setPen(Qt.PenStyle.NoPen)
    for step in range(24):
        painter.setBrush(colour_from_confidence(0.3 + 0.5 * step / 23))
        painter.drawRect(QRectF(x, y - 3 * u, 2.6 * u, 6 * u))
        x += 2.5 * u
    x = write(x + 6 * u, "high") + 16 * u
    words = "grid: 1 m"
    left = size_wh[0] - 16 * u - metrics.horizontalAdvance(words)
    if left > x:
        write(left, words)


def paint_bar_legend(painter: QPainter, size_wh: tuple[int, int], scale: float) -> None:
    """Explain the bars of guessed joints, above the legend of the colours."""
    u, face = scale, make_font(scale, 11)
    painter.setFont(face)
    x, y = 16 * u, size_wh[1] - 38 * u
    middle = QPointF(x + 13 * u, y)
    ends = np.array([[[x, y], [x + 26 * u, y]]])
    paint_bars(painter, ends, u)
    painter.setPen(
        QPen(to_qcolor(PALETTE.muted), 5 * u, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
    )
    painter.drawPoint(middle)
    painter.setPen(to_qcolor(PALETTE.muted))
    words = "bar: uncertainty of a guessed joint (one sigma)"
    painter.drawText(QPointF(x + 34 * u, y + QFontMetricsF(face).capHeight() / 2), words)


def paint_note(painter: QPainter, words: str, size_wh: tuple[int, int], scale: float) -> None:
    """Write a message along the upper edge."""
    u = scale
    painter.setFont(make_font(u, 13, bold=True))
    painter.setPen(to_qcolor(PALETTE.care))
    box = QRectF(16 * u, 10 * u, size_wh[0] - 32 * u, 44 * u)
    painter.drawText(box, Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap, words)


def paint_bars(painter: QPainter, ends_xy: F64, scale: float) -> None:
    """Draw a bar through each guessed joint: one sigma in depth, both ways.

    Parameters
    ----------
    painter
    ends_xy : (N, 2, 2), px
        NaN where there is none.
    scale
    """
    lines = [QLineF(a, b, c, d) for (a, b), (c, d) in ends_xy.tolist() if a == a and c == c]
    if lines:
        colour = blend(to_qcolor(_GROUND), to_qcolor(PALETTE.care), 0.65)
        painter.setPen(QPen(colour, 1.6 * scale, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
        painter.drawLines(*lines)


def compute_view_corners(camera: Camera, depth_m: float) -> F64:
    """Find the corners of a camera's view at a distance.

    Parameters
    ----------
    camera
        Its lens distortion is ignored.
    depth_m
        Along the line of sight.

    Returns
    -------
    xyz : (4, 3), m, world
        Clockwise in the image, from the first pixel.
    """
    width, height = camera.size_wh
    pixels = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]], float)
    local = pixels @ np.linalg.inv(camera.matrix).T * depth_m
    return (local - camera.t) @ camera.R


def _draw_line(painter: QPainter, eye: Eye, start: F64, end: F64) -> None:
    """Draw a line of the room with the current pen."""
    line = clip_to_near_plane(eye.orbit, start, end)
    if line:
        a, b = eye.project(np.array(line)).tolist()
        painter.drawLine(QPointF(*a), QPointF(*b))
