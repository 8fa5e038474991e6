"""Cells: the kinds of rig, motion and fault in which calibration is proved.

Seeds of 1000 and more (`FIRST_SEED`) are never tuned on: they judge. The calibration is improved
on those below.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from typing import TypeAlias

from calibration.geometry.arrays import F64
from calibration.synthetic.exercises import HIDDEN_BY_TABLE, lunge, reach, sit_at_table, squat
from calibration.synthetic.faults import Faults
from calibration.synthetic.layouts import (
    ACTION,
    WEBCAM,
    LayoutPlan,
    Setup,
    draw_arc,
    draw_corners,
    draw_ring,
)
from calibration.synthetic.walker import Walker
from calibration.synthetic.wander import wander
from training.errors import DatasetError

FIRST_SEED = 1000
DEFAULT_RIGS = 50
GIVEN, UNKNOWN, SHARED = "given", "unknown", "shared"

WalkerMotion: TypeAlias = Callable[[Walker, F64], F64]

# Together with the network's noise, what every recording has (METHODS.md 3.4).
USUAL_FAULTS = Faults(joint_bias_m=0.04, pose_bias_m=0.008, blur_s=0.004, readout_ms=(0.0, 30.0))


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of recording.

    Parameters
    ----------
    name
        For the option ``--only`` and the CSV.
    draw_setup
        Cameras and the place, from a seed.
    motion
        Of a procedural person; None for the motion of a real one.
    lenses
        ``given``, ``unknown``, or ``shared``: unknown, but of one kind.
    faults
    late_s : view to seconds
        By how much later than the others a view's recording begins.
    turned_to_cameras
        The person faces the cameras, give or take 30 degrees, and stays where they look.
    """

    name: str
    draw_setup: Callable[[int], Setup]
    motion: WalkerMotion | None
    lenses: str = UNKNOWN
    faults: Faults = USUAL_FAULTS
    late_s: tuple[tuple[int, float], ...] = ()
    turned_to_cameras: bool = False

    @property
    def needs_mocap(self) -> bool:
        """Whether the motion of real people must be given."""
        return self.motion is None


PHONES = LayoutPlan(framed_m=2.0, portrait=0.5, offset_ms=50.0)
PHONES_FOR_WALKS = replace(PHONES, distance_m=(3.0, 4.5), framed_m=2.3)
ARC = LayoutPlan(3, (35.0, 70.0), (2.8, 4.2), (1.0, 2.2), lens=WEBCAM, offset_ms=50.0)
RING = LayoutPlan(4, (0.0, 0.0), (3.0, 4.4), (1.0, 2.6), lens=WEBCAM, offset_ms=50.0)
CORNERS = LayoutPlan(4, (0.0, 0.0), (2.2, 3.2), (1.8, 2.9), lens=WEBCAM, offset_ms=50.0)
BARREL = LayoutPlan(3, (35.0, 70.0), (2.0, 3.5), (0.6, 2.4), lens=ACTION, offset_ms=50.0)

_PHONE_MOTIONS: dict[str, WalkerMotion] = {"squat": squat, "lunge": lunge, "reach": reach}


def make_cells() -> tuple[Cell, ...]:
    """Make all cells, in the order in which they are shown."""
    return (*_make_phone_cells(), *_make_room_cells(), *_make_fault_cells())


def select_cells(cells: Sequence[Cell], names: Sequence[str]) -> tuple[Cell, ...]:
    """Select cells by name; ``*`` stands for any letters.

    Parameters
    ----------
    cells
    names
        Empty for all.

    Raises
    ------
    DatasetError
        If a name selects nothing.
    """
    for name in names:
        if not any(fnmatchcase(cell.name, name) for cell in cells):
            known = ", ".join(cell.name for cell in cells)
            raise DatasetError(f"There is no cell '{name}'. There are: {known}.")
    return tuple(
        cell for cell in cells if not names or any(fnmatchcase(cell.name, name) for name in names)
    )


def _make_phone_cells() -> list[Cell]:
    """Make the cells of two phones in front of a person."""
    draw, draw_far = partial(draw_arc, PHONES), partial(draw_arc, PHONES_FOR_WALKS)
    cells = [
        Cell(f"phones-{name}-{lenses}", draw, motion, lenses, turned_to_cameras=True)
        for name, motion in _PHONE_MOTIONS.items()
        for lenses in (GIVEN, UNKNOWN)
    ]
    cells += [
        Cell(f"phones-walk-{lenses}", draw_far, wander, lenses) for lenses in (GIVEN, UNKNOWN)
    ]
    cells += [Cell(f"phones-mocap-{lenses}", draw_far, None, lenses) for lenses in (GIVEN, UNKNOWN)]
    table = replace(USUAL_FAULTS, hidden=HIDDEN_BY_TABLE)
    cells += [
        Cell(f"phones-table-{lenses}", draw, sit_at_table, lenses, table, turned_to_cameras=True)
        for lenses in (GIVEN, UNKNOWN)
    ]
    rolled = partial(draw_arc, replace(PHONES, roll_deg=90.0))
    return [*cells, Cell("phones-rolled-squat-unknown", rolled, squat, turned_to_cameras=True)]


def _make_room_cells() -> list[Cell]:
    """Make the cells of three and four cameras about a room."""
    ring = {
        lenses: partial(draw_ring, replace(RING, shared_lens=lenses == SHARED))
        for lenses in (GIVEN, UNKNOWN, SHARED)
    }
    arc, barrel = partial(draw_arc, ARC), partial(draw_arc, BARREL)
    return [
        *(Cell(f"arc3-walk-{lenses}", arc, wander, lenses) for lenses in (GIVEN, UNKNOWN)),
        *(Cell(f"ring4-walk-{lenses}", draw, wander, lenses) for lenses, draw in ring.items()),
        *(Cell(f"ring4-mocap-{lenses}", ring[lenses], None, lenses) for lenses in (GIVEN, UNKNOWN)),
        Cell("corners4-walk-unknown", partial(draw_corners, CORNERS), wander),
        *(Cell(f"barrel3-walk-{lenses}", barrel, wander, lenses) for lenses in (GIVEN, UNKNOWN)),
        Cell("rolled4-walk-unknown", partial(draw_ring, replace(RING, roll_deg=90.0)), wander),
    ]


def _make_fault_cells() -> list[Cell]:
    """Make the cells in each of which one more thing is wrong."""
    ring, phones = partial(draw_ring, RING), partial(draw_arc, PHONES)
    faults = {
        "bystander": replace(USUAL_FAULTS, bystander=((1, 0.10),)),
        "tv": replace(USUAL_FAULTS, television=((1, 0.15),)),
        "clock": replace(USUAL_FAULTS, clock_rate=((1, 0.03),)),
        "bump": replace(USUAL_FAULTS, bumped=((1, 0.3),)),
    }
    cells = [Cell(f"ring4-{name}", ring, wander, faults=fault) for name, fault in faults.items()]
    cells += [
        Cell(f"phones-{name}", phones, squat, GIVEN, fault, turned_to_cameras=True)
        for name, fault in faults.items()
    ]
    late = ((1, 7.0),)
    return [
        *cells,
        Cell("ring4-late", ring, wander, late_s=late),
        Cell("phones-late", phones, squat, GIVEN, late_s=late, turned_to_cameras=True),
    ]
