"""The house rules that a machine can keep: sizes, names, docstring examples, and what headless commands import."""

import ast
import doctest
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = ("app", "training", "engine", "calibration")
MODULES = sorted(path for floor in FLOORS for path in (ROOT / floor).rglob("*.py"))
# At 100 columns with one statement a line a screen holds less than it did.
MAX_FILE_LINES, MAX_FUNCTION_LINES, MAX_PARAMETERS = 460, 60, 5
SHY_NAMES = ("utils", "helpers", "manager", "base", "misc", "common", "types")
HEADLESS = ("calibrate", "track", "export", "models", "doctor")


def named(path: Path) -> str:
    """Name a module's file for a person."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_long_file_says_why(path: Path):
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    docstring = ast.get_docstring(ast.parse(text)) or ""
    assert lines <= MAX_FILE_LINES or "lines" in docstring, (
        f"{lines} lines and the module docstring does not say why"
    )


def test_functions_fit_on_a_screen():
    long = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno:
                documented = ast.get_docstring(node, clean=False)
                first = (
                    node.body[1].lineno
                    if documented and len(node.body) > 1
                    else node.body[0].lineno
                )
                if node.end_lineno - first + 1 > MAX_FUNCTION_LINES:
                    long.append(
                        f"{named(path)}:{node.lineno} {node.name} has "
                        f"{node.end_lineno - first + 1} lines"
                    )
    assert not long, "\n".join(long)


def _is_kernel(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether numba compiles a function: it takes plain arrays, never a dataclass."""
    return any("jit" in ast.unparse(decorator) for decorator in node.decorator_list)


def test_functions_take_five_parameters_at_most():
    greedy = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not _is_kernel(node):
                taken = [
                    a.arg
                    for a in (*node.args.posonlyargs, *node.args.args)
                    if a.arg not in ("self", "cls")
                ]
                if len(taken) > MAX_PARAMETERS:
                    greedy.append(f"{named(path)}:{node.lineno} {node.name} takes {len(taken)}")
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


@pytest.mark.parametrize("command", HEADLESS)
def test_a_headless_command_imports_neither_torch_nor_qt(command: str):
    script = (
        "import sys; from app.cli import arguments, main as cli; "
        f"cli.load_attribute(arguments.COMMANDS[{command!r}]); "
        "print([name for name in ('torch', 'PyQt6', 'pyqtgraph') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_neither_the_window_nor_a_command_imports_torch_but_the_one_that_trains():
    script = (
        "import sys; import app.window.application; from app.cli import arguments, main as cli\n"
        "for name in arguments.COMMANDS:\n"
        "    name == 'train' or cli.load_attribute(arguments.COMMANDS[name])\n"
        "print('torch' in sys.modules)"
    )
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == "False"


def test_help_needs_no_numpy():
    script = (
        "import sys; from app.cli import arguments; "
        "arguments.build_parser()[0].format_help(); import app.cli.main; print('numpy' in "
        "sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "False"


def test_importing_a_module_prints_nothing():
    names = [
        ".".join(p.relative_to(ROOT).with_suffix("").parts)
        for p in MODULES
        if p.parts[-2] != "inference"
    ]
    light = [name for name in names if not name.startswith("training")]
    script = (
        f"import importlib\nfor name in {light!r}: "
        "importlib.import_module(name.removesuffix('.__init__'))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout == ""
    assert result.stderr == ""
