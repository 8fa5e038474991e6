"""Which way is up: outside files have y up, or x; the person's own head and feet tell."""

from collections.abc import Sequence

import numpy as np

from calibration.geometry.arrays import F64

HEAD = ("head_top", "nose", "neck", "thorax")
FEET = ("left_ankle", "right_ankle", "left_foot_index", "right_foot_index")


def find_upright(xyz: F64, joints: Sequence[str]) -> F64 | None:
    """Find the turn after which z is up.

    Parameters
    ----------
    xyz : (T, J, 3), m
        Joints of a person who mostly stands, in a world whose axes are level and upright.
    joints : J names

    Returns
    -------
    upright_from_world : (3, 3)
        A rotation that exchanges axes; None where no image has both head and feet.
    """
    head, feet = (
        xyz[:, [joints.index(joint) for joint in wanted if joint in joints]]
        for wanted in (HEAD, FEET)
    )
    if not head.shape[1] or not feet.shape[1]:
        return None
    upwards = (head[:, :1] - feet[:, :1])[:, 0]
    upwards = upwards[np.isfinite(upwards).all(-1)]
    if not len(upwards):
        return None
    mean = upwards.mean(0)
    axis = int(np.argmax(np.abs(mean)))
    # the two other axes follow in their cyclic order, so that it is a rotation
    turn = np.zeros((3, 3))
    turn[2, axis] = np.sign(mean[axis])
    turn[0, (axis + 1) % 3] = 1.0
    turn[1, (axis + 2) % 3] = np.sign(mean[axis])
    return turn
