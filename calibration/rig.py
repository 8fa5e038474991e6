"""Camera and Rig: what is known about where the cameras stand, and the file that keeps it.

``rig.toml`` has the aniposelib layout, which Caliscope, Pose2Sim, FreeMoCap and Anipose read: one
table per camera (``[cam_0]``, ``[cam_1]``, ...) with name, size, matrix, distortions, rotation and
translation. What only Epipole writes is under ``[metadata]``.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from calibration.errors import CalibrationError
from calibration.geometry.arrays import F64
from calibration.geometry.transforms import (
    invert_transform,
    nearest_rotation,
    rigid_transform,
    rotation_from_rotvec,
    rotvec_from_rotation,
)


class RigFileError(CalibrationError):
    """A rig file that cannot be read."""


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """One camera's geometry: how it sees, and from where.

    Parameters
    ----------
    name
        The view's name, as in the session.
    size_wh : px
        Width and height of the images that `matrix` is for.
    matrix : (3, 3), px
        K; pixels need not be square; (0, 0) is the centre of the first pixel.
    distortion : (5,)
        k1, k2, p1, p2, k3 (Brown-Conrady, as OpenCV has them).
    cam_from_world : (4, 4)
        ``x_cam = cam_from_world @ x_world``; camera x right, y down, z forward.

    Raises
    ------
    ValueError
        If a shape is wrong or a number is not finite.
    """

    name: str
    size_wh: tuple[int, int]
    matrix: F64
    distortion: F64 = field(default_factory=lambda: np.zeros(5))
    cam_from_world: F64 = field(default_factory=lambda: np.eye(4))

    def __post_init__(self) -> None:
        """Check shapes, numbers and sizes."""
        for name, shape in (("matrix", (3, 3)), ("distortion", (5,)), ("cam_from_world", (4, 4))):
            array = np.asarray(getattr(self, name), float)
            if array.shape != shape or not np.isfinite(array).all():
                raise ValueError(
                    f"Camera '{self.name}': {name} must be {shape} finite numbers, not "
                    f"{array.shape}."
                )
            object.__setattr__(self, name, array)
        if self.matrix[0, 0] <= 0 or self.matrix[1, 1] <= 0 or min(self.size_wh) < 1:
            raise ValueError(f"Camera '{self.name}': focal length and image size must be positive.")

    @property
    def R(self) -> F64:
        """Rotation of `cam_from_world`, (3, 3)."""
        return self.cam_from_world[:3, :3]

    @property
    def t(self) -> F64:
        """Translation of `cam_from_world`, (3,), m."""
        return self.cam_from_world[:3, 3]

    @property
    def centre(self) -> F64:
        """Where the camera stands, (3,), m, world."""
        return -self.R.T @ self.t

    @property
    def focal_px(self) -> float:
        """Mean of the two focal lengths, px."""
        return float((self.matrix[0, 0] + self.matrix[1, 1]) / 2)

    @property
    def principal_px(self) -> F64:
        """Principal point, (2,), px."""
        return self.matrix[:2, 2]


@dataclass(frozen=True, slots=True, eq=False)
class Rig:
    """Cameras in their order, in one world, and what else is known of them.

    Parameters
    ----------
    cameras
        In the order of the views.
    time_offset_ns : by camera name
        What to add to a camera's own times to get the rig's time (that of the first camera).
    metadata
        Plain values for ``[metadata]`` of the file: scale source, verdict, software.
    """

    cameras: tuple[Camera, ...]
    time_offset_ns: Mapping[str, int] = field(default_factory=dict[str, int])
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        """Check that names differ."""
        names = [camera.name for camera in self.cameras]
        if len(set(names)) != len(names):
            raise ValueError(f"Camera names must differ: {', '.join(names)}.")

    def __len__(self) -> int:
        return len(self.cameras)

    def __iter__(self) -> Iterator[Camera]:
        return iter(self.cameras)

    def __getitem__(self, key: int | str) -> Camera:
        if isinstance(key, str):
            return next(camera for camera in self.cameras if camera.name == key)
        return self.cameras[key]

    @property
    def names(self) -> tuple[str, ...]:
        """Names in the order of the cameras."""
        return tuple(camera.name for camera in self.cameras)

    def with_world(self, new_from_old: F64, scale: float = 1.0) -> "Rig":
        """Describe the same rig in another world frame.

        Parameters
        ----------
        new_from_old : (4, 4)
            Rigid, applied after the scaling: ``x_new = new_from_old @ (scale * x_old)``.
        scale
            Metres per old unit.

        Returns
        -------
        rig
            With the same images of the moved points.
        """
        old_from_new = invert_transform(new_from_old)
        moved: list[Camera] = []
        for camera in self.cameras:
            scaled = rigid_transform(camera.R, camera.t * scale)
            moved.append(replace(camera, cam_from_world=scaled @ old_from_new))
        return replace(self, cameras=tuple(moved))


def load_rig(path: Path | str) -> Rig:
    """Read a rig.toml.

    Parameters
    ----------
    path
        A file in the aniposelib layout, ours or another program's.

    Raises
    ------
    RigFileError
        If it cannot be read or lacks something; the message names the camera and the key.
    """
    try:
        with Path(path).open("rb") as file:
            tables = tomllib.load(file)
    except FileNotFoundError as error:
        raise RigFileError(
            f"There is no rig file '{path}'. Calibrate first, or correct the path."
        ) from error
    except OSError as error:
        raise RigFileError(f"The rig file '{path}' cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RigFileError(f"'{path}' is not a rig file: {error}. Choose a rig.toml.") from error
    keys = [key for key, value in tables.items() if isinstance(value, dict) and "matrix" in value]
    keys.sort(key=lambda key: (len(key), key))
    if not keys:
        raise RigFileError(f"'{path}' holds no camera ([cam_0] with a matrix). Choose a rig.toml.")
    metadata = dict(tables.get("metadata", {}))
    offsets = metadata.pop("time_offset_ns", {})
    try:
        cameras = tuple(_camera_from_table(key, tables[key]) for key in keys)
        return Rig(cameras, {str(name): int(value) for name, value in offsets.items()}, metadata)
    except (KeyError, TypeError, ValueError) as error:
        what = f"the key {error} is missing" if isinstance(error, KeyError) else str(error)
        raise RigFileError(f"The rig file '{path}' is incomplete: {what}.") from error


def save_rig(rig: Rig, path: Path | str) -> None:
    """Write a rig.toml, whole or not at all.

    Parameters
    ----------
    rig
    path
        Replaced only when the new file is complete.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    lines: list[str] = []
    for index, camera in enumerate(rig.cameras):
        lines += [
            f"[cam_{index}]",
            f"name = {_format_toml(camera.name)}",
            f"size = {_format_toml(list(camera.size_wh))}",
            f"matrix = {_format_toml(camera.matrix.tolist())}",
            f"distortions = {_format_toml(camera.distortion.tolist())}",
            f"rotation = {_format_toml(rotvec_from_rotation(camera.R).tolist())}",
            f"translation = {_format_toml(camera.t.tolist())}",
            "",
        ]
    lines.append("[metadata]")
    metadata = {"units": "metres", "world": "right-handed, z up, floor at z = 0", **rig.metadata}
    if rig.time_offset_ns:
        metadata["time_offset_ns"] = dict(rig.time_offset_ns)
    lines += [f"{_format_toml_key(key)} = {_format_toml(value)}" for key, value in metadata.items()]
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _camera_from_table(key: str, table: Mapping[str, Any]) -> Camera:
    """Build one camera from its table of the file."""
    distortion = np.zeros(5)
    given = np.asarray(table.get("distortions", []), float).ravel()
    if given.size > 5:
        raise ValueError(
            f"[{key}] has {given.size} distortion coefficients; only k1, k2, p1, p2, k3 are "
            "understood"
        )
    distortion[: given.size] = given
    rotation = nearest_rotation(
        rotation_from_rotvec(np.asarray(table.get("rotation", [0, 0, 0]), float).reshape(3))
    )
    translation = np.asarray(table.get("translation", [0, 0, 0]), float).reshape(3)
    width, height = table["size"]
    return Camera(
        name=str(table.get("name", key)),
        size_wh=(round(width), round(height)),
        matrix=np.asarray(table["matrix"], float).reshape(3, 3),
        distortion=distortion,
        cam_from_world=rigid_transform(rotation, translation),
    )


def _format_toml(value: Any) -> str:
    """Write one plain value as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return str(int(cast(int, value)))
    if isinstance(value, (float, np.floating)):
        text = repr(float(cast(float, value)))
        return text if any(c in text for c in ".einf") else text + ".0"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        escaped = "".join(
            f"\\u{ord(c):04x}" if ord(c) < 0x20 or ord(c) == 0x7F else c for c in escaped
        )
        return f'"{escaped}"'
    if isinstance(value, Mapping):
        table = cast(Mapping[str, Any], value)
        items = [f"{_format_toml_key(key)} = {_format_toml(item)}" for key, item in table.items()]
        return "{ " + ", ".join(items) + " }"
    if isinstance(value, Sequence):
        return "[" + ", ".join(_format_toml(item) for item in cast(Sequence[Any], value)) + "]"
    raise TypeError(f"rig.toml cannot hold a {type(value).__name__}.")


def _format_toml_key(key: str) -> str:
    """Quote a key where TOML demands it."""
    bare = key and all(c.isascii() and (c.isalnum() or c in "_-") for c in key)
    return key if bare else _format_toml(key)
