"""The files of networks of our own: what lies in the folder of one, and how it comes into the folder of all."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from engine.disk import FolderLock, InUseError, sync_to_disk
from engine.errors import EngineError
from engine.models.card import ModelCard, PathSource, write_card

CARD_FILE = "card.toml"
MODEL_FILE = "network.onnx"
CHECKPOINT_FILE = "checkpoint.pt"
REPORT_FILE = "report.html"

LOCK_TIMEOUT_S = 10.0
"""Another program holds the networks for as long as it takes to copy one."""


@contextmanager
def lock_models_folder(folder: Path, timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[None]:
    """Hold the folder of all networks, waiting for another program that does; it is made where it
    is missing.

    Raises
    ------
    EngineError
        If the disk refuses, here or within; or the other program does not let go.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        hold = _wait_for_lock(folder, timeout_s)
        try:
            yield
        finally:
            hold.release()
    except OSError as error:
        raise EngineError(
            f"The networks in {folder} cannot be changed: {_describe_error(error)}. What was "
            "there is as it was; free "
            "some space, or check the folder's permissions."
        ) from error


def copy_model(folder: Path, card: ModelCard, target: Path) -> None:
    """Copy a network into a folder that appears when it is complete. The caller holds the folder
    around it.

    Parameters
    ----------
    folder
        Of the network.
    card
        Of the network; in the copy it has the new folder's name.
    target
        Does not exist.

    Raises
    ------
    OSError
        If the disk refuses; then nothing is left.
    """
    for left in target.parent.glob(
        ".*.part"
    ):  # of a program that was killed: whoever holds the folder copies alone
        shutil.rmtree(left)
    partial = target.with_name(f".{target.name}.part")
    try:
        shutil.copytree(folder, partial)
        write_card(replace(card, name=target.name, source=PathSource(partial)), partial / CARD_FILE)
        for file in partial.rglob("*"):
            if file.is_file():
                sync_to_disk(file)
        partial.rename(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _describe_error(error: OSError) -> str:
    """Say what the disk refused; a folder that could not be copied brings a list of what happened to its files."""
    if (
        isinstance(error, shutil.Error)
        and error.args
        and isinstance(error.args[0], list)
        and error.args[0]
    ):
        return (
            str(error.args[0][0][-1]).partition("] ")[2].partition(":")[0]
            or "its files could not be copied"
        )
    return error.strerror or str(error)


def _wait_for_lock(folder: Path, timeout_s: float) -> FolderLock:
    """Hold a folder, as soon as nobody else does."""
    end = time.monotonic() + timeout_s
    while True:
        try:
            return FolderLock(folder)
        except InUseError as error:
            if time.monotonic() > end:
                raise EngineError(
                    f"Another program has held the networks in {folder} for "
                    f"{timeout_s:.0f} s. Wait until it is done, "
                    "or close it, then try again."
                ) from error
            time.sleep(0.02)
