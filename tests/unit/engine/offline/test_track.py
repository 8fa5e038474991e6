"""Tracking again: into a new session, whatever happens the old one stays as it is."""

from pathlib import Path

import numpy as np
import pytest

from calibration.rig import Rig, RigFileError, save_rig
from engine.errors import ModelMissingError
from engine.offline import observe
from engine.offline import track as module
from engine.offline.track import TrackOptions, TrackOptionsError, track_again
from engine.poses import PoseSet2D
from engine.session.session import Session
from tests.support import scenes
from tests.support.sessions import make_named_rig, record_session


class CancelledError(Exception):
    """Raised by a progress callback to cancel."""


class WalkerEstimator:
    """Sees the walker in every image."""

    model_hash = "abc"

    def __init__(self):
        self.skeleton, self.closed = scenes.load_walker_skeleton(), False

    def __call__(self, frames):
        seen = scenes.make_poses_2d(make_named_rig(), frames.index)
        times = tuple(None if frame is None else frame.timestamp_ns for frame in frames.frames)
        return PoseSet2D(frames.index, frames.timestamp_ns, seen.poses_by_view, times)

    def close(self):
        self.closed = True


@pytest.fixture
def walk(tmp_path):
    """Record a two-camera session with a rig and poses, its images as large as the rig's."""
    record_session(tmp_path / "walk", 12)
    small = tuple(
        type(c)(c.name, (64, 48), c.matrix, c.distortion, c.cam_from_world)
        for c in make_named_rig()
    )
    save_rig(Rig(small, {}, {"verdict": "accepted"}), tmp_path / "walk" / "rig.toml")
    return tmp_path / "walk"


@pytest.fixture(autouse=True)
def estimators(monkeypatch):
    """Replace the network."""
    made = []

    def create(model, views):
        if model == "nowhere":
            raise ModelMissingError("There is no model 'nowhere'.")
        made.append(WalkerEstimator())
        return made[-1]

    monkeypatch.setattr(observe, "create_estimator", create)
    return made


def contents(folder: Path):
    return {
        file.relative_to(folder): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_the_new_session_lies_beside_the_old_one_which_stays_as_it_is(walk, estimators):
    before = contents(walk)
    steps = []
    tracked = track_again(
        walk,
        TrackOptions("rtmpose"),
        progress=lambda done: steps.append((done.step, done.share)),
    )
    assert tracked.path == walk.with_name("walk-2")
    assert tracked.frameset_count == 12
    assert contents(walk) == before
    again = Session.open(tracked.path)
    assert (again.facts.model["name"], again.facts.model["sha256"]) == ("rtmpose", "abc")
    assert again.facts.configuration["tracked_from"] == str(walk)
    assert len(list(again.poses_2d_raw().sets_2d())) == 12
    assert len(list(again.poses_3d().sets_3d())) == 12
    assert np.array_equal(
        again.frame_times(again.cameras[0]).time_ns,
        Session.open(walk).frame_times(again.cameras[0]).time_ns,
    )
    shares = [share for _, share in steps]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert estimators[0].closed


def test_every_new_session_gets_a_name_of_its_own(walk):
    assert track_again(walk, TrackOptions("a")).path.name == "walk-2"
    assert track_again(walk, TrackOptions("a")).path.name == "walk-3"


def test_another_rig_can_be_given(walk, tmp_path):
    rig = Session.open(walk).rig()
    save_rig(Rig(rig.cameras, {}, {"verdict": "usable"}), tmp_path / "other.toml")
    tracked = track_again(walk, TrackOptions("a", tmp_path / "other.toml"))
    assert Session.open(tracked.path).rig().metadata["verdict"] == "usable"


def test_a_rig_for_other_images_is_refused_and_nothing_is_left(walk, tmp_path):
    save_rig(make_named_rig(), tmp_path / "large.toml")
    with pytest.raises(RigFileError, match="640x480"):
        track_again(walk, TrackOptions("a", tmp_path / "large.toml"))
    assert not walk.with_name("walk-2").exists()


def test_a_session_without_a_rig_says_what_to_do(walk):
    (walk / "rig.toml").unlink()
    with pytest.raises(TrackOptionsError, match="choose a rig file"):
        track_again(walk, TrackOptions("a"))


@pytest.mark.parametrize("at_step", ["Copying the videos", "Finding joints", "Finishing"])
def test_a_cancel_leaves_nothing_behind(walk, at_step):
    def progress(done):
        if done.step == at_step:
            raise CancelledError

    before = contents(walk)
    with pytest.raises(CancelledError):
        track_again(walk, TrackOptions("a"), progress=progress)
    assert not walk.with_name("walk-2").exists()
    assert contents(walk) == before


def test_a_missing_model_leaves_nothing_behind(walk):
    with pytest.raises(ModelMissingError):
        track_again(walk, TrackOptions("nowhere"))
    assert not walk.with_name("walk-2").exists()


def test_somebody_elses_folder_is_never_removed(walk, monkeypatch):
    """The free name was taken in between: another one is made, and the other's contents stay."""
    theirs = walk.with_name("walk-2")
    names = iter([theirs, walk.with_name("walk-3")])

    def free_name(path):
        name = next(names)
        if name == theirs:
            theirs.mkdir()
            (theirs / "precious").write_text("theirs")
        return name

    monkeypatch.setattr(module, "find_free_path", free_name)
    with pytest.raises(ModelMissingError):
        track_again(walk, TrackOptions("nowhere"))
    assert (theirs / "precious").read_text() == "theirs"
