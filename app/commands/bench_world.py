"""`epipole bench world`: every method on real clips with known truth."""

from argparse import Namespace

from app.cli.step_progress import StepLines
from app.report.calibration_output import print_messages
from training.errors import DatasetError
from training.world.find import find_clips, select_clips
from training.world.run import BenchResult, run_bench
from training.world.subject import BenchOptions
from training.world.table import format_table, write_csv


def bench_world(options: Namespace) -> None:
    """Measure every method on the clips of a folder, and print one table for each kind.

    Parameters
    ----------
    options
        `data`, `out`, `only`, `quick`, `model`.

    Raises
    ------
    DatasetError
        If the folder holds no clip, a name selects none, or no clip could be measured.
    EngineError
        If the pose model is missing.
    """
    clips = select_clips(find_clips(options.data), options.only)
    chosen = BenchOptions(options.model, options.quick)
    result = BenchResult(())
    try:
        with StepLines() as progress:
            for result in run_bench(clips, chosen, progress):
                if options.out is not None:
                    write_csv(result.tables, options.out)
    finally:  # Ctrl-C after an hour leaves what was measured until then
        _print_tables(result)
    print_messages(result.faults)
    if len(result.faults) == len(clips):
        raise DatasetError(f"None of the {len(clips)} clips could be measured.")
    if not any(table.rows for table in result.tables):
        print("No table has a row: no clip has what a method needs, for instance two cameras.")
    if options.out is not None:
        print(f"Table    {options.out}")


def _print_tables(result: BenchResult) -> None:
    """Print the tables that have rows."""
    for table in result.tables:
        if table.rows:
            print(f"\n{format_table(table)}")
