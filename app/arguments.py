"""The words of the command line: which commands there are, what they take, and how they are read.

Nothing heavy is imported here, so that ``epipole --help`` answers at once; a command's module is
named by a string and imported when it is used. More than 400 lines: they are words, and belong side by side.
"""

import argparse
import difflib
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NoReturn

from app.errors import UsageError
from app.values import (
    read_cameras,
    read_count,
    read_long,
    read_minutes,
    read_names,
    read_person,
    read_samples,
    read_seconds,
    read_seed,
    read_share,
    read_stature,
    read_threads,
)

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
DEFAULT_MODEL = "blazepose"

_OVERVIEW = """\
Markerless motion capture from two or more ordinary cameras. The person's own joints
calibrate the cameras; no board, no markers, nothing leaves this machine.
"""
_FIRST_STEPS = """\
first steps:
  epipole demo                                  see the whole program work, without a camera
  epipole devices                               which cameras are plugged in
  epipole live usb:0 usb:1 --stature 1.78       your own cameras, live
  epipole calibrate left.mp4 right.mp4 --out rig.toml --stature 1.78
  epipole track left.mp4 right.mp4 --rig rig.toml --out walk
  epipole export walk --format csv --out walk.csv

'epipole COMMAND --help' explains one command.
"""


_SOURCE = "usb:0, usb:<id>, rtsp://…, http://…, a video, studio:walk?cameras=4&seed=1"


class Parser(argparse.ArgumentParser):
    """argparse with one sentence for a mistake instead of a page."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **options)

    def error(self, message: str) -> NoReturn:
        """Raise the mistake as a sentence.

        Raises
        ------
        UsageError
            Always.
        """
        missing = message.removeprefix("the following arguments are required: ")
        if missing != message:
            raise UsageError(f"'{self.prog}' needs {missing}. '{self.prog} --help' shows an example.")
        option, _, sentence = message.removeprefix("argument ").partition(": ")
        if sentence.endswith((".", "?")):
            raise UsageError(sentence)
        raise UsageError(f"{option}: {sentence}. See '{self.prog} --help'." if sentence else f"{message}.")


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
        If a command or an option is unknown, missing or out of range; the sentence names the nearest valid one.
    SystemExit
        After ``--help`` and ``--version``.
    """
    if arguments and not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
        hint = _nearest(arguments[0], list(COMMANDS))
        raise UsageError(f"There is no command '{arguments[0]}'.{hint} 'epipole --help' lists them all.")
    parser, commands = build_parser()
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        command = commands.get(options.command, parser)
        raise UsageError(_explain_unknown(unknown[0], command))
    if options.command is None:
        raise UsageError("Say what to do, for instance 'epipole demo'. 'epipole --help' lists the commands.")
    if options.command == "track" and options.rig is None and len(options.inputs) > 1:
        raise UsageError("'epipole track' needs --rig for several videos. 'epipole calibrate' makes one of them.")
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
    parser.add_argument("--version", action="version", version=f"epipole {_version()}")
    commands = _Commands(parser)
    for describe in _DESCRIPTIONS:
        describe(commands)
    return parser, commands.parsers


class _Commands:
    """The commands as they are added to a parser."""

    def __init__(self, parser: Parser) -> None:
        self.parsers: dict[str, Parser] = {}
        self._group = parser.add_subparsers(dest="command", title="commands", metavar="COMMAND", parser_class=Parser)

    def add(self, name: str, summary: str, *, purpose: str, example: str) -> Parser:
        """Add a command with its purpose above and its examples below."""
        indented = "\n".join(f"  {line}" for line in example.splitlines())
        parser = self._group.add_parser(name, help=summary, description=purpose, epilog=f"example:\n{indented}")
        self.parsers[name] = parser
        return parser


def _demo(commands: _Commands) -> None:
    """Describe `epipole demo`."""
    parser = commands.add(
        "demo",
        "the whole program on the built-in studio: no camera needed",
        purpose="A person walks through a virtual room in front of simulated cameras. The program sees\n"
        "only the images and the person's height, calibrates, and reconstructs the motion: live in\n"
        "the window, or without a screen at leisure, every image, and the same for the same seed.",
        example="epipole demo\nepipole demo --cameras 3 --seconds 20 --seed 7 --out my-demo",
    )
    parser.add_argument("--cameras", type=read_cameras, default=4, metavar="N", help="2 to 8 (default: 4)")
    parser.add_argument(
        "--seconds", type=read_seconds, metavar="S", help="length (default: 30; in a window, until you close it)"
    )
    parser.add_argument("--seed", type=read_seed, default=0, metavar="N", help="another person and room (default: 0)")
    parser.add_argument("--headless", action="store_true", help="write the window as a picture, open none")
    _out(parser, "folder for everything it makes (default: epipole-<time>)", required=False)


def _live(commands: _Commands) -> None:
    """Describe `epipole live`."""
    parser = commands.add(
        "live",
        "your cameras, live: skeleton, calibration, recording",
        purpose="Opens the window on live cameras; without names, on those of last time. Walk through the room\n"
        "and the cameras are calibrated while you watch. Without a screen the take is recorded and drawn.",
        example="epipole live\nepipole live usb:0 usb:1 --stature 1.78\n"
        "epipole live rtsp://user:word@door/1 http://phone:8080/video --rig rig.toml\n"
        "epipole live 'studio:walk?cameras=4&seed=1' --headless --seconds 40 --out try",
    )
    parser.add_argument("sources", nargs="*", metavar="SOURCE", help=_SOURCE)
    parser.add_argument("--rig", type=Path, metavar="FILE", help="where the cameras stand, from an earlier calibration")
    parser.add_argument("--stature", type=read_stature, metavar="M", help="the person's height in metres")
    _person(parser)
    parser.add_argument("--record", type=Path, metavar="SESSION", help="record into this new folder from the start")
    parser.add_argument("--headless", action="store_true", help="write the window as a picture, open none")
    parser.add_argument("--seconds", type=read_long, metavar="S", help="end after so long (default: when you end it)")
    _out(parser, "folder for what it makes without a screen (default: epipole-<time>)", required=False)
    _model(parser)
    _lift(parser)


def _record(commands: _Commands) -> None:
    """Describe `epipole record`."""
    parser = commands.add(
        "record",
        "live cameras into a session, without a window",
        purpose="Records every image of every camera with its time. A camera that fails and returns, a full disk or\n"
        "a kill never cost what was recorded before. Without --seconds it goes on until Ctrl-C.",
        example="epipole record usb:0 usb:1 --out walk --seconds 60",
    )
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help=_SOURCE)
    parser.add_argument("--seconds", type=read_long, metavar="S", help="how long (default: until Ctrl-C)")
    _person(parser)
    _out(parser, "the session folder to write", required=True)


def _play(commands: _Commands) -> None:
    """Describe `epipole play`."""
    parser = commands.add(
        "play",
        "look at a session, frame by frame, with its skeleton",
        purpose="Opens a recorded session: all videos in step, the joints over them, and the person in the room.",
        example="epipole play walk",
    )
    parser.add_argument("session", type=Path, metavar="SESSION", help="a session folder")
    parser.add_argument("--headless", action="store_true", help="write the window as a picture, open none")
    _out(parser, "folder for the picture without a screen (default: epipole-<time>)", required=False)


def _devices(commands: _Commands) -> None:
    """Describe `epipole devices`."""
    commands.add(
        "devices",
        "the cameras that are plugged in",
        purpose="Lists the cameras of this machine by names that stay, what they can send, and why one is refused.",
        example="epipole devices",
    )


def _calibrate(commands: _Commands) -> None:
    """Describe `epipole calibrate`."""
    parser = commands.add(
        "calibrate",
        "find where the cameras stand, from videos of a moving person",
        purpose="Give a session folder, or one video per camera; their order is the order of the cameras.\n"
        "The person should walk through the whole room for about 20 seconds.",
        example="epipole calibrate left.mp4 right.mp4 --out rig.toml --stature 1.78\n"
        "epipole calibrate cam*.mp4 --out rig.toml --shared-intrinsics --report report.json",
    )
    _inputs(parser)
    _out(parser, "the rig file to write, for instance rig.toml", required=True)
    parser.add_argument("--stature", type=read_stature, metavar="M", help="the person's height in metres")
    parser.add_argument("--intrinsics", type=Path, metavar="FILE", help="a rig.toml whose lenses are known")
    parser.add_argument("--shared-intrinsics", action="store_true", help="all cameras have the same lens")
    parser.add_argument("--report", type=Path, metavar="FILE.json", help="default: report.json beside the rig")
    _model(parser)


def _track(commands: _Commands) -> None:
    """Describe `epipole track`."""
    parser = commands.add(
        "track",
        "videos and a rig to a 3D skeleton",
        purpose="Finds the person in every video and reconstructs the joints in metres. One video alone needs no rig:\n"
        "then depth is a guess from the person's height, and the place in the room is made up.",
        example="epipole track left.mp4 right.mp4 --rig rig.toml --out walk\n"
        "epipole track phone.mp4 --stature 1.78 --out walk",
    )
    _inputs(parser)
    parser.add_argument("--rig", type=Path, metavar="FILE", help="from 'epipole calibrate'; needed for several videos")
    parser.add_argument("--stature", type=read_stature, metavar="M", help="the person's height in metres (one video)")
    _out(parser, "the session folder to write", required=True)
    _model(parser)
    _lift(parser)


def _export(commands: _Commands) -> None:
    """Describe `epipole export`."""
    parser = commands.add(
        "export",
        "a session's poses as a file for other programs",
        purpose="csv: one row per frame, person and joint, in metres. csv2d: the same in each camera's pixels.",
        example="epipole export walk --format csv --out walk.csv --smooth",
    )
    parser.add_argument("session", type=Path, metavar="SESSION", help="a session folder")
    parser.add_argument("--format", choices=("csv", "csv2d"), required=True, help="what to write")
    _out(parser, "the file to write", required=True)
    parser.add_argument("--smooth", action="store_true", help="calmer joints (csv only)")


def _label(commands: _Commands) -> None:
    """Describe `epipole label`."""
    parser = commands.add(
        "label",
        "a session's joints as labels that a network can learn from",
        purpose="Judges every joint of a session by what all views say of it, and keeps those that can be trusted,\n"
        "with the reason of every rejection, in the session's own folder.",
        example="epipole label walk\nepipole label walk --rig better.toml",
    )
    parser.add_argument("session", type=Path, metavar="SESSION", help="a session folder")
    parser.add_argument("--rig", type=Path, metavar="FILE", help="another rig than the session's own")


def _samples(commands: _Commands) -> None:
    """Describe `epipole samples`."""
    parser = commands.add(
        "samples",
        "images of people with known joints, stored for training",
        purpose="Reads a published set that you have, a labelled session, or draws people of the studio, and stores\n"
        "what a network is trained on: crops with their joints. The sets are read as they were unpacked.",
        example="epipole samples human36m h36m --people S1,S5,S6,S7,S8 --out h36m-train\n"
        "epipole samples mpii mpii --out mpii-train\n"
        "epipole samples studio --most 20000 --seed 3 --out drawn",
    )
    kinds = ("mpii", "human36m", "mpi-inf-3dhp", "session", "studio")
    parser.add_argument("kind", choices=kinds, metavar="KIND", help=", ".join(kinds))
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="where it is (not for the studio)")
    parser.add_argument("--every", type=read_count, metavar="K", help="each K-th image (default: 5; mpii, session: 1)")
    parser.add_argument("--most", type=read_count, metavar="N", help="at most N samples, evenly spread (studio: 20000)")
    parser.add_argument(
        "--people", type=read_names, default=(), metavar="S1,…", help="these only, as the set names them"
    )
    parser.add_argument("--seed", type=read_seed, default=0, metavar="N", help="of the studio (default: 0)")
    parser.add_argument("--labels", metavar="ID", help="which labels of the session (default: the newest)")
    parser.add_argument("--rig", type=Path, metavar="FILE", help="that the labels rest on (default: the session's own)")
    _out(parser, "the folder of samples to write", required=True)


def _train(commands: _Commands) -> None:
    """Describe `epipole train`."""
    parser = commands.add(
        "train",
        "teach a network by a recipe",
        purpose="Teaches a network that sees depth with one camera, from stored samples or from people of the studio.\n"
        "It can be killed at any moment and goes on with --resume; Ctrl-C finishes the step and keeps everything.",
        example="epipole train compact-2d --out flat --minutes 45\n"
        "epipole train compact-3d --init flat/best.pt --out deep\n"
        "epipole train compact-3d --out deep --resume\n"
        "epipole train pose-resnet-50 --imagenet resnet50.pth --data mine --studio-share 0.3 --out deep\n"
        "torchrun --nproc-per-node 2 -m app.cli train pose-resnet-50 --data mine --out deep",
    )
    parser.add_argument("recipe", metavar="RECIPE", help="compact-2d, compact-3d, pose-resnet-50, …; or a .toml file")
    _out(parser, "folder of the run", required=True)
    parser.add_argument("--data", nargs="+", type=Path, metavar="FOLDER", help="samples (default: the studio's people)")
    parser.add_argument("--judge", nargs="+", type=Path, metavar="FOLDER", help="samples that judge (default: a part)")
    parser.add_argument(
        "--studio-share",
        type=read_share,
        metavar="S",
        help="with --data: mix in so much of the studio, for instance 0.3",
    )
    parser.add_argument("--minutes", type=read_minutes, metavar="M", help="how long (default: the recipe's)")
    parser.add_argument("--samples", type=read_samples, metavar="N", help="how many, instead of or besides minutes")
    parser.add_argument("--seed", type=read_seed, metavar="N", help="of all that is drawn (default: the recipe's)")
    parser.add_argument("--threads", type=read_threads, default=0, metavar="N", help="of the processor (default: all)")
    parser.add_argument("--init", type=Path, metavar="CHECKPOINT", help="a network to start from, flat or deep")
    parser.add_argument("--imagenet", type=Path, metavar="FILE", help="ResNet weights to start a pose-resnet from")
    parser.add_argument("--resume", action="store_true", help="go on with the run in that folder")


def _evaluate(commands: _Commands) -> None:
    """Describe `epipole evaluate`."""
    parser = commands.add(
        "evaluate",
        "how far a network's poses are from the truth, or from a rig's labels",
        purpose="Judges a network that sees depth with one camera: overall, by joint, view and action, with and\n"
        "without the depth and the box of the truth; the worst, typical and best crops as pictures.",
        example="epipole evaluate best.pt --data held-out --out judged\n"
        "epipole evaluate anna --session walk --against compact-studio",
    )
    parser.add_argument("network", metavar="NETWORK", help="a checkpoint (.pt), a network's folder, or its name")
    judge = parser.add_mutually_exclusive_group(required=True)
    judge.add_argument("--data", nargs="+", type=Path, metavar="FOLDER", help="samples that were stored")
    judge.add_argument("--session", type=Path, metavar="SESSION", help="a session with labels, which are the judge")
    parser.add_argument("--labels", metavar="ID", help="which labels of the session (default: the newest)")
    parser.add_argument("--against", metavar="NETWORK", help="another network, for the difference with its interval")
    _out(parser, "folder for the report (default: epipole-<time>)", required=False)


def _finetune(commands: _Commands) -> None:
    """Describe `epipole finetune`."""
    parser = commands.add(
        "finetune",
        "let the rig teach the network that works with one camera",
        purpose="Labels the sessions, teaches the network in use from them, and compares both on clips that neither\n"
        "saw. The new one serves only if it is surely better (exit code 0); if not, nothing changes (3).\n"
        "--minutes is all you wait: what labels, pictures and the comparison take is taken off the teaching.",
        example="epipole finetune squats walk --minutes 10 --person Anna\nepipole finetune --resume anna-2026-11-21",
    )
    parser.add_argument("sessions", nargs="*", type=Path, metavar="SESSION", help="tracked, with a calibration")
    parser.add_argument("--method", default="pose_resnet", metavar="NAME", help="default: pose_resnet")
    parser.add_argument("--minutes", type=read_minutes, metavar="M", help="that you wait, all in all (default: 10)")
    parser.add_argument(
        "--person", type=read_person, metavar="NAME", help="whose network it becomes (default: the sessions')"
    )
    parser.add_argument("--start", default="", metavar="NETWORK", help="to start from (default: the one in use)")
    parser.add_argument("--threads", type=read_threads, default=0, metavar="N", help="of the processor (default: all)")
    parser.add_argument("--seed", type=read_seed, default=0, metavar="N", help="of what is drawn (default: 0)")
    wishes = parser.add_mutually_exclusive_group()
    wishes.add_argument("--resume", metavar="RUN", help="go on with a run that rests or was broken off")
    wishes.add_argument("--pause", metavar="RUN", help="let a run rest")
    wishes.add_argument("--cancel", metavar="RUN", help="end a run; it can be resumed")
    _out(parser, "folder that the runs lie in (default: the program's own)", required=False)


def _models(commands: _Commands) -> None:
    """Describe `epipole models`."""
    parser = commands.add(
        "models",
        "the pose models on this machine",
        purpose="Lists pose models and the networks you taught, fetches one, and says which network serves whom.",
        example=f"epipole models list\nepipole models pull {DEFAULT_MODEL}\nepipole models use anna-2026-11-21",
    )
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="list|pull|use|roll-back", parser_class=Parser
    )
    actions.add_parser("list", help="which models there are, and which are here")
    pull = actions.add_parser("pull", help="fetch a model and check it")
    pull.add_argument("name", metavar="NAME", help=f"for instance {DEFAULT_MODEL}")
    pull.add_argument("--sha256", default="", metavar="HEX", help="the publisher's hash, where the card has none")
    use = actions.add_parser("use", help="let a network you taught serve a person, a rig, or everybody")
    use.add_argument("name", metavar="NAME", help="as in the list; the shipped one will do, too")
    back = actions.add_parser("roll-back", help="take back the last choice of a network")
    for action in (use, back):
        action.add_argument("--person", default="", metavar="NAME", help="for this person alone")
        action.add_argument("--rig", type=Path, metavar="FILE", help="for this rig alone")


def _doctor(commands: _Commands) -> None:
    """Describe `epipole doctor`."""
    commands.add(
        "doctor",
        "check this machine and say what is missing",
        purpose="Looks at Python, packages, the pose model, processor, graphics, disk and display.",
        example="epipole doctor",
    )


def _bench(commands: _Commands) -> None:
    """Describe `epipole bench`."""
    parser = commands.add(
        "bench",
        "measure this machine",
        purpose="Measures one part of the program on this machine, in processor time.",
        example="epipole bench inference",
    )
    parser.add_argument("subject", type=_bench_name, metavar="|".join(BENCHES), help="what to measure")


def _inputs(parser: Parser) -> None:
    """Take a session folder or one video per camera."""
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="a session folder, or one video per camera")


def _out(parser: Parser, purpose: str, *, required: bool) -> None:
    """Take the place to write to."""
    parser.add_argument("--out", type=Path, required=required, metavar="PATH", help=purpose)


def _model(parser: Parser) -> None:
    """Take the name of a pose model."""
    parser.add_argument("--model", default=DEFAULT_MODEL, metavar="NAME", help=f"default: {DEFAULT_MODEL}")


def _lift(parser: Parser) -> None:
    """Take the name of the network that sees depth with one camera."""
    what = "network for where one camera alone sees you; 'none' for none (default: the one in service)"
    parser.add_argument("--lift", default="", metavar="NAME", help=what)


def _person(parser: Parser) -> None:
    """Take the name of who is in front of the cameras."""
    what = "who is in front of the cameras: networks are kept for people"
    parser.add_argument("--person", type=read_person, default="", metavar="NAME", help=what)


def _bench_name(text: str) -> str:
    """Read the name of a bench."""
    if text in BENCHES:
        return text
    raise argparse.ArgumentTypeError(
        f"There is no bench '{text}'.{_nearest(text, list(BENCHES))} Choose one of {', '.join(BENCHES)}."
    )


def _explain_unknown(word: str, parser: Parser) -> str:
    """Say what an unexpected word may have meant."""
    if not word.startswith("-"):
        return f"'{parser.prog}' has no use for '{word}'. See '{parser.prog} --help'."
    option = word.split("=", maxsplit=1)[0]
    known = [name for action in parser._actions for name in action.option_strings]
    return f"'{parser.prog}' has no option '{option}'.{_nearest(option, known)} See '{parser.prog} --help'."


def _nearest(word: str, known: list[str]) -> str:
    """Suggest the nearest known word, if one is near."""
    found = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f" Did you mean '{found[0]}'?" if found else ""


def _version() -> str:
    """Look up the installed version."""
    try:
        return metadata.version("epipole")
    except metadata.PackageNotFoundError:
        return "(not installed)"


_DESCRIPTIONS = (
    _demo,
    _live,
    _record,
    _play,
    _calibrate,
    _track,
    _export,
    _label,
    _samples,
    _train,
    _evaluate,
    _finetune,
    _devices,
    _models,
    _doctor,
    _bench,
)
