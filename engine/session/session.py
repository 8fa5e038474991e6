"""Session: a recording as a folder on disk; opened and checked here, written by `SessionWriter`.

::

    session.toml               schema, sources, cameras, configuration, model, stature
    rig.toml                   the calibrated cameras, once they are known
    cameras/<name>.mkv         the video of each camera
    cameras/<name>.frames.csv  its ledger: every frame with its exact time, kept or not, and why
    poses_2d_raw.bin           2D poses as the model found them, each view on its own
    poses_2d.bin               the same people matched across views, left and right repaired
    poses_3d.bin               3D poses, unsmoothed

Its more than 400 lines are the reading side of one folder layout.
"""

import dataclasses
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, cast

import numpy as np
import tomli_w
from numpy.typing import NDArray

from calibration.errors import CalibrationError
from calibration.rig import Rig, load_rig
from engine.address import MANIFEST as MANIFEST
from engine.address import strip_credentials
from engine.disk import atomic_file, disk_errors
from engine.errors import SessionError
from engine.ledger import FrameTimes, LedgerRow, build_frame_times, read_ledger
from engine.session.ending import SessionEnding, ending_from_table
from engine.session.pose_files import PoseReader

SCHEMA = 1
RIG = "rig.toml"
CAMERAS = "cameras"
NO_IMAGE_WH = (0, 0)  # the size of a camera's images until the first has come
VIDEO, LEDGER = ".mkv", ".frames.csv"
POSES_2D_RAW = "poses_2d_raw.bin"
POSES_2D = "poses_2d.bin"
POSES_3D = "poses_3d.bin"


@dataclass(frozen=True, slots=True)
class SessionCamera:
    """One camera of a session.

    Parameters
    ----------
    name
        The view's name.
    source
        The address or file it came from, without its password.
    video
        Path within the session.
    ledger
        Path within the session; empty where the video's own time stamps are the times.
    size_wh : px
        Upright; `NO_IMAGE_WH` where the camera sent none.
    rate_fps
        Nominal.
    rotation_deg
        Clockwise rotation that makes the stored images upright; the video says it too.
    offset_ns
        What to add to this camera's times to get the session's time.
    start_ns
        The camera's time at the video's stamp 0; None if that is the ledger's first kept frame.
    """

    name: str
    source: str
    video: str
    ledger: str
    size_wh: tuple[int, int]
    rate_fps: float
    rotation_deg: int = 0
    offset_ns: int = 0
    start_ns: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SessionFacts:
    """The facts of a session, besides its cameras.

    Parameters
    ----------
    sources
        The addresses it was made from, in the order of the cameras; written without passwords.
    configuration
        The options in use, as plain values.
    model
        Of the 2D model: ``name``, ``sha256``; empty where there was none.
    stature_m
        Of the person; None if not given.
    person
        Name of the person, for whom models may be adopted; empty if not given.
    utc_offset_ns
        What to add to the session's time to get Unix time; None where the sources do not know the
        time of day.
    created
        When the session was started.
    """

    sources: tuple[str, ...] = ()
    configuration: Mapping[str, Any] = field(default_factory=dict[str, Any])
    model: Mapping[str, str] = field(default_factory=dict[str, str])
    stature_m: float | None = None
    person: str = ""
    utc_offset_ns: int | None = None
    created: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """A session folder, checked.

    Parameters
    ----------
    path
    facts
    cameras
        In the order of the views.
    remarks
        Messages on what is missing, was lost or was not finished.
    finished
        False where the recording was interrupted.
    """

    path: Path
    facts: SessionFacts
    cameras: tuple[SessionCamera, ...]
    remarks: tuple[str, ...] = ()
    finished: bool = True

    @classmethod
    def open(cls, path: Path) -> "Session":
        """Read a session folder. Nothing in it is changed.

        Returns
        -------
        session
            Also one that was not finished, or lacks videos; `remarks` says so.

        Raises
        ------
        SessionError
            If it is no session, is damaged, or was written by a newer program.
        """
        path = Path(path)
        table = read_manifest(path)
        try:
            cameras = tuple(_camera_from_table(entry) for entry in table.get("camera", []))
            facts = _facts_from_table(table)
            ending = ending_from_table(table)
        except (KeyError, TypeError, ValueError) as error:
            what = f"the key {error} is missing" if isinstance(error, KeyError) else str(error)
            raise SessionError(
                f"'{path / MANIFEST}' is damaged: {what}. Restore the file, or give the videos "
                f"in '{path / CAMERAS}'."
            ) from error
        if not cameras and any((path / CAMERAS).glob(f"*{VIDEO}")):
            raise SessionError(
                f"'{path / MANIFEST}' is damaged: it names no camera, though there are videos. "
                f"Restore the file, or give the videos in '{path / CAMERAS}'."
            )
        remarks = (*ending.remarks(path.name), *_describe_missing(path, cameras))
        return cls(path, facts, cameras, remarks, ending.finished)

    @property
    def has_rig(self) -> bool:
        """Whether the session has a calibrated rig."""
        return (self.path / RIG).is_file()

    def rig(self) -> Rig:
        """Read the calibrated rig.

        Raises
        ------
        SessionError
            If the session holds no rig, or a damaged one.
        """
        try:
            return load_rig(self.path / RIG)
        except CalibrationError as error:
            raise SessionError(
                f"The session '{self.path.name}' has no rig that can be read: {error}"
            ) from error

    def ledger(self, camera: SessionCamera) -> tuple[LedgerRow, ...]:
        """Read a camera's ledger; empty where the session keeps none of it."""
        return read_ledger(self.path / camera.ledger) if camera.ledger else ()

    def frame_times(self, camera: SessionCamera) -> FrameTimes | None:
        """Return the exact times of a video's frames; None where its own stamps are the times."""
        if not camera.ledger or not (self.path / camera.ledger).is_file():
            return None
        rows = self.ledger(camera)
        first = next((row.time_ns for row in rows if row.kept and row.time_ns is not None), 0)
        start_ns = first if camera.start_ns is None else camera.start_ns
        return build_frame_times(rows, start_ns=start_ns, rate_fps=camera.rate_fps)

    def poses_2d_raw(self) -> PoseReader:
        """Open the 2D poses of each view alone. Raises SessionError if there are none."""
        return self._open_poses(POSES_2D_RAW)

    def poses_2d(self) -> PoseReader:
        """Open the 2D poses after association and repair. Raises SessionError if there are none."""
        return self._open_poses(POSES_2D)

    def poses_3d(self) -> PoseReader:
        """Open the unsmoothed 3D poses. Raises SessionError if there are none."""
        return self._open_poses(POSES_3D)

    def start_ns(self) -> int:
        """Return the time of frameset 0, from which exported seconds count.

        Raises
        ------
        SessionError
            If the session holds no poses.
        """
        for name in (POSES_2D_RAW, POSES_2D, POSES_3D):
            if (self.path / name).is_file():
                records = self._open_poses(name).records
                if len(records) and records[0]["index"] == 0:
                    return int(records[0]["time_ns"])
        raise SessionError(f"The session '{self.path.name}' holds no poses. Run track on it first.")

    def _open_poses(self, name: str) -> PoseReader:
        """Open a file of poses."""
        path = self.path / name
        if not path.is_file():
            raise SessionError(
                f"The session '{self.path.name}' holds no {name}. Run track on it first."
            )
        return PoseReader(path)


def require_new_folder(path: Path) -> None:
    """Make sure that a session can start in a folder, before cameras are opened for it.

    Raises
    ------
    SessionError
        If something is there already, or the folder cannot be read.
    """
    with disk_errors(path):
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise SessionError(
                f"'{path}' exists and is not empty; a session is never overwritten. Choose "
                "another name."
            )


def write_manifest(
    path: Path,
    facts: SessionFacts,
    cameras: Sequence[SessionCamera],
    ending: SessionEnding | None = None,
) -> None:
    """Write session.toml, whole or not at all.

    Parameters
    ----------
    path
        The session's folder.
    facts
    cameras
    ending
        None while the session is being written.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    table = {
        "schema": SCHEMA,
        **(ending or SessionEnding()).to_table(),
        "created": facts.created,
        "sources": [strip_credentials(source) for source in facts.sources],
        "stature_m": facts.stature_m,
        "person": facts.person or None,
        "utc_offset_ns": facts.utc_offset_ns,
        "model": facts.model,
        "configuration": facts.configuration,
        "camera": [
            {**dataclasses.asdict(camera), "source": strip_credentials(camera.source)}
            for camera in cameras
        ],
    }
    replace_manifest(path, table)


def replace_manifest(path: Path, table: Mapping[str, Any]) -> None:
    """Write session.toml from a table, whole or not at all; a None in it is an absent key.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    with atomic_file(path / MANIFEST) as file:
        file.write(tomli_w.dumps(_to_plain(table)))


def is_session(path: Path) -> bool:
    """Return whether a path is a session folder."""
    return (Path(path) / MANIFEST).is_file()


def add_suffix(stem: Path, suffix: str) -> Path:
    """Append a suffix to a name that may itself contain dots."""
    return stem.with_name(stem.name + suffix)


def read_manifest(path: Path) -> dict[str, Any]:
    """Read session.toml as a table.

    Raises
    ------
    SessionError
        If there is none, it is damaged, or was written by a newer program.
    """
    try:
        table = tomllib.loads((path / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SessionError(
            f"'{path}' is no session: it has no {MANIFEST}. Check the path."
        ) from error
    except OSError as error:
        raise SessionError(
            f"The session '{path}' cannot be read: {error.strerror}. Check its permissions."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SessionError(
            f"'{path / MANIFEST}' is damaged: {error}. Restore the file, or give the videos in "
            f"'{path / CAMERAS}'."
        ) from error
    schema = table.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise SessionError(
            f"The session '{path}' was written by a newer Epipole (schema {schema}, this one "
            f"reads up to {SCHEMA}). Update Epipole."
        )
    return table


def _camera_from_table(entry: Mapping[str, Any]) -> SessionCamera:
    """Read one camera."""
    width, height = entry["size_wh"]
    known = {item.name for item in dataclasses.fields(SessionCamera)}
    values: dict[str, Any] = {key: value for key, value in entry.items() if key in known}
    values["size_wh"] = (int(width), int(height))
    return SessionCamera(**values)


def _facts_from_table(table: Mapping[str, Any]) -> SessionFacts:
    """Read the facts of a session."""
    return SessionFacts(
        sources=tuple(table.get("sources", ())),
        configuration=table.get("configuration", {}),
        model=table.get("model", {}),
        stature_m=table.get("stature_m"),
        person=table.get("person", ""),
        utc_offset_ns=table.get("utc_offset_ns"),
        created=table["created"],
    )


def _sent_nothing(path: Path, camera: SessionCamera) -> bool:
    """Return whether a camera sent no image: then its ledger is there, without a line."""
    if camera.size_wh == NO_IMAGE_WH:
        return True
    ledger = path / camera.ledger
    return bool(camera.ledger) and ledger.is_file() and ledger.read_bytes().count(b"\n") <= 1


def _describe_missing(path: Path, cameras: Sequence[SessionCamera]) -> list[str]:
    """Describe what a session lacks."""
    remarks: list[str] = []
    for camera in cameras:
        if not (path / camera.video).is_file() and _sent_nothing(path, camera):
            remarks.append(
                f"Camera '{camera.name}' sent no image while '{path.name}' was recorded."
            )
        elif not (path / camera.video).is_file():
            remarks.append(
                f"The video of camera '{camera.name}' is missing ('{camera.video}'): its images "
                "cannot be read again. Put the file back if you have it."
            )
        elif camera.ledger and not (path / camera.ledger).is_file():
            remarks.append(
                f"The ledger of camera '{camera.name}' is missing ('{camera.ledger}'): the "
                "video's own time stamps are used, from its first frame on and to the millisecond."
            )
    return remarks


def _to_plain(value: object) -> Any:
    """Convert configuration values to what TOML holds; None is an absent key."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _to_plain(
            {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
        )
    if isinstance(value, Mapping):
        table = cast(Mapping[object, object], value)
        return {str(key): _to_plain(item) for key, item in table.items() if item is not None}
    if isinstance(value, (np.ndarray, np.generic)):
        return cast(NDArray[Any] | np.generic, value).tolist()
    if isinstance(value, (list, tuple)):
        return [_to_plain(item) for item in cast(Sequence[object], value)]
    return value if isinstance(value, (bool, int, float, str, datetime, date, time)) else str(value)
