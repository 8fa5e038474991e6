"""Novelty: how much of what a frameset shows was not seen before; repetition is no evidence.

A network misplaces a joint in much the same way for as long as the body stays as it is. A foot that
stands for a whole recording is a few observations with one error, not three hundred; counted three
hundred times it outweighs everything that moves, and bends the rig to its own error. So each joint
of each frameset weighs by how often it was seen at about the same place in all images.
"""

import numpy as np

from calibration.geometry.arrays import F64, I64, Mask

# Places nearer than this share of the torso (about 20 cm), in all images together, are one place.
# Two phones, three exercises on the spot, ten rigs of the studio, error of the rotation: 2.1° with
# 0.1, 1.9° with 0.2, 1.6° with 0.4; the sigmas fit the errors of 2 to 4 views best with 0.4.
RADIUS_OF_TORSO = 0.4
# Share of the variance that errors at one place have in common. All of it would be right for the
# studio's bodies (rotation on the spot 1.8°, with none of it 2.0°), none for made-up joints with
# much jitter (2.0° and 5.2°); 0.15 costs neither.
SHARED = 0.15
# A joint that another view has lost is judged by other errors: as far as two radii.
_OTHER_VIEWS = 4.0


def measure_novelty(xy: F64, seen: Mask, size_px: F64, bones: I64) -> tuple[F64, F64]:
    """Measure what each joint and each bone of each frameset adds.

    Parameters
    ----------
    xy : (V, T, J, 2), px
        Anything where not seen.
    seen : (V, T, J)
    size_px : (V, T), px
        Length of the torso in each image.
    bones : (B, 2)
        Joints that each bone joins.

    Returns
    -------
    joint_weight : (T, J), 0 to 1
        ``1 / (1 + s (n - 1))`` with n the framesets that show the joint at about the same place,
        itself included, each counted by a Gaussian of its distance, and s the share of an error's
        variance that they have in common: the weight of one of n equally correlated observations in
        a least-squares estimate.
    bone_weight : (T, B), 0 to 1
        Likewise for both ends of a bone.
    """
    T, J = seen.shape[1:]
    usable: Mask = np.asarray(seen.sum(0) >= 2)
    joint_weight = np.ones((T, J))
    bone_weight = np.ones((T, len(bones)))
    distance = [_measure_distances(xy[:, :, j], seen[:, :, j], size_px) for j in range(J)]
    for j in range(J):
        joint_weight[:, j] = _weigh((np.exp(-distance[j] / 2) * usable[:, j]).sum(1))
    for b in range(len(bones)):
        first, second = int(bones[b, 0]), int(bones[b, 1])
        both = usable[:, first] & usable[:, second]
        near: F64 = np.exp(-(distance[first] + distance[second]) / 4)
        bone_weight[:, b] = _weigh((near * both).sum(1))
    return joint_weight, bone_weight


def _weigh(count: F64) -> F64:
    """Weight of one of `count` observations with errors that are in part the same."""
    return 1 / (1 + SHARED * np.maximum(count - 1, 0.0))


def _measure_distances(xy: F64, seen: Mask, size_px: F64) -> F64:
    """Squared distance of one joint's places in all images, in radii, (T, T)."""
    T = seen.shape[1]
    place = np.where(seen[..., None], xy, 0.0) / (RADIUS_OF_TORSO * size_px[..., None])
    flat = np.moveaxis(place, 0, 1).reshape(T, -1)
    square = (flat**2).sum(1)
    distance = np.maximum(square[:, None] + square[None] - 2 * flat @ flat.T, 0.0)
    shown = seen.T.astype(float)
    common = shown @ shown.T
    other = (shown.sum(1)[:, None] != common) | (shown.sum(1)[None] != common)
    return np.where(other, _OTHER_VIEWS, distance)
