"""`epipole bench calibration`: rig calibration on drawn rigs with exact truth."""

from argparse import Namespace

from app.cli.step_progress import StepLines
from app.report.calibration_output import print_messages
from training.errors import DatasetError
from training.proving.cells import make_cells, select_cells
from training.proving.run import ProvingOptions, leave_out_mocap, run_proving
from training.proving.summary import describe_false_accepts, summarise_cells
from training.world.table import Row, format_table


def bench_calibration(options: Namespace) -> None:
    """Calibrate drawn rigs, and print how often it succeeds, refuses and is wrong but trusted.

    Parameters
    ----------
    options
        `out`, `only`, `rigs`, `seed`, `motion`.

    Raises
    ------
    DatasetError
        If a name selects no cell, none is left without real motion, motion cannot be read, or the
        CSV is of something else.
    """
    chosen = ProvingOptions(options.rigs, options.seed, tuple(options.motion), options.out)
    cells, messages = leave_out_mocap(select_cells(make_cells(), options.only), chosen)
    if not cells:
        raise DatasetError(messages[0])
    rows: list[Row] = []
    try:
        with StepLines() as progress:
            for row in run_proving(cells, chosen, progress):
                rows.append(row)
    finally:  # Ctrl-C after an hour leaves what was measured until then
        if rows:
            print(f"\n{format_table(summarise_cells(rows))}")
    print_messages((*describe_false_accepts(rows), *messages))
    if options.out is not None:
        print(f"Table    {options.out}")
