"""Steps of a fine-tune that do nothing but report: for tests of the recipe and its process."""

import os
import signal
import time
from dataclasses import replace

from training.errors import TrainingError
from training.finetuning.finetune import Steps

BETTER = {"better": True, "message": "61 → 48 mm."}
NAMES = tuple(Steps.__dataclass_fields__)


def make_step(name):
    """A step that notes its turn in the run's folder, and ends with its name."""

    def step(context, reporter):
        with (context.folder / "turns").open("a") as file:
            file.write(f"{name}\n")
        reporter(0.5)
        return {"name": name, "after": sorted(context.results)}

    return step


def read_turns(folder):
    """The steps that had their turn, in order."""
    path = folder / "turns"
    return path.read_text().split() if path.exists() else []


def make_steps(**others):
    """The recipe's steps, telling ones but for `others`."""
    made = (
        {name: make_step(name) for name in NAMES} | {"compare": lambda work, watch: BETTER} | others
    )
    return Steps(**made)


def train_slowly(context, reporter):
    """Train for longer than any test takes, unless it is cancelled."""
    make_step("train")(context, reporter)
    for count in range(15_000):
        time.sleep(0.02)
        reporter(count / 15_000)
    return {}


def kill_once(context, reporter):
    """Be killed the first time."""
    make_step("train")(context, reporter)
    if not (context.folder / "killed").exists():
        (context.folder / "killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return {}


def refuse(context, reporter):
    """Find too little to train on."""
    raise TrainingError("Nothing in the session can be trained on.")


def fail_on_full_disk(context, reporter):
    """Find the disk full."""
    raise OSError(28, "No space left on device", "samples/images.u8")


def crash(context, reporter):
    """Be wrong."""
    raise ZeroDivisionError


def fail_without_torch(context, reporter):
    """Find torch not installed."""
    raise ModuleNotFoundError("No module named 'torch'", name="torch")


GOOD = make_steps()
SLOW = make_steps(train=train_slowly)
KILLED_ONCE = make_steps(train=kill_once)
REFUSED = replace(GOOD, label=refuse)
FULL = replace(GOOD, collect=fail_on_full_disk)
BROKEN = replace(GOOD, export=crash)
TORCHLESS = replace(GOOD, label=fail_without_torch)
WORSE = replace(GOOD, compare=lambda work, watch: {"better": False, "message": "48 → 61 mm."})
