"""`epipole track` with one video: a guess, marked as one, and refused without a model."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from app.cli import main as cli
from app.control.player import load_moment
from app.presenters.player import describe_playback, present_moment
from engine.monocular.guessed_room import is_guessed
from engine.offline import observe, track
from engine.session.ending import SessionEnding
from engine.session.playback import Playback
from engine.session.session import Session, write_manifest
from tests.support.fake_models import FakeMonocularEstimator, FakeWalkerEstimator
from tests.support.videos import make_steady_times, write_video


@pytest.fixture
def video(tmp_path, monkeypatch):
    monkeypatch.setattr(
        observe, "create_estimator", lambda _name, views: FakeWalkerEstimator(views)
    )
    path = tmp_path / "phone.mp4"
    write_video(path, make_steady_times(20), size_wh=(640, 480))
    return path


def test_one_video_becomes_a_session_whose_joints_count_one_view(
    video, tmp_path, monkeypatch, capsys
):
    lifter = FakeMonocularEstimator()
    monkeypatch.setattr(track, "load_monocular_model", lambda _name, _person, **_: lifter)
    out = tmp_path / "walk"
    assert cli.main(["track", str(video), "--stature", "1.75", "--out", str(out)]) == 0
    assert "depth is a guess from your height" in capsys.readouterr().out
    session = Session.open(out)
    assert not session.has_rig  # what is made up is not kept
    people = [person for poses in session.poses_3d().sets_3d() for person in poses.people]
    assert len(people) == 20
    assert all(set(np.unique(person.view_count)) == {0, 1} for person in people)
    assert lifter.closed


def test_a_session_of_one_camera_is_tracked_again_and_seen_in_the_player(
    video, tmp_path, monkeypatch
):
    lifters = [FakeMonocularEstimator(), FakeMonocularEstimator()]
    whom = []
    remaining = iter(lifters)
    monkeypatch.setattr(
        track,
        "load_monocular_model",
        lambda _name, person, **_: whom.append(person) or next(remaining),
    )
    walk = tmp_path / "walk"
    assert cli.main(["track", str(video), "--stature", "1.75", "--out", str(walk)]) == 0
    facts = Session.open(walk).facts
    write_manifest(
        walk,
        replace(facts, person="Anna"),
        Session.open(walk).cameras,
        SessionEnding(finished=True),
    )
    tracked = track.track_again(walk, track.TrackOptions("any"))
    assert (tracked.frameset_count, tracked.found_count) == (20, 20)
    again = Session.open(tracked.path)
    assert not again.has_rig
    assert (again.facts.person, whom) == ("Anna", ["", "Anna"])
    assert all(lifter.closed for lifter in lifters)
    with Playback.open(tracked.path) as playback:
        moment = load_moment(playback, 10)
        state = present_moment(describe_playback(playback), moment)
    assert is_guessed(state.room.rig)
    assert len(state.room.people) == 1
    assert "3D from one camera: ± " in state.room.note


def test_without_a_network_one_video_is_refused_before_any_work(
    video, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(
        "engine.monocular.load.ModelLibrary.choose_model",
        lambda *_, **__: SimpleNamespace(entry=None, remarks=()),
    )
    command = ["track", str(video), "--model", "rtmpose-m", "--out", str(tmp_path / "walk")]
    assert cli.main(command) == 1
    assert "need two cameras" in capsys.readouterr().err
    assert not (tmp_path / "walk").exists()


def test_one_video_and_no_network_wanted_is_a_usage_mistake(video, tmp_path):
    assert cli.main(["track", str(video), "--lift", "none", "--out", str(tmp_path / "walk")]) == 2
