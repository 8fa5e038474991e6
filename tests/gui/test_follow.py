"""The viewpoint with one camera: it finds the person, follows them, and obeys the mouse."""

from dataclasses import replace

import numpy as np
import pytest

from app.presenters.room import RoomScene
from app.views.room.follow_person import find_single_camera_person
from app.views.room.room_3d import Room3D
from engine.monocular.guessed_room import guess_rig
from tests.support import scenes

SIZE_WH = (800, 600)
ALONE = guess_rig("webcam", (1280, 720))


def scene_at(x: float, y: float, rig=ALONE) -> RoomScene:
    """Show a person who stands there."""
    person = scenes.make_poses_3d(39).people[0]
    middle = np.append(np.nanmedian(person.xyz[:, :2], axis=0), 0.0)
    return RoomScene(
        rig,
        scenes.load_walker_skeleton(),
        (replace(person, xyz=person.xyz - middle + [x, y, 0.0]),),
    )


def nobody(rig=ALONE) -> RoomScene:
    return RoomScene(rig, scenes.load_walker_skeleton())


def on_screen(room: Room3D, scene: RoomScene):
    """Where the joints of who is shown lie, (J, 2), px."""
    xyz = scene.people[0].xyz
    return room.orbit().project(xyz[np.isfinite(xyz).all(-1)], SIZE_WH)[0]


@pytest.fixture
def room(qtbot) -> Room3D:
    room = Room3D(nobody())
    qtbot.addWidget(room)
    room.resize(*SIZE_WH)
    return room


@pytest.mark.parametrize("place", [(0.0, 0.0), (-1.5, 2.0), (1.6, -0.4)])
def test_who_appears_before_one_camera_fills_half_of_the_height_in_the_middle(
    room: Room3D, place: tuple[float, float]
):
    scene = scene_at(*place)
    room.show_room(scene)
    xy = on_screen(room, scene)
    height_px = np.ptp(xy[:, 1])
    assert 0.4 * SIZE_WH[1] < height_px < 0.6 * SIZE_WH[1]
    middle = (xy.min(0) + xy.max(0)) / 2
    assert np.abs(middle - [400, 300]).max() < 60


def test_who_walks_away_is_followed_softly_and_never_leaves_the_picture(room: Room3D):
    room.show_room(scene_at(0.0, 0.0))
    steps = []
    for y in np.arange(0.0, 4.0, 1.4 / 30):  # m; a brisk walk at 30 a second
        before = room.orbit().target
        scene = scene_at(0.0, float(y))
        room.show_room(scene)
        steps.append(float(np.linalg.norm(room.orbit().target - before)))
        xy = on_screen(room, scene)
        assert (xy > 0).all()
        assert (xy < SIZE_WH).all()
    assert max(steps) < 0.06  # m
    assert sum(steps) > 2.5


def test_a_step_to_the_side_or_a_guess_that_trembles_moves_nothing(room: Room3D):
    room.show_room(scene_at(0.0, 0.0))
    still = room.orbit()
    for x, y in ((0.3, 0.0), (0.0, 0.4), (-0.3, -0.3), (0.1, 0.0)):
        room.show_room(scene_at(x, y))
        assert room.orbit() is still


def test_who_is_out_of_the_picture_at_once_is_looked_at_at_once(room: Room3D):
    room.show_room(scene_at(0.0, 0.0))
    room.show_room(scene_at(-4.0, 0.0))
    assert np.linalg.norm(room.orbit().target[:2] - [-4.0, 0.0]) < 0.6


def test_whoever_moved_the_eye_keeps_it_until_a_double_click_gives_it_back(room: Room3D):
    room.show_room(scene_at(0.0, 0.0))
    chosen = room.orbit().rotate(0.5, 0.1).zoom(0.6)
    room.set_orbit(chosen)
    room.show_room(scene_at(-3.0, 1.0))
    assert room.orbit() is chosen
    room.set_orbit(None)
    assert np.linalg.norm(room.orbit().target[:2] - [-3.0, 1.0]) < 0.1


def test_where_nobody_is_seen_any_more_the_eye_stays(room: Room3D):
    room.show_room(scene_at(-2.0, 1.0))
    still = room.orbit()
    room.show_room(nobody())
    assert room.orbit() is still


def test_a_room_of_several_cameras_is_shown_whole_whoever_walks_in_it(room: Room3D):
    rig = scenes.make_square_rig()
    room.show_room(nobody(rig))
    whole = room.orbit()
    assert find_single_camera_person(scene_at(2.0, 2.0, rig)) is None
    room.show_room(scene_at(2.0, 2.0, rig))
    assert room.orbit() is whole


def test_a_person_without_a_joint_is_nowhere():
    scene = scene_at(0.0, 0.0)
    empty = replace(scene.people[0], xyz=np.full((33, 3), np.nan))
    assert find_single_camera_person(replace(scene, people=(empty,))) is None


def test_the_eye_stays_while_the_room_of_one_camera_is_turned_and_not_where_another_camera_comes(
    room: Room3D,
):
    room.show_room(scene_at(0.0, 0.0))
    chosen = replace(room.orbit(), azimuth_rad=2.0)
    room.set_orbit(chosen)
    tilted = guess_rig("webcam", (1280, 720), np.array([0.0, -np.cos(0.3), -np.sin(0.3)]))
    room.show_room(scene_at(0.0, 0.0, tilted))
    assert room.orbit() is chosen
    room.show_room(scene_at(0.0, 0.0, guess_rig("other", (1280, 720))))
    assert room.orbit() is not chosen
