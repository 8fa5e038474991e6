"""Arguments of the commands that record, calibrate, track, export and play."""

from pathlib import Path

from app.cli.options import (
    add_headless_option,
    add_inputs_argument,
    add_lift_option,
    add_model_option,
    add_out_option,
    add_person_option,
    add_rig_option,
    add_seed_option,
    add_session_argument,
    add_sources_argument,
)
from app.cli.parser import Commands, Parser
from app.cli.values import (
    read_camera_count,
    read_demo_seconds,
    read_recording_seconds,
    read_stature,
)

_DEFAULT_OUT = "(default: a new folder epipole-<time> here)"


def describe_demo(commands: Commands) -> None:
    """Describe `epipole demo`."""
    parser = commands.add(
        "demo",
        "try the whole program on simulated cameras",
        purpose="A person walks through a virtual room in front of simulated cameras. The "
        "program is given only the images and the person's height; it calibrates the cameras and "
        "reconstructs the motion. In a window this happens live. Without a window, every image "
        "is used, and the same seed gives the same result.",
        example="epipole demo\nepipole demo --cameras 3 --seconds 20 --seed 7 --out my-demo",
    )
    parser.add_argument(
        "--cameras",
        type=read_camera_count,
        default=4,
        metavar="N",
        help="how many cameras, 2 to 8 (default: 4)",
    )
    parser.add_argument(
        "--seconds",
        type=read_demo_seconds,
        metavar="S",
        help="length in seconds, 1 to 600 (default: until the window is closed; without one, 30)",
    )
    add_seed_option(parser, "random seed for the person and the room")
    add_headless_option(parser)
    add_out_option(parser, f"folder for the results {_DEFAULT_OUT}", required=False)


def describe_live(commands: Commands) -> None:
    """Describe `epipole live`."""
    parser = commands.add(
        "live",
        "see yourself in 3D with your own cameras, and record",
        purpose="Opens the window with these cameras, or with the last ones used if no SOURCE is "
        "given. Walk through the room, and the cameras are calibrated while you watch. Without a "
        "window, everything is recorded, and the window is drawn at the end as a picture. Ctrl-C "
        "stops it and keeps everything.",
        example="epipole live\nepipole live usb:0 usb:1 --stature 1.78\n"
        "epipole live rtsp://user:word@door/1 http://phone:8080/video --rig rig.toml\n"
        "epipole live 'studio:walk?cameras=4&seed=1' --headless --seconds 40 --out try",
    )
    add_sources_argument(parser, count="*")
    add_rig_option(parser, "rig.toml of an earlier calibration (default: calibrate while you walk)")
    _add_stature_option(parser, "in the window the last one used, else the average, 1.69")
    add_person_option(parser, "in the window the last one used, else none")
    parser.add_argument(
        "--record",
        type=Path,
        metavar="SESSION",
        help="record into this new session folder from the start (default: when you press "
        "Record; without a window, into --out)",
    )
    add_headless_option(parser)
    _add_seconds_option(parser, "until you close the window or press Ctrl-C")
    add_out_option(
        parser,
        f"without a window: folder for the picture, rig and session {_DEFAULT_OUT}",
        required=False,
    )
    add_model_option(parser)
    add_lift_option(parser)


def describe_record(commands: Commands) -> None:
    """Describe `epipole record`."""
    parser = commands.add(
        "record",
        "record cameras into a session, without a window",
        purpose="Records every image of every camera with its time. Nothing is computed, so a "
        "slow machine is enough. What was recorded is kept even if a camera fails, the disk fills "
        "up or the power goes off.",
        example="epipole record usb:0 usb:1 --out walk --seconds 60",
    )
    add_sources_argument(parser, count="+")
    _add_seconds_option(parser, "until you press Ctrl-C")
    add_person_option(parser, "none")
    add_out_option(parser, "the new session folder to write", required=True)


def describe_play(commands: Commands) -> None:
    """Describe `epipole play`."""
    parser = commands.add(
        "play",
        "play a session, frame by frame",
        purpose="Opens a recorded session: synchronized videos with the joints drawn over them, "
        "and the person in the room in 3D. Without a window, the frame that shows the person best "
        "is drawn as a picture.",
        example="epipole play walk",
    )
    add_session_argument(parser)
    add_headless_option(parser)
    add_out_option(
        parser, f"without a window: folder for the picture {_DEFAULT_OUT}", required=False
    )


def describe_calibrate(commands: Commands) -> None:
    """Describe `epipole calibrate`."""
    parser = commands.add(
        "calibrate",
        "find the positions of the cameras from videos of a moving person",
        purpose="Give a session folder, or two or more videos, one per camera; their order is "
        "the order of the cameras. The person should walk through the whole room for about 20 "
        "seconds. The rig is written only if it can be trusted (exit code 0); if not, the report "
        "says what to do (exit code 3).",
        example="epipole calibrate left.mp4 right.mp4 --out rig.toml --stature 1.78\n"
        "epipole calibrate cam*.mp4 --out rig.toml --shared-intrinsics --report report.json",
    )
    add_inputs_argument(parser)
    add_out_option(parser, "the rig file to write, for instance rig.toml", required=True)
    _add_stature_option(parser, "the session's, else the average, 1.69")
    parser.add_argument(
        "--intrinsics",
        type=Path,
        metavar="FILE",
        help="rig.toml with the lenses of these cameras (default: estimate them)",
    )
    parser.add_argument(
        "--shared-intrinsics",
        action="store_true",
        help="all cameras are of the same type: estimate one lens for all",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE.json",
        help="file for the uncertainties; the same as a readable page is written beside it "
        "(default: report.json beside the rig)",
    )
    add_model_option(parser)


def describe_track(commands: Commands) -> None:
    """Describe `epipole track`."""
    parser = commands.add(
        "track",
        "turn videos into a 3D skeleton",
        purpose="Finds the person in every video and reconstructs the joints in metres. A single "
        "video needs no rig: depth is then estimated by a model and from the person's height, and "
        "the position in the room is arbitrary.",
        example="epipole track left.mp4 right.mp4 --rig rig.toml --out walk\n"
        "epipole track phone.mp4 --stature 1.78 --out walk",
    )
    add_inputs_argument(parser)
    add_rig_option(parser, "rig.toml, from 'epipole calibrate'; one camera needs none")
    _add_stature_option(
        parser,
        "the session's, else the average, 1.69; used where only one camera sees the person",
    )
    add_out_option(parser, "the new session folder to write", required=True)
    add_model_option(parser)
    add_lift_option(parser)


def describe_export(commands: Commands) -> None:
    """Describe `epipole export`."""
    parser = commands.add(
        "export",
        "write a session's skeleton as a file for other programs",
        purpose="csv: one row per frame, person and joint, in metres, with the floor at z = 0.\n"
        "csv2d: one row per frame, camera, person and joint, in pixels of that camera's images.",
        example="epipole export walk --format csv --out walk.csv --smooth",
    )
    add_session_argument(parser)
    parser.add_argument(
        "--format", choices=("csv", "csv2d"), required=True, help="file format, see above"
    )
    add_out_option(parser, "the file to write", required=True)
    parser.add_argument(
        "--smooth",
        action="store_true",
        help="smooth the joints as the live view does (csv only; default: as measured)",
    )


def describe_devices(commands: Commands) -> None:
    """Describe `epipole devices`."""
    commands.add(
        "devices",
        "list the cameras that are plugged in",
        purpose="Lists the USB cameras of this machine by names that do not change, with their "
        "image sizes and rates, and says why a camera cannot be used.",
        example="epipole devices",
    )


def _add_stature_option(parser: Parser, default: str) -> None:
    """Add the person's height."""
    what = (
        "the person's height in metres, 0.5 to 2.5; it sets the scale of all lengths "
        f"(default: {default})"
    )
    parser.add_argument("--stature", type=read_stature, metavar="M", help=what)


def _add_seconds_option(parser: Parser, default: str) -> None:
    """Add the length of a recording."""
    what = f"length in seconds, 1 to 86400 (default: {default})"
    parser.add_argument("--seconds", type=read_recording_seconds, metavar="S", help=what)
