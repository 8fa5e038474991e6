"""A recording: written as it is read, and shown at its best frame."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.paths import require_writable
from app.presenters.recording import (
    RecordingResult,
    find_best_row,
    measure_joints_found,
    present_recording,
)
from app.presenters.severity import Severity
from calibration.rig import Rig
from engine.errors import SessionError
from engine.frames import Frame
from engine.offline.footage import Footage
from engine.offline.recording import Reconstruction
from engine.offline.tracked_session_writer import TrackedSessionWriter
from engine.session.session import Session
from tests.support import scenes

COUNT = 12


class Filmed:
    """One camera's frames, ready made."""

    live, rate_fps, frame_count, remarks = False, 30.0, COUNT, ()

    def __init__(self, rig: Rig, view: int) -> None:
        self.name, self.size_wh = rig.names[view], rig[view].size_wh
        self._coming = iter([scenes.make_frames(rig, index).frames[view] for index in range(COUNT)])

    def open(self) -> None:
        pass

    def close(self) -> None:
        pass

    def read(self, timeout_ms: int) -> Frame | None:
        return next(self._coming, None)


@pytest.fixture
def rig() -> Rig:
    return scenes.make_square_rig(2)


@pytest.fixture
def footage(rig: Rig) -> Footage:
    sources = tuple(Filmed(rig, view) for view in range(2))
    return Footage(sources, (0, 0), ("studio:a", "studio:b"), studio=object())


@pytest.fixture
def result(rig: Rig) -> RecordingResult:
    poses_2d = tuple(scenes.make_poses_2d(rig, index) for index in range(COUNT))
    poses_3d = tuple(scenes.make_poses_3d(index) for index in range(COUNT))
    return RecordingResult(
        "Take",
        rig.names,
        scenes.load_walker_skeleton(),
        30.0,
        scenes.make_report(rig),
        rig,
        poses_2d,
        poses_3d,
    )


def test_a_take_that_is_read_is_a_session_that_can_be_opened(
    footage: Footage, result: RecordingResult, tmp_path: Path
):
    with TrackedSessionWriter(
        tmp_path / "take", footage, "blazepose", {"stature_m": 1.8}
    ) as recording:
        framesets = list(recording.footage.read_framesets())
        sink = recording.open_raw_pose_sink(result.skeleton, "abc123")
        for frames, poses_2d, poses_3d in zip(framesets, result.poses_2d, result.poses_3d):
            sink.put(frames, poses_2d, poses_3d)
        recording.write_rig(scenes.make_square_rig(2))
        recording.write_reconstruction(Reconstruction(result.poses_2d, result.poses_3d, ()))
    session = Session.open(tmp_path / "take")
    assert len(framesets) == COUNT
    assert session.remarks == ()
    assert session.facts.stature_m == 1.8
    assert session.facts.model == {"name": "blazepose", "sha256": "abc123"}
    assert session.rig().names == ("cam_0", "cam_1")
    assert [len(session.ledger(camera)) for camera in session.cameras] == [COUNT, COUNT]
    kept = list(session.poses_3d().sets_3d())
    np.testing.assert_allclose(kept[5].people[0].xyz, result.poses_3d[5].people[0].xyz, atol=1e-6)


def test_a_take_that_fails_leaves_a_session_that_says_it_is_not_finished(
    footage: Footage, tmp_path: Path
):
    recording = TrackedSessionWriter(tmp_path / "take", footage, "blazepose", {})
    recording.footage.sources[0].read(0)
    recording.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert "not finished" in " ".join(Session.open(tmp_path / "take").remarks)


def test_a_take_never_overwrites_one(footage: Footage, tmp_path: Path):
    (tmp_path / "take").mkdir()
    (tmp_path / "take" / "mine").write_text("kept")
    with pytest.raises(SessionError, match="never overwritten"):
        TrackedSessionWriter(tmp_path / "take", footage, "blazepose", {})
    assert (tmp_path / "take" / "mine").read_text() == "kept"


def test_the_best_moment_is_late_and_shows_most(result: RecordingResult):
    poses_3d = tuple(
        replace(poses, people=()) if index != 9 else poses
        for index, poses in enumerate(result.poses_3d)
    )
    assert find_best_row(replace(result, poses_3d=poses_3d)) == 9
    assert find_best_row(result) >= COUNT // 2


def test_the_window_of_a_take_tells_its_figures(result: RecordingResult, rig: Rig):
    state = present_recording(result, scenes.make_frames(rig, 7), 7)
    figures = {item.label: (item.value, item.severity) for item in state.status}
    assert figures["Cameras"] == ("2 at 30 fps", Severity.NEUTRAL)
    assert figures["Joints found"] == ("100 %", Severity.GOOD)
    assert figures["Frames lost"][0] == "0.0 %"
    assert state.cameras[0].detail == "640×480 · 30 fps"
    assert len(state.room.people) == 1


def test_joints_that_are_missing_are_counted(result: RecordingResult):
    without = tuple(
        replace(poses, people=()) if index % 2 else poses
        for index, poses in enumerate(result.poses_3d)
    )
    half = replace(result, poses_3d=without)
    assert measure_joints_found(half) == pytest.approx(0.5)
    assert measure_joints_found(replace(result, poses_3d=())) == 0


def test_a_refused_take_can_be_shown_too(result: RecordingResult, rig: Rig):
    refused = replace(result, rig=None, poses_3d=(), report=scenes.make_report(rig, "refused"))
    state = present_recording(
        refused, scenes.make_frames(rig, find_best_row(refused)), find_best_row(refused)
    )
    assert state.room.headline
    assert state.calibration.severity is Severity.ERROR


def test_a_file_in_place_of_a_folder_is_found_before_the_work(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        require_writable(tmp_path / "file" / "rig.toml")


def test_a_writable_place_stays_empty(tmp_path: Path):
    require_writable(tmp_path / "new" / "rig.toml")
    assert list((tmp_path / "new").iterdir()) == []
