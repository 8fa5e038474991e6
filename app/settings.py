"""Settings: what the program remembers, in one TOML file in the user's own folder."""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import platformdirs
import tomli_w

from engine.disk import atomic_file

DEFAULT_MODEL = "blazepose"
STATURE_RANGE_M = (0.5, 2.5)
_COUNTDOWN_RANGE_S = (0, 30)


@dataclass(frozen=True, slots=True)
class Settings:
    """What is remembered.

    Parameters
    ----------
    cameras
        Addresses in the order of the views, with their passwords: the file is readable by its owner
        only.
    stature_m
        Of the person; None where it was not given.
    person
        Who is in front of the cameras; empty where it is not set.
    model
        Name of the pose model.
    lift
        Name of the monocular model; ``none`` for none, empty for the one in use.
    rig
        Path of the rig that was last in use; empty where there was none.
    sessions
        Folder that new recordings go to; empty for the usual one.
    countdown_s
        Before a recording.
    hands_free
        Raised hands start and end a recording.
    window
        Left, top, width, height, px; empty before the first time.
    controls
        By camera and mode, as ``cam 1280x720@30 mjpeg``: each control that was set, and its value.
    """

    cameras: tuple[str, ...] = ()
    stature_m: float | None = None
    person: str = ""
    model: str = DEFAULT_MODEL
    lift: str = ""
    rig: str = ""
    sessions: str = ""
    countdown_s: int = 3
    hands_free: bool = False
    window: tuple[int, ...] = ()
    controls: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def sessions_folder(self) -> Path:
        """Return where recordings go."""
        return (
            Path(self.sessions) if self.sessions else platformdirs.user_documents_path() / "Epipole"
        )


def settings_file() -> Path:
    """Return the settings file."""
    return platformdirs.user_config_path("epipole", appauthor=False) / "settings.toml"


def library_file() -> Path:
    """Return the index of the recorded sessions."""
    return platformdirs.user_data_path("epipole", appauthor=False) / "sessions.sqlite"


def rig_file() -> Path:
    """Return where the rig of the last calibration is kept."""
    return platformdirs.user_data_path("epipole", appauthor=False) / "rig.toml"


def load_settings(path: Path) -> tuple[Settings, str]:
    """Read the settings.

    Returns
    -------
    settings
        The defaults for whatever cannot be read.
    message
        What was wrong with the file; empty where nothing was. A file that cannot be used is kept
        beside the new one.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings(), ""
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return Settings(), _back_up_invalid(path, str(error))
    try:
        return parse_settings(table), ""
    except ValueError as error:
        return Settings(), _back_up_invalid(path, str(error))


def parse_settings(table: Mapping[str, Any]) -> Settings:
    """Turn a table into settings.

    Raises
    ------
    ValueError
        If a name is unknown or a value is invalid; the message names it, and the nearest known
        name.
    """
    known = [item.name for item in fields(Settings)]
    for name in table:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            raise ValueError(
                f"there is no setting '{name}'{f', but there is {near[0]!r}' if near else ''}"
            )
    for name, value in table.items():
        if not _CHECKS[name](value):
            raise ValueError(f"'{name}' cannot be {value!r}")
    tuples = {name: tuple(table[name]) for name in ("cameras", "window") if name in table}
    return Settings(**{**table, **tuples})


def save_settings(settings: Settings, path: Path) -> None:
    """Write the settings; the file appears whole, and only its owner may read it.

    Raises
    ------
    OSError
        If the disk refuses; the earlier file stays as it was.
    """
    table = {
        name: value for name, value in asdict(settings).items() if value not in (None, (), {}, "")
    }
    with atomic_file(path) as file:
        Path(file.name).chmod(0o600)
        file.write(tomli_w.dumps(table))


def _back_up_invalid(path: Path, reason: str) -> str:
    """Move a file that cannot be used out of the way; say so."""
    backup = path.with_suffix(".old.toml")
    try:
        path.replace(backup)
    except OSError:
        return f"The settings in '{path}' cannot be read ({reason}); the defaults are used."
    return (
        f"The settings could not be read ({reason}); the defaults are used. The file is kept as "
        f"'{backup}': correct it and rename it to '{path.name}' to use it again."
    )


def _is_number(value: object) -> bool:
    """Whether this is a number and not a bool."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _are_controls(value: object) -> bool:
    """Whether this is a table of tables of numbers."""
    return isinstance(value, dict) and all(
        isinstance(table, dict) and all(map(_is_number, table.values())) for table in value.values()
    )


_CHECKS = {
    "cameras": lambda value: (
        isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    ),
    "stature_m": lambda value: (
        _is_number(value) and STATURE_RANGE_M[0] <= value <= STATURE_RANGE_M[1]
    ),
    "person": lambda value: isinstance(value, str),
    "model": lambda value: isinstance(value, str),
    "lift": lambda value: isinstance(value, str),
    "rig": lambda value: isinstance(value, str),
    "sessions": lambda value: isinstance(value, str),
    "countdown_s": lambda value: (
        isinstance(value, int) and _COUNTDOWN_RANGE_S[0] <= value <= _COUNTDOWN_RANGE_S[1]
    ),
    "hands_free": lambda value: isinstance(value, bool),
    "window": lambda value: (
        isinstance(value, list | tuple)
        and len(value) in (0, 4)
        and all(isinstance(item, int) for item in value)
    ),
    "controls": _are_controls,
}
