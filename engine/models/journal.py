"""The journal of which model is used for whom: appended lines of JSON, so choices can be undone."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.disk import append_atomic

ADOPT, ROLL_BACK = "adopt", "roll-back"


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the journal.

    Parameters
    ----------
    time_ns
        Since 1970, UTC.
    action
        ``adopt`` or ``roll-back``.
    network
        Name of the model that was adopted, or rolled back.
    person, rig_id
        For whom and which rig; empty for everybody, and for any rig.
    reason
        A message.
    by
        Who decided: a person, or ``fine-tuning``.
    """

    time_ns: int
    action: str
    network: str
    person: str = ""
    rig_id: str = ""
    reason: str = ""
    by: str = ""


def read_journal(path: Path) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """Read all changes, oldest first.

    Parameters
    ----------
    path
        A missing file is empty.

    Returns
    -------
    changes
    remarks
        A message for each line left incomplete by a kill or a full disk, which is skipped.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return (), ()
    changes, remarks = [], []
    for number, line in enumerate(lines, start=1):
        try:
            change = Change(**json.loads(line))
        except (ValueError, TypeError):
            remarks.append(
                f"Line {number} of '{path}' was not written to its end and is ignored. If a "
                "choice of yours is missing, make it again."
            )
        else:
            changes.append(change)
    return tuple(changes), tuple(remarks)


def append_change(path: Path, change: Change) -> None:
    """Append a line, whole or not at all; the caller locks the folder.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    data = json.dumps(asdict(change), ensure_ascii=False).encode() + b"\n"
    with path.open("a+b", buffering=0) as file:
        length = file.seek(0, os.SEEK_END)
        if length and _read_last_byte(path) != b"\n":
            data = b"\n" + data  # the last line is incomplete: start a new one
        append_atomic(file, data, length)
        os.fsync(file.fileno())


def list_adopted(changes: Iterable[Change], person: str, rig_id: str) -> list[str]:
    """Return the models adopted and not rolled back for a person and rig, the current one last.

    Parameters
    ----------
    changes
        Oldest first.
    person, rig_id
        Exact match; empty stands for everybody, and for any rig.
    """
    stack: list[str] = []
    for change in changes:
        if (_normalize_name(change.person), change.rig_id) != (_normalize_name(person), rig_id):
            continue
        if change.action == ADOPT:
            stack.append(change.network)
        elif change.action == ROLL_BACK and stack and stack[-1] == change.network:
            stack.pop()  # two windows that rolled back at once leave a line about another model
    return stack


def _normalize_name(person: str) -> str:
    """Return the form in which spellings of one name are equal."""
    return person.strip().casefold()


def _read_last_byte(path: Path) -> bytes:
    """Return the last byte of a file that is not empty."""
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1)
