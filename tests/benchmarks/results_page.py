"""Write `RESULTS.md` from the tables in `results/`.

    python tests/benchmarks/results_page.py            write the page
    python tests/benchmarks/results_page.py --check    exit code 1 where the page is stale

A table is a CSV file with the columns of `COLUMNS`; `results/pages.toml` has its place, title and
text. A row is one figure; rows of one date, machine, commit and command stand together. A new
measurement is a new row; old rows stay.
"""

import argparse
import csv
import sys
import tomllib
from itertools import groupby
from pathlib import Path

HERE = Path(__file__).resolve().parent
TABLES = HERE / "results"
PAGE = HERE / "RESULTS.md"
COLUMNS = ("date", "machine", "commit", "command", "figure", "value", "unit", "target", "note")
SHOWN = ("figure", "value", "unit", "target", "note")
TOP = """\
# Results

Written from `tests/benchmarks/results/*.csv` by `make results`; do not edit by hand. A target is
what was set before measuring; where it is empty, there was none. Commits of figures older than this
page were not recorded. "95 %" is a 95 % interval unless it says otherwise.

**Figures of the studio are figures of a simulator**: no motion blur, no rolling shutter, no loose
clothing. Never quote them as accuracy in the field.
"""


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a table; refuse other columns."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise ValueError(f"'{path.name}' has not the columns {', '.join(COLUMNS)}.")
        return list(reader)


def describe_run(row: dict[str, str]) -> str:
    """Describe when, where and how figures were measured."""
    parts = [row["date"], row["machine"], row["commit"] and f"commit {row['commit']}"]
    text = " · ".join(part for part in parts if part)
    return f"{text}\n`{row['command']}`" if row["command"] else text


def make_section(title: str, text: str, rows: list[dict[str, str]]) -> str:
    """Make the section of one table."""
    lines = [f"## {title}", "", text.strip(), ""]
    for run, figures in groupby(rows, key=describe_run):
        lines += [run, "", f"| {' | '.join(SHOWN)} |", "|---|---:|---|---|---|"]
        for row in figures:
            cells = (row[column].replace("|", "\\|") for column in SHOWN)
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def make_page() -> str:
    """Make the whole page.

    Raises
    ------
    ValueError
        If a table has other columns, or is missing from `pages.toml`.
    """
    sections = tomllib.loads((TABLES / "pages.toml").read_text(encoding="utf-8"))
    unlisted = {path.stem for path in TABLES.glob("*.csv")} ^ set(sections)
    if unlisted:
        raise ValueError(f"In pages.toml or as a table, not both: {', '.join(sorted(unlisted))}.")
    made = [
        make_section(section["title"], section["text"], read_rows(TABLES / f"{name}.csv"))
        for name, section in sections.items()
    ]
    return "\n".join([TOP, *made]).rstrip() + "\n"


def main() -> int:
    """Write or check the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail where the page is stale")
    options = parser.parse_args()
    page = make_page()
    if options.check:
        stale = not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page
        if stale:
            print("tests/benchmarks/RESULTS.md is stale. Run: make results", file=sys.stderr)
        return int(stale)
    PAGE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
