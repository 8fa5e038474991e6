"""Drawn people that all runs of a machine share: safe from kills and other runs."""

import shutil
from collections.abc import Callable
from pathlib import Path

from training.data.samples import ARRAYS, Samples, open_samples
from training.errors import DatasetError, TrainingError


def open_shared_samples(
    folder: Path, scratch_folder: Path, draw: Callable[[Path], None]
) -> Samples:
    """Open a set that several runs share; where there is none, or a damaged one, it is drawn.

    Parameters
    ----------
    folder
        Of the set. It appears in one step, when it is complete: two runs that draw at once do the
        work twice, and the first one's set stays.
    scratch_folder
        Folder of the caller's own, on the same disk, in which the set is drawn; what a killed
        process left there is deleted.
    draw
        Writes the set into the folder that it is given; always the same set.

    Raises
    ------
    TrainingError
        If the disk refuses, or what `draw` raises.
    """
    if (folder / ARRAYS).exists():
        try:
            return open_samples(folder)
        except DatasetError:
            # drawn people are no loss: they are drawn again
            _delete_damaged(folder, scratch_folder)
    unfinished = scratch_folder / folder.name
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        draw(unfinished)
        _publish(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return open_samples(folder)


def _delete_damaged(folder: Path, scratch_folder: Path) -> None:
    """Delete a damaged or unfinished set; its name is free at once, even while it is still read."""
    discarded = scratch_folder / f"{folder.name}.damaged"
    shutil.rmtree(discarded, ignore_errors=True)
    try:
        folder.rename(discarded)
    except FileNotFoundError:
        return  # another run was faster
    except OSError as error:
        raise TrainingError(
            f"'{folder}' is damaged and cannot be moved: {error.strerror or error}. Delete it, "
            "then go on."
        ) from error
    shutil.rmtree(discarded, ignore_errors=True)


def _publish(unfinished: Path, folder: Path) -> None:
    """Rename a finished set, unless another run was faster; replace an unfinished one."""
    if (folder / ARRAYS).exists():
        return
    if folder.exists():
        _delete_damaged(folder, unfinished.parent)
    try:
        unfinished.rename(folder)
    except OSError as error:
        if not (folder / ARRAYS).exists():
            raise TrainingError(
                f"'{folder}' cannot be written: {error.strerror or error}. Free some space, "
                "then go on."
            ) from error
