"""The grid of cameras: all views with the joints found in them."""

import math
from collections.abc import Sequence
from operator import attrgetter

from PyQt6.QtCore import QPointF, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import (
    QContextMenuEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PyQt6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QWidget

from app.presenters.cameras import CameraTile
from app.requests import AddCamera, Reconnect, RemoveCamera
from app.views.live.camera_picture import CameraPicture
from app.views.live.camera_tile import TileLayout, paint_tile, subtract_rect
from app.views.theme import PALETTE, load_icon, make_font, to_qcolor
from calibration.skeleton import Skeleton

STUDIO_ADDRESS = "studio:?cameras=4&seconds=3600"  # all motions, for a quick calibration
_GAP_U = 8.0
_DEFAULT_ASPECT = 4 / 3
_ENLARGED_SHARE = 0.76  # of the height; the other cameras are below


class CameraGrid(QWidget):
    """Draws all cameras in one paint event; each new image is scaled once.

    Parameters
    ----------
    skeleton
        Names the joints of the people.
    """

    requested = pyqtSignal(object)
    add_requested = pyqtSignal()
    settings_requested = pyqtSignal(str)

    def __init__(self, skeleton: Skeleton) -> None:
        super().__init__()
        self._skeleton = skeleton
        self._tiles: tuple[CameraTile, ...] = ()
        self._pictures: dict[str, CameraPicture] = {}
        self._tile_layouts: list[TileLayout] = []
        self._gaps: list[QRectF] = []  # between them
        self._arranged_key: tuple[object, ...] | None = None  # of the present layout
        self._scale = 1.0
        self._live = False
        self._enlarged: str | None = None
        self._under_mouse: str | None = None
        self._first_steps = self._make_first_steps()
        self.setMinimumSize(240, 120)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def show_cameras(self, tiles: tuple[CameraTile, ...]) -> None:
        """Show these cameras.

        Parameters
        ----------
        tiles
            In camera order.
        """
        names = {tile.name for tile in tiles}
        for name in self._pictures.keys() - names:
            del self._pictures[name]
        for tile in tiles:
            picture = self._pictures.setdefault(tile.name, CameraPicture())
            if tile.image_bgr is None and not tile.keeps_image:
                picture.forget()
            picture.show(tile.image_bgr)
        before, self._tiles = self._tiles, tiles
        if self._enlarged not in names:
            self._enlarged = None
        if self._layout_key() != self._arranged_key:
            self._arrange()
        elif not all(map(_looks_same, before, tiles)):
            self.update()

    def set_live(self, live: bool) -> None:
        """Offer the actions of live cameras, or none in a picture."""
        if live != self._live:
            self._live = live
            self._arrange()

    def set_scale(self, scale: float) -> None:
        """Scale type and lines."""
        self._scale = scale
        self._arrange()

    def enlarge(self, name: str | None) -> None:
        """Enlarge one camera; None, or the same again, shows all at the same size."""
        known = name if any(tile.name == name for tile in self._tiles) else None
        self._enlarged = None if known == self._enlarged else known
        self._arrange()

    def enlarge_number(self, number: int) -> None:
        """Enlarge the camera with this 0-based number, if there is one."""
        if 0 <= number < len(self._tiles):
            self.enlarge(self._tiles[number].name)

    def enlarged_camera(self) -> str | None:
        """Return the enlarged camera; None where there is none."""
        return self._enlarged

    def make_menu(self, name: str) -> QMenu:
        """Make the menu of a camera.

        Returns
        -------
        menu
            Belongs to the grid.
        """
        menu = QMenu(self)
        words = "Show all cameras" if self._enlarged == name else "Enlarge"
        for text, act in (
            (words, lambda: self.enlarge(name)),
            ("Settings…", lambda: self.settings_requested.emit(name)),
            ("Reconnect", lambda: self.requested.emit(Reconnect(name))),
            ("Remove", lambda: self.requested.emit(RemoveCamera(name))),
        ):
            action = menu.addAction(text)
            if action:
                action.triggered.connect(act)
        return menu

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw every tile, or what to do where there is none."""
        painter = QPainter(self)
        for gap in self._gaps:
            painter.fillRect(gap, to_qcolor(PALETTE.ground))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self._tiles:
            self._paint_empty(painter)
        for tile, spot in zip(self._tiles, self._tile_layouts):
            hovered = self._live and self._under_mouse == tile.name
            paint_tile(
                painter, (tile, self._pictures[tile.name]), spot, self._skeleton, hovered=hovered
            )

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Lay out the tiles again."""
        self._arrange()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Enlarge a camera, or press a button on it."""
        if event is None or event.button() != Qt.MouseButton.LeftButton:
            return
        spot, tile = self._find_tile(event.position())
        if spot is None or tile is None:
            return
        if self._live and tile.can_retry and spot.retry.contains(event.position()):
            self.requested.emit(Reconnect(tile.name))
        elif self._live and spot.settings.contains(event.position()):
            self.settings_requested.emit(tile.name)
        elif self._live and spot.remove.contains(event.position()):
            self.requested.emit(RemoveCamera(tile.name))
        else:
            self.enlarge(tile.name)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Show the buttons and the warning of the camera under the mouse."""
        if event is None:
            return
        _, tile = self._find_tile(event.position())
        name = tile.name if tile else None
        if name != self._under_mouse:
            self._under_mouse = name
            self.setToolTip("\n".join(filter(None, (tile.message, tile.warning))) if tile else "")
            self.update()

    def leaveEvent(self, event) -> None:
        """Hide the buttons."""
        self._under_mouse = None
        self.update()

    def contextMenuEvent(self, event: QContextMenuEvent | None) -> None:
        """Open the menu of the camera under the mouse."""
        if event is None or not self._live:
            return
        _, tile = self._find_tile(QPointF(event.pos()))
        if tile:
            menu = self.make_menu(tile.name)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Leave keys to the window."""
        if event:
            event.ignore()

    def _find_tile(self, place: QPointF) -> tuple[TileLayout | None, CameraTile | None]:
        """Find the tile at a place."""
        for spot, tile in zip(self._tile_layouts, self._tiles):
            if spot.area.contains(place):
                return spot, tile
        return None, None

    def _layout_key(self) -> tuple[object, ...]:
        """Return everything the layout depends on."""
        return self._enlarged, *((tile.name, self._find_aspect(tile)) for tile in self._tiles)

    def _arrange(self) -> None:
        """Lay out the tiles and redraw."""
        self._arranged_key = self._layout_key()
        areas = self._compute_areas()
        self._tile_layouts = [TileLayout.from_area(area, self._scale) for area in areas]
        self._gaps = [QRectF(self.rect())]
        for area in areas:  # a pixel wider, since the edge of a tile may lie within one
            inside = area.adjusted(1, 1, -1, -1)
            self._gaps = [rest for gap in self._gaps for rest in subtract_rect(inside, gap)]
        u, empty = self._scale, self._live and not self._tiles
        self._first_steps.setVisible(empty)
        if empty:
            hint = self._first_steps.sizeHint()
            left = (self.width() - hint.width()) // 2
            self._first_steps.setGeometry(
                left, self.height() // 2 + round(44 * u), hint.width(), hint.height()
            )
        self.update()

    def _compute_areas(self) -> list[QRectF]:
        """Compute the area of each tile."""
        gap, area = _GAP_U * self._scale, QRectF(self.rect())
        aspects = [self._find_aspect(tile) for tile in self._tiles]
        if self._enlarged is None or len(self._tiles) < 2:
            return arrange_tiles(aspects, area, gap)
        large = next(index for index, tile in enumerate(self._tiles) if tile.name == self._enlarged)
        height = area.height() * _ENLARGED_SHARE
        others = [aspect for index, aspect in enumerate(aspects) if index != large]
        width = (area.width() - gap * (len(others) - 1)) / len(others)
        top = area.top() + height + gap
        areas = [
            QRectF(area.left() + i * (width + gap), top, width, area.height() - height - gap)
            for i in range(len(others))
        ]
        areas.insert(large, QRectF(area.left(), area.top(), area.width(), height))
        return areas

    def _find_aspect(self, tile: CameraTile) -> float:
        """Return a tile's width by height."""
        size = self._pictures[tile.name].size_wh()
        return size[0] / size[1] if size else _DEFAULT_ASPECT

    def _make_first_steps(self) -> QWidget:
        """Make the buttons of an empty grid."""
        steps = QWidget(self)
        row = QHBoxLayout(steps)
        add = QPushButton(load_icon("plus", PALETTE.ground), "Add a camera…")
        add.setObjectName("primary")
        add.clicked.connect(self.add_requested)
        studio = QPushButton("Simulated cameras")
        studio.setToolTip("A virtual room with four cameras and a walking person")
        studio.clicked.connect(lambda: self.requested.emit(AddCamera(STUDIO_ADDRESS)))
        for button in (add, studio):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            row.addWidget(button)
        steps.hide()
        return steps

    def _paint_empty(self, painter: QPainter) -> None:
        """Paint what to do before there is a camera."""
        u, area = self._scale, QRectF(self.rect())
        painter.setPen(to_qcolor(PALETTE.line))
        painter.setBrush(to_qcolor(PALETTE.surface))
        painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), 8 * u, 8 * u)
        middle = area.center().y() - (22 * u if self._live else 0)
        centred = Qt.AlignmentFlag.AlignCenter
        painter.setPen(to_qcolor(PALETTE.text))
        painter.setFont(make_font(u, 18, bold=True))
        painter.drawText(
            QRectF(area.left(), middle - 34 * u, area.width(), 30 * u), centred, "No camera yet"
        )
        painter.setPen(to_qcolor(PALETTE.muted))
        painter.setFont(make_font(u, 13))
        hint = "Add two or more cameras or videos\nthat see the same part of the room."
        painter.drawText(QRectF(area.left(), middle, area.width(), 44 * u), centred, hint)


def arrange_tiles(aspects: Sequence[float], area: QRectF, gap: float) -> list[QRectF]:
    """Lay out tiles so that the images are as large as possible.

    Parameters
    ----------
    aspects
        Width by height of each image.
    area
        Available area.
    gap
        Between tiles, px.

    Returns
    -------
    rectangles
        One per tile, row by row; each as large as its cell.
    """
    count = len(aspects)
    if not count:
        return []
    columns = max(
        range(1, count + 1), key=lambda columns: _sum_image_area(aspects, area, gap, columns)
    )
    rows = math.ceil(count / columns)
    width = (area.width() - gap * (columns - 1)) / columns
    height = (area.height() - gap * (rows - 1)) / rows
    cells = [divmod(index, columns) for index in range(count)]
    left, top = area.left(), area.top()
    return [
        QRectF(left + c * (width + gap), top + r * (height + gap), width, height) for r, c in cells
    ]


def _looks_same(before: CameraTile, now: CameraTile) -> bool:
    """Whether a camera looks as before and need not be redrawn."""
    if before.image_bgr is not now.image_bgr or before.people is not now.people:
        return False
    get_shown = attrgetter("detail", "severity", "message", "can_retry", "warning")
    return get_shown(before) == get_shown(now)


def _sum_image_area(aspects: Sequence[float], area: QRectF, gap: float, columns: int) -> float:
    """Sum the area of the images in a grid of so many columns."""
    rows = math.ceil(len(aspects) / columns)
    width = (area.width() - gap * (columns - 1)) / columns
    height = (area.height() - gap * (rows - 1)) / rows
    return sum(max(min(width, height * aspect), 0.0) ** 2 / aspect for aspect in aspects)
