"""Summary: how often a cell's calibrations succeed, refuse, and are wrong but trusted."""

from collections.abc import Sequence

import numpy as np

from calibration.geometry.arrays import F64
from calibration.judge.report import ACCEPTED, USABLE
from training.proving.measure import CRASHED, is_refused, root_mean_square
from training.world import table
from training.world.table import Column, Row, Table, is_missing

ACCEPTED_DEG, ACCEPTED_FOCAL_PERCENT = 2.0, 5.0
USABLE_DEG, USABLE_FOCAL_PERCENT = 4.0, 10.0
TRUSTED_SIGMAS = 3.0
GOOD_DEG = 1.0

TITLE = (
    "Rig calibration on drawn rigs with exact truth. FALSE: given, but worse than its verdict "
    "allows;\nlost: refused, though less than 1° off; kept: worst of those that were given"
)
COLUMNS = (
    Column("cell", "cell"),
    Column("rigs", "n"),
    Column("accepted", "acc."),
    Column("usable", "use"),
    Column("refused", "ref."),
    Column("crashed", "crash"),
    Column("false_accepts", "FALSE"),
    Column("good_refused", "lost"),
    Column("rotation_median_deg", "° med", 2),
    Column("rotation_p90_deg", "p90", 2),
    Column("rotation_max_deg", "max", 2),
    Column("rotation_kept_max_deg", "kept", 2),
    Column("focal_median_percent", "f % med", 1),
    Column("focal_p90_percent", "p90", 1),
    Column("focal_max_percent", "max", 1),
    Column("rotation_ratio", "°/σ", 2),
    Column("focal_ratio", "f/σ", 2),
    Column("scale_median_percent", "scale %", 1),
    Column("offset_median_ms", "late ms", 1),
    Column("cpu_s", "CPU s", 1),
)


def is_false_accept(row: Row) -> bool:
    """Return whether a rig was given that is worse than its verdict allows.

    Notes
    -----
    Accepted and more than 2 degrees or 5 % of focal length off; usable and more than 4 degrees or
    10 % off, or more than 2 degrees and 3 of its own sigmas.
    """
    degrees, focal = _get(row, "rotation_error_deg"), _get(row, "focal_error_percent")
    if row.get("verdict") == ACCEPTED:
        return degrees > ACCEPTED_DEG or focal > ACCEPTED_FOCAL_PERCENT
    if row.get("verdict") != USABLE:
        return False
    unsaid = degrees > TRUSTED_SIGMAS * _get(row, "rotation_sigma_deg")
    return (
        degrees > USABLE_DEG or focal > USABLE_FOCAL_PERCENT or (degrees > ACCEPTED_DEG and unsaid)
    )


def is_good_refused(row: Row) -> bool:
    """Return whether a rig was refused though it is less than 1 degree off."""
    return is_refused(row) and _get(row, "rotation_error_deg") < GOOD_DEG


def summarise_cells(rows: Sequence[Row]) -> Table:
    """Sum up each cell in one line.

    Parameters
    ----------
    rows
        As of `measure_seed`; cells are shown in the order in which they first come.

    Returns
    -------
    table
        Errors are those of all rigs that were found, refused ones too; ratios those of the rigs
        that were given; ``kept`` is the largest error among these.
    """
    names = dict.fromkeys(str(row["cell"]) for row in rows)
    lines = tuple(
        _summarise_cell(name, [row for row in rows if row["cell"] == name]) for name in names
    )
    return Table("proving", TITLE, COLUMNS, lines)


def describe_false_accepts(rows: Sequence[Row]) -> tuple[str, ...]:
    """Describe each rig that was given and should not have been."""
    return tuple(
        f"False: {row['cell']}, seed {row['seed']}: {row['verdict']}, "
        f"{_get(row, 'rotation_error_deg'):.1f}° off (says ± "
        f"{_get(row, 'rotation_sigma_deg'):.1f}°)"
        + (
            f", focal {focal:.1f} %"
            if np.isfinite(focal := _get(row, "focal_error_percent"))
            else ""
        )
        for row in rows
        if is_false_accept(row)
    )


def _summarise_cell(name: str, rows: list[Row]) -> Row:
    """Sum up one cell."""
    rotation, focal = _collect(rows, "rotation_error_deg"), _collect(rows, "focal_error_percent")
    kept = [row for row in rows if not is_refused(row)]
    verdicts = [row.get("verdict") for row in rows]
    line: dict[str, table.Cell] = {
        "cell": name,
        "rigs": len(rows),
        "accepted": verdicts.count(ACCEPTED),
        "usable": verdicts.count(USABLE),
        "refused": sum(map(is_refused, rows)) - verdicts.count(CRASHED),
        "crashed": verdicts.count(CRASHED),
        "false_accepts": sum(map(is_false_accept, rows)),
        "good_refused": sum(map(is_good_refused, rows)),
        "rotation_kept_max_deg": _percentile(_collect(kept, "rotation_error_deg"), 100),
        "rotation_ratio": root_mean_square(_collect(kept, "rotation_ratio")),
        "focal_ratio": root_mean_square(_collect(kept, "focal_ratio")),
        "scale_median_percent": _percentile(np.abs(_collect(rows, "scale_error_percent")), 50),
        "offset_median_ms": _percentile(_collect(rows, "offset_error_ms"), 50),
        "cpu_s": _percentile(_collect(rows, "cpu_s"), 50),
    }
    for key, unit, values in (("rotation", "deg", rotation), ("focal", "percent", focal)):
        for part, percent in (("median", 50), ("p90", 90), ("max", 100)):
            line[f"{key}_{part}_{unit}"] = _percentile(values, percent)
    return line


def _get(row: Row, key: str) -> float:
    """Return a number of a row, NaN where it is missing."""
    value = row.get(key)
    return float("nan") if value is None or is_missing(value) else float(value)


def _collect(rows: list[Row], key: str) -> F64:
    """Collect the numbers that are not missing."""
    values = np.array([_get(row, key) for row in rows], float)
    return values[np.isfinite(values)]


def _percentile(values: F64, percent: float) -> float:
    """Return a percentile, NaN of nothing."""
    return float(np.percentile(values, percent)) if len(values) else float("nan")
