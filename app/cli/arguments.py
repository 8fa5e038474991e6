"""The words of the command line: which commands there are, and how a line is read.

What each command takes stands in `arguments_capture` and `arguments_teaching`. Nothing heavy is
imported here, so that ``epipole --help`` answers at once; a command's module is named by a string
and imported when it is used.
"""

import argparse
from collections.abc import Sequence
from importlib import metadata

from app.cli import arguments_capture as capture
from app.cli import arguments_finetune as teaching
from app.cli.parser import Commands, Parser, suggest_nearest
from app.errors import UsageError

COMMANDS = {
    "demo": "app.commands.demo:run",
    "live": "app.commands.live:run",
    "record": "app.commands.record:run",
    "play": "app.commands.play:run",
    "calibrate": "app.commands.calibrate:run",
    "track": "app.commands.track:run",
    "export": "app.commands.export:run",
    "label": "app.commands.label:run",
    "samples": "app.commands.samples:run",
    "train": "app.commands.train:run",
    "evaluate": "app.commands.evaluate:run",
    "finetune": "app.commands.finetune:run",
    "devices": "app.commands.devices:run",
    "models": "app.commands.models:run",
    "doctor": "app.commands.doctor:run",
    "bench": "app.commands.bench:run",
}
BENCHES = {
    "start": "app.commands.bench:bench_start",
    "studio": "app.commands.bench:bench_studio",
    "inference": "app.commands.bench:bench_inference",
    "precision": "app.commands.bench:bench_precision",
    "window": "app.commands.bench:bench_window",
    "live": "app.commands.bench:bench_live",
}

_OVERVIEW = """\
Markerless motion capture with ordinary cameras: two or more give a skeleton in metres, one alone a
guess of it. The person's own joints calibrate the cameras; no board, no markers, and no image leaves
this machine.
"""
_FIRST_STEPS = """\
words:
  session   a folder with the videos of one take, their times, and the skeleton once it was tracked
  rig       a file, rig.toml, that says where the cameras stand and what lenses they have

first steps:
  epipole demo                                  see the whole program work, without a camera
  epipole devices                               which cameras are plugged in
  epipole live usb:0 usb:1 --stature 1.78       your own cameras, live
  epipole calibrate left.mp4 right.mp4 --out rig.toml --stature 1.78
  epipole track left.mp4 right.mp4 --rig rig.toml --out walk
  epipole export walk --format csv --out walk.csv

'epipole COMMAND --help' explains one command.
"""
_BENCHES = """\
Measures one part of the program on this machine, in processor time:
  start      how long 'epipole --help' takes
  studio     filming four views of the simulated room
  inference  finding one person's joints in four views
  precision  whether the joints may be found in half the precision; used from then on if so
  window     drawing the whole window once
  live       four cameras live: shown, recorded, and all of it
"""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read a command line.

    Parameters
    ----------
    arguments
        Without the program's name.

    Returns
    -------
    options
        `command` and what it takes.

    Raises
    ------
    UsageError
        If a command or an option is unknown, missing or out of range; the sentence names the
        nearest valid one.
    SystemExit
        After ``--help`` and ``--version``.
    """
    if arguments and not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
        hint = suggest_nearest(arguments[0], list(COMMANDS))
        raise UsageError(
            f"There is no command '{arguments[0]}'.{hint} 'epipole --help' lists them all."
        )
    parser, commands = build_parser()
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        commands.get(options.command, parser).reject_argument(unknown[0])
    if options.command is None:
        raise UsageError(
            "Say what to do, for instance 'epipole demo'. 'epipole --help' lists the commands."
        )
    if options.command == "track" and options.rig is None and len(options.inputs) > 1:
        raise UsageError(
            "'epipole track' needs --rig for several videos. 'epipole calibrate' makes one of them."
        )
    return options


def build_parser() -> tuple[Parser, dict[str, Parser]]:
    """Describe the command line.

    Returns
    -------
    parser
        Of the whole command.
    commands
        The parser of each command, by its name.
    """
    parser = Parser(prog="epipole", description=_OVERVIEW, epilog=_FIRST_STEPS)
    parser.add_argument("--version", action="version", version=f"epipole {_find_version()}")
    commands = Commands(parser)
    for describe in _DESCRIPTIONS:
        describe(commands)
    return parser, commands.parsers


def _describe_doctor(commands: Commands) -> None:
    """Describe `epipole doctor`."""
    commands.add(
        "doctor",
        "check this machine and say what is missing",
        purpose="Looks at Python, packages, networks, processor, graphics, disk, cameras and "
        "display, and says what\n"
        "to do where something is missing. Exit code 1 where the program cannot work like this.",
        example="epipole doctor",
    )


def _describe_bench(commands: Commands) -> None:
    """Describe `epipole bench`."""
    parser = commands.add(
        "bench", "measure this machine", purpose=_BENCHES, example="epipole bench inference"
    )
    parser.add_argument(
        "subject", type=_read_bench_name, metavar="|".join(BENCHES), help="what to measure"
    )


def _read_bench_name(text: str) -> str:
    """Read the name of a bench."""
    if text in BENCHES:
        return text
    raise argparse.ArgumentTypeError(
        f"There is no bench '{text}'.{suggest_nearest(text, list(BENCHES))} Choose one of "
        f"{', '.join(BENCHES)}."
    )


def _find_version() -> str:
    """Look up the installed version."""
    try:
        return metadata.version("epipole")
    except metadata.PackageNotFoundError:
        return "(not installed)"


_DESCRIPTIONS = (
    capture.describe_demo,
    capture.describe_live,
    capture.describe_record,
    capture.describe_play,
    capture.describe_calibrate,
    capture.describe_track,
    capture.describe_export,
    teaching.describe_label,
    teaching.describe_samples,
    teaching.describe_train,
    teaching.describe_evaluate,
    teaching.describe_finetune,
    capture.describe_devices,
    teaching.describe_models,
    _describe_doctor,
    _describe_bench,
)
