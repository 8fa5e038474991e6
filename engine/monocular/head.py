"""The head of a person seen by one camera: both ears, from a crown, or from where they are seen."""

import numpy as np

from calibration.geometry.arrays import F64
from engine.reconstruction.body_size import LIMBS

CROWN = "head_top"
EARS = ("left_ear", "right_ear")
SHOULDERS = ("left_shoulder", "right_shoulder")

# The crown lies beyond the ears by this share of the way from shoulders to ears, as in the labels.
_CROWN_BEYOND = 0.6
# Of the way from shoulder to shoulder, for each ear: ears are 0.15 m apart, shoulder joints 0.38 m.
_EAR_OFFSET = 0.2
_HEAD_ON_TRUNK = 0.38
"""From shoulders to ears, as a share of the way from hips to shoulders: 0.19 m on 0.5 m."""
TURNED_HEAD_SIGMA_M = 0.04  # error of an ear of a head turned by 45 degrees or bowed, per axis


def estimate_ears(crown: F64, shoulders: F64) -> F64:
    """Estimate the ears of a head that faces where the shoulders face.

    Parameters
    ----------
    crown : (3,)
        In any space, of any unit.
    shoulders : (2, 3)
        Left and right.

    Returns
    -------
    ears : (2, 3)
        Left and right; NaN where something is missing. Their middle follows from how the training
        labels place the crown, their direction from the shoulders alone: the models do not see
        which way a face is turned.
    """
    left, right = shoulders
    middle = (crown + _CROWN_BEYOND * (left + right) / 2) / (1 + _CROWN_BEYOND)
    offset = _EAR_OFFSET * (left - right)
    return np.stack([middle + offset, middle - offset])


def place_ears(limbs: F64, rays: F64) -> F64:
    """Place the ears where they are seen, as deep as the head is on these shoulders.

    Parameters
    ----------
    limbs : (12, 3), camera
        As `engine.reconstruction.body_size.LIMBS`.
    rays : (2, 2) or (0, 2), undistorted
        Where the left and the right ear are seen; NaN where not found.

    Returns
    -------
    ears : (2, 3) or (0, 3), camera
        The head is taken to stand on the trunk and to face where the shoulders do: that gives its
        depth, and the image the rest.
    """
    if not len(rays):
        return np.empty((0, 3))
    left, right = (limbs[LIMBS.index(joint)] for joint in SHOULDERS)
    top = (left + right) / 2
    trunk = top - (limbs[LIMBS.index("left_hip")] + limbs[LIMBS.index("right_hip")]) / 2
    middle = top + _HEAD_ON_TRUNK * trunk
    offset = _EAR_OFFSET * (left - right)
    depth = np.array([(middle + offset)[2], (middle - offset)[2]])[:, None]
    return np.concatenate([rays, np.ones((2, 1))], -1) * depth
