"""Arguments that several commands share, described in the same words."""

from pathlib import Path

from app.cli.parser import Parser
from app.cli.values import read_person, read_seed, read_threads
from app.settings import DEFAULT_MODEL

_SOURCE_HELP = (
    "a camera: usb:0, or usb:<id> from 'epipole devices'; rtsp://… or http://…; a video, played "
    "as if it were live; or simulated cameras, studio:walk?cameras=4&seed=1"
)
_MODEL_HELP = (
    "model that finds the joints in the images, one of 'epipole models list' "
    f"(default: {DEFAULT_MODEL})"
)
_LIFT_HELP = (
    "model that estimates depth where only one camera sees you, one of 'epipole models list', "
    "'own-pose' for what the pose model itself guesses, or 'none' (default: the model in use)"
)


def add_sources_argument(parser: Parser, *, count: str) -> None:
    """Add live cameras; `count` is argparse's ``nargs``."""
    parser.add_argument("sources", nargs=count, metavar="SOURCE", help=_SOURCE_HELP)


def add_inputs_argument(parser: Parser) -> None:
    """Add a session folder or one video per camera."""
    parser.add_argument(
        "inputs", nargs="+", metavar="INPUT", help="a session folder, or one video per camera"
    )


def add_session_argument(parser: Parser) -> None:
    """Add a session folder."""
    parser.add_argument("session", type=Path, metavar="SESSION", help="a session folder")


def add_out_option(parser: Parser, purpose: str, *, required: bool) -> None:
    """Add the path to write to."""
    parser.add_argument("--out", type=Path, required=required, metavar="PATH", help=purpose)


def add_headless_option(parser: Parser) -> None:
    """Add the option to draw a picture instead of a window."""
    parser.add_argument(
        "--headless",
        action="store_true",
        help="draw the window as a picture instead of opening it (always so without a display)",
    )


def add_model_option(parser: Parser) -> None:
    """Add the name of a pose model."""
    parser.add_argument("--model", default=DEFAULT_MODEL, metavar="NAME", help=_MODEL_HELP)


def add_lift_option(parser: Parser) -> None:
    """Add the name of the monocular model."""
    parser.add_argument("--lift", default="", metavar="NAME", help=_LIFT_HELP)


def add_person_option(parser: Parser, default: str) -> None:
    """Add the name of the person in front of the cameras."""
    what = f"name of the person, so that a model fine-tuned for them is used (default: {default})"
    parser.add_argument("--person", type=read_person, default="", metavar="NAME", help=what)


def add_rig_option(parser: Parser, purpose: str) -> None:
    """Add the file of a rig."""
    parser.add_argument("--rig", type=Path, metavar="FILE", help=purpose)


def add_seed_option(parser: Parser, purpose: str = "random seed") -> None:
    """Add a random seed, 0 where it is not given."""
    parser.add_argument(
        "--seed", type=read_seed, default=0, metavar="N", help=f"{purpose} (default: 0)"
    )


def add_threads_option(parser: Parser) -> None:
    """Add the number of processor threads."""
    what = "number of processor threads, 0 for all (default: 0)"
    parser.add_argument("--threads", type=read_threads, default=0, metavar="N", help=what)
