"""The grid of cameras, by its pixels."""

import numpy as np
import pytest
from PyQt6.QtCore import QRectF
from PyQt6.QtGui import QColor

from app.presenters.cameras import CameraTile
from app.views.live.camera_grid import CameraGrid, arrange_tiles
from app.views.theme import PALETTE
from engine.poses import Pose2D
from tests.support import scenes
from tests.support.pixels import grab_pixels, measure_colour_share

AREA = QRectF(0, 0, 800, 600)


@pytest.fixture
def grid(qtbot) -> CameraGrid:
    grid = CameraGrid(scenes.load_walker_skeleton())
    qtbot.addWidget(grid)
    grid.resize(800, 600)
    return grid


def flat(bgr: tuple[int, int, int]) -> np.ndarray:
    return np.full((480, 640, 3), bgr, np.uint8)


def test_red_stays_red(grid: CameraGrid):
    grid.show_cameras((CameraTile("left", flat((0, 0, 255))),))
    np.testing.assert_array_equal(grab_pixels(grid)[300, 400], [255, 0, 0])


def test_each_camera_has_its_own_place_in_order(grid: CameraGrid):
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)]
    grid.show_cameras(
        tuple(CameraTile(str(index), flat(colour)) for index, colour in enumerate(colours))
    )
    seen = grab_pixels(grid)
    for (y, x), colour in zip(((150, 200), (150, 600), (450, 200), (450, 600)), colours):
        np.testing.assert_array_equal(seen[y, x], colour[::-1])


def test_a_joint_is_drawn_where_it_is_in_the_image(grid: CameraGrid):
    xy, confidence = np.full((33, 2), np.nan), np.zeros(33)
    xy[scenes.load_walker_skeleton().index("left_knee")] = 160, 360
    confidence[scenes.load_walker_skeleton().index("left_knee")] = 1
    grid.show_cameras((CameraTile("a", flat((0, 0, 0)), (Pose2D(0, xy, confidence),)),))
    np.testing.assert_allclose(
        grab_pixels(grid)[450, 200], QColor(PALETTE.good).getRgb()[:3], atol=12
    )


def test_a_joint_that_was_not_found_is_not_drawn(grid: CameraGrid):
    nobody = Pose2D(0, np.full((33, 2), np.nan), np.zeros(33))
    grid.show_cameras((CameraTile("a", flat((0, 0, 0)), (nobody,)),))
    assert grab_pixels(grid)[:500].max() == 0


def test_left_and_right_have_their_own_colours(grid: CameraGrid):
    rig = scenes.make_square_rig(1)
    grid.show_cameras(
        (CameraTile("a", flat((0, 0, 0)), scenes.make_poses_2d(rig, 5).poses_by_view[0]),)
    )
    seen = grab_pixels(grid)
    assert measure_colour_share(seen, PALETTE.left, 60) > 1e-4
    assert measure_colour_share(seen, PALETTE.right, 60) > 1e-4


def test_without_cameras_the_grid_says_what_to_do(grid: CameraGrid):
    empty = grab_pixels(grid)
    assert measure_colour_share(empty, PALETTE.text, 40) > 1e-3


@pytest.mark.parametrize("count", range(1, 9))
@pytest.mark.parametrize("aspect", [9 / 16, 4 / 3, 16 / 9])
def test_tiles_lie_inside_and_never_overlap(count: int, aspect: float):
    tiles = arrange_tiles([aspect] * count, AREA, 8)
    assert len(tiles) == count
    assert all(AREA.adjusted(-0.01, -0.01, 0.01, 0.01).contains(tile) for tile in tiles)
    assert not any(a.intersects(b) for i, a in enumerate(tiles) for b in tiles[:i])


def test_upright_videos_stand_side_by_side_and_wide_ones_two_by_two():
    upright = arrange_tiles([9 / 16] * 4, AREA, 8)
    wide = arrange_tiles([4 / 3] * 4, AREA, 8)
    assert len({tile.top() for tile in upright}) == 1
    assert len({tile.top() for tile in wide}) == 2
