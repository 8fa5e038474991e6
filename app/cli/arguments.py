"""The command line: which commands there are, and how a line is parsed.

The arguments of each command are in `arguments_capture`, `arguments_finetune` and
`arguments_bench`. Nothing heavy is imported here, so that ``epipole --help`` answers at once; a
command's module is named by a string and imported when it is used.
"""

import argparse
from collections.abc import Sequence
from importlib import metadata

from app.cli import arguments_capture as capture
from app.cli import arguments_finetune as finetune
from app.cli.arguments_bench import describe_bench
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

_OVERVIEW = """\
Markerless motion capture with ordinary cameras. Two or more cameras give a
skeleton in metres; with one camera, depth is estimated. The cameras are
calibrated from the person's own joints, without a board or markers, and no
image leaves this machine.
"""
_FIRST_STEPS = """\
terms:
  session   a folder with the videos of one recording, their times, and the
            skeleton once it has been tracked
  rig       a file, rig.toml, with the positions and lenses of the cameras

first steps:
  epipole demo                                try the program without a camera
  epipole devices                             list the cameras plugged in
  epipole live usb:0 usb:1 --stature 1.78     your own cameras, live
  epipole calibrate left.mp4 right.mp4 --out rig.toml --stature 1.78
  epipole track left.mp4 right.mp4 --rig rig.toml --out walk
  epipole export walk --format csv --out walk.csv

'epipole COMMAND --help' explains one command.
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
        `command` and its arguments.

    Raises
    ------
    UsageError
        If a command or an option is unknown, missing or out of range; the message names the
        nearest valid one.
    SystemExit
        After ``--help`` and ``--version``.
    """
    if arguments and not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
        hint = suggest_nearest(arguments[0], list(COMMANDS))
        raise UsageError(
            f"There is no command '{arguments[0]}'.{hint} 'epipole --help' lists them all."
        )
    parser, _ = build_parser()
    options, unknown = parser.parse_known_args(arguments)
    innermost: Parser = vars(options).pop("parser")
    if unknown:
        innermost.reject_argument(unknown[0])
    if options.command is None:
        raise UsageError(
            "No command was given. Try 'epipole demo'; 'epipole --help' lists the commands."
        )
    if options.command == "track" and options.rig is None and len(options.inputs) > 1:
        raise UsageError(
            "'epipole track' needs --rig for several videos. 'epipole calibrate' makes a rig from "
            "them."
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
        "check whether this machine is ready",
        purpose="Checks Python, packages, the model, processor, graphics card, cameras, disk and "
        "display, and says what to do about each problem. Exit code 1 if the program cannot run.",
        example="epipole doctor",
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
    finetune.describe_label,
    finetune.describe_samples,
    finetune.describe_train,
    finetune.describe_evaluate,
    finetune.describe_finetune,
    capture.describe_devices,
    finetune.describe_models,
    _describe_doctor,
    describe_bench,
)
