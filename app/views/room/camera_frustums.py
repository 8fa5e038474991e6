"""The camera frustums of a room: drawn once with the floor, and again over people behind them."""

import math

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QFontMetricsF, QPainter, QPixmap

from app.views.room.paint import (
    CAMERA_NAME_U,
    Eye,
    choose_frustum_depth_m,
    compute_view_corners,
    paint_camera,
)
from app.views.theme import make_font
from calibration.rig import Camera, Rig

_EDGE_U = 4.0  # of lines and dots round the corners


class CameraFrustums:
    """Paints each camera once; over people its pixmap is drawn, at a twentieth of the cost.

    Parameters
    ----------
    eye
        The viewpoint; another one needs other frustums.
    rig
    ratio
        Screen pixels per widget pixel.
    """

    def __init__(self, eye: Eye, rig: Rig, ratio: float) -> None:
        self._eye, self._ratio = eye, ratio
        self._depth_m = choose_frustum_depth_m(rig)
        places = [
            (eye.depth_m(camera.centre), camera, QPointF(*eye.project(camera.centre).tolist()))
            for camera in rig
        ]
        self._cameras_by_depth = sorted(places, key=lambda place: -place[0])
        self._pictures: dict[str, tuple[QPointF, QPixmap] | None] = {}

    def paint_all(self, painter: QPainter) -> None:
        """Draw every camera, the farthest first."""
        for _, camera, _ in self._cameras_by_depth:
            paint_camera(painter, self._eye, camera, self._depth_m)

    def paint_in_front(self, painter: QPainter, depth_m: float, area: QRectF) -> None:
        """Draw the cameras in an area that are nearer than this depth.

        Parameters
        ----------
        painter
        depth_m
            From the eye.
        area
            Px of the widget.
        """
        for own_depth_m, camera, place in self._cameras_by_depth:
            if own_depth_m < depth_m and area.contains(place):
                if camera.name not in self._pictures:
                    self._pictures[camera.name] = self._render_camera(camera)
                picture = self._pictures[camera.name]
                if picture is not None:
                    painter.drawPixmap(*picture)

    def _render_camera(self, camera: Camera) -> tuple[QPointF, QPixmap] | None:
        """Draw a camera into a pixmap of its extent; None where it is outside the picture."""
        box = self._compute_extent(camera).intersected(QRectF(0, 0, *self._eye.size_wh))
        if box.isEmpty():
            return None
        ratio = self._ratio  # the corner lies on a whole screen pixel, or lines would be blurred
        left = math.floor(box.left() * ratio)
        top = math.floor(box.top() * ratio)
        pixmap = QPixmap(
            math.ceil(box.right() * ratio) - left, math.ceil(box.bottom() * ratio) - top
        )
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        corner = QPointF(left / ratio, top / ratio)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(-corner)
        paint_camera(painter, self._eye, camera, self._depth_m)
        painter.end()
        return corner, pixmap

    def _compute_extent(self, camera: Camera) -> QRectF:
        """Compute the extent of a camera with its foot and name, px; empty behind the eye."""
        centre, u = camera.centre, self._eye.scale
        xy = self._eye.project(
            np.vstack([centre, compute_view_corners(camera, self._depth_m), centre * [1, 1, 0]])
        )
        xy = xy[np.isfinite(xy).all(1)]
        if not len(xy):
            return QRectF()
        (left, top), (right, bottom) = xy.min(0).tolist(), xy.max(0).tolist()
        name = QFontMetricsF(make_font(u, 12, bold=True)).horizontalAdvance(camera.name) / 2
        # the name may be at any corner
        side = name + _EDGE_U * u
        above = CAMERA_NAME_U * u
        edge = _EDGE_U * u
        return QRectF(
            left - side, top - above, right - left + 2 * side, bottom - top + above + edge
        )
