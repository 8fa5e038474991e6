"""What has not changed is not redrawn, and what is cached looks as if it were redrawn."""

from dataclasses import replace

import numpy as np
import pytest
from PyQt6.QtCore import QEvent, QObject, QRectF
from PyQt6.QtGui import QImage, QPainter

from app.presenters.cameras import CameraTile
from app.presenters.room import present_room
from app.views.live.camera_grid import CameraGrid
from app.views.live.camera_tile import subtract_rect
from app.views.room.camera_frustums import CameraFrustums
from app.views.room.orbit import Orbit
from app.views.room.paint import Eye
from app.views.room.room_3d import Room3D
from tests.support import scenes

SIZE_WH = (800, 600)


class Paints(QObject):
    """Counts the paints of a widget."""

    count = 0

    def eventFilter(self, watched, event) -> bool:
        """Count one."""
        self.count += event.type() == QEvent.Type.Paint
        return False


def shown(qtbot, widget) -> Paints:
    qtbot.addWidget(widget)
    widget.resize(*SIZE_WH)
    widget.show()
    qtbot.waitExposed(widget)
    paints = Paints(widget)
    widget.installEventFilter(paints)
    return paints


def paints_after(qapp, paints: Paints, act) -> int:
    qapp.processEvents()
    before = paints.count
    act()
    qapp.processEvents()
    return paints.count - before


def test_a_grid_is_drawn_again_for_a_new_image_and_not_for_the_same(qtbot, qapp):
    grid = CameraGrid(scenes.load_walker_skeleton())
    paints = shown(qtbot, grid)
    tile = CameraTile("a", np.zeros((48, 64, 3), np.uint8))
    grid.show_cameras((tile,))
    assert paints_after(qapp, paints, lambda: grid.show_cameras((replace(tile),))) == 0
    other = replace(tile, image_bgr=np.ones((48, 64, 3), np.uint8))
    assert paints_after(qapp, paints, lambda: grid.show_cameras((other,))) == 1


@pytest.mark.parametrize(
    "change", [{"detail": "30 fps"}, {"message": "gone"}, {"warning": "dark"}, {"people": ("x",)}]
)
def test_a_grid_is_drawn_again_for_other_words_or_people(qtbot, qapp, change):
    grid = CameraGrid(scenes.load_walker_skeleton())
    paints = shown(qtbot, grid)
    tile = CameraTile("a", None)
    grid.show_cameras((tile,))
    assert paints_after(qapp, paints, lambda: grid.show_cameras((replace(tile, **change),))) == 1


def test_the_room_is_drawn_again_for_a_new_moment_and_not_for_the_same(qtbot, qapp):
    rig = scenes.make_square_rig()
    first, second = (
        present_room(rig, scenes.load_walker_skeleton(), [scenes.make_poses_3d(index)])
        for index in (3, 4)
    )
    room = Room3D(first)
    paints = shown(qtbot, room)
    assert paints_after(qapp, paints, lambda: room.show_room(replace(first))) == 0
    assert paints_after(qapp, paints, lambda: room.show_room(second)) == 1


@pytest.mark.parametrize("azimuth_rad", [0.2, 1.7, 3.9])
def test_a_camera_laid_over_people_is_the_camera_that_was_drawn(qapp, azimuth_rad):
    rig = scenes.make_square_rig()
    eye = Eye(Orbit(np.array([0, 0, 1.0]), azimuth_rad, 0.4, 9.0), SIZE_WH, 1.0)
    pictures = []
    for draw in ("paint_all", "paint_in_front"):
        image = QImage(*SIZE_WH, QImage.Format.Format_RGB32)
        image.fill(0x203040)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pyramids = CameraFrustums(eye, rig, 1.0)
        where = (np.inf, QRectF(0, 0, *SIZE_WH)) if draw == "paint_in_front" else ()
        getattr(pyramids, draw)(painter, *where)
        painter.end()
        bits = image.constBits()
        bits.setsize(image.sizeInBytes())
        pictures.append(np.frombuffer(bits, np.uint8).copy())
    assert np.abs(np.diff(pictures[0].astype(int))).max() > 50
    apart = np.abs(pictures[0].astype(int) - pictures[1].astype(int))
    assert (
        apart > 3
    ).mean() < 0.002  # edges of letters: Qt blends type a little otherwise on a transparent ground
    assert apart.max() < 40


def test_a_camera_behind_the_people_is_not_laid_over_them(qapp):
    eye = Eye(Orbit(np.array([0, 0, 1.0]), 0.2, 0.4, 9.0), SIZE_WH, 1.0)
    image = QImage(*SIZE_WH, QImage.Format.Format_RGB32)
    image.fill(0x203040)
    empty = image.copy()
    painter = QPainter(image)
    CameraFrustums(eye, scenes.make_square_rig(), 1.0).paint_in_front(
        painter, 0.5, QRectF(0, 0, *SIZE_WH)
    )
    painter.end()
    assert image == empty


def test_the_strips_round_a_hole_cover_the_rest_and_nothing_twice():
    area = QRectF(0, 0, 20, 10)
    for hole in (
        QRectF(5, 2, 6, 3),
        QRectF(-5, 2, 10, 20),
        QRectF(0, 0, 20, 10),
        QRectF(30, 0, 5, 5),
        QRectF(),
    ):
        covered = np.zeros((10, 20), int)
        for strip in (*subtract_rect(hole, area), hole.intersected(area)):
            covered[
                int(strip.top()) : int(strip.bottom()), int(strip.left()) : int(strip.right())
            ] += 1
        assert (covered == 1).all()
