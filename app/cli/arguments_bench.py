"""Arguments of `epipole bench`: one subcommand for each measurement, with its own options."""

from typing import Any

from app.cli.options import add_model_option
from app.cli.parser import Commands, Parser
from app.cli.values import make_integer_reader, read_recording_seconds

BENCHES = {
    "live": "app.commands.bench:bench_live",
    "start": "app.commands.bench:bench_start",
    "studio": "app.commands.bench:bench_studio",
    "inference": "app.commands.bench:bench_inference",
    "precision": "app.commands.bench:bench_precision",
    "window": "app.commands.bench:bench_window",
}

_SUMMARIES = {
    "live": "the live program with four cameras: showing, recording, estimating",
    "start": "how long 'epipole --help' takes",
    "studio": "rendering four views of the simulated room",
    "inference": "finding one person's joints in four views",
    "precision": "whether half precision finds the same joints; if so, it is used from then on",
    "window": "drawing the whole window",
}


def describe_bench(commands: Commands) -> None:
    """Describe `epipole bench`."""
    parser = commands.add(
        "bench",
        "measure how fast this machine is",
        purpose="Measures one part of the program on this machine, in processor time.\n"
        "'epipole bench SUBJECT --help' lists the options of one measurement.",
        example="epipole bench inference\nepipole bench live --seconds 10",
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
    for name in ("inference", "precision"):
        add_model_option(bench[name])


def _add_subject(subjects: Any, name: str) -> Parser:
    """Add one measurement."""
    summary = _SUMMARIES[name]
    return subjects.add_parser(name, help=summary, description=f"Measures {summary}.")


def _add_count_option(parser: Parser, option: str, default: int, purpose: str) -> None:
    """Add a number of repetitions."""
    parser.add_argument(
        option,
        type=make_integer_reader(option, 1),
        default=default,
        metavar="N",
        help=f"{purpose} (default: {default})",
    )
