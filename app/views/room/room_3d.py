"""The room in 3D: floor, cameras, people and their trail, drawn with QPainter.

QPainter rather than OpenGL: it works without a display or a graphics driver, gives the same picture
everywhere, and costs about a millisecond. The static part is drawn once; then only what moves.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PyQt6.QtCore import QLineF, QPointF, QRectF, Qt
from PyQt6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent, QWheelEvent
from PyQt6.QtWidgets import QWidget

from app.presenters.coaching import CoachingCard
from app.presenters.room import RoomScene
from app.presenters.severity import Severity
from app.views.live.coaching_picture import paint_coaching
from app.views.room.camera_frustums import CameraFrustums
from app.views.room.follow_person import find_single_camera_person, follow_person, look_at_person
from app.views.room.orbit import FIT_MARGIN, HALF_FOV_TAN, NEAR_M, Orbit
from app.views.room.paint import (
    CAMERA_NAME_U,
    Eye,
    compute_room_corners,
    paint_bar_legend,
    paint_bars,
    paint_floor,
    paint_ground,
    paint_legend,
    paint_note,
    paint_trail,
)
from app.views.skeleton_paint import FlatSkeleton, draw_skeleton
from app.views.theme import PALETTE, to_qcolor
from calibration.geometry.arrays import F64
from calibration.skeleton import Skeleton
from engine.poses import Pose3D

_TURN_RAD_PER_PX = 0.007
_BONE_WIDTH_U = 4.0
_NAME_GAP_U = 12.0  # between the uppermost name and the edge
_MAX_HALO_M = 0.3
_SHADOW = "#0c0f14"
# every third instant is drawn, from the newest: a tenth of a second, a few centimetres
_TRAIL_STEP = 3


class Room3D(QWidget):
    """Shows a scene; the mouse rotates, pans and zooms it.

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
        self._drag_start: QPointF | None = None
        self._moved_by_user = False
        self._waits_for_person = False
        self._background: QPixmap | None = None
        self._frustums: CameraFrustums | None = None  # as in the background
        self._people: list[_ProjectedPerson] = []
        self._trail_xy, self._covered = np.empty((0, 2)), QRectF()
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(320, 240)
        self.setToolTip(
            "Drag to rotate, right-drag to pan, wheel to zoom, double-click to reset the view"
        )

    def show_room(self, scene: RoomScene) -> None:
        """Show this scene; the viewpoint stays unless there are new cameras."""
        before, self._scene = self._scene, scene
        if not scene.has_same_cameras(before):
            self._orbit, self._moved_by_user = None, False
            self._refresh()
        elif self._follow() or scene.rig is not before.rig or scene.note != before.note:
            self._refresh()
        elif scene.rig is None:
            if (scene.coaching, scene.headline, scene.message) != (
                before.coaching,
                before.headline,
                before.message,
            ):
                self._refresh()
        elif scene.people is not before.people or not scene.people:
            covered = self._covered
            self._project_scene()
            self.update(covered.united(self._covered).toAlignedRect())

    def set_scale(self, scale: float) -> None:
        """Scale type and lines."""
        self._scale = scale
        self._refresh()

    def set_orbit(self, orbit: Orbit | None) -> None:
        """Set the viewpoint; None fits everything into the picture."""
        self._orbit, self._moved_by_user = orbit, orbit is not None
        self._refresh()

    def orbit(self) -> Orbit:
        """Return the viewpoint; before it was moved, one that shows all cameras."""
        if self._orbit is None:
            self._orbit = self._compute_overview()
        return self._orbit

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Start a drag."""
        if event:
            self._drag_start = event.position()

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Rotate, or pan with the right button."""
        if event is None or self._drag_start is None:
            return
        step = event.position() - self._drag_start
        self._drag_start = event.position()
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.set_orbit(
                self.orbit().rotate(-step.x() * _TURN_RAD_PER_PX, step.y() * _TURN_RAD_PER_PX)
            )
        elif event.buttons() & (Qt.MouseButton.RightButton | Qt.MouseButton.MiddleButton):
            metres_per_px = self.orbit().distance_m / min(self.width(), self.height())
            self.set_orbit(self.orbit().pan(-step.x() * metres_per_px, step.y() * metres_per_px))

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """End a drag."""
        self._drag_start = None

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Fit everything into the picture."""
        self.set_orbit(None)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Zoom."""
        if event:
            self.set_orbit(self.orbit().zoom(0.999 ** event.angleDelta().y()))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the room, or what to do before there is one."""
        painter = QPainter(self)
        if self._background is None:
            self._background = self._draw_background()
        dirty = QRectF(event.rect()) if event else QRectF(self.rect())
        ratio = self._background.devicePixelRatio()
        source = QRectF(dirty.topLeft() * ratio, dirty.size() * ratio)
        painter.drawPixmap(dirty, self._background, source)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._scene.rig is None:
            return
        paint_trail(painter, self._trail_xy, self._scale)
        nearest = min((flat.depth_m for flat in self._people), default=0.0)
        for person in self._people:
            self._paint_shadow(painter, person)
        for person in sorted(self._people, key=lambda person: -person.depth_m):
            self._paint_person(painter, person)
        if self._frustums is not None and self._people:
            edge = 120 * self._scale
            self._frustums.paint_in_front(
                painter, nearest, self._covered.adjusted(-edge, -edge, edge, edge)
            )

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Draw for the new size; a viewpoint that was not moved is fitted again."""
        if not self._moved_by_user:
            self._orbit = None
        self._refresh()

    def _size_wh(self) -> tuple[int, int]:
        """Return the size of the picture, px."""
        return max(self.width(), 1), max(self.height(), 1)

    def _make_eye(self) -> Eye:
        """Make the projection of the current viewpoint."""
        return Eye(self.orbit(), self._size_wh(), self._scale)

    def _follow(self) -> bool:
        """Follow a person seen by one camera; return whether the view moved."""
        place = find_single_camera_person(self._scene)
        before = self.orbit()
        if place is None or self._moved_by_user:
            return False
        self._orbit = (
            self._compute_overview() if self._waits_for_person else follow_person(before, place)
        )
        return self._orbit is not before

    def _compute_overview(self) -> Orbit:
        """Look at a person seen by one camera; else at everything, from between two cameras."""
        rig = self._scene.rig
        place = find_single_camera_person(self._scene)
        self._waits_for_person = place is None
        if rig is not None and place is not None:
            return look_at_person(place, rig[0].centre)
        azimuth = float(np.arctan2(*rig[0].centre[1::-1])) + 0.5 if rig and len(rig) else 0.9
        # in a low window the names above the cameras need a larger share
        names = 2 * (CAMERA_NAME_U + _NAME_GAP_U) * self._scale / min(self._size_wh())
        margin = min(FIT_MARGIN, max(1 - names, 0.5))
        return Orbit(np.zeros(3), azimuth_rad=azimuth).fit(
            compute_room_corners(rig), self._size_wh(), margin
        )

    def _refresh(self) -> None:
        """Redraw everything."""
        self._background = None
        self._project_scene()
        self.update()

    def _project_scene(self) -> None:
        """Project people and trail to the screen."""
        eye, scene = self._make_eye(), self._scene
        self._people = [
            _ProjectedPerson.from_pose(person, eye, scene.skeleton) for person in scene.people
        ]
        trail = scene.trail_xy_m
        if scene.rig is None or trail is None or len(trail) < 2:
            self._trail_xy = np.empty((0, 2))
        else:
            trail = trail[::-_TRAIL_STEP][::-1]
            self._trail_xy = eye.project(np.column_stack([trail, np.zeros(len(trail))]))
        self._covered = self._compute_extent()

    def _compute_extent(self) -> QRectF:
        """Compute the extent of people and trail, px."""
        points = [self._trail_xy, *(flat.bars_xy.reshape(-1, 2) for flat in self._people)]
        points += [xy for flat in self._people for xy in (flat.xy, flat.floor_xy)]
        xy = np.concatenate(points)
        xy = xy[np.isfinite(xy).all(-1)]
        if not len(xy):
            return QRectF()
        (left, top), (right, bottom) = xy.min(0).tolist(), xy.max(0).tolist()
        edge = 40 * self._scale + max((flat.max_halo_px for flat in self._people), default=0.0)
        return QRectF(left - edge, top - edge, right - left + 2 * edge, bottom - top + 2 * edge)

    def _draw_background(self) -> QPixmap:
        """Draw the static part: floor and cameras, or what to do first."""
        ratio = self.devicePixelRatioF()
        background = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
        background.setDevicePixelRatio(ratio)
        painter = QPainter(background)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area, scene = QRectF(self.rect()), self._scene
        paint_ground(painter, area, self._scale)
        if scene.rig is not None:
            eye = self._make_eye()
            paint_floor(painter, eye, scene.rig)
            self._frustums = CameraFrustums(eye, scene.rig, ratio)
            self._frustums.paint_all(painter)
            paint_legend(painter, self._size_wh(), self._scale)
            if scene.guessed:
                paint_bar_legend(painter, self._size_wh(), self._scale)
            if scene.note:
                paint_note(painter, scene.note, self._size_wh(), self._scale)
        elif scene.coaching is not None:
            paint_coaching(painter, scene.coaching, area)
        else:
            paint_coaching(
                painter, CoachingCard(scene.headline, scene.message, 0.0, Severity.NEUTRAL), area
            )
        painter.end()
        return background

    def _paint_shadow(self, painter: QPainter, person: "_ProjectedPerson") -> None:
        """Draw the bones projected onto the floor, to show where the person stands."""
        points = person.floor_xy.tolist()
        lines = []
        for i, j in _list_bones(self._scene.skeleton):
            (a, b), (c, d) = points[i], points[j]
            if a == a and c == c:
                lines.append(QLineF(a, b, c, d))
        width = 8 * self._scale
        painter.setPen(
            QPen(to_qcolor(_SHADOW), width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.SquareCap)
        )
        if lines:
            painter.drawLines(*lines)

    def _paint_person(self, painter: QPainter, person: "_ProjectedPerson") -> None:
        """Draw a person, with halos for uncertain joints and bars for uncertain depth."""
        width = _BONE_WIDTH_U * self._scale
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(to_qcolor(PALETTE.care, 0.16))
        for (x, y), radius in zip(person.xy.tolist(), person.uncertainty_px.tolist()):
            if radius > width and x == x:
                painter.drawEllipse(QPointF(x, y), radius, radius)
        paint_bars(painter, person.bars_xy, self._scale)
        draw_skeleton(
            painter, FlatSkeleton(self._scene.skeleton, person.xy, person.confidence, width)
        )


@dataclass(frozen=True, slots=True, eq=False)
class _ProjectedPerson:
    """A person on the screen: joints and shadow (J, 2), uncertainty of each joint (J,), px.

    `bars_xy` (G, 2, 2), px, are the ends of the bars of joints guessed from one camera; these have
    no halo.
    """

    xy: F64
    floor_xy: F64
    uncertainty_px: F64
    bars_xy: F64
    confidence: F64
    depth_m: float

    @property
    def max_halo_px(self) -> float:
        """Return the radius of the largest halo, px."""
        return float(self.uncertainty_px.max(initial=0.0))

    @classmethod
    def from_pose(cls, person: Pose3D, eye: Eye, skeleton: Skeleton) -> "_ProjectedPerson":
        """Project a person."""
        both, depths = eye.orbit.project(
            np.concatenate([person.xyz, person.xyz * [1, 1, 0]]), eye.size_wh
        )
        count = len(skeleton.joints)
        depth_m = depths[:count]
        variance = np.trace(person.covariance, axis1=1, axis2=2) / 3
        zoom = min(eye.size_wh) / (2 * HALF_FOV_TAN) / np.where(depth_m > NEAR_M, depth_m, np.nan)
        uncertainty_px = np.nan_to_num(
            np.minimum(np.sqrt(np.maximum(variance, 0.0)), _MAX_HALO_M) * zoom
        )
        seen = depth_m[np.isfinite(depth_m)]
        guessed = person.guessed & np.isfinite(person.covariance).all((1, 2))
        uncertainty_px = np.where(guessed, 0.0, uncertainty_px)
        bars_xy = np.empty((0, 2, 2))
        if guessed.any():
            bars = _compute_bars_m(person.xyz[guessed], person.covariance[guessed]).reshape(-1, 3)
            bars_xy = eye.project(bars).reshape(-1, 2, 2)
        depth = float(seen.mean()) if len(seen) else 0.0
        return cls(both[:count], both[count:], uncertainty_px, bars_xy, person.confidence, depth)


def _compute_bars_m(xyz: F64, covariance: F64) -> F64:
    """Find the ends of each joint's main axis of uncertainty, one sigma, (G, 2, 3), m."""
    variance, axes = np.linalg.eigh(covariance)
    reach = np.sqrt(np.maximum(variance[:, -1:], 0.0)) * axes[:, :, -1]
    return np.stack([xyz - reach, xyz + reach], 1)


@lru_cache(8)
def _list_bones(skeleton: Skeleton) -> tuple[tuple[int, int], ...]:
    """Return the bones as plain integers."""
    return tuple((int(i), int(j)) for i, j in skeleton.bone_indices)
