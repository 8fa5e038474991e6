"""Forward kinematics: where bones begin, from their offsets and rotations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F64


@dataclass(frozen=True, slots=True, eq=False)
class Bone:
    """A bone, and where it begins.

    Parameters
    ----------
    name
        As in the file.
    parent
        Its place among the bones, before this one; -1 for the root.
    offset : (3,)
        From where the parent begins to where this one does, without any rotation.
    """

    name: str
    parent: int
    offset: F64


def place_bones(
    bones: Sequence[Bone], rotations: Mapping[int, F64], shifts: Mapping[int, F64], count: int
) -> F64:
    """Place the beginnings of all bones, for all frames at once.

    Parameters
    ----------
    bones : N
        Parents before children.
    rotations : place of a bone to (T, 3, 3)
        In the axes of its parent; bones without turn with their parents.
    shifts : place of a bone to (T, 3)
        Instead of the bone's offset.
    count
        T.

    Returns
    -------
    xyz : (T, N, 3)
    """
    xyz = np.empty((count, len(bones), 3))
    world = np.broadcast_to(np.eye(3), (count, 3, 3))
    turned: list[F64] = []
    for index, bone in enumerate(bones):
        if bone.parent >= 0:
            world = turned[bone.parent]
        away = shifts[index][..., None] if index in shifts else bone.offset[:, None]
        origin = xyz[:, bone.parent] if bone.parent >= 0 else 0.0
        xyz[:, index] = (world @ away)[..., 0] + origin
        turned.append(world @ rotations[index] if index in rotations else world)
    return xyz


def place_at_rest(bones: Sequence[Bone]) -> F64:
    """Place the beginnings of all bones without any rotation, (N, 3)."""
    return place_bones(bones, {}, {}, 1)[0]
