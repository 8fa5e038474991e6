"""The public surface of `import epipole`: what it loads, and that removing a name is a visible act.

Write the list again with ``python -m tests.unit.app.api.test_surface``.
"""

import ast
import inspect
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import epipole

ROOT = Path(__file__).parents[4]
API = ROOT / "app" / "api"
STORED = Path(__file__).parent / "public_names.txt"
FLOORS = ("app", "training", "engine", "calibration")


def list_surface() -> list[str]:
    """List every public name with its kind and signature, and the members of public classes."""
    lines = []
    for name in epipole.__all__:
        thing = getattr(epipole, name)
        lines.append(describe(name, thing))
        if inspect.isclass(thing) and not issubclass(thing, Exception):
            lines += [
                describe(f"{name}.{member}", inspect.getattr_static(thing, member))
                for member in sorted(vars(thing))
                if not member.startswith("_") and is_method(inspect.getattr_static(thing, member))
            ]
    return lines


def is_method(member: Any) -> bool:
    """Whether a member is a method or a property; fields stand in the signature of the class."""
    return inspect.isfunction(member) or isinstance(member, property | classmethod | staticmethod)


def describe(name: str, thing: Any) -> str:
    """Describe a name in one line; types are left out, defaults are not."""
    if isinstance(thing, property):
        return f"{name} property"
    if inspect.isclass(thing) and issubclass(thing, Exception):
        return f"{name} error"
    kind = "class" if inspect.isclass(thing) else "function"
    thing = thing.__func__ if isinstance(thing, classmethod | staticmethod) else thing
    signature = inspect.signature(thing)
    plain = [
        one.replace(annotation=inspect.Parameter.empty) for one in signature.parameters.values()
    ]
    text = str(signature.replace(parameters=plain, return_annotation=inspect.Signature.empty))
    return f"{name} {kind} {text}"


def run_python(script: str, *flags: str, folder: Path = ROOT) -> str:
    """Run a script in another process that finds the API in this checkout."""
    result = subprocess.run(
        [sys.executable, *flags, "-c", script],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(API)))},
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stdout + result.stderr


def imported_modules(path: Path) -> set[str]:
    """Return the absolute names that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_the_public_names_are_those_of_the_list():
    assert list_surface() == STORED.read_text(encoding="utf-8").splitlines()


def test_every_name_has_a_docstring():
    undocumented = [name for name in epipole.__all__ if not getattr(epipole, name).__doc__]
    assert not undocumented


@pytest.fixture(scope="module")
def loaded() -> list[str]:
    """List what was loaded when it was imported, and when all of it had been used."""
    heavy = ("numpy", "scipy", "cv2", "torch", "PyQt6", "engine", "calibration", "training", "app")
    script = (
        "import sys, epipole\n"
        f"print([name for name in {heavy} if name in sys.modules])\n"
        "for name in epipole.__all__: getattr(epipole, name)\n"
        "print([name for name in ('torch', 'PyQt6', 'pyqtgraph', 'app') if name in sys.modules])"
    )
    return run_python(script).splitlines()


def test_importing_it_loads_nothing_heavy(loaded: list[str]):
    assert loaded[0] == "[]"


def test_using_all_of_it_loads_neither_qt_nor_torch(loaded: list[str]):
    assert loaded[1:] == ["[]"]


def imports_it(path: Path) -> bool:
    """Whether a file imports the API, by either of its names."""
    text = path.read_text(encoding="utf-8")
    if "epipole" not in text and "api" not in text:
        return False  # not worth parsing
    return any(f"{name}.".startswith(("epipole.", "app.api.")) for name in imported_modules(path))


def test_no_module_of_the_program_imports_it():
    files = [path for floor in FLOORS for path in (ROOT / floor).rglob("*.py")]
    assert not [path for path in files if API not in path.parents and imports_it(path)]


@pytest.mark.parametrize(
    "line", ["import epipole", "from epipole import track", "from app import api", "import app.api"]
)
def test_an_import_of_it_is_found(tmp_path: Path, line: str):
    (tmp_path / "x.py").write_text(line)
    assert imports_it(tmp_path / "x.py")


def test_of_app_it_imports_only_the_folder_of_the_runs():
    for path in (API / "epipole").glob("*.py"):
        of_app = {name for name in imported_modules(path) if name.partition(".")[0] == "app"}
        assert of_app <= {"app.paths", "app.paths.runs_folder"}, path


def test_folders_named_app_and_training_beside_it_do_no_harm(tmp_path: Path):
    for folder in ("app", "training"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()
    names = ["track", "calibrate", "Studio", "open_session"]
    script = f"import epipole\nfor name in {names}: print(getattr(epipole, name).__name__)"
    assert run_python(script, folder=tmp_path).split() == names


def test_a_package_that_hides_one_of_ours_is_named(tmp_path: Path):
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "__init__.py").touch()
    # An editable install finds our submodules all the same; an ordinary one does not.
    ordinary = "sys.meta_path[:] = [one for one in sys.meta_path if 'Editable' not in str(one)]"
    said = run_python(f"import sys; {ordinary}; import epipole; epipole.label", folder=tmp_path)
    assert "ImportError: A folder or module named 'training' hides" in said


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'calibrato'"):
        _ = epipole.calibrato  # type: ignore[attr-defined]


def test_the_defaults_are_those_of_the_commands():
    from app.cli.arguments import parse

    track = parse(["track", "a.mp4", "--out", "s"])
    assert inspect.signature(epipole.track).parameters["model"].default == track.model
    assert inspect.signature(epipole.track).parameters["lift"].default == track.lift


def test_errors_of_the_three_floors_are_roots():
    public = [getattr(epipole, name) for name in epipole.__all__]
    roots = {one for one in public if inspect.isclass(one) and one.__bases__ == (Exception,)}
    assert roots == {epipole.CalibrationError, epipole.EngineError, epipole.TrainingError}
    assert issubclass(epipole.CalibrationRefusedError, epipole.CalibrationError)


if __name__ == "__main__":
    STORED.write_text("\n".join(list_surface()) + "\n", encoding="utf-8")
