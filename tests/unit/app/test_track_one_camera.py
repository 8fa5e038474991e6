"""`epipole track` with one video: a guess, said as one, and refused where no network can make it."""

from types import SimpleNamespace

import numpy as np
import pytest

from app import cli, observe
from app.commands import track
from engine.session import Session
from tests.support.live_networks import Standing, WalkerSeen
from tests.support.videos import steady, write_video


@pytest.fixture
def video(tmp_path, monkeypatch):
    monkeypatch.setattr(observe, "create_estimator", lambda _name, views: WalkerSeen(views))
    path = tmp_path / "phone.mp4"
    write_video(path, steady(20), size_wh=(640, 480))
    return path


def test_one_video_becomes_a_session_whose_joints_count_one_view(video, tmp_path, monkeypatch, capsys):
    lifter = Standing()
    monkeypatch.setattr(track, "load_lifter", lambda _name: lifter)
    out = tmp_path / "walk"
    assert cli.main(["track", str(video), "--stature", "1.75", "--out", str(out)]) == 0
    assert "depth is a guess from your height" in capsys.readouterr().out
    session = Session.open(out)
    assert not session.has_rig  # what is made up is not kept
    people = [person for poses in session.poses_3d().sets_3d() for person in poses.people]
    assert len(people) == 20
    assert all(set(np.unique(person.views)) == {0, 1} for person in people)
    assert lifter.closed


def test_without_a_network_one_video_is_refused_before_any_work(video, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        "engine.lift_network.NetworkLibrary.choice", lambda *_, **__: SimpleNamespace(entry=None, remarks=())
    )
    assert cli.main(["track", str(video), "--out", str(tmp_path / "walk")]) == 1
    assert "poses need two cameras" in capsys.readouterr().err
    assert not (tmp_path / "walk").exists()


def test_one_video_and_no_network_wanted_is_a_usage_mistake(video, tmp_path):
    assert cli.main(["track", str(video), "--lift", "none", "--out", str(tmp_path / "walk")]) == 2
