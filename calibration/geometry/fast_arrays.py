"""Cameras and bodies as plain arrays, made once, for the kernels of one instant."""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from calibration.evidence.evidence import select_calibration_joints
from calibration.evidence.noise import (
    CONFIDENCE_FACTORS,
    CONFIDENCE_KNOTS,
    GATE_SIGMAS,
    MIN_SIGMA_PX,
    SIGMA_OF_TORSO,
    TORSO_OF_LEG,
    TORSO_OF_SHOULDERS,
    list_sigma_factors,
)
from calibration.geometry.arrays import F64, I64, Mask
from calibration.geometry.triangulation import MAX_EXHAUSTIVE_VIEWS
from calibration.rig import Camera
from calibration.skeleton import Skeleton

TORSO_JOINTS = ("shoulder", "hip", "knee", "ankle")


class CameraArrays(NamedTuple):
    """Cameras, one row each.

    `matrix` (V, 2, 3) px, the upper rows of K; `inverse_matrix` (V, 2, 2), the inverse of its left
    part; `distortion` (V, 5); `R` (V, 3, 3) and `t` (V, 3) of `cam_from_world`; `centre` (V, 3) m,
    world; `focal` (V,) px; `subsets` (S, V), the groups of views that are tried where not all
    agree, in the order in which they are tried.
    """

    matrix: F64
    inverse_matrix: F64
    distortion: F64
    R: F64
    t: F64
    centre: F64
    focal: F64
    subsets: Mask


class NoiseArrays(NamedTuple):
    """How far a network's joints may be off, as `calibration.evidence.noise` has it.

    `factor` (J,) of each joint; `confidence_knots` and `confidence_factors` (K,), the error by
    confidence; `torso` (2, 4), positions of left and right shoulder, hip, knee and ankle;
    `parameters` (6,): sigma of the torso, smallest sigma px, gate in sigmas, torso by shoulders,
    torso by leg, and the least confidence that counts as seen.
    """

    factor: F64
    confidence_knots: F64
    confidence_factors: F64
    torso: I64
    parameters: F64


class LikenessArrays(NamedTuple):
    """How two poses are compared.

    `joints` (L,) that count, `mirrored_joints` (L,) their counterparts on the other side of the
    body; `parameters` (3,): the least confidence that counts, the error of a joint as a share of
    the person's height in the image, and the fewest joints.
    """

    joints: I64
    mirrored_joints: I64
    parameters: F64


def pack_cameras(cameras: Sequence[Camera]) -> CameraArrays:
    """Put cameras into arrays.

    Parameters
    ----------
    cameras : V of them
    """
    matrix = np.array([camera.matrix[:2] for camera in cameras]).reshape(-1, 2, 3)
    return CameraArrays(
        matrix=matrix,
        inverse_matrix=np.linalg.inv(matrix[:, :, :2]).astype(float),
        distortion=np.array([camera.distortion for camera in cameras]).reshape(-1, 5),
        R=np.array([camera.R for camera in cameras]).reshape(-1, 3, 3),
        t=np.array([camera.t for camera in cameras]).reshape(-1, 3),
        centre=np.array([camera.centre for camera in cameras]).reshape(-1, 3),
        focal=np.array([camera.focal_px for camera in cameras]),
        subsets=_list_subsets(len(cameras)),
    )


def pack_noise(skeleton: Skeleton, min_confidence: float) -> NoiseArrays:
    """Put the noise model of a skeleton's joints into arrays.

    Parameters
    ----------
    skeleton
        With shoulders, hips, knees and ankles.
    min_confidence
        Joints below it count as not seen.
    """
    torso = [
        skeleton.indices(f"{side}_{joint}" for joint in TORSO_JOINTS) for side in ("left", "right")
    ]
    parameters = (
        SIGMA_OF_TORSO,
        MIN_SIGMA_PX,
        GATE_SIGMAS,
        TORSO_OF_SHOULDERS,
        TORSO_OF_LEG,
        min_confidence,
    )
    return NoiseArrays(
        factor=list_sigma_factors(skeleton),
        confidence_knots=np.array(CONFIDENCE_KNOTS),
        confidence_factors=np.array(CONFIDENCE_FACTORS),
        torso=np.array(torso),
        parameters=np.array(parameters),
    )


def pack_likeness(
    skeleton: Skeleton, *, min_confidence: float, sigma_of_height: float, min_joints: int
) -> LikenessArrays:
    """Put what is needed to compare poses into arrays.

    Parameters
    ----------
    skeleton
    min_confidence
        Joints below it do not count.
    sigma_of_height
        Error of a joint as a share of the person's height in the image.
    min_joints
        With fewer, two poses cannot be compared.
    """
    joints = skeleton.indices(select_calibration_joints(skeleton))
    parameters = np.array([min_confidence, sigma_of_height, min_joints], float)
    return LikenessArrays(joints, skeleton.mirror[joints].astype(np.int64), parameters)


def _list_subsets(view_count: int) -> Mask:
    """List the groups of views that `triangulate_robust` tries, in its order, (S, V)."""
    sizes = (
        range(view_count - 1, 1, -1)
        if view_count <= MAX_EXHAUSTIVE_VIEWS
        else (view_count - 1, view_count - 2)
    )
    groups = [group for size in sizes for group in itertools.combinations(range(view_count), size)]
    subsets = np.zeros((len(groups), view_count), bool)
    for row, group in zip(subsets, groups):
        row[list(group)] = True
    return subsets
