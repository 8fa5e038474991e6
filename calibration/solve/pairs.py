"""Two views: relative poses that explain the joints seen by both."""

# poselib has no types
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import itertools
from dataclasses import dataclass

import numpy as np
import poselib

from calibration.geometry.arrays import F64, Mask
from calibration.geometry.transforms import rotation_angle_rad

MIN_MATCHES = 40
GATE_SIGMAS = 2.0  # a match farther from its epipolar line is an outlier of the pair
RANSAC_ITERATIONS = 2000
HYPOTHESIS_GATES, HYPOTHESIS_SEEDS = (GATE_SIGMAS, GATE_SIGMAS / 2, 2 * GATE_SIGMAS), (0, 1)
SAME_POSE_RAD = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class PinholeViews:
    """Joints of several views as ideal cameras would have seen them, flattened over frames.

    Parameters
    ----------
    xy : (V, N, 2), px, undistorted
        0 where missing.
    sigma : (V, N), px
        Infinite where missing.
    focal : (V,), px
    principal : (V, 2), px
    """

    xy: F64
    sigma: F64
    focal: F64
    principal: F64

    @property
    def seen(self) -> Mask:
        """Where a view saw a joint, (V, N)."""
        return np.isfinite(self.sigma)

    @property
    def rays(self) -> F64:
        """Ideal rays, (V, N, 2)."""
        return (self.xy - self.principal[:, None]) / self.focal[:, None, None]


@dataclass(frozen=True, slots=True, eq=False)
class PairPose:
    """How two cameras stand to each other.

    Parameters
    ----------
    first, second
        Positions of the views.
    rotation : (3, 3), translation : (3,)
        ``x_second = rotation @ x_first + translation``; the translation has length 1.
    inlier : (N,)
        Joints that agree.
    parallax_rad
        Median angle between the rays of the inliers.
    """

    first: int
    second: int
    rotation: F64
    translation: F64
    inlier: Mask
    parallax_rad: float

    @property
    def strength(self) -> float:
        """How well the pair can carry a rig: many inliers that meet at a good angle."""
        return float(self.inlier.sum() * np.sin(np.clip(self.parallax_rad, 0, np.pi)))


def estimate_pairs(views: PinholeViews) -> list[PairPose]:
    """Find the relative pose of every two views that share enough joints.

    Returns
    -------
    pairs
        The strongest first.
    """
    found = [estimate_pair(views, a, b) for a, b in itertools.combinations(range(len(views.xy)), 2)]
    return sorted((pair for pair in found if pair is not None), key=lambda pair: -pair.strength)


def hypothesize_pair(views: PinholeViews, first: int, second: int) -> list[PairPose]:
    """Find relative poses of two views that are worth a try.

    With a network's errors the pose that most joints agree with is often not the right one: on the
    spot, every second of them was 40° and more off. Looser and tighter gates, and other samples,
    find others; which is right is for the bones to decide.

    Returns
    -------
    pairs
        Different ones, the strongest first.
    """
    distinct: list[PairPose] = []
    tried = [
        estimate_pair(views, first, second, gate_sigmas=gate, seed=seed)
        for gate in HYPOTHESIS_GATES
        for seed in HYPOTHESIS_SEEDS
    ]
    for pair in sorted((pair for pair in tried if pair is not None), key=lambda p: -p.strength):
        if all(_differ(pair, other) for other in distinct):
            distinct.append(pair)
    return distinct


def _differ(one: PairPose, other: PairPose) -> bool:
    """Whether two poses of a pair are far enough apart to lead to different rigs."""
    turned = rotation_angle_rad(one.rotation @ other.rotation.T)
    along = float(one.translation @ other.translation)
    return bool(turned > SAME_POSE_RAD or along < np.cos(2 * SAME_POSE_RAD))


def estimate_pair(
    views: PinholeViews,
    first: int,
    second: int,
    *,
    gate_sigmas: float = GATE_SIGMAS,
    seed: int = 0,
) -> PairPose | None:
    """Find the relative pose of two views that most joints agree with.

    Parameters
    ----------
    views
    first, second
        Positions of the views.
    gate_sigmas
        A match farther from its epipolar line is an outlier.
    seed
        Of the samples.

    Returns
    -------
    pair
        None where too few joints are shared or no pose explains them.

    Notes
    -----
    Five-point LO-RANSAC (PoseLib); deterministic.
    """
    both = views.seen[first] & views.seen[second]
    if both.sum() < MIN_MATCHES:
        return None
    gate = gate_sigmas * float(
        np.median(np.concatenate([views.sigma[first, both], views.sigma[second, both]]))
    )
    options = {
        "max_epipolar_error": gate,
        "max_iterations": RANSAC_ITERATIONS,
        "min_iterations": 200,
        "seed": seed,
    }
    pose, info = poselib.estimate_relative_pose(
        views.xy[first, both],
        views.xy[second, both],
        to_poselib_camera(views.focal[first], views.principal[first]),
        to_poselib_camera(views.focal[second], views.principal[second]),
        options,
        {"loss_type": "CAUCHY", "loss_scale": gate / 2},
    )
    inlier = np.zeros(len(both), bool)
    inlier[np.flatnonzero(both)[np.asarray(info["inliers"], bool)]] = True
    length = np.linalg.norm(pose.t)
    if inlier.sum() < MIN_MATCHES // 2 or not np.isfinite(length) or length < 1e-9:
        return None
    rotation = np.asarray(pose.R, float)
    translation = np.asarray(pose.t, float) / length
    parallax = median_parallax(views.rays[:, inlier][[first, second]], rotation)
    return PairPose(first, second, rotation, translation, inlier, parallax)


def median_parallax(rays: F64, rotation: F64) -> float:
    """Measure the median angle between matched rays of two views.

    Parameters
    ----------
    rays : (2, N, 2)
    rotation : (3, 3)
        second from first.

    Returns
    -------
    parallax_rad : 0 to pi
        About 0 where both cameras stand at one place, whatever their rotation.
    """
    one = np.concatenate([rays[0], np.ones((rays.shape[1], 1))], 1) @ rotation.T
    two = np.concatenate([rays[1], np.ones((rays.shape[1], 1))], 1)
    sine = np.linalg.norm(np.cross(one, two), axis=1)
    return float(np.median(np.arctan2(sine, (one * two).sum(1))))


def to_poselib_camera(focal: float, principal: F64) -> dict[str, object]:
    """Describe an ideal camera to PoseLib."""
    parameters = [float(focal), float(principal[0]), float(principal[1])]
    return {"model": "SIMPLE_PINHOLE", "width": 1, "height": 1, "params": parameters}
