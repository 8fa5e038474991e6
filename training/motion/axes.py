"""Axes: which axis of a file is up, and whether left and right are exchanged."""

from collections.abc import Mapping

import numpy as np

from calibration.geometry.arrays import F64
from calibration.geometry.transforms import normalize
from engine.studio.body.anatomy import SIDES
from engine.studio.body.retarget import FOOT_JOINTS
from training.errors import DatasetError

Z_UP_FROM = {
    "x": np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]], float),
    "-x": np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]], float),
    "y": np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], float),
    "-y": np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], float),
    "z": np.eye(3),
    "-z": np.array([[1, 0, 0], [0, -1, 0], [0, 0, -1]], float),
}
"""The rotation that puts an axis of a file upright."""
MIN_UPRIGHT = 0.8
"""Median cosine between trunk and upward axis; of 128 clips of CMU the least is 0.87."""
MIN_BENT_FRAMES = 10
MAX_STRAIGHT = 0.95
"""Hip to ankle, as a share of thigh and shank, at which a knee counts as bent."""


def find_up(joints: Mapping[str, F64], rest: Mapping[str, F64] | None, source: str) -> str:
    """Find the axis that the trunk follows: a key of `Z_UP_FROM`.

    Parameters
    ----------
    joints : name to (T, 3)
        Those of the limbs.
    rest : name to (3,)
        The same without any rotation, where the file has that.
    source
        The file, for messages.

    Raises
    ------
    DatasetError
        If the trunk follows no axis, or another than in a rest pose that stands: then the
        person may be lying.
    """
    along = np.median(_follow_trunk(joints), 0)
    axis = int(np.argmax(np.abs(along)))
    up = _name_axis(along)
    advice = f"Give the axis that is up: {', '.join(Z_UP_FROM)}."
    if not abs(along[axis]) >= MIN_UPRIGHT:  # also where the trunk has no length
        raise DatasetError(
            f"The trunk of '{source}' follows no axis in most of its frames, so which one is up "
            f"is unknown. {advice}"
        )
    if axis == 0:
        raise DatasetError(
            f"The trunk of '{source}' follows its x axis, which is up in hardly any file: the "
            f"person is probably lying. {advice}"
        )
    standing = None if rest is None else _find_standing_axis(rest)
    if standing not in (None, up):
        raise DatasetError(
            f"The trunk of '{source}' follows {up}, and {standing} in the skeleton's rest pose, so "
            f"the person is lying or the file was turned. {advice}"
        )
    return up


def _find_standing_axis(rest: Mapping[str, F64]) -> str | None:
    """Find the axis along which a rest pose stands; None where it does not.

    Some programs write bones that all lie along one axis: there, legs point as the trunk does.
    """
    trunk = _follow_trunk(rest)
    legs = normalize(np.sum([rest[f"{side}_hip"] - rest[f"{side}_ankle"] for side in SIDES], 0))
    if min(np.abs(trunk).max(), np.abs(legs).max()) < MIN_UPRIGHT:
        return None
    return _name_axis(trunk) if _name_axis(trunk) == _name_axis(legs) else None


def parse_up(up: str) -> F64:
    """Look up the rotation for an axis that the user gave; DatasetError if it is none."""
    if up not in Z_UP_FROM:
        raise DatasetError(f"'{up}' is no axis. Give the one that is up: {', '.join(Z_UP_FROM)}.")
    return Z_UP_FROM[up]


def is_mirrored(joints: Mapping[str, F64]) -> bool:
    """Whether left and right are exchanged: knees bend and feet point to the back.

    Parameters
    ----------
    joints : name to (T, 3), m

    Notes
    -----
    The front is that of the hips, left cross up. Of CMU's bent knees, 97 to 99.7 % bend to it.
    """
    front = normalize(np.cross(joints["left_hip"] - joints["right_hip"], _follow_trunk(joints)))
    bends, points = [], []
    for side in SIDES:
        hip, knee, ankle = (joints[f"{side}_{joint}"] for joint in ("hip", "knee", "ankle"))
        leg = np.linalg.norm(knee - hip, axis=-1) + np.linalg.norm(ankle - knee, axis=-1)
        bent = np.linalg.norm(ankle - hip, axis=-1) < MAX_STRAIGHT * leg
        bends.extend(np.sum((knee - (hip + ankle) / 2) * front, -1)[bent])
    for toe in FOOT_JOINTS:
        if toe in joints:
            ankle = joints[toe.replace("toe", "ankle")]
            points.extend(np.sum((joints[toe] - ankle) * front, -1))
    evidence = [np.median(points)] if points else []
    if len(bends) >= MIN_BENT_FRAMES:
        evidence.append(np.median(bends))
    return bool(evidence) and max(evidence) < 0


def _follow_trunk(joints: Mapping[str, F64]) -> F64:
    """Return the unit vector from the middle of the hips to that of the shoulders, (..., 3)."""
    top = joints["left_shoulder"] + joints["right_shoulder"]
    return normalize(top - joints["left_hip"] - joints["right_hip"])


def _name_axis(vector: F64) -> str:
    """Name the axis that a vector follows most."""
    axis = int(np.argmax(np.abs(vector)))
    return ("-" if vector[axis] < 0 else "") + "xyz"[axis]
