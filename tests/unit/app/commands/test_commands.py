"""The commands, with the slow parts replaced: what they ask for, write, say and return."""

import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from app.cli import main as cli
from app.commands import calibrate, doctor
from app.presenters.severity import Severity
from calibration.rig import Rig, load_rig, save_rig
from calibration.self_calibrate import Calibration
from engine.errors import ModelMissingError, NobodyInViewError
from engine.offline import recording as offline
from engine.offline.observe import Observation
from tests.support import scenes


@pytest.fixture
def rig() -> Rig:
    return scenes.make_square_rig(2)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, rig: Rig):
    """Replace videos, model and solver; collect the solver's input, and set its result."""
    heard = SimpleNamespace(
        knowledge=None, answer="accepted", remarks=("The videos differ in length.",), error=None
    )
    sources = tuple(SimpleNamespace(name=c.name, size_wh=c.size_wh) for c in rig)
    footage = SimpleNamespace(view_names=rig.names, sources=sources, session=None)
    monkeypatch.setattr(calibrate, "open_inputs", lambda inputs: nullcontext(footage))
    sets = tuple(scenes.make_poses_2d(rig, index) for index in range(3))
    take = offline.PoseRecording(
        sets, scenes.load_walker_skeleton(), rig.names, tuple(c.size_wh for c in rig)
    )
    monkeypatch.setattr(
        "engine.offline.calibrate.observe",
        lambda footage, model, progress: Observation(take, 30.0, model, "abc", heard.remarks),
    )

    def solve(take, knowledge, progress):
        heard.knowledge = knowledge
        progress("Placing", 0.5)
        if heard.error:
            raise heard.error
        report = scenes.make_report(rig, heard.answer)
        return Calibration(
            None if heard.answer == "refused" else rig, report, np.zeros((3, 2), bool), rig
        )

    monkeypatch.setattr(offline, "calibrate_recording", solve)
    return heard


def calibrated(tmp_path: Path, *words: str) -> int:
    return cli.main(["calibrate", "a.mp4", "b.mp4", "--out", str(tmp_path / "rig.toml"), *words])


@pytest.mark.parametrize("verdict", ["accepted", "usable"])
def test_a_rig_that_can_be_used_is_written_with_both_reports(
    asked, tmp_path: Path, rig: Rig, verdict: str
):
    asked.answer = verdict
    assert calibrated(tmp_path) == 0
    assert load_rig(tmp_path / "rig.toml").names == rig.names
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["verdict"] == verdict
    assert report["remarks"] == ["The videos differ in length."]
    assert "<svg" in (tmp_path / "report.html").read_text()


def test_a_refusal_is_code_3_with_a_report_and_leaves_an_existing_rig_alone(
    asked, tmp_path: Path, capsys
):
    asked.answer = "refused"
    (tmp_path / "rig.toml").write_text("mine")
    assert calibrated(tmp_path) == 3
    assert (tmp_path / "rig.toml").read_text() == "mine"
    assert json.loads((tmp_path / "report.json").read_text())["verdict"] == "refused"
    assert "Not calibrated" in capsys.readouterr().out
    assert ">REFUSED<" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_stature_lenses_and_their_likeness_reach_the_solver(asked, tmp_path: Path, rig: Rig):
    save_rig(rig, tmp_path / "lenses.toml")
    words = (
        "--stature",
        "1.82",
        "--shared-intrinsics",
        "--intrinsics",
        str(tmp_path / "lenses.toml"),
    )
    assert calibrated(tmp_path, *words) == 0
    assert (asked.knowledge.stature_m, asked.knowledge.shared_intrinsics) == (1.82, True)
    assert [camera.name for camera in asked.knowledge.intrinsics] == list(rig.names)


def test_the_report_goes_where_it_is_asked_for(asked, tmp_path: Path):
    assert calibrated(tmp_path, "--report", str(tmp_path / "deep" / "mine.json")) == 0
    assert (tmp_path / "deep" / "mine.json").is_file()
    assert (tmp_path / "deep" / "mine.html").is_file()


def test_unknown_numbers_are_null_in_the_report(
    asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rig: Rig
):
    report = replace(scenes.make_report(rig, "refused"), holdout_median_px=float("nan"))
    refusal = Calibration(None, report, np.zeros((3, 2), bool))
    monkeypatch.setattr(offline, "calibrate_recording", lambda *_: refusal)
    assert calibrated(tmp_path) == 3
    assert json.loads((tmp_path / "report.json").read_text())["holdout_median_px"] is None


def test_nobody_in_view_is_code_1_and_writes_nothing(asked, tmp_path: Path):
    asked.error = NobodyInViewError("Nobody was found.")
    assert calibrated(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_one_video_is_a_usage_mistake(tmp_path: Path, capsys):
    assert cli.main(["calibrate", "a.mp4", "--out", str(tmp_path / "rig.toml")]) == 2
    assert "two or more videos" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_said_before_any_work(asked, tmp_path: Path, capsys):
    (tmp_path / "file").write_text("")
    assert (
        cli.main(["calibrate", "a.mp4", "b.mp4", "--out", str(tmp_path / "file" / "rig.toml")]) == 1
    )
    assert asked.knowledge is None
    assert "file" in capsys.readouterr().err


def test_an_out_that_is_a_folder_is_said(asked, tmp_path: Path, capsys):
    assert cli.main(["calibrate", "a.mp4", "b.mp4", "--out", str(tmp_path)]) == 1
    assert "in the way" in capsys.readouterr().err


def test_a_missing_rig_is_code_1_before_any_work(tmp_path: Path, capsys):
    code = cli.main(
        [
            "track",
            "a.mp4",
            "b.mp4",
            "--rig",
            str(tmp_path / "no.toml"),
            "--out",
            str(tmp_path / "s"),
        ]
    )
    assert code == 1
    assert "no.toml" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_smoothing_pixels_is_a_usage_mistake(tmp_path: Path):
    words = [
        "export",
        str(tmp_path),
        "--format",
        "csv2d",
        "--out",
        str(tmp_path / "x.csv"),
        "--smooth",
    ]
    assert cli.main(words) == 2


def test_a_folder_that_is_no_session_is_said(tmp_path: Path, capsys):
    assert (
        cli.main(["export", str(tmp_path), "--format", "csv", "--out", str(tmp_path / "x.csv")])
        == 1
    )
    assert str(tmp_path) in capsys.readouterr().err


def test_models_are_listed_with_their_licence(capsys):
    assert cli.main(["models", "list"]) == 0
    line = next(
        line for line in capsys.readouterr().out.splitlines() if line.startswith("blazepose")
    )
    assert "Apache-2.0" in line


def test_an_unknown_model_is_answered_with_the_nearest(capsys):
    assert cli.main(["models", "pull", "blazepoze"]) == 1
    assert "blazepose" in capsys.readouterr().err


def test_doctor_fails_where_the_model_is_missing_and_says_what_to_run(
    monkeypatch: pytest.MonkeyPatch, capsys
):
    def missing(name: str):
        raise ModelMissingError("Run: epipole models pull blazepose")

    monkeypatch.setattr(doctor.models, "load_model", missing)
    monkeypatch.setattr(
        doctor, "CHECKS", (doctor.check_python, doctor.check_model, doctor.check_inference)
    )
    assert cli.main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "fail  Model" in said
    assert "epipole models pull blazepose" in said


def test_doctor_names_wheels_that_overwrite_each_other(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "_find_installed_version", lambda name: "1.0")
    assert "pip uninstall" in doctor.check_packages().message


def test_doctor_finds_this_machine_able_to_draw_the_window():
    assert doctor.check_display().severity is Severity.GOOD


def test_doctor_warns_of_a_disk_that_is_nearly_full(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: SimpleNamespace(free=1e9))
    assert doctor.check_disk().severity is Severity.WARNING


@pytest.mark.model
def test_a_demo_too_short_to_calibrate_is_refused_and_leaves_all_the_evidence(
    tmp_path: Path, capsys
):
    code = cli.main(
        ["demo", "--headless", "--cameras", "2", "--seconds", "1", "--out", str(tmp_path / "demo")]
    )
    written = {path.name for path in (tmp_path / "demo").iterdir()}
    assert code == 3
    assert {
        "report.json",
        "report.html",
        "truth_rig.toml",
        "truth_3d.csv",
        "window.png",
        "session",
    } <= written
    assert "rig.toml" not in written
