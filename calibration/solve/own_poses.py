"""How two cameras stand to each other, by what the network itself guesses of the body in depth.

Its guess is biased, so the rotation between two views is 7 to 9 degrees off (median; 24 at most, 60
recordings of the studio with people on the spot): too much for a rig, but enough to start the
search on the right side, where few joints move and the epipolar geometry alone finds rigs that are
60 degrees off.
"""

import numpy as np

from calibration.geometry.arrays import F64, Mask
from calibration.geometry.transforms import nearest_rotation, normalize, skew
from calibration.solve.pairs import (
    GATE_SIGMAS,
    MIN_MATCHES,
    PairPose,
    PinholeViews,
    median_parallax,
)

MIN_FRAMESETS, MIN_JOINTS = 5, 6


def guess_pairs(views: PinholeViews, own_xyz: F64, hips: tuple[int, int]) -> list[PairPose]:
    """Guess the relative pose of every two views from the network's own poses.

    Parameters
    ----------
    views
        With assumed focal lengths; joints of T framesets, flattened.
    own_xyz : (V, T, J, 3)
        In the axes of a camera that looks at the hips; NaN where there is no guess.
    hips
        Positions on the J axis.

    Returns
    -------
    pairs
        The strongest first; none of views that share too few framesets.
    """
    V, T, J = own_xyz.shape[:3]
    rays = np.concatenate([views.rays, np.ones((V, T * J, 1))], -1).reshape(V, T, J, 3)
    seen = views.seen.reshape(V, T, J) & np.isfinite(own_xyz).all(-1)
    middle = seen[:, :, hips]
    turned = np.stack([_turn_to_camera(rays[v][:, hips], middle[v], own_xyz[v]) for v in range(V)])
    seen = seen & middle.any(-1, keepdims=True)
    pairs = [
        _guess_pair(views, (first, second), turned, seen)
        for first in range(V)
        for second in range(first + 1, V)
    ]
    return sorted((pair for pair in pairs if pair is not None), key=lambda pair: -pair.strength)


def _turn_to_camera(rays: F64, seen: Mask, own_xyz: F64) -> F64:
    """Turn own poses (T, J, 3) from a camera that looks at the hips to the camera itself."""
    count = np.maximum(seen.sum(-1), 1)[:, None]
    along = normalize(np.where(seen[..., None], rays, 0.0).sum(1) / count)
    shown: Mask = np.asarray(seen.any(-1))
    along = np.where(shown[:, None], along, np.array([0.0, 0.0, 1.0]))
    # Rodrigues' formula for the smallest rotation that takes the optical axis to a direction
    cross = skew(np.cross(np.array([0.0, 0.0, 1.0]), along))
    turn = np.eye(3) + cross + cross @ cross / (1 + along[:, 2])[:, None, None]
    return np.einsum("tij,tkj->tki", turn, own_xyz)


def _guess_pair(
    views: PinholeViews, pair: tuple[int, int], own_xyz: F64, seen: Mask
) -> PairPose | None:
    """Guess the pose of two views: rotation of the bodies, then the translation that fits best."""
    first, second = pair
    both = seen[first] & seen[second]
    rows = both.sum(-1) >= MIN_JOINTS
    matched = (views.seen[first] & views.seen[second]).ravel()
    if rows.sum() < MIN_FRAMESETS or matched.sum() < MIN_MATCHES:
        return None
    one, other = (_centre(own_xyz[v][rows], both[rows]) for v in pair)
    rotation = nearest_rotation(np.einsum("tki,tkj->ij", other, one))
    translation = _find_translation(views.rays[:, matched][[first, second]], rotation)
    a, b = (np.concatenate([views.rays[v], np.ones((matched.size, 1))], 1) for v in pair)
    epipolar = a @ (skew(translation) @ rotation).T
    distance = np.abs((b * epipolar).sum(1)) / np.linalg.norm(epipolar[:, :2], axis=1)
    sigma = np.where(matched, views.sigma[second], 1.0) / views.focal[second]
    inlier = matched & (distance < 2 * GATE_SIGMAS * sigma)
    if not inlier.any():
        return None
    parallax = median_parallax(views.rays[:, inlier][[first, second]], rotation)
    return PairPose(first, second, rotation, translation, inlier, parallax)


def _centre(xyz: F64, shown: Mask) -> F64:
    """Shift each pose so that the middle of the joints shown is 0; the others become 0."""
    known = np.where(shown[..., None], xyz, 0.0)
    middle = known.sum(1, keepdims=True) / shown.sum(1)[:, None, None]
    return np.where(shown[..., None], known - middle, 0.0)


def _find_translation(rays: F64, rotation: F64) -> F64:
    """Direction of the translation of two views of known rotation, by `rays` (2, N, 2).

    Least squares of the epipolar constraint ``t . (R x1 cross x2) = 0`` with unit rays; of both
    signs the one that puts more joints in front of both cameras.
    """
    one, two = (normalize(np.concatenate([r, np.ones((len(r), 1))], 1)) for r in rays)
    one = one @ rotation.T
    normals = np.cross(one, two)
    translation = np.linalg.eigh(normals.T @ normals)[1][:, 0]
    # depth along the first ray, from one x two * depth = -t x two
    depth_sign = -(normals * np.cross(translation, two)).sum(1)
    return translation if np.median(depth_sign) > 0 else -translation
