"""The square around a person that a model sees: the same around the joints as in training."""

from functools import lru_cache

import numpy as np

from calibration.geometry.arrays import F64
from calibration.skeleton import Skeleton
from engine.inference.patch import square_around_joints
from engine.inference.preprocess import Region
from engine.poses import MIN_CONFIDENCE, Pose2D
from engine.reconstruction.body_size import LIMBS

_CROWN_WEIGHTS = {"left_shoulder": -0.3, "right_shoulder": -0.3, "left_ear": 0.8, "right_ear": 0.8}
"""The crown, as the training labels have it; hands and toes do not count for the square."""


def square_around_person(
    seen: Pose2D, skeleton: Skeleton, size_wh: tuple[int, int]
) -> Region | None:
    """Return the square around a person that a model should see.

    Parameters
    ----------
    seen
        A pose of the skeleton.
    skeleton
    size_wh : px
        Of the image; joints that were found beyond its edge do not count.

    Returns
    -------
    region
        None where too few joints are found.
    """
    weight = _build_weights(skeleton)
    sure = (seen.confidence >= MIN_CONFIDENCE) & np.isfinite(seen.xy).all(-1)
    xy = weight @ np.where(sure[:, None], seen.xy, 0.0)
    missing = (weight != 0) @ ~sure
    inside = ((xy >= 0) & (xy <= np.array(size_wh) - 1)).all(-1)
    found = inside & ~missing
    return square_around_joints(xy[found]) if found.sum() >= 2 else None


@lru_cache(8)
def _build_weights(skeleton: Skeleton) -> F64:
    """Build the weights that make limbs and crown of a skeleton's joints, (13 or 12, J)."""
    recipes = [{limb: 1.0} for limb in LIMBS] + (
        [_CROWN_WEIGHTS] if set(_CROWN_WEIGHTS) <= set(skeleton.joints) else []
    )
    weight = np.zeros((len(recipes), len(skeleton.joints)))
    for row, recipe in enumerate(recipes):
        weight[row, skeleton.indices(recipe)] = list(recipe.values())
    return weight
