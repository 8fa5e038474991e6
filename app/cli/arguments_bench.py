"""Arguments of `epipole bench`: one subcommand for each measurement, with its own options."""

from pathlib import Path
from typing import Any

from app.cli.options import add_model_option, add_out_option
from app.cli.parser import Commands, Parser
from app.cli.values import make_integer_reader, read_recording_seconds

BENCHES = {
    "live": "app.commands.bench:bench_live",
    "start": "app.commands.bench:bench_start",
    "studio": "app.commands.bench:bench_studio",
    "inference": "app.commands.bench:bench_inference",
    "precision": "app.commands.bench:bench_precision",
    "window": "app.commands.bench:bench_window",
    "world": "app.commands.bench_world:bench_world",
    "calibration": "app.commands.bench_calibration:bench_calibration",
}

_SUMMARIES = {
    "live": "the live program with four cameras: showing, recording, estimating",
    "start": "how long 'epipole --help' takes",
    "studio": "rendering four views of the simulated room",
    "inference": "finding one person's joints in four views",
    "precision": "whether half precision finds the same joints; if so, it is used from then on",
    "window": "drawing the whole window",
    "world": "how far every method is from the truth on real clips",
    "calibration": "how often rigs are found, refused or wrong, on drawn rigs with exact truth",
}


def describe_bench(commands: Commands) -> None:
    """Describe `epipole bench`."""
    parser = commands.add(
        "bench",
        "measure how fast this machine is, or how far from the truth on real clips",
        purpose="Measures one part of the program on this machine, in processor time; 'world'\n"
        "measures errors on real clips with known truth, 'calibration' on drawn rigs.\n"
        "'epipole bench SUBJECT --help' lists the options of one measurement.",
        example="epipole bench inference\nepipole bench live --seconds 10\n"
        "epipole bench world --data clips --out errors.csv",
    )
    subjects = parser.add_subparsers(
        dest="subject", required=True, title="subjects", metavar="SUBJECT", parser_class=Parser
    )
    bench = {name: _add_subject(subjects, name) for name in BENCHES}
    bench["live"].add_argument(
        "--seconds",
        type=read_recording_seconds,
        default=24.0,
        metavar="S",
        help="how long to measure each of the four set-ups (default: 24)",
    )
    _add_count_option(bench["start"], "--runs", 7, "how many times to start it")
    _add_count_option(bench["studio"], "--framesets", 60, "how many framesets to render")
    _add_count_option(bench["inference"], "--framesets", 60, "how many framesets to measure")
    _add_count_option(bench["window"], "--paints", 60, "how many times to draw it")
    _add_world_options(bench["world"])
    _add_calibration_options(bench["calibration"])
    for name in ("inference", "precision", "world"):
        add_model_option(bench[name])


def _add_subject(subjects: Any, name: str) -> Parser:
    """Add one measurement."""
    summary = _SUMMARIES[name]
    return subjects.add_parser(name, help=summary, description=f"Measures {summary}.")


def _add_world_options(parser: Parser) -> None:
    """Add the clips and how to measure them."""
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="a clip (clip.toml, a video per view, calibration.toml, joints.csv), a published set "
        "as it was unpacked, or a folder of such",
    )
    add_out_option(parser, "the CSV file to write, with all tables", required=False)
    parser.add_argument(
        "--only",
        nargs="+",
        default=(),
        metavar="NAME",
        help="names of the clips to measure; * stands for any letters (default: all)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="leave out the pairs of views of larger rigs"
    )


def _add_calibration_options(parser: Parser) -> None:
    """Add which rigs are drawn, and where the rows go."""
    add_out_option(
        parser,
        "the CSV file of all rigs, written rig by rig; rigs that it already has are not "
        "calibrated again",
        required=False,
    )
    parser.add_argument(
        "--only",
        nargs="+",
        default=(),
        metavar="CELL",
        help="names of the cells to measure; * stands for any letters (default: all)",
    )
    _add_count_option(parser, "--rigs", 50, "how many rigs to draw in each cell")
    parser.add_argument(
        "--seed",
        type=make_integer_reader("--seed", 0),
        default=1000,
        metavar="FIRST",
        help="seed of the first rig; those from 1000 on are never tuned on (default: 1000)",
    )
    parser.add_argument(
        "--motion",
        nargs="+",
        type=Path,
        default=(),
        metavar="FILE",
        help="files or folders with the motion of real people (BVH, ASF with AMC, npz), for the "
        "cells that need it",
    )


def _add_count_option(parser: Parser, option: str, default: int, purpose: str) -> None:
    """Add a number of repetitions."""
    parser.add_argument(
        option,
        type=make_integer_reader(option, 1),
        default=default,
        metavar="N",
        help=f"{purpose} (default: {default})",
    )
