"""Draw one camera: image, people, caption and buttons."""

from dataclasses import dataclass
from functools import lru_cache

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QFont, QFontMetricsF, QImage, QPainter

from app.presenters.cameras import CameraTile
from app.views.live.camera_picture import CameraPicture
from app.views.skeleton_paint import FlatSkeleton, draw_skeleton
from app.views.theme import PALETTE, SEVERITY_COLOURS, load_icon, make_font, to_qcolor
from calibration.skeleton import Skeleton
from engine.poses import Pose2D

_DARK = "#0a0c10"
_CAPTION_U = 24.0
_BUTTON_U = 26.0
_MIN_TAG_WIDTH_U = 170.0  # a smaller image has no room for the number of a person
_WRAPPED = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
_NO_IMAGE = "Waiting for an image"


@dataclass(frozen=True, slots=True)
class TileLayout:
    """Where a camera and its buttons are, px of the grid.

    Parameters
    ----------
    area
    retry, settings, remove
        Buttons.
    scale
        Of type and lines.
    """

    area: QRectF
    retry: QRectF
    settings: QRectF
    remove: QRectF
    scale: float

    @classmethod
    def from_area(cls, area: QRectF, scale: float) -> "TileLayout":
        """Lay out the buttons of a tile."""
        side, edge = _BUTTON_U * scale, 6 * scale
        remove = QRectF(area.right() - edge - side, area.top() + edge, side, side)
        settings = remove.translated(-side - 4 * scale, 0)
        retry = QRectF(0, 0, 104 * scale, 28 * scale)
        retry.moveCenter(QPointF(area.center().x(), area.bottom() - (_CAPTION_U + 24) * scale))
        return cls(area, retry, settings, remove, scale)


def paint_tile(
    painter: QPainter,
    camera: tuple[CameraTile, CameraPicture],
    layout: TileLayout,
    skeleton: Skeleton,
    *,
    hovered: bool,
) -> None:
    """Draw one camera.

    Parameters
    ----------
    painter
    camera
        Its tile and its newest image.
    layout
    skeleton
        Names the joints of the people.
    hovered
        True while the mouse is over it, to show its buttons.
    """
    tile, picture = camera
    painter.save()
    painter.setClipRect(layout.area)
    size, device = picture.size_wh(), painter.device()
    ratio = device.devicePixelRatioF() if device else 1.0
    place = picture.place(_choose_picture_area(size, layout), ratio)
    for strip in subtract_rect(place, layout.area):
        painter.fillRect(strip, to_qcolor(PALETTE.surface))
    picture.paint(painter, place, ratio)
    if size and not place.isEmpty():
        for person in tile.people:
            _paint_person(painter, (person, skeleton), place, place.width() / size[0], layout.scale)
    if tile.message or not size:
        _paint_message(painter, tile, layout, dims=size is not None)
    _paint_caption(painter, tile, layout)
    if hovered:
        for area, name in ((layout.settings, "settings"), (layout.remove, "close")):
            _paint_button(painter, area, name, layout.scale)
    painter.restore()


def subtract_rect(hole: QRectF, area: QRectF) -> list[QRectF]:
    """Split the area around a hole into strips, so that no pixel is painted twice.

    Parameters
    ----------
    hole
        If empty, the whole area is left.
    area

    Returns
    -------
    strips
        Above, below, left and right, without empty ones.
    """
    hole = hole.intersected(area)
    if hole.isEmpty():
        return [area]
    strips = (
        QRectF(area.left(), area.top(), area.width(), hole.top() - area.top()),
        QRectF(area.left(), hole.bottom(), area.width(), area.bottom() - hole.bottom()),
        QRectF(area.left(), hole.top(), hole.left() - area.left(), hole.height()),
        QRectF(hole.right(), hole.top(), area.right() - hole.right(), hole.height()),
    )
    return [strip for strip in strips if not strip.isEmpty()]


def _choose_picture_area(size_wh: tuple[int, int] | None, layout: TileLayout) -> QRectF:
    """Leave room for the caption where the image does not get smaller; else it covers the image."""
    above = layout.area.adjusted(0, 0, 0, -_CAPTION_U * layout.scale)
    if size_wh is None:
        return above
    fit, fit_above = (
        min(area.width() / size_wh[0], area.height() / size_wh[1]) for area in (layout.area, above)
    )
    return above if fit_above > 0.98 * fit else layout.area


def _paint_person(
    painter: QPainter, who: tuple[Pose2D, Skeleton], place: QRectF, zoom: float, scale: float
) -> None:
    """Draw one person's joints and number."""
    person, skeleton = who
    xy = (person.xy + 0.5) * zoom + (place.left(), place.top())
    thickness = max(2.2 * scale, place.height() / 160)
    draw_skeleton(painter, FlatSkeleton(skeleton, xy, person.confidence, round(thickness, 1)))
    highest = min(((y, x) for x, y in xy.tolist() if y == y), default=None)
    if highest and place.width() > _MIN_TAG_WIDTH_U * scale:
        top, middle = highest
        plate = _draw_name_plate(f"Person {person.track_id + 1}", scale)
        painter.drawImage(
            QPointF(middle - plate.width() / 2, max(top - 36 * scale, place.top() + 4 * scale)),
            plate,
        )


@lru_cache(64)
def _draw_name_plate(text: str, scale: float) -> QImage:
    """Draw a short text on a small plate, once."""
    face = make_font(scale, 11, bold=True)
    plate = _make_blank_image(
        round(QFontMetricsF(face).horizontalAdvance(text) + 12 * scale), round(18 * scale)
    )
    painter = QPainter(plate)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(to_qcolor(_DARK, 0.74))
    painter.drawRoundedRect(QRectF(plate.rect()), 4 * scale, 4 * scale)
    painter.setFont(face)
    painter.setPen(to_qcolor(PALETTE.text))
    painter.drawText(QRectF(plate.rect()), Qt.AlignmentFlag.AlignCenter, text)
    painter.end()
    return plate


def _paint_message(painter: QPainter, tile: CameraTile, layout: TileLayout, *, dims: bool) -> None:
    """Dim the last image and write over it what happened and what to do."""
    u = layout.scale
    if dims:
        painter.fillRect(layout.area, to_qcolor(_DARK, 0.66))
    bottom = layout.retry.top() if tile.can_retry else layout.area.bottom() - _CAPTION_U * u
    box = QRectF(
        layout.area.left(), layout.area.top(), layout.area.width(), bottom - layout.area.top()
    )
    box.adjust(14 * u, 6 * u, -14 * u, -6 * u)
    size_u = 13 if layout.area.width() > 320 * u else 12
    painter.setFont(make_font(u, size_u))
    painter.setPen(to_qcolor(PALETTE.text if tile.can_retry else PALETTE.muted))
    painter.drawText(box, _WRAPPED, _shorten(tile.message or _NO_IMAGE, box, make_font(u, size_u)))
    if tile.can_retry:
        painter.setPen(to_qcolor(PALETTE.muted, 0.7))
        painter.setBrush(to_qcolor(PALETTE.raised))
        painter.drawRoundedRect(layout.retry, 6 * u, 6 * u)
        painter.setFont(make_font(u, 12, bold=True))
        painter.setPen(to_qcolor(PALETTE.text))
        painter.drawText(layout.retry, Qt.AlignmentFlag.AlignCenter, "Reconnect")


def _shorten(message: str, box: QRectF, face: QFont) -> str:
    """Shorten a message to a small tile; the tool tip shows all of it."""
    metrics = QFontMetricsF(face)
    if metrics.boundingRect(box, _WRAPPED, message).height() <= box.height():
        return message
    if metrics.height() > box.height():
        return ""
    return metrics.elidedText(message, Qt.TextElideMode.ElideRight, box.width())


def _paint_caption(painter: QPainter, tile: CameraTile, layout: TileLayout) -> None:
    """Draw the name along the lower edge, and details where there is room."""
    u = layout.scale
    strip = QRectF(
        layout.area.left(),
        layout.area.bottom() - _CAPTION_U * u,
        layout.area.width(),
        _CAPTION_U * u,
    )
    words = tile.name, tile.detail, SEVERITY_COLOURS[tile.severity]
    painter.drawImage(
        strip.topLeft(), _draw_caption(words, bool(tile.warning), round(strip.width()), u)
    )


@lru_cache(64)
def _draw_caption(words: tuple[str, str, str], warns: bool, width_px: int, scale: float) -> QImage:
    """Draw a caption, once; it changes a few times a second at most."""
    name, detail, colour = words
    strip = _make_blank_image(max(width_px, 1), round(_CAPTION_U * scale))
    strip.fill(to_qcolor(_DARK, 0.78))
    painter = QPainter(strip)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(to_qcolor(colour))
    painter.drawEllipse(QPointF(13 * scale, strip.height() / 2), 4 * scale, 4 * scale)
    text = QRectF(strip.rect()).adjusted(24 * scale, 0, -10 * scale, 0)
    if warns:
        side = 15 * scale
        mark = QRectF(text.right() - side, (strip.height() - side) / 2, side, side)
        load_icon("warning", PALETTE.care).paint(painter, mark.toRect())
        text.setRight(mark.left() - 6 * scale)
    face = make_font(scale, 12, bold=True)
    small = make_font(scale, 11)
    shown = QFontMetricsF(face).elidedText(name, Qt.TextElideMode.ElideMiddle, text.width())
    painter.setFont(face)
    painter.setPen(to_qcolor(PALETTE.text))
    painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
    left = text.width() - QFontMetricsF(face).horizontalAdvance(shown) - 12 * scale
    fitting = _fit_detail(detail, QFontMetricsF(small), left)
    painter.setFont(small)
    painter.setPen(to_qcolor(PALETTE.muted))
    painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, fitting)
    painter.end()
    return strip


def _fit_detail(detail: str, metrics: QFontMetricsF, width_px: float) -> str:
    """Drop parts from the end until the rest fits."""
    parts = detail.split(" · ")
    while parts and metrics.horizontalAdvance(" · ".join(parts)) > width_px:
        parts.pop()
    return " · ".join(parts)


def _paint_button(painter: QPainter, area: QRectF, name: str, scale: float) -> None:
    """Draw a small button on an image."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(to_qcolor(_DARK, 0.74))
    painter.drawRoundedRect(area, 5 * scale, 5 * scale)
    edge = 5 * scale
    load_icon(name).paint(painter, area.adjusted(edge, edge, -edge, -edge).toRect())


def _make_blank_image(width_px: int, height_px: int) -> QImage:
    """Make a transparent image; unlike a pixmap it may outlive the application."""
    image = QImage(width_px, height_px, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    return image
