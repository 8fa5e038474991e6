"""What several commands take, in the same words everywhere."""

from pathlib import Path

from app.cli.parser import Parser
from app.cli.values import read_person, read_threads
from app.settings import DEFAULT_MODEL

_SOURCE_HELP = (
    "a camera: usb:0, or usb:<id> as 'epipole devices' names it; rtsp://… or http://…; a video, "
    "played as if it were "
    "live; or a simulated one, studio:walk?cameras=4&seed=1"
)
_MODEL_HELP = (
    "network that finds the joints in the images, one of 'epipole models list' "
    f"(default: {DEFAULT_MODEL})"
)
_LIFT_HELP = (
    "network that guesses depth where only one camera sees you, one of 'epipole models list'; "
    "none for none "
    "(default: the one in use)"
)


def add_sources_argument(parser: Parser, *, count: str) -> None:
    """Take live cameras; `count` is argparse's ``nargs``."""
    parser.add_argument("sources", nargs=count, metavar="SOURCE", help=_SOURCE_HELP)


def add_inputs_argument(parser: Parser) -> None:
    """Take a session folder or one video per camera."""
    parser.add_argument(
        "inputs", nargs="+", metavar="INPUT", help="a session folder, or one video per camera"
    )


def add_session_argument(parser: Parser) -> None:
    """Take a session folder."""
    parser.add_argument("session", type=Path, metavar="SESSION", help="a session folder")


def add_out_option(parser: Parser, purpose: str, *, required: bool) -> None:
    """Take the place to write to."""
    parser.add_argument("--out", type=Path, required=required, metavar="PATH", help=purpose)


def add_headless_option(parser: Parser) -> None:
    """Take the wish for a picture instead of a window."""
    parser.add_argument(
        "--headless",
        action="store_true",
        help="open no window, but draw it as a picture; without a display it is so anyway",
    )


def add_model_option(parser: Parser) -> None:
    """Take the name of a pose model."""
    parser.add_argument("--model", default=DEFAULT_MODEL, metavar="NAME", help=_MODEL_HELP)


def add_lift_option(parser: Parser) -> None:
    """Take the name of the network that sees depth with one camera."""
    parser.add_argument("--lift", default="", metavar="NAME", help=_LIFT_HELP)


def add_person_option(parser: Parser, default: str) -> None:
    """Take the name of who is in front of the cameras."""
    what = (
        "who is in front of the cameras, so that a network taught for them is used "
        f"(default: {default})"
    )
    parser.add_argument("--person", type=read_person, default="", metavar="NAME", help=what)


def add_threads_option(parser: Parser) -> None:
    """Take how much of the processor may be used."""
    what = "threads of the processor, 0 for all (default: 0)"
    parser.add_argument("--threads", type=read_threads, default=0, metavar="N", help=what)
