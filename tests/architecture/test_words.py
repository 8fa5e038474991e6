"""The check of words: it finds what is planted, and leaves plain text alone."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHECK = ROOT / ".ci" / "check-words"


def run_check(folder: Path, name: str, text: str) -> subprocess.CompletedProcess[str]:
    """Plant one file in an otherwise empty program and check it."""
    planted = folder / name
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_text(text, encoding="utf-8")
    command = [sys.executable, str(CHECK), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("app/x.py", '"""Say who is here.\n\nWhoever came last.\n"""\n', "app/x.py:3: whoever"),
        (
            "engine/x.py",
            'a = (\n    "What was asked "\n    "for."\n)\n',
            "engine/x.py:2: asked for",
        ),
        ("engine/x.py", 'n = 1\na = f"{n} came to nothing"\n', "engine/x.py:2: came to nothing"),
        (
            "calibration/x.py",
            "a = 1\n# It is put\n# right here.\n",
            "calibration/x.py:2: put right",
        ),
        ("training/README.md", "# Training\n\nIt begins\nanew.\n", "training/README.md:4: anew"),
    ],
)
def test_a_planted_phrase_fails_the_check(tmp_path: Path, name: str, text: str, found: str):
    result = run_check(tmp_path, name, text)
    assert result.returncode == 1
    assert found in result.stdout


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("class _Giver:\n    pass\n", "_Giver -> HeapTrimmer"),
        ("LEAST_SHARE = 0.3\n", "LEAST_SHARE -> MIN_*"),
    ],
)
def test_a_planted_name_fails_the_check(tmp_path: Path, text: str, found: str):
    result = run_check(tmp_path, "app/x.py", text)
    assert result.returncode == 1
    assert found in result.stdout


def test_plain_words_pass_the_check(tmp_path: Path):
    text = '"""The teacher asked. For two cameras, look-up tables."""\nleast = 1\n'
    result = run_check(tmp_path, "app/x.py", text)
    assert (result.returncode, result.stdout) == (0, "")


def test_a_planted_typing_mistake_fails_codespell(tmp_path: Path):
    planted = tmp_path / "x.py"
    planted.write_text('"""Recieve a frame."""\n', encoding="utf-8")  # codespell:ignore recieve
    command = [sys.executable, "-m", "codespell_lib", str(planted)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert "Recieve ==> Receive" in result.stdout  # codespell:ignore recieve
