"""The grid of cameras: every view at once, with the joints that were found in it."""

import math
from collections.abc import Sequence
from typing import cast

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QBrush, QColor, QFontMetricsF, QImage, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QWidget

from app.presenters.cameras import CameraTile
from app.views.skeleton_paint import FlatSkeleton, draw_skeleton
from app.views.theme import PALETTE, TONE_COLOURS, font
from calibration.skeleton import Skeleton
from engine.poses import Pose2D

_GAP_U = 8.0
_USUAL_ASPECT = 4 / 3


class CameraGrid(QWidget):
    """Draws all cameras in one paint event, 1 ms each where the image needs no copy.

    Parameters
    ----------
    skeleton
        Names the joints of the people.
    """

    def __init__(self, skeleton: Skeleton) -> None:
        super().__init__()
        self._skeleton = skeleton
        self._tiles: tuple[CameraTile, ...] = ()
        self._scale = 1.0
        self.setMinimumSize(240, 180)

    def show_cameras(self, tiles: tuple[CameraTile, ...]) -> None:
        """Draw these cameras from now on.

        Parameters
        ----------
        tiles
            In camera order.
        """
        self._tiles = tiles
        self.update()

    def set_scale(self, scale: float) -> None:
        """Draw larger or smaller type and lines."""
        self._scale = scale
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw every tile, or what to do where there is none."""
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        if not self._tiles:
            self._paint_empty(painter)
            return
        aspects = [_aspect(tile) for tile in self._tiles]
        for tile, area in zip(self._tiles, tile_rectangles(aspects, QRectF(self.rect()), _GAP_U * self._scale)):
            self._paint_tile(painter, tile, area)

    def _paint_empty(self, painter: QPainter) -> None:
        """Say what to do before there is a camera."""
        u, area = self._scale, QRectF(self.rect())
        painter.setPen(QPen(QColor(PALETTE.line), 1.5 * u, Qt.PenStyle.DashLine))
        painter.setBrush(QColor(PALETTE.surface))
        painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), 8 * u, 8 * u)
        middle = area.center().y()
        painter.setPen(QColor(PALETTE.text))
        painter.setFont(font(u, 18, bold=True))
        painter.drawText(
            QRectF(area.left(), middle - 34 * u, area.width(), 30 * u), Qt.AlignmentFlag.AlignCenter, "No camera yet"
        )
        painter.setPen(QColor(PALETTE.muted))
        painter.setFont(font(u, 13))
        hint = "Add two or more cameras or videos\nthat look at the same part of the room."
        painter.drawText(QRectF(area.left(), middle, area.width(), 44 * u), Qt.AlignmentFlag.AlignCenter, hint)

    def _paint_tile(self, painter: QPainter, tile: CameraTile, area: QRectF) -> None:
        """Draw one camera: image, people, name and state."""
        painter.save()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(PALETTE.surface))
        painter.drawRoundedRect(area, 6 * self._scale, 6 * self._scale)
        painter.setClipRect(area)
        if tile.image_bgr is None:
            painter.setPen(QColor(PALETTE.muted))
            painter.setFont(font(self._scale, 13))
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, tile.message)
        else:
            picture = draw_image(painter, tile.image_bgr, area)
            zoom = picture.width() / tile.image_bgr.shape[1]
            for person in tile.people:
                self._paint_person(painter, person, picture, zoom)
        self._paint_caption(painter, tile, area)
        painter.restore()

    def _paint_person(self, painter: QPainter, person: Pose2D, picture: QRectF, zoom: float) -> None:
        """Draw one person's joints and number."""
        corner = np.array([picture.left(), picture.top()])
        xy = (person.xy + 0.5) * zoom + corner
        thickness = max(2.2 * self._scale, picture.height() / 160)
        draw_skeleton(painter, FlatSkeleton(self._skeleton, xy, person.confidence, thickness))
        seen = xy[np.isfinite(xy).all(-1)]
        if len(seen):
            top = seen[np.argmin(seen[:, 1])]
            _draw_tag(painter, QPointF(top[0], top[1] - 26 * self._scale), f"Person {person.person + 1}", self._scale)

    def _paint_caption(self, painter: QPainter, tile: CameraTile, area: QRectF) -> None:
        """Write the camera's name along the lower edge, and how it does where there is room."""
        u = self._scale
        strip = QRectF(area.left(), area.bottom() - 24 * u, area.width(), 24 * u)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(10, 12, 16, 190))
        painter.drawRect(strip)
        painter.setBrush(QColor(TONE_COLOURS[tile.tone]))
        painter.drawEllipse(QPointF(strip.left() + 13 * u, strip.center().y()), 4 * u, 4 * u)
        text = strip.adjusted(24 * u, 0, -10 * u, 0)
        face = font(u, 12, bold=True)
        painter.setFont(face)
        painter.setPen(QColor(PALETTE.text))
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, tile.name)
        used = QFontMetricsF(face).horizontalAdvance(tile.name) + 12 * u
        face = font(u, 11)
        if QFontMetricsF(face).horizontalAdvance(tile.detail) <= text.width() - used:
            painter.setFont(face)
            painter.setPen(QColor(PALETTE.muted))
            painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, tile.detail)


def tile_rectangles(aspects: Sequence[float], area: QRectF, gap: float) -> list[QRectF]:
    """Lay tiles out so that the images come out as large as possible.

    Parameters
    ----------
    aspects
        Width by height of each image.
    area
        Where they have to fit.
    gap
        Between tiles, px.

    Returns
    -------
    rectangles
        One per tile, row by row; each as large as its cell.
    """
    count = len(aspects)
    columns = max(range(1, count + 1), key=lambda columns: _image_area(aspects, area, gap, columns))
    rows = math.ceil(count / columns)
    width, height = (area.width() - gap * (columns - 1)) / columns, (area.height() - gap * (rows - 1)) / rows
    cells = [divmod(index, columns) for index in range(count)]
    left, top = area.left(), area.top()
    return [QRectF(left + c * (width + gap), top + r * (height + gap), width, height) for r, c in cells]


def draw_image(painter: QPainter, image_bgr: np.ndarray, area: QRectF) -> QRectF:
    """Draw an image as large as fits, without copying it.

    Parameters
    ----------
    painter
    image_bgr : (H, W, 3), uint8
    area

    Returns
    -------
    picture
        Where the image came to lie, px of the widget.
    """
    image = np.ascontiguousarray(image_bgr)
    height, width = image.shape[:2]
    zoom = min(area.width() / width, area.height() / height)
    picture = QRectF(0, 0, width * zoom, height * zoom)
    picture.moveCenter(area.center())
    # The QImage borrows the array's memory, which outlives this call; PyQt takes any buffer where its types say bytes.
    borrowed = QImage(cast(bytes, image.data), width, height, image.strides[0], QImage.Format.Format_BGR888)
    painter.drawImage(picture, borrowed)
    return picture


def _image_area(aspects: Sequence[float], area: QRectF, gap: float, columns: int) -> float:
    """Sum the area of the images in a grid of so many columns."""
    rows = math.ceil(len(aspects) / columns)
    width, height = (area.width() - gap * (columns - 1)) / columns, (area.height() - gap * (rows - 1)) / rows
    return sum(min(width, height * aspect) ** 2 / aspect for aspect in aspects)


def _aspect(tile: CameraTile) -> float:
    """Return a tile's width by height."""
    return _USUAL_ASPECT if tile.image_bgr is None else tile.image_bgr.shape[1] / tile.image_bgr.shape[0]


def _draw_tag(painter: QPainter, centre: QPointF, text: str, scale: float) -> None:
    """Write a few words on a small plate."""
    face = font(scale, 11, bold=True)
    plate = QRectF(0, 0, QFontMetricsF(face).horizontalAdvance(text) + 12 * scale, 18 * scale)
    plate.moveCenter(centre)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QBrush(QColor(10, 12, 16, 190)))
    painter.drawRoundedRect(plate, 4 * scale, 4 * scale)
    painter.setFont(face)
    painter.setPen(QColor(PALETTE.text))
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
