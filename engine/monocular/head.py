"""The head of a person seen by one camera: both ears, from the model's crown and shoulders."""

import numpy as np

from calibration.geometry.arrays import F64

CROWN = "head_top"
EARS = ("left_ear", "right_ear")
SHOULDERS = ("left_shoulder", "right_shoulder")

# The crown lies beyond the ears by this share of the way from shoulders to ears, as in the labels.
_CROWN_BEYOND = 0.6
# Of the way from shoulder to shoulder, for each ear: ears are 0.15 m apart, shoulder joints 0.38 m.
_EAR_OFFSET = 0.2
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
