"""The words of the commands that teach a network to see depth with one camera, judge it, and put it into use."""

from pathlib import Path
from typing import Any

from app.cli.options import DEFAULT_MODEL, add_out_option, add_session_argument, add_threads_option
from app.cli.parser import Commands, Parser
from app.cli.values import (
    read_max_samples,
    read_minutes,
    read_names,
    read_person,
    read_samples,
    read_seed,
    read_share,
    read_stride,
)

_KINDS = ("mpii", "human36m", "mpi-inf-3dhp", "session", "studio")


def describe_label(commands: Commands) -> None:
    """Describe `epipole label`."""
    parser = commands.add(
        "label",
        "find the joints of a session that a network can learn from",
        purpose="Judges every joint of a tracked session by what all its cameras say of it, and "
        "keeps those that can\n"
        "be trusted as labels, in the session's own folder. What was rejected is kept with its "
        "reason.",
        example="epipole label walk\nepipole label walk --rig better.toml",
    )
    add_session_argument(parser)
    parser.add_argument(
        "--rig", type=Path, metavar="FILE", help="another rig.toml (default: the session's own)"
    )


def describe_samples(commands: Commands) -> None:
    """Describe `epipole samples`."""
    parser = commands.add(
        "samples",
        "store images with known joints to teach with",
        purpose="Makes samples, images of one person each with the joints that are known, of a "
        "published data set\n"
        "that you have, of a labelled session, or of simulated people, and stores them for "
        "'epipole train' and\n"
        "'epipole evaluate'. Data sets are read as they were unpacked.",
        example="epipole samples human36m h36m --people S1,S5,S6,S7,S8 --out h36m-train\n"
        "epipole samples mpii mpii --out mpii-train\nepipole samples session walk --out "
        "walk-samples\n"
        "epipole samples studio --most 20000 --seed 3 --out drawn",
    )
    parser.add_argument(
        "kind", choices=_KINDS, metavar="KIND", help=f"{', '.join(_KINDS)} (simulated people)"
    )
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        metavar="FOLDER",
        help="where the data set or session lies; the studio has none",
    )
    parser.add_argument(
        "--every",
        type=read_stride,
        metavar="K",
        help="every K-th image only (default: 5; mpii, session: 1)",
    )
    parser.add_argument(
        "--most",
        type=read_max_samples,
        metavar="N",
        help="at most N samples, evenly spread (default: all; studio: 20000)",
    )
    parser.add_argument(
        "--people",
        type=read_names,
        default=(),
        metavar="S1,…",
        help="of these people only, as the data set names them (default: all)",
    )
    parser.add_argument(
        "--seed",
        type=read_seed,
        default=0,
        metavar="N",
        help="another number, other simulated people (default: 0)",
    )
    _add_labels_option(parser)
    parser.add_argument(
        "--rig",
        type=Path,
        metavar="FILE",
        help="session only: the rig.toml it was labelled with (default: its own)",
    )
    add_out_option(parser, "the folder of samples to write", required=True)


def describe_train(commands: Commands) -> None:
    """Describe `epipole train`."""
    parser = commands.add(
        "train",
        "teach a network from the start",
        purpose="Teaches a network that sees depth with one camera, from stored samples or from "
        "simulated people.\n"
        "It can be killed at any moment and goes on with --resume; Ctrl-C finishes the step and "
        "keeps everything.\n"
        "Where both --minutes and --samples are given, what is reached first ends it.",
        example="epipole train compact-2d --out flat --minutes 45\n"
        "epipole train compact-3d --init flat/best.pt --out deep\n"
        "epipole train compact-3d --out deep --resume\n"
        "epipole train pose-resnet-50 --imagenet resnet50.pth --data mine --studio-share 0.3 "
        "--out deep\n"
        "torchrun --nproc-per-node 2 -m app.cli.main train pose-resnet-50 --data mine --out deep",
    )
    parser.add_argument(
        "recipe",
        metavar="RECIPE",
        help="compact-2d, compact-3d, pose-resnet-50, pose-resnet-50-paper, or a .toml file of "
        "your own",
    )
    add_out_option(parser, "folder for the network and all that is needed to go on", required=True)
    _add_data_options(parser)
    _add_training_options(parser)
    parser.add_argument(
        "--resume", action="store_true", help="go on with the run that lies in --out"
    )


def describe_evaluate(commands: Commands) -> None:
    """Describe `epipole evaluate`."""
    parser = commands.add(
        "evaluate",
        "measure how far off a network is",
        purpose="Compares a network that sees depth with one camera with samples whose joints "
        "are known, or with the\n"
        "labels of a session: in mm overall, by joint, camera and action, with the worst, "
        "typical and best\n"
        "images. Name either --data or --session.",
        example="epipole evaluate best.pt --data held-out --out judged\n"
        "epipole evaluate anna --session walk --against compact-studio",
    )
    parser.add_argument(
        "network",
        metavar="NETWORK",
        help="a name of 'epipole models list', a network's folder, or a .pt file",
    )
    judge = parser.add_mutually_exclusive_group(required=True)
    judge.add_argument(
        "--data", nargs="+", type=Path, metavar="FOLDER", help="samples of 'epipole samples'"
    )
    judge.add_argument(
        "--session",
        type=Path,
        metavar="SESSION",
        help="a session that 'epipole label' has labelled",
    )
    _add_labels_option(parser)
    parser.add_argument(
        "--against",
        metavar="NETWORK",
        help="another network to compare with: by how much, and how sure that is",
    )
    add_out_option(
        parser, "folder for the report (default: a new folder epipole-<time> here)", required=False
    )


def describe_finetune(commands: Commands) -> None:
    """Describe `epipole finetune`."""
    parser = commands.add(
        "finetune",
        "let your sessions teach the one-camera network",
        purpose="Several cameras know where you are; from that the network for one camera "
        "learns. Labels the\n"
        "sessions, teaches the network in use, and compares both on clips that neither saw. The "
        "new one is\n"
        "used only if it is surely better (exit code 0); if not, nothing changes (exit code 3).",
        example="epipole finetune squats walk --minutes 10 --person Anna\n"
        "epipole finetune --pause anna-2026-11-21\nepipole finetune --resume anna-2026-11-21",
    )
    parser.add_argument(
        "sessions",
        nargs="*",
        type=Path,
        metavar="SESSION",
        help="sessions of two cameras or more, tracked with a rig",
    )
    parser.add_argument(
        "--method",
        default="pose_resnet",
        metavar="NAME",
        help="way to teach; so far there is pose_resnet only",
    )
    parser.add_argument(
        "--minutes",
        type=read_minutes,
        metavar="M",
        help="how long you wait for all of it; teaching gets what the other steps leave "
        "(default: 10)",
    )
    parser.add_argument(
        "--person",
        type=read_person,
        metavar="NAME",
        help="whose network it becomes (default: whom the sessions show)",
    )
    parser.add_argument(
        "--start",
        default="",
        metavar="NETWORK",
        help="what to start from, a name or a .pt file (default: that in use)",
    )
    add_threads_option(parser)
    parser.add_argument(
        "--seed",
        type=read_seed,
        default=0,
        metavar="N",
        help="where chance begins; the same number gives the same course (default: 0)",
    )
    _add_run_control_options(parser)
    add_out_option(
        parser,
        "folder that holds the runs (default: the program's own, which the window shows)",
        required=False,
    )


def describe_models(commands: Commands) -> None:
    """Describe `epipole models`."""
    parser = commands.add(
        "models",
        "list, fetch and choose networks",
        purpose="Lists the networks that find joints and those that see depth with one camera, "
        "fetches one, and\n"
        "chooses which one-camera network is used for whom.",
        example=f"epipole models list\nepipole models pull {DEFAULT_MODEL}\n"
        "epipole models use anna-2026-11-21 --person Anna\nepipole models roll-back --person Anna",
    )
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="list|pull|use|roll-back", parser_class=Parser
    )
    _add_action(actions, "list", "show which networks there are, and which are here")
    pull = _add_action(actions, "pull", "fetch a network that finds joints, and check it")
    pull.add_argument("name", metavar="NAME", help=f"as in the list, for instance {DEFAULT_MODEL}")
    pull.add_argument(
        "--sha256",
        default="",
        metavar="HEX",
        help="the publisher's checksum, where the program knows none",
    )
    use = _add_action(
        actions,
        "use",
        "let a one-camera network be used for a person, before a rig, or for everybody",
    )
    use.add_argument(
        "name", metavar="NAME", help="as in the list, one you taught or the one that came with it"
    )
    back = _add_action(actions, "roll-back", "take back the last choice of a one-camera network")
    for action in (use, back):
        action.add_argument(
            "--person", default="", metavar="NAME", help="for this person only (default: everybody)"
        )
        action.add_argument(
            "--rig", type=Path, metavar="FILE", help="before this rig only (default: any)"
        )


def _add_action(actions: Any, name: str, purpose: str) -> Parser:
    """Add what can be done with networks; its own help says the same as the list of all."""
    return actions.add_parser(name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.")


def _add_labels_option(parser: Parser) -> None:
    """Take the name of a set of labels."""
    what = (
        "session only: which of its sets of labels, as 'epipole label' named it (default: "
        "the newest)"
    )
    parser.add_argument("--labels", metavar="ID", help=what)


def _add_data_options(parser: Parser) -> None:
    """Take what a network is taught from, and judged by."""
    parser.add_argument(
        "--data",
        nargs="+",
        type=Path,
        metavar="FOLDER",
        help="samples to learn from, of 'epipole samples' (default: simulated people, drawn as "
        "they are needed)",
    )
    parser.add_argument(
        "--judge",
        nargs="+",
        type=Path,
        metavar="FOLDER",
        help="samples to be judged by as it learns (default: a part of --data that is kept aside)",
    )
    parser.add_argument(
        "--studio-share",
        type=read_share,
        metavar="S",
        help="with --data: the share of simulated people to mix in, for instance 0.3 (default: "
        "the recipe's)",
    )
    parser.add_argument(
        "--occluders",
        type=Path,
        metavar="FOLDER",
        help="folder VOC2012 of a Pascal VOC copy, whose things are put before people (default: "
        "drawn things)",
    )


def _add_training_options(parser: Parser) -> None:
    """Take how long it is taught, and what it begins with."""
    parser.add_argument(
        "--minutes",
        type=read_minutes,
        metavar="M",
        help="how long to teach (default: the recipe's)",
    )
    parser.add_argument(
        "--samples",
        type=read_samples,
        metavar="N",
        help="how many samples to show it (default: the recipe's)",
    )
    parser.add_argument(
        "--seed",
        type=read_seed,
        metavar="N",
        help="where chance begins; the same number gives the same course (default: the recipe's)",
    )
    add_threads_option(parser)
    parser.add_argument(
        "--init",
        type=Path,
        metavar="FILE.pt",
        help="network to start from, 2D or 3D (default: chance, or --imagenet)",
    )
    parser.add_argument(
        "--imagenet", type=Path, metavar="FILE", help="ResNet weights to start a pose-resnet from"
    )


def _add_run_control_options(parser: Parser) -> None:
    """Take what a run that exists shall do."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--resume", metavar="RUN", help="go on with a run that rests or was broken off"
    )
    group.add_argument("--pause", metavar="RUN", help="let a run rest")
    group.add_argument("--cancel", metavar="RUN", help="end a run; it can be resumed")
