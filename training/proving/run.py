"""Run the proving ground: every cell, seed by seed, continued where it was interrupted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.offline.progress import Progress, StepProgress, ignore_progress
from training.proving.cells import DEFAULT_RIGS, FIRST_SEED, Cell
from training.proving.measure import measure_seed
from training.proving.mocap import read_windows
from training.proving.row_file import RowFile
from training.proving.scene import SECONDS
from training.world.table import Row

STEP = "Calibrating drawn rigs"


@dataclass(frozen=True, slots=True)
class ProvingOptions:
    """How much is proved.

    Parameters
    ----------
    rigs
        In each cell.
    first_seed
        From `training.proving.cells.FIRST_SEED` on, seeds are never tuned on.
    motion
        Files or folders with the motion of real people.
    out
        The CSV that is written, row by row; rows that it already has are not measured again.
    """

    rigs: int = DEFAULT_RIGS
    first_seed: int = FIRST_SEED
    motion: tuple[Path, ...] = ()
    out: Path | None = None


def leave_out_mocap(
    cells: Sequence[Cell], options: ProvingOptions
) -> tuple[tuple[Cell, ...], tuple[str, ...]]:
    """Leave out the cells that need real motion where none is given.

    Returns
    -------
    cells
    messages
        Says which were left out and why.
    """
    missing = [cell.name for cell in cells if cell.needs_mocap and not options.motion]
    if not missing:
        return tuple(cells), ()
    message = (
        f"Left out, for want of the motion of real people: {', '.join(missing)}. Give files of "
        "BVH, ASF with AMC, or npz with --motion."
    )
    return tuple(cell for cell in cells if cell.name not in missing), (message,)


def run_proving(
    cells: Sequence[Cell], options: ProvingOptions, progress: Progress = ignore_progress
) -> Iterator[Row]:
    """Calibrate the rigs of all cells.

    Parameters
    ----------
    cells
        Without those that need motion which the options do not give (`leave_out_mocap`).
    options
    progress
        Called after each rig that was measured now; may raise to cancel.

    Yields
    ------
    row
        As of `measure_seed`, cell by cell, those of an earlier run too.

    Raises
    ------
    DatasetError
        If motion cannot be read, or the CSV is of something else.
    OSError
        If the disk refuses the CSV.
    """
    file = RowFile(options.out)
    needs_mocap = any(cell.needs_mocap for cell in cells)
    windows = read_windows(options.motion, SECONDS) if needs_mocap else ()
    seeds = range(options.first_seed, options.first_seed + options.rigs)
    total = sum(file.find(cell.name, seed) is None for cell in cells for seed in seeds)
    done = 0
    progress(StepProgress(STEP, 0.0, "rigs", 0, total))
    for cell in cells:
        for seed in seeds:
            row = file.find(cell.name, seed)
            if row is None:
                row = measure_seed(cell, seed, windows)
                file.add(row)
                done += 1
                progress(StepProgress(STEP, done / total, "rigs", done, total))
            yield row
