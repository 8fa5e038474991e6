"""The head of somebody whom one camera alone sees: both ears, from the crown and the shoulders that a network gives."""

import numpy as np

from calibration.geometry.arrays import F64

CROWN = "head_top"
EARS = ("left_ear", "right_ear")
SHOULDERS = ("left_shoulder", "right_shoulder")

_CROWN_BEYOND = 0.6  # of the way from shoulders to ears beyond the ears, as networks are taught it
# of the way from shoulder to shoulder, each: ears are 0.15 m apart, the joints of shoulders 0.38 m
_EAR_OFFSET = 0.2
TURNED_HEAD_SIGMA_M = (
    0.04  # what an ear errs by where a head is turned by 45 degrees or bowed, per axis
)


def estimate_ears(crown: F64, shoulders: F64) -> F64:
    """Find the ears of a head that looks where the shoulders face.

    Parameters
    ----------
    crown : (3,)
        In any space, of any unit.
    shoulders : (2, 3)
        Left and right.

    Returns
    -------
    ears : (2, 3)
        Left and right; NaN where something is missing. Where they lie between each other follows
        from how networks are taught the crown, how they lie about that from the shoulders alone: no
        network of ours sees a face's side.
    """
    left, right = shoulders
    middle = (crown + _CROWN_BEYOND * (left + right) / 2) / (1 + _CROWN_BEYOND)
    offset = _EAR_OFFSET * (left - right)
    return np.stack([middle + offset, middle - offset])
