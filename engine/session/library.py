"""Library: an index of the sessions in a few folders, so that they are listed at once.

The folders are the truth; the index only remembers what was found in them, and can be deleted at
any time.
"""

import contextlib
import json
import math
import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.disk import find_free_path
from engine.session.session import is_session
from engine.session.summary import SessionSummary, find_newest_change_ns, summarize

SCHEMA = 2
# Another window may be writing: that takes milliseconds, on a slow disk a second.
BUSY_TIMEOUT_S = 15.0
# How deep sessions lie under a folder: a demo's is OUT/session.
MAX_DEPTH = 2
_COLUMNS = tuple(item.name for item in fields(SessionSummary))
_TABLE = f"CREATE TABLE session ({', '.join(_COLUMNS)}, PRIMARY KEY (path))"

ProgressCallback = Callable[[str, float], None]


class Library:
    """The sessions of a few folders; several programs may use one index at the same time.

    Parameters
    ----------
    index
        The file; created where it is missing, and rebuilt where it is damaged.
    folders
        That contain sessions, directly or in subfolders; a session folder itself works too.

    Attributes
    ----------
    remarks
        Messages on faults of the index.

    Notes
    -----
    It starts no thread and keeps no connection: any thread may call it. Reading a new session takes
    0.1 s, so callers do it in the background.
    """

    def __init__(self, index: Path, folders: Sequence[Path]) -> None:
        self.index = Path(index)
        self.folders = tuple(Path(folder) for folder in folders)
        self.remarks: tuple[str, ...] = ()
        # as last read; the list itself without an index file
        self._known: dict[str, SessionSummary] = {}
        self._is_persistent, self._checked = True, False

    def list_sessions(self) -> tuple[SessionSummary, ...]:
        """Return the sessions of the index, newest first, without reading the folders."""
        known = self._read_index().values()
        return tuple(
            sorted(known, key=lambda summary: (summary.created, str(summary.path)), reverse=True)
        )

    def refresh(
        self, progress: ProgressCallback = lambda _step, _share: None
    ) -> tuple[SessionSummary, ...]:
        """Read the folders: add new and changed sessions, and remove deleted ones.

        Parameters
        ----------
        progress
            Called with the session's name and the share done; may raise to cancel, and what was
            found until then is kept.

        Returns
        -------
        sessions
            As `list_sessions()`.
        """
        known = self._read_index()
        found = {
            str(path): path for folder in self.folders for path in find_session_folders(folder)
        }
        self._write_index([], gone=set(known) - set(found))
        changed = [path for key, path in found.items() if _has_changed(path, known.get(key))]
        for count, path in enumerate(changed):
            progress(path.name, count / len(changed))
            self._write_index([summarize(path)])
        return self.list_sessions()

    def _read_index(self) -> dict[str, SessionSummary]:
        """Read the whole index."""
        with self._open_sound_index() as connection:
            if connection is not None:
                rows = connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM session").fetchall()
                self._known = {row[0]: _summary_from_row(row) for row in rows}
        return dict(self._known)

    def _write_index(self, summaries: Iterable[SessionSummary], gone: Iterable[str] = ()) -> None:
        """Add or replace summaries and remove others, in one short transaction."""
        fresh = {str(summary.path): summary for summary in summaries}
        gone = set(gone)
        if not fresh and not gone:
            return
        self._known = {key: value for key, value in self._known.items() if key not in gone} | fresh
        with self._open_sound_index() as connection:
            if connection is not None:
                marks = ", ".join("?" * len(_COLUMNS))
                # A lock requested at once is waited for, never refused.
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(
                    "DELETE FROM session WHERE path = ?", [(key,) for key in gone]
                )
                rows = [_row_from_summary(summary) for summary in fresh.values()]
                connection.executemany(f"INSERT OR REPLACE INTO session VALUES ({marks})", rows)
                connection.execute("COMMIT")

    @contextlib.contextmanager
    def _open_sound_index(self) -> Generator[sqlite3.Connection | None, None, None]:
        """Open the index, repaired if damaged; None where it can only be kept in memory."""
        if not self._is_persistent:
            yield None
            return
        try:
            connection = self._connect()
        except (sqlite3.OperationalError, OSError) as error:
            self._fall_back_to_memory(error)
            yield None
            return
        try:
            yield connection
        except sqlite3.OperationalError as error:  # a full disk, or one that is gone
            self._fall_back_to_memory(error)
        finally:
            connection.close()

    def _connect(self) -> sqlite3.Connection:
        """Open the index; rename a damaged one and start a new one."""
        self.index.parent.mkdir(parents=True, exist_ok=True)
        try:
            connection = _open_index(self.index, check=not self._checked)
            self._checked = True
            return connection
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            backup = find_free_path(self.index.with_name(f"{self.index.name}.damaged"))
            with contextlib.suppress(FileNotFoundError):  # another window was faster
                self.index.rename(backup)
            self.remarks = (
                *self.remarks,
                f"The list of sessions '{self.index}' was damaged and is rebuilt from the folders; "
                f"no session is lost. The damaged file is kept as '{backup.name}'.",
            )
            return _open_index(self.index, check=False)

    def _fall_back_to_memory(self, error: Exception) -> None:
        """Keep the list in memory from now on, and report it."""
        self._is_persistent = False
        why = getattr(error, "strerror", None) or str(error)
        self.remarks = (
            *self.remarks,
            f"The list of sessions '{self.index}' cannot be written ({why}): the sessions are "
            "read again each time. Free some space, or check the folder's permissions.",
        )


def find_session_folders(folder: Path, depth: int = MAX_DEPTH) -> Iterator[Path]:
    """Find the session folders under a folder, in the order of their names.

    Parameters
    ----------
    folder
        A folder that is missing or cannot be read contains none.
    depth
        Levels of subfolders to search.

    Yields
    ------
    path
        Absolute.
    """
    if is_session(folder):
        yield folder.absolute()
        return
    if depth == 0:
        return
    try:
        inside = sorted(
            item for item in folder.iterdir() if item.is_dir() and not item.name.startswith(".")
        )
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    for item in inside:
        yield from find_session_folders(item, depth - 1)


def _open_index(index: Path, *, check: bool) -> sqlite3.Connection:
    """Open an index file and make its table; an index of another version is emptied."""
    connection = sqlite3.connect(index, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    try:
        if connection.execute("PRAGMA user_version").fetchone()[0] != SCHEMA:
            connection.execute("BEGIN IMMEDIATE")
            if connection.execute("PRAGMA user_version").fetchone()[0] != SCHEMA:
                connection.execute("DROP TABLE IF EXISTS session")
                connection.execute(_TABLE)
                connection.execute(f"PRAGMA user_version = {SCHEMA}")
            connection.execute("COMMIT")
        if check and connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("the index is damaged")
        connection.execute("SELECT path, stamp_ns FROM session LIMIT 1").fetchone()
        return connection
    except BaseException:
        connection.close()
        raise


def _has_changed(path: Path, known: SessionSummary | None) -> bool:
    """Return whether a session has to be read again."""
    return known is None or known.stamp_ns != find_newest_change_ns(path)


def _row_from_summary(summary: SessionSummary) -> tuple[Any, ...]:
    """Write a summary as a row."""
    values = {name: getattr(summary, name) for name in _COLUMNS}
    values["path"] = str(summary.path)
    values["created"] = summary.created.isoformat()
    values["joints_found"] = None if math.isnan(summary.joints_found) else summary.joints_found
    for name in ("cameras", "remarks"):
        values[name] = json.dumps(values[name])
    return tuple(values[name] for name in _COLUMNS)


def _summary_from_row(row: Sequence[Any]) -> SessionSummary:
    """Read a summary from a row."""
    values = dict(zip(_COLUMNS, row))
    values["path"] = Path(values["path"])
    values["created"] = datetime.fromisoformat(values["created"])
    values["joints_found"] = math.nan if values["joints_found"] is None else values["joints_found"]
    values["has_rig"], values["finished"] = bool(values["has_rig"]), bool(values["finished"])
    for name in ("cameras", "remarks"):
        values[name] = tuple(json.loads(values[name]))
    return SessionSummary(**values)
