"""What the kernels of one instant need of cameras and bodies, as plain arrays that are made once."""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from calibration.evidence import calibration_joints
from calibration.geometry.arrays import F64, I64, Mask
from calibration.geometry.triangulation import SUBSET_VIEWS
from calibration.noise import (
    CONFIDENCE_FACTORS,
    CONFIDENCE_KNOTS,
    GATE_SIGMAS,
    SIGMA_OF_TORSO,
    SMALLEST_SIGMA_PX,
    TORSO_OF_LEG,
    TORSO_OF_SHOULDERS,
    sigma_factors,
)
from calibration.rig import Camera
from calibration.skeleton import Skeleton

TORSO_JOINTS = ("shoulder", "hip", "knee", "ankle")


class CameraArrays(NamedTuple):
    """Cameras, one row each.

    `matrix` (V, 2, 3) px, the upper rows of K; `unmatrix` (V, 2, 2), the inverse of its left part; `distortion` (V, 5);
    `R` (V, 3, 3) and `t` (V, 3) of `cam_from_world`; `centre` (V, 3) m, world; `focal` (V,) px; `subsets` (S, V), the
    groups of views that are tried where not all agree, in the order in which they are tried.
    """

    matrix: F64
    unmatrix: F64
    distortion: F64
    R: F64
    t: F64
    centre: F64
    focal: F64
    subsets: Mask


class NoiseArrays(NamedTuple):
    """How far a network's joints may be off, as `calibration.noise` has it.

    `factor` (J,) of each joint; `knots` and `doubts` (K,), the error by confidence; `torso` (2, 4), positions of left
    and right shoulder, hip, knee and ankle; `levels` (6,): sigma of the torso, smallest sigma px, gate in sigmas, torso
    by shoulders, torso by leg, and the least confidence that counts as seen.
    """

    factor: F64
    knots: F64
    doubts: F64
    torso: I64
    levels: F64


class LikenessArrays(NamedTuple):
    """How two poses are compared.

    `joints` (L,) that count, `twins` (L,) their counterparts on the other side of the body; `levels` (3,): the least
    confidence that counts, the error of a joint as a share of the person's height in the image, and the fewest joints.
    """

    joints: I64
    twins: I64
    levels: F64


def pack_cameras(cameras: Sequence[Camera]) -> CameraArrays:
    """Put cameras into arrays.

    Parameters
    ----------
    cameras : V of them

    Returns
    -------
    packed
    """
    matrix = np.array([camera.matrix[:2] for camera in cameras]).reshape(-1, 2, 3)
    return CameraArrays(
        matrix=matrix,
        unmatrix=np.linalg.inv(matrix[:, :, :2]).astype(float),
        distortion=np.array([camera.distortion for camera in cameras]).reshape(-1, 5),
        R=np.array([camera.R for camera in cameras]).reshape(-1, 3, 3),
        t=np.array([camera.t for camera in cameras]).reshape(-1, 3),
        centre=np.array([camera.centre for camera in cameras]).reshape(-1, 3),
        focal=np.array([camera.focal_px for camera in cameras]),
        subsets=_subsets(len(cameras)),
    )


def pack_noise(skeleton: Skeleton, least_confidence: float) -> NoiseArrays:
    """Put the noise model of a skeleton's joints into arrays.

    Parameters
    ----------
    skeleton
        With shoulders, hips, knees and ankles.
    least_confidence
        Joints below it count as not seen.

    Returns
    -------
    packed
    """
    torso = [skeleton.indices(f"{side}_{joint}" for joint in TORSO_JOINTS) for side in ("left", "right")]
    levels = (SIGMA_OF_TORSO, SMALLEST_SIGMA_PX, GATE_SIGMAS, TORSO_OF_SHOULDERS, TORSO_OF_LEG, least_confidence)
    return NoiseArrays(
        factor=sigma_factors(skeleton),
        knots=np.array(CONFIDENCE_KNOTS),
        doubts=np.array(CONFIDENCE_FACTORS),
        torso=np.array(torso),
        levels=np.array(levels),
    )


def pack_likeness(
    skeleton: Skeleton, *, least_confidence: float, sigma_of_height: float, least_joints: int
) -> LikenessArrays:
    """Put what is needed to compare poses into arrays.

    Parameters
    ----------
    skeleton
    least_confidence
        Joints below it do not count.
    sigma_of_height
        Error of a joint as a share of the person's height in the image.
    least_joints
        With fewer, two poses cannot be compared.

    Returns
    -------
    packed
    """
    joints = skeleton.indices(calibration_joints(skeleton))
    levels = np.array([least_confidence, sigma_of_height, least_joints], float)
    return LikenessArrays(joints, skeleton.mirror[joints].astype(np.int64), levels)


def _subsets(views: int) -> Mask:
    """List the groups of views that `triangulate_robust` tries, in its order, (S, V)."""
    sizes = range(views - 1, 1, -1) if views <= SUBSET_VIEWS else (views - 1, views - 2)
    groups = [group for size in sizes for group in itertools.combinations(range(views), size)]
    subsets = np.zeros((len(groups), views), bool)
    for row, group in zip(subsets, groups):
        row[list(group)] = True
    return subsets
