"""Third-party packages each floor may import: an allow list, so a new one is a visible act."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = ("app", "training", "engine", "calibration")
# By folder; the nearest counts: what it may import beside the standard library and our floors.
ALLOWED = {
    "calibration": {"numpy", "scipy"},
    "calibration/geometry": {"numpy", "scipy", "numba"},
    "calibration/solve": {"numpy", "scipy", "poselib"},
    "calibration/board.py": {"numpy", "cv2"},
    "engine": {"numpy", "cv2"},
    "engine/capture": {"numpy", "cv2", "av"},
    "engine/capture/network": {"numpy", "cv2", "av", "httpx"},
    "engine/inference": {"numpy", "cv2", "onnxruntime", "openvino"},
    "engine/models": {"numpy", "platformdirs", "tomli_w"},
    "engine/reconstruction": {"numpy", "poselib"},
    "engine/session": {"numpy", "cv2", "av", "tomli_w"},
    "engine/studio": {"numpy", "cv2", "scipy"},
    "training": {"numpy", "scipy", "cv2", "torch", "tomli_w"},
    "training/lifting": {"numpy", "torch", "onnx", "google"},  # google: the errors of protobuf
    "training/public": {"numpy", "scipy", "cv2", "cdflib"},
    "app": {"numpy", "cv2", "platformdirs", "tomli_w", "PyQt6"},
    "app/api": {"numpy", "pandas"},
    "app/commands": {"numpy"},
    "app/presenters": {"numpy"},
    "app/views": {"numpy", "cv2", "PyQt6", "pyqtgraph"},
}


def find_foreign(source: str, allowed: set[str]) -> set[str]:
    """Return the packages that a module imports, wherever in it, without being allowed to."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names - sys.stdlib_module_names - set(FLOORS) - allowed


def find_allowed(path: str) -> set[str]:
    """Return what a module may import: the entry of the nearest folder that has one."""
    return ALLOWED[max((key for key in ALLOWED if f"{path}/".startswith(f"{key}/")), key=len)]


@pytest.mark.parametrize("floor", FLOORS)
def test_a_floor_imports_what_its_rooms_allow_and_nothing_else(floor: str):
    foreign = {}
    for file in sorted((ROOT / floor).rglob("*.py")):
        if "examples" in file.parts:
            continue  # written as a user would
        path = file.relative_to(ROOT).as_posix()
        if names := find_foreign(file.read_text(encoding="utf-8"), find_allowed(path)):
            foreign[path] = sorted(names)
    assert not foreign


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("calibration/world/floor.py", "import pandas"),
        ("calibration/world/floor.py", "from cv2 import findHomography"),
        ("calibration/world/floor.py", "def late():\n    import numba"),
        ("engine/live/rig.py", "import torch"),
        ("engine/session/writer.py", "from openvino import Core"),
        ("training/loop/learner.py", "import PyQt6.QtCore"),
        ("app/presenters/live.py", "import PyQt6"),
        ("app/api/session.py", "import torch"),
    ],
)
def test_a_package_that_is_not_on_the_list_is_found(path: str, line: str):
    assert find_foreign(line, find_allowed(path))


def test_the_list_names_no_folder_that_is_gone():
    planned = {"calibration/board.py", "app/api"}
    assert not [key for key in ALLOWED if key not in planned and not (ROOT / key).exists()]
