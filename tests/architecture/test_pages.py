"""The pages: what they name exists, links lead somewhere, and one can read them in a sitting."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = ("app", "training", "engine", "calibration")
READMES = [ROOT / "README.md", *(ROOT / floor / "README.md" for floor in FLOORS)]
PAGES = sorted(
    [
        *READMES,
        ROOT / "app" / "COMMANDS.md",
        ROOT / "app" / "CHANGELOG.md",
        ROOT / ".github" / "CONTRIBUTING.md",
        ROOT / "tests" / "benchmarks" / "RESULTS.md",
        *(page for floor in FLOORS for page in (ROOT / floor / "decisions").glob("*.md")),
    ]
)
HAND_WRITTEN = [page for page in PAGES if page.name not in ("COMMANDS.md", "RESULTS.md")]
MAX_README_LINES, MAX_COLUMNS, MAX_WAY_LINES = 100, 100, 15
WAYS = {
    "engine": "Way: a USB frame to the screen and to the disk",
    "calibration": "Way: `epipole calibrate a.mp4 b.mp4`",
    "training": "Way: the one click",
    "app": "Way: a click on Record",
}
PATH = re.compile(r"`((?:app|engine|calibration|training|tests|assets|\.ci|\.github)/[\w./-]*)`")
LINK = re.compile(
    r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)", re.M
)


def named(page: Path) -> str:
    """Name a page for a person."""
    return str(page.relative_to(ROOT))


def read_section(page: Path, title: str) -> list[str]:
    """Read what stands below a heading, without empty lines at its ends."""
    _, _, rest = page.read_text(encoding="utf-8").partition(f"\n## {title}\n")
    return rest.partition("\n## ")[0].strip().splitlines()


@pytest.mark.parametrize("page", READMES, ids=named)
def test_every_path_that_a_readme_names_exists(page: Path):
    paths = PATH.findall(page.read_text(encoding="utf-8"))
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("floor", FLOORS)
def test_every_room_of_a_floor_stands_in_its_map(floor: str):
    text = (ROOT / floor / "README.md").read_text(encoding="utf-8")
    rooms = [path.parent for path in (ROOT / floor).glob("*/__init__.py")]
    assert [room.name for room in rooms if f"`{floor}/{room.name}/`" not in text] == []


@pytest.mark.parametrize("floor", FLOORS)
def test_the_readme_of_a_floor_is_short(floor: str):
    lines = (ROOT / floor / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= MAX_README_LINES


@pytest.mark.parametrize("page", HAND_WRITTEN, ids=named)
def test_no_line_of_a_page_is_too_long(page: Path):
    lines = page.read_text(encoding="utf-8").splitlines()
    assert [n for n, line in enumerate(lines, start=1) if len(line) > MAX_COLUMNS] == []


@pytest.mark.parametrize("floor", WAYS)
def test_a_way_is_short_and_names_its_files_in_order(floor: str):
    lines = read_section(ROOT / floor / "README.md", WAYS[floor])
    assert 5 <= len(lines) <= MAX_WAY_LINES
    assert all(PATH.search(line) for line in lines if re.match(r"\d+\. ", line))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_inside_the_project_leads_somewhere(page: Path):
    links = [next(filter(None, found)) for found in LINK.findall(page.read_text(encoding="utf-8"))]
    inside = [link for link in links if not re.match(r"https?:|mailto:|#", link)]
    broken = [link for link in inside if not (page.parent / link.partition("#")[0]).exists()]
    assert broken == []


@pytest.mark.parametrize(
    "script", [".ci/commands_table.py", "tests/benchmarks/results_page.py"], ids=str
)
def test_a_page_that_is_written_by_a_program_is_up_to_date(script: str):
    command = [sys.executable, str(ROOT / script), "--check"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_decisions_are_numbered_without_gaps():
    for floor in FLOORS:
        names = sorted(path.name for path in (ROOT / floor / "decisions").glob("*.md"))
        numbers = [int(name.partition("-")[0]) for name in names]
        assert numbers == list(range(1, len(names) + 1)), floor
