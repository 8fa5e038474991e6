"""The files of locally trained models: the folder of each, and copying into the library."""

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
"""Another program locks the models while it copies one."""


@contextmanager
def lock_models_folder(folder: Path, timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[None]:
    """Lock the folder of all models, waiting for other programs; it is created where missing.

    Parameters
    ----------
    folder
    timeout_s
        How long to wait for another program.

    Raises
    ------
    EngineError
        If the disk refuses, here or within, or another program keeps the lock.
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
            f"The models in {folder} cannot be changed: {_describe_error(error)}. Nothing was "
            "changed. Free some space, or check the folder's permissions."
        ) from error


def copy_model(folder: Path, card: ModelCard, target: Path) -> None:
    """Copy a model to a new folder, whole or not at all; the caller locks the models' folder.

    Parameters
    ----------
    folder
        Of the model.
    card
        Of the model; in the copy it has the new folder's name.
    target
        Must not exist.

    Raises
    ------
    OSError
        If the disk refuses; then nothing is left behind.
    """
    # Leftovers of a program that was killed: the lock ensures that no other copy is running.
    for left in target.parent.glob(".*.part"):
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
    """Describe what the disk refused; a failed copy of a folder lists an error per file."""
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
    """Lock a folder as soon as no other program does."""
    end = time.monotonic() + timeout_s
    while True:
        try:
            return FolderLock(folder)
        except InUseError as error:
            if time.monotonic() > end:
                raise EngineError(
                    f"Another program has locked the models in {folder} for "
                    f"{timeout_s:.0f} s. Wait until it is done, or close it, then try again."
                ) from error
            time.sleep(0.02)
