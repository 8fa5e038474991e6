"""The import contracts: kept by the program, and each able to fail."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS = [one["name"] for one in PROJECT["tool"]["importlinter"]["contracts"]]
FLOORS = ("app", "training", "engine", "calibration")
VIOLATIONS = {
    "Four floors, arrows point down": ("calibration/planted.py", "import engine.frames"),
    "the rooms of engine form layers": ("engine/capture/planted.py", "import engine.live.state"),
    "app's rooms, arrows point down": ("app/presenters/planted.py", "import app.control.live"),
    "calibration is numpy and scipy only": ("calibration/planted.py", "import cv2"),
    "only app knows Qt": ("engine/planted.py", "import PyQt6.QtCore"),
    "only training knows torch": ("engine/planted.py", "import torch"),
    "only engine.inference knows the inference SDKs": ("engine/planted.py", "import openvino"),
    "views see nouns, never machinery": ("app/views/planted.py", "import engine.pipeline"),
    "training: rooms in layers": ("training/data/planted.py", "import training.loop.runs"),
}


def lint(folder: Path) -> str:
    """Check the contracts of a copy of the program; return what was said."""
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as lint; lint()",
        "--no-cache",
    ]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return result.stdout + result.stderr


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the program's own modules."""
    folder = tmp_path_factory.mktemp("program")
    for floor in FLOORS:
        shutil.copytree(
            ROOT / floor,
            folder / floor,
            ignore=lambda at, names: [n for n in names if _is_no_code(at, n)],
        )
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def _is_no_code(folder: str, name: str) -> bool:
    """Whether a file or folder holds no modules."""
    path = Path(folder, name)
    return name == "__pycache__" or (path.is_file() and path.suffix != ".py")


def test_the_program_keeps_every_contract():
    said = lint(ROOT)
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in said, said
    assert set(VIOLATIONS) == set(CONTRACTS)


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_a_planted_violation_breaks_its_contract(copy: Path, contract: str):
    where, line = VIOLATIONS[contract]
    planted = copy / where
    planted.write_text(f'"""Planted."""\n\n{line}\n')
    try:
        assert f"{contract} BROKEN" in lint(copy)
    finally:
        planted.unlink()


def test_a_room_of_the_engine_without_a_layer_is_an_error(copy: Path):
    planted = copy / "engine" / "planted.py"
    planted.write_text('"""Planted."""\n')
    try:
        assert "engine.planted" in lint(copy)
    finally:
        planted.unlink()


def test_a_module_of_app_that_has_no_layer_breaks_the_contract(copy: Path):
    planted = copy / "app" / "planted.py"
    planted.write_text('"""Planted."""\n')
    try:
        assert "app's rooms, arrows point down BROKEN" in lint(copy)
    finally:
        planted.unlink()
