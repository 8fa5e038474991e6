"""WorldClip: the videos of one real recording with what is known of its cameras and joints."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np

from calibration.geometry.arrays import F64
from calibration.rig import Rig
from calibration.skeleton import load_skeleton


@dataclass(frozen=True, slots=True, eq=False)
class WorldClip:
    """One recording of one person, by one camera or more, with its truth.

    Parameters
    ----------
    name
    folder
        Where it was found.
    licence, note
        As the clip states them; may be empty.
    views
        Name and video of each, in camera order.
    rig
        The true cameras, z up, in the order of `views`; None where they are not known.
    rate_fps
        Images per second.
    stature_m
        Of the person; None where it is not known.
    joints
        Names of the true joints; empty where there are none.
    xyz : (T, J, 3), m, world
        Where they are in each image of the videos; NaN where missing. None where the clip has none.

    Raises
    ------
    ValueError
        If `joints` and `xyz`, or `views` and `rig`, disagree.
    """

    name: str
    folder: Path
    licence: str
    note: str
    views: tuple[tuple[str, Path], ...]
    rig: Rig | None
    rate_fps: float
    stature_m: float | None = None
    joints: tuple[str, ...] = ()
    xyz: F64 | None = None

    def __post_init__(self) -> None:
        """Check that names, joints and cameras belong together."""
        if self.rig is not None and self.rig.names != self.view_names:
            raise ValueError(f"Clip '{self.name}': the cameras are not those of the views.")
        if self.xyz is not None and self.xyz.shape[1:] != (len(self.joints), 3):
            raise ValueError(f"Clip '{self.name}': {self.xyz.shape} are not its joints.")

    @property
    def view_names(self) -> tuple[str, ...]:
        """Names of the views, in camera order."""
        return tuple(name for name, _ in self.views)

    def select_joints(self, joints: tuple[str, ...]) -> F64 | None:
        """Return the true joints of these names, (T, J, 3), m; NaN for those it does not have."""
        if self.xyz is None:
            return None
        chosen = np.full((len(self.xyz), len(joints), 3), np.nan)
        for place, joint in enumerate(joints):
            if joint in self.joints:
                chosen[:, place] = self.xyz[:, self.joints.index(joint)]
        return chosen


@dataclass(frozen=True, slots=True)
class FoundClip:
    """A clip that was found and is not read yet: a set may have hundreds, of many megabytes.

    Parameters
    ----------
    name
    folder
        Tells clips of one name apart.
    load
        Reads it; raises DatasetError if something of it is missing or damaged.
    """

    name: str
    folder: Path
    load: Callable[[], WorldClip]


@cache
def list_joint_names() -> frozenset[str]:
    """Return the names of all joints of the skeletons that come with the program."""
    files = (resources.files("assets") / "skeletons").iterdir()
    names = [file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml")]
    return frozenset(joint for name in names for joint in load_skeleton(name).joints)
