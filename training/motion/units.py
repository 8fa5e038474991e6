"""Units: how long a unit of a file is, from the length of a leg."""

from training.errors import DatasetError

INCH_M = 0.0254
UNITS_M = {"m": 1.0, "cm": 0.01, "mm": 0.001, "inch": INCH_M, "cmu": INCH_M / 0.45}
"""`cmu`: CMU's files count in 1 / 0.45 inch, also those that others made BVH of."""
ADULT_LEG_M = (0.65, 1.0)
"""Thigh and shank of grown-ups, 0.49 of a stature of 1.33 to 2.04 m: no two units share it."""
LEG_M = (0.4, 1.1)
"""Thigh and shank of anyone who stands, a small child or a tall person."""


def find_unit(leg: float, source: str) -> str:
    """Find the unit in which a thigh and a shank together have a length of people.

    Raises
    ------
    DatasetError
        If no unit or more than one makes it a person's.
    """
    fitting = _find_fitting(leg, ADULT_LEG_M) or _find_fitting(leg, LEG_M)
    if len(fitting) == 1:
        return fitting[0]
    meaning = (
        f"a child's in {fitting[0]} and a tall person's in {fitting[1]}, or the other way round"
        if fitting
        else "a person's in no unit that is known here"
    )
    raise DatasetError(
        f"Thigh and shank of '{source}' are {leg:.4g} long together, which is {meaning}. Give its "
        f"unit: {', '.join(UNITS_M)}."
    )


def fits_a_person(leg: float, unit_m: float) -> bool:
    """Whether thigh and shank together have a length of people."""
    return LEG_M[0] <= leg * unit_m <= LEG_M[1]


def parse_unit(unit: str) -> float:
    """Look up a unit that the user gave, m; DatasetError if there is none of this name."""
    if unit not in UNITS_M:
        raise DatasetError(f"'{unit}' is no unit of motion. Give one of {', '.join(UNITS_M)}.")
    return UNITS_M[unit]


def _find_fitting(leg: float, bounds: tuple[float, float]) -> list[str]:
    """List the units in which a leg is within bounds, m."""
    return [unit for unit, metres in UNITS_M.items() if bounds[0] <= leg * metres <= bounds[1]]
