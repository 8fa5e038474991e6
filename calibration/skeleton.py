"""Skeleton: named joints, the bones between them, and which is left and which is right."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

import numpy as np

from calibration.geometry.arrays import I64


@dataclass(frozen=True, slots=True, eq=False)
class Skeleton:
    """The joints that a network finds, by name and in its order.

    Parameters
    ----------
    name
        As in ``assets/skeletons/<name>.toml``.
    joints
        Names in snake_case; left is the person's left.
    bones
        Pairs of joint names whose distance is constant in a living body.
    lines
        Pairs of joint names that are drawn; a superset of the bones.

    Raises
    ------
    ValueError
        If a bone or line names a joint that does not exist, or two joints share a name.
    """

    name: str
    joints: tuple[str, ...]
    bones: tuple[tuple[str, str], ...]
    lines: tuple[tuple[str, str], ...] = ()
    mirror: I64 = field(init=False)

    def __post_init__(self) -> None:
        """Check the names and find each joint's counterpart on the other side."""
        if len(set(self.joints)) != len(self.joints):
            raise ValueError(f"Skeleton '{self.name}' names a joint twice.")
        unknown = {joint for pair in (*self.bones, *self.lines) for joint in pair} - set(
            self.joints
        )
        if unknown:
            raise ValueError(f"Skeleton '{self.name}' has no joint {', '.join(sorted(unknown))}.")
        mirror = np.array(
            [self.joints.index(_find_mirrored_joint(joint, self.joints)) for joint in self.joints]
        )
        object.__setattr__(self, "mirror", mirror)

    def index(self, joint: str) -> int:
        """Return the position of a joint in the order of the network."""
        return self.joints.index(joint)

    def indices(self, joints: Iterable[str]) -> I64:
        """Return the positions of several joints."""
        return np.array([self.joints.index(joint) for joint in joints], np.int64)

    @property
    def bone_indices(self) -> I64:
        """Bones as positions, (B, 2)."""
        return np.array([[self.index(a), self.index(b)] for a, b in self.bones], np.int64).reshape(
            -1, 2
        )


@cache
def load_skeleton(name: str) -> Skeleton:
    """Read a skeleton that ships with the program.

    Parameters
    ----------
    name
        For instance ``blazepose_33``.

    Raises
    ------
    ValueError
        If there is none of that name; the message lists those that exist.
    """
    folder = resources.files("assets") / "skeletons"
    file = folder / f"{name}.toml"
    if not file.is_file():
        known = sorted(
            entry.name.removesuffix(".toml")
            for entry in folder.iterdir()
            if entry.name.endswith(".toml")
        )
        raise ValueError(f"There is no skeleton '{name}'. Known: {', '.join(known)}.")
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    pairs = {
        key: tuple((str(a), str(b)) for a, b in table.get(key, [])) for key in ("bones", "lines")
    }
    return Skeleton(
        table["name"], tuple(table["joints"]), pairs["bones"], pairs["bones"] + pairs["lines"]
    )


def strip_side(joint: str) -> str:
    """Return a joint's name without its side: ``left_hip`` and ``right_hip`` give ``hip``."""
    return joint.removeprefix("left_").removeprefix("right_")


def _find_mirrored_joint(joint: str, joints: tuple[str, ...]) -> str:
    """Name the same joint on the other side of the body; itself if it has no side."""
    for one, other in (("left", "right"), ("right", "left")):
        parts = joint.split("_")
        if one in parts:
            twin = "_".join(other if part == one else part for part in parts)
            return twin if twin in joints else joint
    return joint
