"""House rules a machine can check: sizes, names, docstring examples and headless imports."""

import ast
import doctest
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.arguments import COMMANDS

ROOT = Path(__file__).parents[2]
FLOORS = ("app", "training", "engine", "calibration")
MODULES = sorted(
    path
    for floor in FLOORS
    for path in (ROOT / floor).rglob("*.py")
    if path.parent.name != "examples"  # scripts; tests/unit/app/api runs them
)

MAX_FILE_LINES, MAX_FUNCTION_LINES, MAX_PARAMETERS = 400, 40, 5
MAX_MODULES = 25
SHY_NAMES = ("utils", "helpers", "manager", "base", "misc", "common", "types")


def named(path: Path) -> str:
    """Name a module's file for a person."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_long_file_says_why(path: Path):
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    if lines > MAX_FILE_LINES:
        assert "lines" in (ast.get_docstring(ast.parse(text)) or ""), (
            f"{lines} lines and the module docstring does not say why"
        )


@pytest.fixture(scope="module")
def functions() -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return every function of the program by where it stands."""
    return {
        f"{named(path)}:{node.lineno} {node.name}": node
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }


def test_functions_fit_on_a_screen(functions):
    long = []
    for place, node in functions.items():
        documented = ast.get_docstring(node, clean=False)
        first = node.body[1 if documented and len(node.body) > 1 else 0].lineno
        lines = node.end_lineno - first + 1
        if lines > MAX_FUNCTION_LINES:
            long.append(f"{place} has {lines} lines")
    assert not long, "\n".join(long)


def _is_kernel(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether numba compiles a function: it takes plain arrays, never a dataclass."""
    return any("jit" in ast.unparse(decorator) for decorator in node.decorator_list)


def test_functions_take_five_parameters_at_most(functions):
    greedy = []
    for place, node in functions.items():
        positional = (*node.args.posonlyargs, *node.args.args)
        taken = [one.arg for one in positional if one.arg not in ("self", "cls")]
        if len(taken) > MAX_PARAMETERS and not _is_kernel(node):
            greedy.append(f"{place} takes {len(taken)}")
    assert not greedy, "\n".join(greedy)


def test_no_file_has_a_name_that_says_nothing():
    assert not [named(path) for path in MODULES if path.stem in SHY_NAMES]


def test_no_work_is_left_for_later():
    marks = ("TODO", "FIXME", "XXX")
    assert not [
        named(path)
        for path in MODULES
        if any(mark in path.read_text(encoding="utf-8") for mark in marks)
    ]


@pytest.mark.parametrize(
    "path", [p for p in MODULES if ">>> " in p.read_text(encoding="utf-8")], ids=named
)
def test_the_examples_in_docstrings_are_true(path: Path):
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0


IMPORTS = """
import importlib, sys

def report(what, *names):
    print(what, *[name for name in names if name in sys.modules])

from app.cli import arguments
arguments.build_parser()[0].format_help()
import app.cli.main as cli
report("help", "numpy")
for name in sorted(set(arguments.COMMANDS) - {"train"}):
    cli.load_attribute(arguments.COMMANDS[name])
    report(name, "torch", "PyQt6", "pyqtgraph")
import app.window.application
report("window", "torch")
for name in MODULES:
    importlib.import_module(name.removesuffix(".__init__"))
report("modules")
cli.load_attribute(arguments.COMMANDS["train"])
report("train", "torch")
"""


@pytest.fixture(scope="module")
def imports() -> dict[str, str]:
    """Import the program step by step; return what each step loaded that is heavy."""
    names = [
        ".".join(p.relative_to(ROOT).with_suffix("").parts)
        for p in MODULES
        if p.parts[-2] not in ("inference", "epipole")  # the API's test imports it
    ]
    light = [name for name in names if not name.startswith("training")]
    result = subprocess.run(
        [sys.executable, "-c", IMPORTS.replace("MODULES", repr(light))],
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    return dict(line.partition(" ")[::2] for line in result.stdout.splitlines())


def test_help_needs_no_numpy(imports):
    assert imports["help"] == ""


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - {"train"}))
def test_a_command_imports_neither_qt_nor_torch_before_it_runs(imports, command: str):
    assert imports[command] == ""


def test_the_command_that_trains_imports_torch(imports):
    assert imports["train"] == "torch"


def test_the_window_needs_no_torch(imports):
    assert imports["window"] == ""


def test_importing_a_module_prints_nothing(imports):
    assert set(imports) == {"help", "window", "modules", *COMMANDS}


def test_no_room_has_more_modules_than_one_reads_at_a_glance():
    rooms = {path.parent for path in MODULES}
    crowded = {}
    for room in rooms:
        count = sum(1 for path in room.glob("*.py") if path.name != "__init__.py")
        if count > MAX_MODULES:
            crowded[named(room)] = count
    assert not crowded


def test_no_import_runs_in_a_circle():
    modules = {".".join(p.relative_to(ROOT).with_suffix("").parts): p for p in MODULES}
    graph = {name: find_imports(path, set(modules)) for name, path in modules.items()}
    assert not find_circle(graph)


def test_a_circle_is_found():
    assert find_circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == ["a", "b", "c", "a"]


def find_imports(path: Path, modules: set[str]) -> set[str]:
    """Return the modules of ours that a module imports when it is imported itself."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in modules else node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & modules


def find_circle(graph: dict[str, set[str]]) -> list[str]:
    """Return a way that ends where it began, or nothing where there is none."""
    done: set[str] = set()

    def visit(name: str, way: list[str]) -> list[str]:
        if name in way:
            return [*way[way.index(name) :], name]
        if name in done:
            return []
        for other in sorted(graph[name]):
            if circle := visit(other, [*way, name]):
                return circle
        done.add(name)
        return []

    for name in sorted(graph):
        if circle := visit(name, []):
            return circle
    return []


def test_unit_tests_stand_where_the_rooms_stand():
    tests = ROOT / "tests" / "unit"
    rooms = {path.relative_to(tests) for path in tests.rglob("*") if any(path.glob("test_*.py"))}
    assert not [str(room) for room in sorted(rooms) if not (ROOT / room).is_dir()]
