"""Every kind of child starts in a folder whose own folders bear the names of ours."""

import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from app.commands import bench
from app.commands.doctor import check_display
from app.presenters.severity import Severity
from calibration.self_calibrate import CalibrationOptions
from engine.child import build_command, build_environment, isolated_spawn
from engine.live.calibration_process import CalibrationProcess, CalibrationTask
from tests.support.patience import PATIENCE_S, wait_until
from training.finetuning.process import start_process
from training.finetuning.request import FinetuneRequest
from training.finetuning.run import Phase, make_run, read_state
from training.studio.samples import StudioSampleConfig
from training.studio.shards import ShardRenderer

HERE = "tests.architecture.test_children"
# A plain child would import the first four as the program and the last one as Python's own.
NAMES = ("app", "training", "engine", "calibration", "multiprocessing")
TRAP = 'raise ImportError("this folder is the user\'s, not the program")\n'
LONG_S = 3 * PATIENCE_S  # a child begins by loading what it needs


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with packages named as those of the program."""
    for name in NAMES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(TRAP)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def echo(candidates, options, progress):
    """Give back what came."""
    return candidates


def make_nothing(config_toml):
    """Make empty shards."""
    return lambda folder, number, exit_if_orphaned: None


def test_a_plain_child_would_import_the_wrong_folder():
    command = [sys.executable, "-m", "app.cli.main", "--help"]
    ended = subprocess.run(
        command, env=build_environment(), capture_output=True, text=True, check=False
    )
    assert ended.returncode != 0
    assert "this folder is the user's" in ended.stderr


def test_a_module_of_the_program_runs():
    command = build_command("app.cli.main", "--help")
    ended = subprocess.run(
        command, env=build_environment(), capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_start_is_measured(capsys):
    bench.bench_start(Namespace(runs=1))
    assert "epipole --help" in capsys.readouterr().out


def test_qt_is_tried(monkeypatch, folder):
    (folder / "PyQt6").mkdir()
    (folder / "PyQt6" / "__init__.py").write_text(TRAP)
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert check_display().severity is not Severity.ERROR


def test_a_fine_tuning_runs(folder):
    run = make_run(folder / "runs", FinetuneRequest((Path("walk"),), threads=1))
    process = start_process(run, "tests.support.finetune_steps:GOOD")
    try:
        assert process.wait(LONG_S) == 0
    finally:
        process.kill()
    assert read_state(run).phase is Phase.KEPT


def test_a_live_calibration_runs():
    process = CalibrationProcess(f"{HERE}:echo")
    outcomes = []

    def has_outcome():
        outcomes.append(process.take_outcome())
        return outcomes[-1] is not None

    try:
        process.solve(CalibrationTask(1, "candidates", CalibrationOptions()))
        assert wait_until(has_outcome, LONG_S)
    finally:
        process.stop()
    assert outcomes[-1].calibration == "candidates", outcomes[-1].message


def test_studio_shards_are_drawn(folder):
    renderer = ShardRenderer(folder / "spool", StudioSampleConfig(), work=f"{HERE}:make_nothing")
    try:
        renderer.request_shard()
        assert wait_until(lambda: renderer.poll_shard(0.1) == 0)
    finally:
        renderer.close()


def test_spawning_leaves_the_environment_as_it_was(monkeypatch):
    for before in (None, "0"):
        monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
        if before is not None:
            monkeypatch.setenv("PYTHONSAFEPATH", before)
        with isolated_spawn():
            assert os.environ["PYTHONSAFEPATH"] == "1"
        assert os.environ.get("PYTHONSAFEPATH") == before
