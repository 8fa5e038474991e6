"""Steps of a fine-tuning that do nothing but tell: for tests of the recipe and of its process."""

import os
import signal
import time
from dataclasses import replace

from training.errors import TrainingError
from training.finetune import Steps

BETTER = {"better": True, "sentence": "61 → 48 mm."}
NAMES = tuple(Steps.__dataclass_fields__)


def telling(name):
    """A step that notes its turn in the run's folder, and ends with its name."""

    def step(work, watch):
        with (work.folder / "turns").open("a") as file:
            file.write(f"{name}\n")
        watch(0.5)
        return {"name": name, "after": sorted(work.results)}

    return step


def turns(folder):
    """The steps that had their turn, in order."""
    path = folder / "turns"
    return path.read_text().split() if path.exists() else []


def steps(**others):
    """The recipe's steps, telling ones but for `others`."""
    made = {name: telling(name) for name in NAMES} | {"compare": lambda work, watch: BETTER} | others
    return Steps(**made)


def slow(work, watch):
    """Train for longer than any test takes, unless somebody ends it."""
    telling("train")(work, watch)
    for count in range(15_000):
        time.sleep(0.02)
        watch(count / 15_000)
    return {}


def killed_once(work, watch):
    """Be killed the first time."""
    telling("train")(work, watch)
    if not (work.folder / "killed").exists():
        (work.folder / "killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return {}


def refused(work, watch):
    """Find too little to learn from."""
    raise TrainingError("Nothing in the session can teach.")


def full(work, watch):
    """Find the disk full."""
    raise OSError(28, "No space left on device", "samples/images.u8")


def broken(work, watch):
    """Be wrong."""
    raise ZeroDivisionError


def torchless(work, watch):
    """Find torch not installed."""
    raise ModuleNotFoundError("No module named 'torch'", name="torch")


GOOD = steps()
SLOW = steps(train=slow)
KILLED_ONCE = steps(train=killed_once)
REFUSED = replace(GOOD, label=refused)
FULL = replace(GOOD, collect=full)
BROKEN = replace(GOOD, export=broken)
TORCHLESS = replace(GOOD, label=torchless)
WORSE = replace(GOOD, compare=lambda work, watch: {"better": False, "sentence": "48 → 61 mm."})
