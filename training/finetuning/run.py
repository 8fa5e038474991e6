"""A run of fine-tuning as a folder, so that it outlives the window, a crash and a restart: ::

    request.json      the options of the run
    state.json        which step, how far, results of the finished steps; replaced in one piece
    pause, cancel     files that request it; their contents mean nothing
    run.log           what the process wrote

The process of a run holds a lock on its folder (`engine.disk.FolderLock`): a crash or a kill
releases it, so that a dead run is not taken for a living one, whatever its state says.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from engine.disk import FolderLock, InUseError, atomic_file
from training.errors import TrainingError
from training.finetuning.request import FILE as REQUEST
from training.finetuning.request import FinetuneRequest, save_request

STATE = "state.json"
PAUSE = "pause"
CANCEL = "cancel"
LOG = "run.log"
INTERRUPTED = (
    "It was interrupted. Nothing is lost, and the model in use is untouched: resume it, or "
    "start again."
)


class Phase(StrEnum):
    """The state of a run."""

    RUNNING = "running"
    PAUSED = "paused"
    KEPT = "kept"
    ROLLED_BACK = "rolled back"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIVE_PHASES = (Phase.RUNNING, Phase.PAUSED)
RESUMABLE_PHASES = (*ACTIVE_PHASES, Phase.FAILED, Phase.CANCELLED)


@dataclass(frozen=True, slots=True, eq=False)
class RunState:
    """A run at one moment.

    Parameters
    ----------
    phase
    step
        The present one, a name of `training.finetuning.finetune.Steps`.
    share
        Of the step; NaN where unknown.
    seconds_left
        Of the step; NaN where unknown.
    message
        How it goes, or how it ended.
    began
        UTC, ISO 8601.
    seconds_used
        Working, pauses left out.
    results
        Of the steps that are done, by name: plain values.
    """

    phase: Phase = Phase.RUNNING
    step: str = ""
    share: float = math.nan
    seconds_left: float = math.nan
    message: str = ""
    began: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    seconds_used: float = 0.0
    results: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def make_run(parent: Path, request: FinetuneRequest) -> Path:
    """Make the folder of a new run.

    Parameters
    ----------
    parent
        Where runs lie.
    request

    Returns
    -------
    folder
        Named after the person and the day.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    words = "".join(
        letter if letter.isalnum() else "-" for letter in request.person.casefold()
    ).strip("-")
    name = f"{words or 'network'}-{datetime.now().astimezone():%Y-%m-%d-%Hh%M}"
    parent.mkdir(parents=True, exist_ok=True)
    folder, count = parent / name, 1
    while True:
        try:
            folder.mkdir()
            break
        except FileExistsError:
            count += 1
            folder = parent / f"{name}-{count}"
    save_request(folder, request)
    write_state(folder, RunState())
    return folder


def read_state(folder: Path) -> RunState:
    """Read how a run is; a run without a process is reported as interrupted.

    Raises
    ------
    TrainingError
        If it is no run, or damaged.
    """
    try:
        table = json.loads((folder / STATE).read_text(encoding="utf-8"))
        for part in (table, table.get("results", {}).get("compare", {})):
            if "sentence" in part:  # the name of the message until version 0.3
                part["message"] = part.pop("sentence")
        known = {item.name for item in fields(RunState)}
        values = {
            key: math.nan if value is None else value
            for key, value in table.items()
            if key in known
        }
        state = RunState(**{**values, "phase": Phase(table["phase"])})
    except FileNotFoundError as error:
        raise TrainingError(
            f"'{folder}' is no run of 'epipole finetune'. Choose a folder with a {STATE}."
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrainingError(
            f"The run '{folder.name}' is damaged: {STATE} cannot be read. Begin a new one."
        ) from error
    if state.phase in ACTIVE_PHASES and not is_held(folder):
        return replace(
            state, phase=Phase.FAILED, message=INTERRUPTED, share=math.nan, seconds_left=math.nan
        )
    return state


def write_state(folder: Path, state: RunState) -> None:
    """Replace the state in one piece. Raises OSError if the disk refuses, and the old one stays."""
    table = {key: None if value != value else value for key, value in asdict(state).items()}
    with atomic_file(folder / STATE) as file:
        json.dump(table, file, indent=1)


def list_runs(parent: Path) -> tuple[Path, ...]:
    """Return the folders of all runs, newest first; an empty tuple where there are none."""
    folders = [
        path.parent for path in parent.glob(f"*/{STATE}") if (path.parent / REQUEST).is_file()
    ]
    return tuple(
        sorted(
            folders, key=lambda path: ((path / REQUEST).stat().st_mtime_ns, path.name), reverse=True
        )
    )


def is_held(folder: Path) -> bool:
    """Return whether a process works on a run at this moment."""
    try:
        FolderLock(folder).release()
    except InUseError:
        return True
    except OSError:
        return False
    return False


def request_pause(folder: Path) -> None:
    """Ask a run to pause when it next looks for requests, until `request_resume`."""
    (folder / PAUSE).touch()


def request_resume(folder: Path) -> None:
    """Ask a paused run to continue."""
    (folder / PAUSE).unlink(missing_ok=True)


def request_cancel(folder: Path) -> None:
    """Ask a run to end when it next looks for requests; it can be resumed."""
    (folder / CANCEL).touch()


def clear_requests(folder: Path) -> None:
    """Withdraw requests that were made before a run was resumed."""
    for name in (PAUSE, CANCEL):
        (folder / name).unlink(missing_ok=True)
