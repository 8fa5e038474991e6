"""The player: serves the newest request in a thread of its own, reports errors, and ends."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from app.control.player import Player, load_moment, repair_and_open
from app.presenters.player import describe_playback, find_best_instant, present_moment
from app.presenters.severity import Severity
from engine.session.playback import Playback
from tests.support.patience import PATIENCE_S, wait_until
from tests.support.sessions import record_session
from tests.support.videos import read_number


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    path = tmp_path_factory.mktemp("player") / "walk"
    record_session(path, 30, lost=(7,))
    return path


def news_of(player, wanted):
    """Wait for a state that is wanted; the newest news if it never comes."""
    states = [None]

    def came():
        states.append(player.take() or states[-1])
        return states[-1] is not None and wanted(states[-1])

    wait_until(came)
    return states[-1]


def test_the_first_thing_to_see_is_that_it_opens_then_the_first_instant(walk, monkeypatch):
    go = threading.Event()
    monkeypatch.setattr(
        "app.control.player.repair_and_open",
        lambda path: repair_and_open(path) if go.wait(PATIENCE_S) else None,
    )
    player = Player(walk, close_s=PATIENCE_S)
    said = player.take().message
    go.set()
    state = news_of(player, lambda state: state.session is not None)
    assert player.close()
    assert "walk" in said
    assert (state.instant, state.session.count) == (0, 30)
    assert state.clock == "0:00.000"
    assert state.frame == "Frame 1 of 30"


def test_the_newest_wish_is_served(walk):
    player = Player(walk, close_s=PATIENCE_S)
    for instant in range(30):
        player.seek(instant)
    state = news_of(player, lambda state: state.instant == 29)
    assert player.close()
    assert state.instant == 29
    assert read_number(state.cameras[0].image_bgr) == 29


def test_a_wish_beyond_the_end_is_the_last_instant(walk):
    player = Player(walk, close_s=PATIENCE_S)
    player.seek(10_000)
    assert news_of(player, lambda state: state.instant == 29).instant == 29
    assert player.close()


def test_there_is_no_news_twice(walk):
    player = Player(walk, close_s=PATIENCE_S)
    news_of(player, lambda state: state.session is not None)
    assert player.take() is None
    assert player.close()


def test_no_thread_is_left_and_closing_twice_is_fine(walk):
    before = set(threading.enumerate())
    player = Player(walk, close_s=PATIENCE_S)
    assert player.close()
    assert player.close()
    assert set(threading.enumerate()) <= before


def test_what_cannot_be_opened_is_a_sentence(tmp_path):
    player = Player(tmp_path / "nowhere", close_s=PATIENCE_S)
    state = news_of(player, lambda state: state.severity is Severity.ERROR)
    assert player.close()
    assert "is no session" in state.message


def test_a_session_that_was_broken_off_is_repaired_and_shown(tmp_path):
    record_session(tmp_path / "s", 10)
    manifest = tmp_path / "s" / "session.toml"
    manifest.write_text(manifest.read_text().replace("finished = true", "finished = false"))
    with repair_and_open(tmp_path / "s") as playback:
        assert len(playback) == 10
    assert "repaired = true" in manifest.read_text()


def test_a_moment_shows_images_people_room_and_trail(walk):
    with Playback.open(walk) as playback:
        take = describe_playback(playback, ("blazepose",))
        state = present_moment(take, load_moment(playback, 12))
    assert [tile.name for tile in state.cameras] == ["cam_0", "cam_1"]
    assert all(tile.people for tile in state.cameras)
    assert len(state.room.people) == 1
    assert state.room.trail_xy_m.shape == (13, 2)
    assert np.isfinite(state.room.trail_xy_m).all()
    assert (take.can_export, take.models, take.remarks) == (True, ("blazepose",), ())
    assert "2 cameras at 30 fps" in take.facts


def test_a_missing_image_is_marked_and_said(walk):
    with Playback.open(walk) as playback:
        take = describe_playback(playback)
        gap = present_moment(take, load_moment(playback, 7, follows=True)).cameras[1]
        jump = present_moment(take, load_moment(playback, 7)).cameras[1]
    assert np.flatnonzero(take.missing).tolist() == [7]
    assert take.missing[7] == 0.5
    assert gap.image_bgr is None
    assert (gap.keeps_image, jump.keeps_image) == (True, False)


def test_a_camera_without_a_video_says_so_and_is_no_gap(tmp_path):
    record_session(tmp_path / "s", 6)
    (tmp_path / "s" / "cameras" / "cam_1.mkv").unlink()
    with Playback.open(tmp_path / "s") as playback:
        take = describe_playback(playback)
        tile = present_moment(take, load_moment(playback, 2)).cameras[1]
    assert "missing" in tile.message
    assert not take.missing.any()


def test_a_session_without_a_rig_says_why_there_is_no_room(tmp_path):
    record_session(tmp_path / "s", 6, posed=False)
    with Playback.open(tmp_path / "s") as playback:
        take = describe_playback(playback)
        room = present_moment(take, load_moment(playback, 2)).room
    assert room.rig is None
    assert "not calibrated" in room.message
    assert not take.can_export


def test_the_best_instant_lies_in_the_second_half_and_has_all_images(walk):
    with Playback.open(walk) as playback:
        assert find_best_instant(playback) >= 15


def test_where_the_room_was_not_known_yet_it_says_from_when_on_it_is(walk):
    with Playback.open(walk) as playback:
        take, moment = describe_playback(playback, ("blazepose",)), load_moment(playback, 3)
    late = replace(take, joints_found=np.where(np.arange(30) < 12, np.nan, 1.0))
    nobody = replace(moment, poses_3d=None)
    unseen = replace(
        nobody,
        poses_2d=replace(moment.poses_2d, poses_by_view=((), moment.poses_2d.poses_by_view[1])),
    )
    assert "No skeleton before 0:00.4" in present_moment(late, nobody).room.note
    assert not present_moment(late, unseen).room.note
    assert not present_moment(take, moment).room.note
