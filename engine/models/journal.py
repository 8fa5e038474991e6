"""The journal of which network serves whom: lines of JSON that are only added, so that every choice can be undone."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.disk import append_atomic

ADOPT, ROLL_BACK = "adopt", "roll-back"


@dataclass(frozen=True, slots=True)
class Change:
    """One line.

    Parameters
    ----------
    time_ns
        Since 1970, UTC.
    action
        ``adopt`` or ``roll-back``.
    network
        That was adopted, or that no longer serves.
    person, rig_id
        Whom it is about; empty for everybody, and for any rig.
    reason
        A sentence.
    by
        Who did it: a person, or ``fine-tuning``.
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
        One that is missing is empty.

    Returns
    -------
    changes
    remarks
        A sentence for each line that a kill or a full disk left behind; it is left out.

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
                f"Line {number} of '{path}' was not written to its end and is left out. If a "
                "choice of yours is "
                "missing, make it again."
            )
        else:
            changes.append(change)
    return tuple(changes), tuple(remarks)


def append_change(path: Path, change: Change) -> None:
    """Add a line: all of it, or the file is as it was. The caller holds the folder.

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
            data = b"\n" + data  # the last line is torn: it must not swallow this one
        append_atomic(file, data, length)
        os.fsync(file.fileno())


def list_adopted(changes: Iterable[Change], person: str, rig_id: str) -> list[str]:
    """Return the networks that were adopted for somebody and not rolled back, the one that serves
    last.

    Parameters
    ----------
    changes
        Oldest first.
    person, rig_id
        Exactly these; empty stands for everybody, and for any rig.
    """
    stack: list[str] = []
    for change in changes:
        if (_normalize_name(change.person), change.rig_id) != (_normalize_name(person), rig_id):
            continue
        if change.action == ADOPT:
            stack.append(change.network)
        elif change.action == ROLL_BACK and stack and stack[-1] == change.network:
            stack.pop()  # a line about another one comes from two windows that rolled back at once
    return stack


def _normalize_name(person: str) -> str:
    """Return what two spellings of one name share."""
    return person.strip().casefold()


def _read_last_byte(path: Path) -> bytes:
    """Return the last byte of a file that is not empty."""
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1)
