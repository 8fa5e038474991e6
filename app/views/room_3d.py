"""The room in 3D: floor, cameras, people and their trail, drawn with QPainter.

QPainter and not OpenGL: it works without a display and without a graphics driver, gives the same picture everywhere,
and costs about a millisecond.
"""

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import (
    QBrush,
    QColor,
    QFontMetricsF,
    QLinearGradient,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPolygonF,
    QWheelEvent,
)
from PyQt6.QtWidgets import QWidget

from app.presenters.room import RoomScene
from app.views.orbit import Orbit, clip_to_eye
from app.views.skeleton_paint import FlatSkeleton, draw_skeleton
from app.views.theme import PALETTE, blend, confidence_colour, font
from calibration.geometry.arrays import F64
from calibration.rig import Camera
from engine.poses import Pose3D

_TURN_RAD_PER_PX = 0.007
_ROOM_HEIGHT_M = 1.8
_BONE_WIDTH_U = 4.0


class Room3D(QWidget):
    """Shows a scene; the mouse turns, moves and zooms it.

    Parameters
    ----------
    scene
        What to show first.
    """

    def __init__(self, scene: RoomScene) -> None:
        super().__init__()
        self._scene = scene
        self._orbit: Orbit | None = None
        self._scale = 1.0
        self._grabbed: QPointF | None = None
        self.setMinimumSize(320, 240)
        self.setToolTip("Drag to turn, drag with the right button to move, wheel to zoom, double click to see all")

    def show_room(self, scene: RoomScene) -> None:
        """Draw this scene from now on; the eye stays unless the cameras are new.

        Parameters
        ----------
        scene
        """
        if scene.rig is not self._scene.rig:
            self._orbit = None
        self._scene = scene
        self.update()

    def set_scale(self, scale: float) -> None:
        """Draw larger or smaller type and lines."""
        self._scale = scale
        self.update()

    def look(self, orbit: Orbit | None) -> None:
        """Look from here; None fits everything into the picture."""
        self._orbit = orbit
        self.update()

    def orbit(self) -> Orbit:
        """Return where the eye is; before it was ever moved, where all cameras can be seen."""
        if self._orbit is None:
            self._orbit = self._overview()
        return self._orbit

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Take hold of the room."""
        if event:
            self._grabbed = event.position()

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Turn it, or move it with the right button."""
        if event is None or self._grabbed is None:
            return
        step = event.position() - self._grabbed
        self._grabbed = event.position()
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.look(self.orbit().turned(-step.x() * _TURN_RAD_PER_PX, step.y() * _TURN_RAD_PER_PX))
        elif event.buttons() & (Qt.MouseButton.RightButton | Qt.MouseButton.MiddleButton):
            metres_per_px = self.orbit().distance_m / min(self.width(), self.height())
            self.look(self.orbit().moved(-step.x() * metres_per_px, step.y() * metres_per_px))

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Let go."""
        self._grabbed = None

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Fit everything into the picture."""
        self.look(None)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Zoom."""
        if event:
            self.look(self.orbit().zoomed(0.999 ** event.angleDelta().y()))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the room, or what to do before there is one."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter)
        if self._scene.rig is None:
            self._paint_empty(painter)
            return
        self._paint_floor(painter)
        self._paint_trail(painter)
        for person in self._scene.people:
            self._paint_shadow(painter, person)
        things: list[Camera | Pose3D] = [*self._scene.rig, *self._scene.people]
        for thing in sorted(things, key=self._depth, reverse=True):
            if isinstance(thing, Camera):
                self._paint_camera(painter, thing)
            else:
                self._paint_person(painter, thing)
        self._paint_legend(painter)

    def _size_wh(self) -> tuple[int, int]:
        """Size of the picture, px."""
        return max(self.width(), 1), max(self.height(), 1)

    def _project(self, xyz: F64) -> F64:
        """Find where points of the room appear, px."""
        return self.orbit().project(xyz, self._size_wh())[0]

    def _depth(self, thing: Camera | Pose3D) -> float:
        """Measure how far away something is, m."""
        if isinstance(thing, Camera):
            place = thing.centre
        else:
            seen = thing.xyz[np.isfinite(thing.xyz).all(-1)]
            place = seen.mean(0) if len(seen) else np.zeros(3)
        return float(self.orbit().project(place, self._size_wh())[1])

    def _corners(self) -> F64:
        """Return points that a picture of the whole room must hold, (N, 3), m."""
        rig = self._scene.rig
        places = np.array([camera.centre for camera in rig]) if rig else np.array([[2.0, 2, 1], [-2, -2, 1]])
        floor = places * [1, 1, 0]
        return np.concatenate([places, floor, [[0, 0, 0], [0, 0, _ROOM_HEIGHT_M]]])

    def _overview(self) -> Orbit:
        """Look from between the first camera and its neighbour, a little from above, at everything."""
        rig = self._scene.rig
        azimuth = float(np.arctan2(*rig[0].centre[1::-1])) + 0.5 if rig and len(rig) else 0.9
        return Orbit(np.zeros(3), azimuth_rad=azimuth).fitted(self._corners(), self._size_wh())

    def _paint_ground(self, painter: QPainter) -> None:
        """Fill the panel, a little lighter towards the top."""
        gradient = QLinearGradient(0, 0, 0, self.height())
        gradient.setColorAt(0, QColor("#1a212a"))
        gradient.setColorAt(1, QColor("#10141a"))
        painter.setPen(QPen(QColor(PALETTE.line), 1))
        painter.setBrush(QBrush(gradient))
        area = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(area, 8 * self._scale, 8 * self._scale)

    def _paint_empty(self, painter: QPainter) -> None:
        """Say what has to happen first."""
        u, area = self._scale, QRectF(self.rect())
        middle = area.center().y()
        painter.setFont(font(u, 18, bold=True))
        painter.setPen(QColor(PALETTE.text))
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom | Qt.TextFlag.TextWordWrap
        box = area.adjusted(40 * u, 0, -40 * u, 0)
        painter.drawText(QRectF(box.left(), middle - 70 * u, box.width(), 62 * u), flags, self._scene.headline)
        painter.setFont(font(u, 13))
        painter.setPen(QColor(PALETTE.muted))
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
        painter.drawText(QRectF(box.left(), middle + 4 * u, box.width(), 80 * u), flags, self._scene.message)

    def _paint_floor(self, painter: QPainter) -> None:
        """Draw a grid of one metre, fading outwards."""
        corners = self._corners()
        reach = np.ceil(np.abs(corners[:, :2]).max()) + 1
        for value in np.arange(-reach, reach + 0.5):
            strength = float(1 - 0.75 * abs(value) / reach)
            colour = blend(QColor("#171d25"), QColor("#44515f"), strength)
            painter.setPen(QPen(colour, (1.6 if value == 0 else 1.0) * self._scale * 0.8))
            for line in ([[value, -reach, 0], [value, reach, 0]], [[-reach, value, 0], [reach, value, 0]]):
                self._draw_line(painter, np.array(line[0]), np.array(line[1]))

    def _draw_line(self, painter: QPainter, start: F64, end: F64) -> None:
        """Draw a line of the room with the present pen."""
        line = clip_to_eye(self.orbit(), start, end)
        if line:
            a, b = self._project(np.array(line))
            painter.drawLine(QPointF(*a), QPointF(*b))

    def _paint_trail(self, painter: QPainter) -> None:
        """Draw where the first person went, older parts fainter."""
        trail = self._scene.trail_xy_m
        if trail is None or len(trail) < 2:
            return
        xy = self._project(np.column_stack([trail, np.zeros(len(trail))]))
        colour = QColor(PALETTE.accent)
        for index in range(1, len(xy)):
            if np.isfinite(xy[index - 1 : index + 1]).all():
                colour.setAlphaF(0.08 + 0.62 * index / len(xy))
                painter.setPen(QPen(colour, 2.6 * self._scale, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
                painter.drawLine(QPointF(*xy[index - 1]), QPointF(*xy[index]))

    def _paint_shadow(self, painter: QPainter, person: Pose3D) -> None:
        """Draw the person's bones straight down on the floor, so that one sees where they stand."""
        xy = self._project(person.xyz * [1, 1, 0])
        skeleton = self._scene.skeleton
        path = QPainterPath()
        for i, j in skeleton.bone_indices:
            if np.isfinite(xy[[i, j]]).all():
                path.moveTo(QPointF(*xy[i]))
                path.lineTo(QPointF(*xy[j]))
        pen = QPen(QColor(0, 0, 0, 120), 8 * self._scale, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
        painter.strokePath(path, pen)

    def _paint_camera(self, painter: QPainter, camera: Camera) -> None:
        """Draw a camera's pyramid of view, its height above the floor and its name."""
        u = self._scale
        painter.setPen(QPen(QColor(PALETTE.muted).darker(160), 1.2 * u, Qt.PenStyle.DotLine))
        self._draw_line(painter, camera.centre, camera.centre * [1, 1, 0])
        xy = self._project(np.vstack([camera.centre, view_corners(camera, self._frustum_depth_m())]))
        if not np.isfinite(xy).all():
            return
        points = [QPointF(*point) for point in xy]
        edge = QColor(PALETTE.accent)
        fill = QColor(PALETTE.accent)
        fill.setAlphaF(0.13)
        painter.setPen(QPen(edge, 1.5 * u, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
        painter.setBrush(QBrush(fill))
        painter.drawPolygon(QPolygonF(points[1:]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for point in points[1:]:
            painter.drawLine(points[0], point)
        painter.setBrush(QBrush(edge))
        painter.drawEllipse(points[0], 3.2 * u, 3.2 * u)
        painter.setFont(font(u, 12, bold=True))
        painter.setPen(QColor(PALETTE.text))
        top = min(points, key=lambda point: point.y())
        box = QRectF(top.x() - 100 * u, top.y() - 24 * u, 200 * u, 20 * u)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, camera.name)

    def _frustum_depth_m(self) -> float:
        """Choose how long to draw the pyramids: in proportion to the room."""
        rig = self._scene.rig
        places = np.array([camera.centre for camera in rig]) if rig else np.zeros((1, 3))
        return float(np.clip(0.16 * np.linalg.norm(places - places.mean(0), axis=-1).mean(), 0.15, 1.0))

    def _paint_person(self, painter: QPainter, person: Pose3D) -> None:
        """Draw one person."""
        flat = FlatSkeleton(
            self._scene.skeleton, self._project(person.xyz), person.confidence, _BONE_WIDTH_U * self._scale
        )
        draw_skeleton(painter, flat)

    def _paint_legend(self, painter: QPainter) -> None:
        """Explain the colours along the lower edge."""
        u = self._scale
        face = font(u, 11)
        painter.setFont(face)
        metrics = QFontMetricsF(face)
        x, y = 16 * u, self.height() - 18 * u
        for colour, words in ((PALETTE.left, "left side"), (PALETTE.right, "right side")):
            painter.setPen(QPen(QColor(colour), 3 * u, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawLine(QPointF(x, y), QPointF(x + 16 * u, y))
            x = self._write(painter, x + 22 * u, y, words, metrics) + 16 * u
        x = self._write(painter, x, y, "joint unsure", metrics) + 6 * u
        for step in range(24):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(confidence_colour(0.3 + 0.5 * step / 23))
            painter.drawRect(QRectF(x, y - 3 * u, 2.6 * u, 6 * u))
            x += 2.5 * u
        x = self._write(painter, x + 6 * u, y, "sure", metrics) + 16 * u
        words = "one square is 1 m"
        self._write(painter, self.width() - 16 * u - metrics.horizontalAdvance(words), y, words, metrics)

    def _write(self, painter: QPainter, x: float, y: float, words: str, metrics: QFontMetricsF) -> float:
        """Write words of the legend; return where they end, px."""
        painter.setPen(QColor(PALETTE.muted))
        painter.drawText(QPointF(x, y + metrics.capHeight() / 2), words)
        return x + metrics.horizontalAdvance(words)


def view_corners(camera: Camera, depth_m: float) -> F64:
    """Find the corners of what a camera sees, at a distance.

    Parameters
    ----------
    camera
        Its lens is taken as free of distortion.
    depth_m
        Along the line of sight.

    Returns
    -------
    xyz : (4, 3), m, world
        Round the image, from the first pixel.
    """
    width, height = camera.size_wh
    pixels = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]], float)
    local = pixels @ np.linalg.inv(camera.matrix).T * depth_m
    return (local - camera.t) @ camera.R
