"""The room in 3D, by its pixels and its response to the mouse."""

from dataclasses import replace

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QWheelEvent

from app.presenters.room import present_room
from app.views.room.paint import compute_view_corners
from app.views.room.room_3d import Room3D
from app.views.theme import PALETTE
from engine.poses import JointSource
from tests.support import scenes
from tests.support.pixels import grab_pixels, measure_colour_share


def make(qtbot, *, rig=None, framesets: int = 40) -> Room3D:
    recent = [scenes.make_poses_3d(index) for index in range(framesets)]
    room = Room3D(present_room(rig, scenes.load_walker_skeleton(), recent))
    qtbot.addWidget(room)
    room.resize(800, 600)
    return room


@pytest.fixture
def room(qtbot) -> Room3D:
    return make(qtbot, rig=scenes.make_square_rig())


def test_the_person_is_drawn_where_the_eye_sees_them(room: Room3D):
    drawn = grab_pixels(room).astype(int)
    person = scenes.make_poses_3d(39).people[0]
    knee = person.xyz[scenes.load_walker_skeleton().index("left_knee")]
    x, y = np.round(room.orbit().project(knee, (800, 600))[0]).astype(int)
    patch = drawn[y - 3 : y + 4, x - 3 : x + 4].reshape(-1, 3)
    assert patch.max(1).max() > 150  # a bright joint on a dark floor


def test_without_people_the_room_has_no_skeleton(qtbot):
    empty = make(qtbot, rig=scenes.make_square_rig(), framesets=0)
    assert measure_colour_share(grab_pixels(empty), PALETTE.left, 20) < 3e-4  # the legend alone


def test_every_camera_and_its_name_fit_into_the_picture(room: Room3D):
    for camera in scenes.make_square_rig():
        (x, y), depth = room.orbit().project(camera.centre, (800, 600))
        assert 0 < x < 800
        assert 0 < y < 600
        assert depth > 0


def test_without_a_rig_the_room_says_what_to_do(qtbot):
    assert measure_colour_share(grab_pixels(make(qtbot)), PALETTE.text, 40) > 1e-3


def test_dragging_turns_the_room(room: Room3D, qtbot):
    room.show()
    before = room.orbit()
    qtbot.mousePress(room, Qt.MouseButton.LeftButton, pos=QPoint(400, 300))
    qtbot.mouseMove(room, QPoint(300, 300))
    assert room.orbit().target is before.target
    assert room.orbit().azimuth_rad > before.azimuth_rad
    qtbot.mouseRelease(room, Qt.MouseButton.LeftButton, pos=QPoint(300, 300))


def test_the_wheel_zooms_and_a_double_click_shows_all_again(room: Room3D, qtbot):
    before = room.orbit()
    wheel = QWheelEvent(
        QPointF(400, 300), QPointF(400, 300), QPoint(), QPoint(0, 240), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    room.wheelEvent(wheel)
    assert room.orbit().distance_m < before.distance_m
    qtbot.mouseDClick(room, Qt.MouseButton.LeftButton)
    assert room.orbit().distance_m == pytest.approx(before.distance_m)


def test_the_eye_stays_while_people_move_and_returns_for_new_cameras(room: Room3D):
    turned = room.orbit().rotate(1, 0)
    room.set_orbit(turned)
    room.show_room(present_room(None, scenes.load_walker_skeleton(), []))
    assert room.orbit() is not turned


def test_the_pyramid_of_a_camera_is_what_it_sees():
    camera = scenes.make_square_rig()[0]
    corners = compute_view_corners(camera, 0.5)
    pixels = (corners @ camera.R.T + camera.t) @ camera.matrix.T
    np.testing.assert_allclose(
        pixels[:, :2] / pixels[:, 2:], [[0, 0], [640, 0], [640, 480], [0, 480]], atol=1e-6
    )


def guessed_scene(sigma_m: float):
    """Show a person whom one camera alone has guessed, with a doubt along x."""
    scene = present_room(
        scenes.make_square_rig(), scenes.load_walker_skeleton(), [scenes.make_poses_3d(39)]
    )
    person = scene.people[0]
    count = len(person.xyz)
    doubt = np.tile(np.diag([sigma_m**2, 1e-5, 1e-5]), (count, 1, 1))
    guessed = replace(person, covariance=doubt, source=np.full(count, JointSource.GUESSED))
    return replace(scene, people=(guessed,), trail_xy_m=None)


def test_a_guessed_joint_has_a_bar_as_long_as_its_doubt(room: Room3D):
    drawn = []
    for sigma_m in (0.02, 0.3):
        room.show_room(guessed_scene(sigma_m))
        drawn.append(grab_pixels(room).astype(int))
    room.show_room(replace(guessed_scene(0.3), people=()))
    empty = grab_pixels(room).astype(int)
    changed = [(np.abs(picture - empty).max(-1) > 24).sum() for picture in drawn]
    assert changed[1] > 1.15 * changed[0]
    person = guessed_scene(0.3).people[0]
    for joint in ("left_wrist", "right_knee"):
        end = person.xyz[scenes.load_walker_skeleton().index(joint)] + [0.27, 0, 0]
        x, y = np.round(room.orbit().project(end, (800, 600))[0]).astype(int)
        near = np.abs(drawn[1] - empty)[y - 3 : y + 4, x - 3 : x + 4]
        assert near.max() > 24


def test_a_note_is_written_over_the_room_and_goes_again(room: Room3D):
    scene = guessed_scene(0.02)
    room.show_room(scene)
    without = grab_pixels(room)[:60]
    room.show_room(replace(scene, note="Only 'left' sees you: depth is a guess.", guessed=True))
    assert measure_colour_share(grab_pixels(room)[:60], PALETTE.care, 40) > 0.002
    room.show_room(scene)
    assert np.array_equal(grab_pixels(room)[:60], without)
