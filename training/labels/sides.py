"""How much worse a view sees a joint from the person's side: shoulders above all.

From the front or the back the outline of the body shows where a shoulder is; from the side nothing
does, and the network guesses, in the same direction for seconds. Its confidence does not show it.
Measured against exact truth (studio seeds 0 to 9, 68 % of errors across the image, in the sigmas of
`calibration.evidence.noise`), by the angle between the view and the person's front-to-back line,
folded at 90 degrees:

========  =====  =====  =====  =====  =====
joint     0-20   20-40  40-60  60-80  80-100
========  =====  =====  =====  =====  =====
shoulder  0.56   0.7    1.3    1.6    1.6
elbow     0.7    0.65   0.7    0.7    0.9
hip       0.6    0.75   1.1    1.0    0.9
========  =====  =====  =====  =====  =====
"""

import numpy as np

from calibration.geometry.arrays import F64
from calibration.geometry.transforms import normalize
from calibration.rig import Rig
from calibration.skeleton import Skeleton, strip_side

SIDE_VIEW_SIGMA_GROWTH = {"shoulder": 2.5}
"""Factor on sigma, seen exactly from the side. Hips and limbs gain nothing: confidence shows it."""
STEEPNESS = 4
"""Power of the sine of the angle to the front: little happens below 40 degrees."""


def compute_side_factors(xyz: F64, rig: Rig, skeleton: Skeleton) -> F64:
    """Compute by how much each joint's sigma in each view grows because it is seen from the side.

    Parameters
    ----------
    xyz : (T, J, 3), m, world
        A first estimate.
    rig
    skeleton

    Returns
    -------
    factor : (V, T, J)
        1 where it does not matter, or the trunk was not found.
    """
    factor = np.ones((len(rig), *xyz.shape[:2]))
    trunk = [f"{side}_{joint}" for joint in ("shoulder", "hip") for side in ("left", "right")]
    if not set(trunk) <= set(skeleton.joints):
        return factor
    growth = np.array(
        [SIDE_VIEW_SIGMA_GROWTH.get(strip_side(joint), 0.0) for joint in skeleton.joints]
    )
    across = _compute_lateral_axis(*(xyz[:, skeleton.index(joint)] for joint in trunk))
    for v, camera in enumerate(rig.cameras):
        sine = (normalize(xyz - camera.centre) * across[:, None]).sum(-1)
        factor[v] += growth * np.nan_to_num(np.abs(sine)) ** STEEPNESS
    return factor


def _compute_lateral_axis(
    left_shoulder: F64, right_shoulder: F64, left_hip: F64, right_hip: F64
) -> F64:
    """From the person's left to their right, (T, 3): between the lines of shoulders and hips."""
    return normalize(normalize(right_shoulder - left_shoulder) + normalize(right_hip - left_hip))
