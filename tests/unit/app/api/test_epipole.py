"""`import epipole`: numpy in and out, and the examples, on small sessions."""

import csv
import runpy
import shutil
import sys
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import epipole
from calibration.rig import Rig, load_rig, save_rig
from calibration.skeleton import load_skeleton
from calibration.synthetic.synthetic import NoiseConfig, RigPlan
from engine.offline.recording import PoseRecording, reconstruct_recording
from engine.session.pose_files import PoseReader
from engine.session.session import SessionFacts
from engine.session.writer import SessionWriter
from tests.golden.make_walk import HERE as GOLDEN
from tests.support.backdrops import rooms_drawn_once  # noqa: F401
from tests.support.calibrations import make_scene
from tests.support.pose_recordings import make_pose_sets
from tests.support.sessions import record_session
from tests.support.videos import make_steady_times, write_video
from tests.unit.app.api.test_surface import API
from tests.unit.app.commands.test_evaluate import people as make_samples
from training.data.samples import write_samples
from training.evaluation.evaluate import EvaluateConfig
from training.evaluation.evaluated_model import EvaluatedModel
from training.finetuning.follow import follow_run
from training.finetuning.process import start_process

EXAMPLES = API / "examples"
SECONDS = 8


@pytest.fixture(scope="module")
def golden(tmp_path_factory) -> Path:
    """The golden recording as a tracked session, without its videos."""
    path = tmp_path_factory.mktemp("golden") / "walk"
    rig = load_rig(GOLDEN / "rig.toml")
    reader = PoseReader(GOLDEN / "poses_2d_raw.bin")
    skeleton = load_skeleton(reader.header.skeleton)
    sizes_wh = tuple(camera.size_wh for camera in rig)
    first = next(reader.sets_2d()).index
    pose_sets = tuple(replace(one, index=one.index - first) for one in reader.sets_2d())
    recording = PoseRecording(pose_sets, skeleton, rig.names, sizes_wh)
    found = reconstruct_recording(recording, rig)
    with SessionWriter(path, SessionFacts(stature_m=1.7, person="Anna")) as writer:
        for camera in rig:
            writer.record_camera(camera.name, source="", size_wh=camera.size_wh, rate_fps=30.0)
        writer.write_rig(rig)
        files = writer.open_pose_files(skeleton, rig.names)
        for raw, matched, room in zip(pose_sets, found.poses_2d, found.poses_3d):
            files.raw_2d.put(raw)
            files.matched_2d.put(matched)
            files.room_3d.put(room)
    return path


@pytest.fixture(scope="module")
def studio() -> epipole.Studio:
    return epipole.Studio("walk", cameras=3, seed=4, seconds=SECONDS)


@pytest.fixture
def pandas(monkeypatch):
    """A stand-in for pandas: a table is a dict of columns."""

    class DataFrame(dict):
        def to_csv(self, path, index):
            assert not index
            with Path(path).open("w", newline="") as file:
                csv.writer(file).writerows([list(self), *zip(*self.values())])

    module = ModuleType("pandas")
    module.DataFrame = DataFrame
    monkeypatch.setitem(sys.modules, "pandas", module)
    return module


def test_a_session_gives_arrays_with_the_axes_frame_person_joint_xyz(golden: Path):
    session = epipole.open_session(golden)
    poses = session.poses()
    expected = np.load(GOLDEN / "expected.npz")["xyz"]
    assert poses.xyz.shape == (60, 1, 33, 3)
    assert np.nanmax(np.abs(poses.xyz[:, 0] - expected)) < 0.5e-3
    assert np.array_equal(np.isnan(poses.xyz[..., 0]), poses.confidence == 0)
    assert np.array_equal(np.isnan(poses.xyz[..., 0]), poses.view_count == 0)
    assert poses.time_s[0] == 0
    assert poses.time_s[-1] == pytest.approx(59 / 30, abs=0.02)
    assert poses.joint("nose").shape == (60, 1, 3)
    assert (session.stature, session.person) == (1.7, "Anna")
    assert isinstance(session.rig, Rig)


def test_smooth_poses_differ_a_little(golden: Path):
    session = epipole.open_session(golden)
    moved = session.poses(smooth=True).xyz - session.poses().xyz
    assert 0 < np.nanmax(np.abs(moved)) < 0.1


def test_the_table_has_the_columns_and_rows_of_the_csv_export(golden: Path, tmp_path, pandas):
    session = epipole.open_session(golden)
    path = epipole.export(session, tmp_path / "walk.csv")
    with path.open() as file:
        rows = list(csv.DictReader(file))
    table = session.poses().to_dataframe()
    assert list(table) == list(rows[0])
    assert len(table["frame"]) == len(rows)
    for name in ("frame", "person", "views"):
        assert [int(row[name]) for row in rows] == list(table[name])
    assert [row["joint"] for row in rows] == list(table["joint"])
    for name in ("time_s", "x_m", "confidence"):
        assert np.allclose([float(row[name]) for row in rows], table[name], atol=1e-4)


def test_observations_of_a_session_are_reconstructed_to_its_poses(golden: Path):
    session = epipole.open_session(golden)
    observations = session.observations()
    assert observations.xy.shape == (60, 4, 1, 33, 2)
    again = epipole.reconstruct(observations, session.rig)
    difference_mm = 1e3 * np.abs(again.xyz - session.poses().xyz)
    assert np.nanmedian(difference_mm) < 1


def test_a_joint_that_does_not_exist_is_named(golden: Path):
    with pytest.raises(KeyError, match="no joint 'tail'"):
        epipole.open_session(golden).poses().joint("tail")


def test_arrays_of_other_shapes_are_refused(studio):
    found = studio.observations()
    with pytest.raises(ValueError, match="confidence must have the shape"):
        replace(found, confidence=found.confidence[:-1])
    with pytest.raises(ValueError, match="must rise"):
        replace(found, time_s=found.time_s[::-1])


def test_the_studio_gives_images_and_the_truth(studio):
    image = studio.image(0, 0)
    assert (image.shape, image.dtype) == ((480, 640, 3), np.uint8)
    assert studio.truth().shape == (SECONDS * 30, 33, 3)
    assert len(studio.rig) == 3
    with pytest.raises(epipole.EngineError, match="no motion 'wlak'"):
        epipole.Studio("wlak")


def test_a_stature_in_centimetres_is_refused(studio):
    with pytest.raises(ValueError, match="in metres"):
        epipole.calibrate(studio.observations(), stature=178)


def test_progress_is_reported_and_may_cancel(studio):
    class CancelledError(Exception):
        pass

    def progress(step, share):
        assert (step, share <= 1) == ("Calibrating", True)
        raise CancelledError

    with pytest.raises(CancelledError):
        epipole.calibrate(studio.observations(), stature=studio.stature, progress=progress)


def test_several_cameras_without_a_rig_say_what_to_do(studio, tmp_path):
    with pytest.raises(epipole.EngineError, match="3 cameras need a rig"):
        epipole.track(studio, tmp_path / "walk")
    assert not (tmp_path / "walk").exists()


def test_evaluate_takes_data_or_a_session():
    with pytest.raises(ValueError, match="either data or a session"):
        epipole.evaluate("any")


def test_sessions_of_several_people_need_a_name(golden: Path, tmp_path):
    with SessionWriter(tmp_path / "s", SessionFacts(person="Ben")):
        pass
    with pytest.raises(ValueError, match="several people"):
        epipole.finetune([golden, tmp_path / "s"])


def test_a_session_that_cannot_be_labelled_says_why(tmp_path):
    with SessionWriter(tmp_path / "s", SessionFacts()):
        pass
    with pytest.raises((epipole.EngineError, epipole.TrainingError)):
        epipole.label(tmp_path / "s")


def test_a_better_model_is_adopted_and_progress_is_reported(tmp_path, monkeypatch):
    steps = []
    use_steps_that_only_report(monkeypatch)
    session = record_session(tmp_path / "walk", 5).path
    result = epipole.finetune(
        session, out=tmp_path / "runs", progress=lambda step, share: steps.append((step, share))
    )
    assert result.adopted
    assert any("61 → 48 mm" in message for message in result.messages)
    assert result.folder.parent == tmp_path / "runs"
    assert all(0 <= share <= 1 for _, share in steps)


def test_a_model_is_evaluated_on_stored_samples(tmp_path, monkeypatch):
    write_samples(tmp_path / "data", make_samples())
    use_model_that_stands_still(monkeypatch)
    evaluated = epipole.evaluate("still", data=tmp_path / "data", out=tmp_path / "out")
    assert "MPJPE" in evaluated.text
    assert evaluated.table["network"] == "still"
    assert evaluated.page.is_file()
    compared = epipole.evaluate("still", data=tmp_path / "data", against="other")
    assert "Against the other model" not in evaluated.text
    assert "Against the other model" in compared.text


def test_the_example_of_ten_lines_runs(tmp_path, monkeypatch, capsys, pandas):
    make_two_videos(tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(EXAMPLES / "ten_lines.py"))
    assert "left wrist at" in capsys.readouterr().out
    assert {"rig.toml", "walk", "walk.csv"} <= {path.name for path in tmp_path.iterdir()}


def test_the_example_with_own_detections_runs(capsys):
    runpy.run_path(str(EXAMPLES / "own_detections.py"))
    assert "mm from the truth" in capsys.readouterr().out


def test_the_example_that_explores_a_session_runs(golden: Path, monkeypatch, tmp_path, capsys):
    (tmp_path / "walk").symlink_to(golden)
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(EXAMPLES / "explore_session.py"))
    assert "m/s in 2.0 s" in capsys.readouterr().out
    assert (tmp_path / "walk.csv").is_file()


def test_the_example_of_a_refusal_runs(capsys):
    runpy.run_path(str(EXAMPLES / "refused_calibration.py"))
    assert capsys.readouterr().out.startswith("refused")


def test_the_example_that_fine_tunes_runs_with_stand_ins(
    golden: Path, monkeypatch, tmp_path, capsys
):
    shutil.copytree(golden, tmp_path / "walk")
    rig = load_rig(golden / "rig.toml")
    save_rig(replace(rig, metadata={"verdict": "accepted"}), tmp_path / "walk" / "rig.toml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "epipole.learning.cut_session_samples", lambda *_: (make_samples(), EvaluateConfig())
    )
    use_model_that_stands_still(monkeypatch)
    use_steps_that_only_report(monkeypatch)
    monkeypatch.setattr("app.paths.runs_folder", lambda: tmp_path / "runs")
    runpy.run_path(str(EXAMPLES / "fine_tune.py"))
    said = capsys.readouterr().out
    assert "of the joints are labels" in said
    assert "MPJPE" in said
    assert said.endswith("The new model is in use.\n")


def test_every_example_is_run_here():
    text = Path(__file__).read_text(encoding="utf-8")
    assert all(path.name in text for path in EXAMPLES.glob("*.py"))


class StoredEstimator:
    """A model that finds what a synthetic walker would show."""

    model_hash = "0" * 64

    def __init__(self, observations):
        self.skeleton = observations.skeleton
        self._sets = make_pose_sets(observations)

    def __call__(self, frames):
        times = tuple(None if one is None else one.timestamp_ns for one in frames.frames)
        found = self._sets[min(frames.index, len(self._sets) - 1)]
        return replace(
            found, index=frames.index, timestamp_ns=frames.timestamp_ns, view_time_ns=times
        )

    def close(self):
        pass


def use_steps_that_only_report(monkeypatch) -> None:
    """Let a fine-tune end at once with a better model."""
    monkeypatch.setattr("epipole.learning.follow_run", partial(follow_run, poll_interval_s=0.01))
    monkeypatch.setattr(
        "epipole.learning.start_process",
        lambda folder: start_process(folder, "tests.support.finetune_steps:GOOD"),
    )


def use_model_that_stands_still(monkeypatch) -> None:
    """Let every name be that of a model that finds the same pose everywhere."""
    still = EvaluatedModel(
        "still", "mpii_16", 128, lambda image: np.zeros((len(image), 16, 3), np.float32)
    )
    monkeypatch.setattr(
        "training.evaluation.evaluate_models.open_model", lambda _name: nullcontext(still)
    )


def make_two_videos(folder: Path, monkeypatch) -> None:
    """Write two videos, and let the model find a synthetic walker in them."""
    plan = RigPlan(cameras=2, arc_deg=90, offset_ms=0)
    quiet = NoiseConfig(jitter_of_torso=0.005, missed=0.02, swapped=0.0, gross=0.0)
    observations = make_scene(plan, "room", quiet, seed=2, seconds=SECONDS).seen.observations
    for name, size_wh in zip(("left", "right"), observations.sizes_wh):
        times = make_steady_times(len(observations.time_ns))
        write_video(folder / f"{name}.mp4", times, size_wh=size_wh)
    monkeypatch.setattr(
        "engine.offline.observe.create_estimator",
        lambda _name, _views: StoredEstimator(observations),
    )
