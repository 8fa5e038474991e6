"""The room that is made up for one camera, and how it turns once it is known where up is."""

import numpy as np
import pytest

from calibration.rig import Rig
from engine.monocular.guessed_room import (
    HEIGHT_M,
    MIN_TURN_DEG,
    TURN_EVERY_NS,
    TURN_NS,
    GuessedRoom,
    guess_rig,
    is_guessed,
    is_same_guess,
)
from engine.monocular.upright import Floor, up_from_pitch_roll
from tests.support.scenes import make_square_rig

SIZE_WH = (1280, 720)
FRAME_NS = 33_333_333


def floor(pitch_deg, roll_deg=0.0, height_m=2.0):
    return Floor(up_from_pitch_roll(np.radians(pitch_deg), np.radians(roll_deg)), height_m)


def turned_deg(rig: Rig, other: Rig):
    return float(np.degrees(np.arccos(np.clip(rig[0].R[:, 2] @ other[0].R[:, 2], -1, 1))))


def test_without_more_the_camera_is_level_and_looks_at_the_middle():
    camera = guess_rig("webcam", SIZE_WH)[0]
    assert pytest.approx(np.array([[0, 1, 0], [0, 0, -1], [-1, 0, 0]])) == camera.R
    assert camera.centre == pytest.approx([3.0, 0.0, HEIGHT_M])


@pytest.mark.parametrize(("pitch_deg", "roll_deg"), [(0, 0), (18, -3), (-20, 8), (35, 10)])
def test_a_tilted_camera_has_the_room_s_up_where_it_was_told_and_still_faces_the_middle(
    pitch_deg, roll_deg
):
    told = floor(pitch_deg, roll_deg)
    camera = guess_rig("webcam", SIZE_WH, told.up, told.height_m)[0]
    assert pytest.approx(np.eye(3)) == camera.R @ camera.R.T
    assert np.linalg.det(camera.R) == pytest.approx(1.0)
    assert camera.R[:, 2] == pytest.approx(told.up)
    sight = camera.R[2]  # in the room
    assert sight == pytest.approx(
        [-np.cos(np.radians(pitch_deg)), 0.0, -np.sin(np.radians(pitch_deg))]
    )
    assert camera.centre == pytest.approx([3.0, 0.0, 2.0])


def test_only_guesses_for_one_camera_are_turned():
    level, tilted = guess_rig("webcam", SIZE_WH), guess_rig("webcam", SIZE_WH, floor(10).up)
    assert is_guessed(tilted)
    assert is_same_guess(tilted, level)
    assert not is_same_guess(guess_rig("other", SIZE_WH), level)
    assert not is_same_guess(guess_rig("webcam", (640, 480)), level)
    assert not is_same_guess(make_square_rig(1), level)
    assert not is_same_guess(None, level)


def test_a_room_turns_softly_and_then_stays_the_same_object():
    room = GuessedRoom("webcam", SIZE_WH)
    rigs = [room.rig]
    for t_ns in range(0, 2 * TURN_NS, FRAME_NS):
        room.put(floor(20), t_ns)
        rigs.append(room.rig)
    steps = [turned_deg(one, other) for one, other in zip(rigs[1:], rigs)]
    assert max(steps) < 2.0  # degrees a frame
    assert rigs[-1] is rigs[-10]
    assert rigs[-1][0].R[:, 2] == pytest.approx(floor(20).up)
    assert rigs[-1][0].centre[2] == pytest.approx(2.0)


def test_a_room_does_not_turn_for_little_nor_for_nothing_known():
    room = GuessedRoom("webcam", SIZE_WH)
    before = room.rig
    for t in range(100):
        room.put(None if t % 2 else floor(0.9 * MIN_TURN_DEG), t * FRAME_NS)
    assert room.rig is before


def test_a_room_begins_a_turn_every_three_seconds_at_most_and_ends_what_it_began():
    room = GuessedRoom("webcam", SIZE_WH)
    seen = []
    for t_ns in range(0, 2 * TURN_EVERY_NS, FRAME_NS):
        room.put(floor(10 if t_ns == 0 else 20), t_ns)
        seen.append((t_ns, np.degrees(np.arcsin(-room.rig[0].R[2, 2]))))
    early = [pitch for t_ns, pitch in seen if TURN_NS < t_ns < TURN_EVERY_NS]
    assert early == pytest.approx([10.0] * len(early))
    assert seen[-1][1] == pytest.approx(20.0)


def test_a_room_ends_a_turn_though_the_floor_is_no_longer_known():
    room = GuessedRoom("webcam", SIZE_WH)
    room.put(floor(20), 0)
    for t_ns in range(FRAME_NS, 2 * TURN_NS, FRAME_NS):
        room.put(None, t_ns)
    assert room.rig[0].R[:, 2] == pytest.approx(floor(20).up)
