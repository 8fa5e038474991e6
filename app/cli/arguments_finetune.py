"""Arguments of the commands that train, evaluate, fine-tune and choose models."""

from pathlib import Path
from typing import Any

from app.cli.options import (
    DEFAULT_MODEL,
    add_out_option,
    add_rig_option,
    add_seed_option,
    add_session_argument,
    add_threads_option,
)
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
        "select the joints of a session that can be used as labels",
        purpose="Checks every joint of a tracked session against all its cameras, and keeps the "
        "trustworthy ones as labels in the session's folder. Rejected joints are kept with the "
        "reason.",
        example="epipole label walk\nepipole label walk --rig better.toml",
    )
    add_session_argument(parser)
    add_rig_option(parser, "another rig.toml (default: the session's)")


def describe_samples(commands: Commands) -> None:
    """Describe `epipole samples`."""
    parser = commands.add(
        "samples",
        "store images with known joints for training and evaluation",
        purpose="Makes samples for 'epipole train' and 'epipole evaluate' from a published data "
        "set, a labelled session or simulated people. A sample is an image of one person with the "
        "joints that are known. Data sets are read as they were unpacked.",
        example="epipole samples human36m h36m --people S1,S5,S6,S7,S8 --out h36m-train\n"
        "epipole samples mpii mpii --out mpii-train\nepipole samples session walk --out "
        "walk-samples\n"
        "epipole samples studio --most 20000 --seed 3 --out drawn",
    )
    _add_sample_sources(parser)
    _add_sample_limits(parser)
    add_out_option(parser, "the folder of samples to write", required=True)


def _add_sample_sources(parser: Parser) -> None:
    """Add what samples are made from."""
    parser.add_argument(
        "kind", choices=_KINDS, metavar="KIND", help=f"{', '.join(_KINDS)} (simulated people)"
    )
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        metavar="FOLDER",
        help="folder of the data set or session (none for the studio)",
    )
    _add_labels_option(parser)
    add_rig_option(
        parser, "session only: the rig.toml it was labelled with (default: the session's)"
    )


def _add_sample_limits(parser: Parser) -> None:
    """Add how many samples are made, and of whom."""
    parser.add_argument(
        "--every",
        type=read_stride,
        metavar="K",
        help="use every K-th image only (default: 5; mpii and session: 1)",
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
        help="use these people only, by their names in the data set (default: all)",
    )
    add_seed_option(parser, "random seed for the simulated people")


def describe_train(commands: Commands) -> None:
    """Describe `epipole train`."""
    parser = commands.add(
        "train",
        "train a monocular model from scratch",
        purpose="Trains a model that estimates depth from one camera, on stored samples or on "
        "simulated people. Training can be killed at any moment and continued with --resume; "
        "Ctrl-C finishes the current step and keeps everything. If both --minutes and --samples "
        "are given, training ends at whichever is reached first.",
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
        help="compact-2d, compact-3d, pose-resnet-50, pose-resnet-50-paper, or your own .toml file",
    )
    add_out_option(parser, "folder for the model and everything needed to resume", required=True)
    _add_data_options(parser)
    _add_training_options(parser)
    parser.add_argument("--resume", action="store_true", help="continue the run in --out")


def describe_evaluate(commands: Commands) -> None:
    """Describe `epipole evaluate`."""
    parser = commands.add(
        "evaluate",
        "measure the error of a monocular model",
        purpose="Compares a monocular model with samples whose joints are known, or with the "
        "labels of a session. Reports the error in mm overall and by joint, camera and action, "
        "with the worst, typical and best images. Give either --data or --session.",
        example="epipole evaluate best.pt --data held-out --out judged\n"
        "epipole evaluate anna --session walk --against compact-studio",
    )
    parser.add_argument(
        "network",
        metavar="MODEL",
        help="a name from 'epipole models list', the folder of a model, or a .pt file",
    )
    judge = parser.add_mutually_exclusive_group(required=True)
    judge.add_argument(
        "--data", nargs="+", type=Path, metavar="FOLDER", help="samples made by 'epipole samples'"
    )
    judge.add_argument(
        "--session",
        type=Path,
        metavar="SESSION",
        help="a session labelled by 'epipole label'",
    )
    _add_labels_option(parser)
    parser.add_argument(
        "--against",
        metavar="MODEL",
        help="another model to compare with; reports the difference and its confidence",
    )
    add_out_option(
        parser, "folder for the report (default: a new folder epipole-<time> here)", required=False
    )


def describe_finetune(commands: Commands) -> None:
    """Describe `epipole finetune`."""
    parser = commands.add(
        "finetune",
        "fine-tune the monocular model on your own sessions",
        purpose="Uses what several cameras measured as labels for the model that works with one "
        "camera. Labels the sessions, fine-tunes the model in use, and compares both on clips "
        "that neither was trained on. The new model is used only if it is clearly better (exit "
        "code 0); otherwise nothing changes (exit code 3).",
        example="epipole finetune squats walk --minutes 10 --person Anna\n"
        "epipole finetune --pause anna-2026-11-21\nepipole finetune --resume anna-2026-11-21",
    )
    _add_finetune_options(parser)
    _add_run_control_options(parser)
    add_out_option(
        parser, "folder of the runs (default: the one shown in the window)", required=False
    )


def _add_finetune_options(parser: Parser) -> None:
    """Add what a fine-tuning starts with and how long it runs."""
    parser.add_argument(
        "sessions",
        nargs="*",
        type=Path,
        metavar="SESSION",
        help="sessions of two or more cameras, tracked with a rig",
    )
    parser.add_argument(
        "--method",
        default="pose_resnet",
        metavar="NAME",
        help="fine-tuning method (default and only one: pose_resnet)",
    )
    parser.add_argument(
        "--minutes",
        type=read_minutes,
        metavar="M",
        help="total time, including labelling and comparison (default: 10)",
    )
    parser.add_argument(
        "--person",
        type=read_person,
        metavar="NAME",
        help="person the model is for (default: the person named in the sessions)",
    )
    parser.add_argument(
        "--start",
        default="",
        metavar="MODEL",
        help="model to start from, a name or a .pt file (default: the model in use)",
    )
    add_threads_option(parser)
    add_seed_option(parser)


def describe_models(commands: Commands) -> None:
    """Describe `epipole models`."""
    parser = commands.add(
        "models",
        "list, download and choose models",
        purpose="Lists the models that find joints in images and the monocular models that "
        "estimate depth, downloads a model, and chooses which monocular model is used for whom.",
        example=f"epipole models list\nepipole models pull {DEFAULT_MODEL}\n"
        "epipole models use anna-2026-11-21 --person Anna\nepipole models roll-back --person Anna",
    )
    actions = parser.add_subparsers(
        dest="action", required=True, title="actions", metavar="ACTION", parser_class=Parser
    )
    _add_action(actions, "list", "list the models and which of them are installed")
    pull = _add_action(actions, "pull", "download a model and verify it")
    pull.add_argument(
        "name", metavar="NAME", help=f"name in the list, for instance {DEFAULT_MODEL}"
    )
    pull.add_argument(
        "--sha256",
        default="",
        metavar="HEX",
        help="checksum from the publisher, for a model without a known one",
    )
    use = _add_action(
        actions,
        "use",
        "use a monocular model for one person, for one rig, or for everybody",
    )
    use.add_argument(
        "name", metavar="NAME", help="name in the list, fine-tuned or supplied with the program"
    )
    back = _add_action(actions, "roll-back", "undo the last choice of a monocular model")
    for action in (use, back):
        action.add_argument(
            "--person", default="", metavar="NAME", help="for this person only (default: everybody)"
        )
        add_rig_option(action, "for this rig only (default: any)")


def _add_action(actions: Any, name: str, purpose: str) -> Parser:
    """Add an action on models; its own help repeats its line in the list."""
    return actions.add_parser(name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.")


def _add_labels_option(parser: Parser) -> None:
    """Add the name of a set of labels."""
    what = (
        "session only: which set of labels, by the name 'epipole label' gave it (default: the "
        "newest)"
    )
    parser.add_argument("--labels", metavar="ID", help=what)


def _add_data_options(parser: Parser) -> None:
    """Add the data for training and validation."""
    parser.add_argument(
        "--data",
        nargs="+",
        type=Path,
        metavar="FOLDER",
        help="samples to train on, from 'epipole samples' (default: simulated people, rendered "
        "as needed)",
    )
    parser.add_argument(
        "--judge",
        nargs="+",
        type=Path,
        metavar="FOLDER",
        help="samples for validation during training (default: a held-out part of --data)",
    )
    parser.add_argument(
        "--studio-share",
        type=read_share,
        metavar="S",
        help="with --data: share of simulated people to mix in, for instance 0.3 (default: the "
        "recipe's)",
    )
    parser.add_argument(
        "--occluders",
        type=Path,
        metavar="FOLDER",
        help="VOC2012 folder of Pascal VOC, whose objects are pasted in front of people "
        "(default: drawn shapes)",
    )


def _add_training_options(parser: Parser) -> None:
    """Add the training budget and the first weights."""
    parser.add_argument(
        "--minutes",
        type=read_minutes,
        metavar="M",
        help="length of training in minutes (default: the recipe's)",
    )
    parser.add_argument(
        "--samples",
        type=read_samples,
        metavar="N",
        help="number of samples to train on (default: the recipe's)",
    )
    parser.add_argument(
        "--seed",
        type=read_seed,
        metavar="N",
        help="random seed (default: the recipe's)",
    )
    add_threads_option(parser)
    parser.add_argument(
        "--init",
        type=Path,
        metavar="FILE.pt",
        help="checkpoint to start from, 2D or 3D (default: random weights, or --imagenet)",
    )
    parser.add_argument(
        "--imagenet", type=Path, metavar="FILE", help="ResNet weights to start a pose-resnet from"
    )


def _add_run_control_options(parser: Parser) -> None:
    """Add what can be done with an existing run."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--resume", metavar="RUN", help="continue a paused or interrupted run")
    group.add_argument("--pause", metavar="RUN", help="pause a run")
    group.add_argument("--cancel", metavar="RUN", help="stop a run; it can be resumed")
