"""Gravity and ground: which way is up, where the floor is, and the world frame built on them."""

from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F64, I64, Mask
from calibration.geometry.transforms import rigid_transform, rotation_between

STANCE_SPEED_M_S = 0.15
FLOOR_TOLERANCE_M = 0.025
FOOT_HEIGHT_M = 0.025  # heel and toe landmarks lie inside the shoe, not on the floor
AXIS_SIGMA_RAD = np.radians(2.0)  # of the body's axis over a walk
TRUNK_SIGMA_RAD = np.radians(8.0)  # of the trunk alone, of a person who sits or bends
STRAIGHT_LEG = 0.95  # extension of the leg of a person who stands
UPRIGHT_RAD = np.radians(25.0)  # angle between leg and trunk of a person who stands
MIN_UPRIGHT_SHARE = 0.15  # of the framesets, for the axis from ankles to shoulders
MAX_TILT_RAD = np.radians(15.0)  # between the body's axis and a plausible floor
MIN_STANCE_POINTS = 30
RANSAC_DRAWS = 300


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """The floor in the frame of the solved rig.

    Parameters
    ----------
    up : (3,)
        Unit vector against gravity.
    height : m
        Of the floor along `up`.
    sigma_rad
        One standard deviation of `up`.
    source
        For a person to read.
    """

    up: F64
    height: float
    sigma_rad: float
    source: str


def find_ground(xyz: F64, joints: tuple[str, ...], time_ns: I64) -> Ground:
    """Find the vertical and the floor from a person who stands and walks on it.

    Parameters
    ----------
    xyz : (T, J, 3), m
        NaN where missing.
    joints : J names
    time_ns : (T,)

    Notes
    -----
    The body's axis over time gives the vertical roughly; the plane through the planted feet refines
    it where they were planted in enough places. Both are weighed by their variance.
    """
    axis, axis_sigma = _find_body_axis(xyz, joints)
    stance = find_stance_points(xyz, joints, time_ns)
    if len(stance) < MIN_STANCE_POINTS:
        feet = xyz[:, _find_foot_indices(joints)].reshape(-1, 3)
        heights = feet[np.isfinite(feet).all(1)] @ axis
        height = float(np.percentile(heights, 5)) if len(heights) else 0.0
        return Ground(axis, height - FOOT_HEIGHT_M, axis_sigma, "the body's axis")
    normal, inlier = _fit_plane(stance, axis)
    points = stance[inlier]
    spread = np.linalg.svd(points - points.mean(0), compute_uv=False)[1] / np.sqrt(len(points))
    # feet that all stood along one line fix the floor in one direction only: the smaller spread
    # counts. The points of one step are not independent, so no more than a dozen count
    plane_sigma = FLOOR_TOLERANCE_M / max(spread, 1e-3) / np.sqrt(min(len(points), 12))
    share = axis_sigma**2 / (axis_sigma**2 + plane_sigma**2)
    up = (1 - share) * axis + share * normal
    up /= np.linalg.norm(up)
    sigma = 1 / np.sqrt(1 / axis_sigma**2 + 1 / plane_sigma**2)
    height = float(np.median(points @ up)) - FOOT_HEIGHT_M
    source = "the floor under the feet" if share > 0.5 else "the body's axis"
    return Ground(up, height, float(sigma), source)


def world_from_scene(ground: Ground, centres: F64) -> F64:
    """Build the world frame: z up, floor z = 0, origin under the cameras, +x to the first.

    Parameters
    ----------
    ground
    centres : (V, 3), m
        Where the cameras stand.

    Returns
    -------
    world_from_scene : (4, 4)
        Origin under the centroid of the cameras.
    """
    upright = rotation_between(ground.up, np.array([0.0, 0.0, 1.0]))
    turned = centres @ upright.T
    middle = turned.mean(0)
    towards = turned[0, :2] - middle[:2]
    if np.linalg.norm(towards) < 1e-6:
        towards = np.array([1.0, 0.0])
    angle = np.arctan2(towards[1], towards[0])
    cosine, sine = np.cos(angle), np.sin(angle)
    heading = np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1.0]])
    rotation = heading @ upright
    origin = np.array([middle[0], middle[1], ground.height])
    return rigid_transform(rotation, -heading @ origin)


def find_stance_points(xyz: F64, joints: tuple[str, ...], time_ns: I64) -> F64:
    """Find where heels and toes hardly move.

    Parameters
    ----------
    xyz : (T, J, 3), m
        NaN where missing.
    joints : J names
    time_ns : (T,)

    Returns
    -------
    points : (N, 3), m
        In the frame of `xyz`.
    """
    feet = xyz[:, _find_foot_indices(joints)]
    if len(feet) < 3:
        return np.zeros((0, 3))
    span_s = (time_ns[2:] - time_ns[:-2])[:, None] * 1e-9
    speed = np.linalg.norm(feet[2:] - feet[:-2], axis=-1) / span_s
    near = span_s < 0.5
    seen = np.isfinite(feet[1:-1]).all(-1)
    return feet[1:-1][(speed < STANCE_SPEED_M_S) & near & seen]


def _find_body_axis(xyz: F64, joints: tuple[str, ...]) -> tuple[F64, float]:
    """Find the direction of the body, and its sigma.

    Ankles to shoulders while it stands; the trunk alone if it never does.
    """

    def joint(name: str) -> F64:
        return xyz[:, joints.index(name)]

    shoulders = (joint("left_shoulder") + joint("right_shoulder")) / 2
    ankles = (joint("left_ankle") + joint("right_ankle")) / 2
    trunk = shoulders - (joint("left_hip") + joint("right_hip")) / 2
    standing = np.zeros(len(xyz), bool)
    for side in ("left", "right"):
        thigh = joint(f"{side}_hip") - joint(f"{side}_knee")
        shank = joint(f"{side}_knee") - joint(f"{side}_ankle")
        length = np.linalg.norm(thigh, axis=1) + np.linalg.norm(shank, axis=1)
        leg = thigh + shank
        with np.errstate(invalid="ignore", divide="ignore"):
            straight = np.linalg.norm(leg, axis=1) > STRAIGHT_LEG * length
            cosine = (leg * trunk).sum(1) / (
                np.linalg.norm(leg, axis=1) * np.linalg.norm(trunk, axis=1)
            )
            standing |= straight & (cosine > np.cos(UPRIGHT_RAD))
    standing &= np.isfinite(shoulders - ankles).all(1)
    if standing.sum() > MIN_UPRIGHT_SHARE * len(xyz):
        return _compute_median_direction((shoulders - ankles)[standing]), float(AXIS_SIGMA_RAD)
    seen = np.isfinite(trunk).all(1)
    if seen.any():
        return _compute_median_direction(trunk[seen]), float(TRUNK_SIGMA_RAD)
    return np.array([0.0, 0.0, 1.0]), float(np.pi / 2)


def _compute_median_direction(vectors: F64) -> F64:
    """Return the median of directions, (N, 3) to (3,)."""
    median = np.median(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), axis=0)
    return median / np.linalg.norm(median)


def _find_foot_indices(joints: tuple[str, ...]) -> list[int]:
    """Positions of the heels and toes."""
    return [i for i, joint in enumerate(joints) if joint.endswith(("_heel", "_foot_index"))]


def _fit_plane(points: F64, axis: F64) -> tuple[F64, Mask]:
    """Fit a nearly level plane with many points on it and few below; `axis` where none."""
    random = np.random.default_rng(0)
    best_score = -np.inf
    best = (axis, _find_near_lowest(points, axis))
    for _ in range(RANSAC_DRAWS):
        a, b, c = points[random.choice(len(points), 3, replace=False)]
        normal = np.cross(b - a, c - a)
        length = np.linalg.norm(normal)
        if length < 1e-6:
            continue
        normal *= np.sign(normal @ axis) / length
        if np.arccos(np.clip(normal @ axis, -1, 1)) > MAX_TILT_RAD:
            continue
        height = (points - a) @ normal
        # no foot stands below the floor, so points below a plane count against it, twice as much
        below = (height < -2 * FLOOR_TOLERANCE_M).sum()
        score = (np.abs(height) < FLOOR_TOLERANCE_M).sum() - 2 * below
        if score > best_score:
            best_score = score
            best = (normal, np.abs(height) < FLOOR_TOLERANCE_M)
    normal, inlier = best
    # three points fix the plane badly; all its inliers together, chosen again by each better plane
    for _ in range(5):
        centre = points[inlier].mean(0)
        direction = np.linalg.svd(points[inlier] - centre)[2][2]
        direction *= np.sign(direction @ axis)
        if np.arccos(np.clip(direction @ axis, -1, 1)) > MAX_TILT_RAD:
            break
        normal = direction
        inlier = np.abs((points - centre) @ direction) < FLOOR_TOLERANCE_M
        if inlier.sum() < 3:
            return axis, _find_near_lowest(points, axis)
    return normal, inlier


def _find_near_lowest(points: F64, axis: F64) -> Mask:
    """Points near the lowest along an axis."""
    height = points @ axis
    return height < np.percentile(height, 10) + FLOOR_TOLERANCE_M
