"""Tables: fixed width for people, one CSV with the columns of all."""

import csv

from training.world.table import Column, Table, format_table, write_csv

COLUMNS = (
    Column("clip", "clip"),
    Column("error_mm", "error mm", 0, interval=("low_mm", "high_mm")),
    Column("focal_percent", "focal %", signed=True),
    Column("reason", "why", is_note=True),
    Column("poses"),
)
ROWS = (
    {"clip": "walk", "error_mm": 71.6, "low_mm": 60.2, "high_mm": 80.0, "focal_percent": -0.04},
    {"clip": "sit", "error_mm": float("nan"), "reason": "Too short.", "poses": 7},
    {"clip": "stand up", "error_mm": 5.0, "low_mm": float("nan"), "high_mm": float("nan"),
     "focal_percent": 2.0, "reason": "Too short."},
)  # fmt: skip
TABLE = Table("rigs", "Rigs", COLUMNS, ROWS)


def test_a_table_has_fixed_columns_dashes_for_what_is_missing_and_notes_below():
    assert format_table(TABLE).splitlines() == [
        "Rigs",
        "",
        "clip        error mm  focal %  why",
        "--------  ----------  -------  ---",
        "walk      72 (60–80)      0.0",
        "sit                —        —  [1]",
        "stand up           5     +2.0  [1]",
        "[1] Too short.",
    ]


def test_the_csv_has_the_columns_of_all_tables(tmp_path):
    other = Table("monocular", "", (Column("clip", "clip"), Column("method", "method")),
                  ({"clip": "walk", "method": "lift"},))  # fmt: skip
    write_csv([TABLE, other], tmp_path / "all.csv")
    with (tmp_path / "all.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["table"] for row in rows] == ["rigs"] * 3 + ["monocular"]
    assert (rows[0]["low_mm"], rows[1]["error_mm"], rows[1]["poses"]) == ("60.2", "", "7")
    assert (rows[3]["method"], rows[3]["reason"]) == ("lift", "")
