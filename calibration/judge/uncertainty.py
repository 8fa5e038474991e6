"""How far a solved rig may be from the truth: a covariance for a network's errors.

They are not noise. A network misplaces a joint in the same way for as long as the body stays as it
is, which the weights of the evidence say already (`calibration.evidence.novelty`), and part of the
error is the same wherever the person goes: each joint in each view has a bias of its own. That
part does not fall with time, and residuals do not show it all, for the rig bends to it. So its size
is taken from what was measured against exact truth.
"""

from dataclasses import dataclass

import numpy as np

from calibration.evidence.evidence import Evidence
from calibration.geometry.arrays import F64
from calibration.geometry.transforms import skew
from calibration.solve.free_parameters import FreeParameters
from calibration.solve.refine import (
    RefinementSettings,
    build_normal_equations,
    compute_joint_weights,
)
from calibration.solve.residuals import (
    CAMERA_PARAMETERS,
    FOCAL,
    OFFSET,
    ROTATION,
    TRANSLATION,
    Estimate,
    compute_reprojection,
    compute_reprojection_jacobians,
)

# Standard deviation per axis of the bias of a joint in one view over a recording, as a share of the
# torso: 2.4 % measured on the spot (33 recordings of the studio with the real network). With it
# true errors are 0.6 to 1.2 sigmas (root mean square) in every kind of rig that was tried, of two,
# three and four views, on the spot and walking, and 1.05 on 33 choices of four
# real cameras and what is known of them (the worst camera of each; largest 1.9).
BIAS_OF_TORSO = 0.026


@dataclass(frozen=True, slots=True, eq=False)
class Uncertainty:
    """One standard deviation of what was solved, in units of the scene.

    Parameters
    ----------
    rotation_rad : (V,)
        Root mean square of the angle between a camera's estimated and true rotation, the rig
        aligned as a whole.
    position : (V,)
        Likewise for the distance of its centre.
    log_focal : (V,)
    offset_s : (V,)
    position_covariance : (V, 3, 3)
        Of each centre, the rig aligned as a whole; axes of the scene, units squared. Its trace is
        the square of `position`.
    """

    rotation_rad: F64
    position: F64
    log_focal: F64
    offset_s: F64
    position_covariance: F64


def estimate_uncertainty(
    evidence: Evidence,
    estimate: Estimate,
    free_parameters: FreeParameters,
    settings: RefinementSettings,
) -> Uncertainty:
    """Propagate a network's errors to the cameras.

    Parameters
    ----------
    evidence, estimate, free_parameters, settings
        Of the last refinement.

    Notes
    -----
    ``S^-1 (S + b^2 sum of g g^T) S^-1`` with S the Schur complement of the joints, g the gradient
    that a bias of one torso of one joint in one view, along one axis, has after elimination: the
    covariance of a weighted least-squares estimate under the errors that are believed in, instead
    of those that its weights stand for (White 1980).
    """
    equations = build_normal_equations(evidence, estimate, free_parameters, settings)
    Q = free_parameters.basis.shape[1]
    T, J = estimate.xyz.shape[:2]
    damped: F64 = equations.frame + np.einsum(
        "ti,ij->tij", 1e-9 * np.einsum("tii->ti", equations.frame) + 1e-9, np.eye(3 * J)
    )
    solved = np.linalg.solve(damped, np.swapaxes(equations.mixed, 1, 2))
    carried = np.asarray(np.swapaxes(solved, 1, 2), np.float64)
    system: F64 = equations.shared - np.einsum("tni,tmi->nm", carried, equations.mixed)
    system += _build_size_gauge(system, Q)
    pull = BIAS_OF_TORSO * _list_bias_gradients(
        evidence, estimate, free_parameters, settings, carried.reshape(T, -1, J, 3)
    )
    inverse = np.linalg.pinv(system, hermitian=True)
    covariance = (inverse @ (system + pull.T @ pull) @ inverse)[:Q, :Q]
    full = free_parameters.basis @ covariance @ free_parameters.basis.T
    V = len(estimate.focal)
    blocks = full.reshape(V, CAMERA_PARAMETERS, V, CAMERA_PARAMETERS)
    variances = np.einsum("vpvp->vp", blocks)
    rotation, position, position_covariance = _remove_gauge(blocks, estimate)
    return Uncertainty(
        rotation_rad=rotation,
        position=position,
        log_focal=np.sqrt(np.maximum(variances[:, FOCAL], 0)),
        offset_s=np.sqrt(np.maximum(variances[:, OFFSET], 0)),
        position_covariance=position_covariance,
    )


def _list_bias_gradients(
    evidence: Evidence,
    estimate: Estimate,
    free_parameters: FreeParameters,
    settings: RefinementSettings,
    carried: F64,
) -> F64:
    """Gradients of a bias of one torso of every joint in every view and axis, (2VJ, N).

    `carried` (T, N, J, 3) takes a gradient by the joints to one by the shared parameters.
    """
    Q = free_parameters.basis.shape[1]
    images = compute_reprojection(evidence, estimate)
    by_camera, by_point = compute_reprojection_jacobians(evidence, estimate, images)
    weight = compute_joint_weights(evidence, images, settings)
    scale = evidence.size_px[..., None] / np.where(images.valid, evidence.sigma, np.inf)
    gradients: list[F64] = []
    for v in range(len(evidence.sigma)):
        basis = free_parameters.basis[v * CAMERA_PARAMETERS : (v + 1) * CAMERA_PARAMETERS]
        for axis in range(2):
            pull = (weight[v] * scale[v])[..., None]
            along_point, along_camera = by_point[v][:, :, axis], by_camera[v][:, :, axis]
            gradient = -np.einsum("tnji,tji->jn", carried, pull * along_point, optimize=True)
            gradient[:, :Q] += (pull * along_camera).sum(0) @ basis
            gradients.append(gradient)
    return np.concatenate(gradients)


def _build_size_gauge(system: F64, free: int) -> F64:
    """Fix the size of the scene: the bones on average do not grow."""
    direction = np.zeros(len(system))
    direction[free:] = 1
    return 1e3 * np.trace(system) / len(system) * np.outer(direction, direction)


def _remove_gauge(blocks: F64, estimate: Estimate) -> tuple[F64, F64, F64]:
    """Remove a common rotation and shift; both sigmas and the centre's covariance per camera."""
    V = len(estimate.focal)
    poses = blocks[:, :6][:, :, :, :6].reshape(6 * V, 6 * V)
    # from camera-frame steps to errors of orientation and centre in the world
    world = np.zeros((6 * V, 6 * V))
    for v, (R, t) in enumerate(zip(estimate.rotation, estimate.translation)):
        rows = 6 * v
        world[rows : rows + 3, rows : rows + 3] = -R.T
        world[rows + 3 : rows + 6, rows : rows + 3] = -R.T @ skew(t)
        world[rows + 3 : rows + 6, rows + 3 : rows + 6] = -R.T
    centres = -np.einsum("vji,vj->vi", estimate.rotation, estimate.translation)
    centres -= centres.mean(0)
    # what a rotation about the middle and a shift of the rig look like
    common = np.zeros((6 * V, 6))
    for v in range(V):
        common[6 * v : 6 * v + 3, :3] = np.eye(3)
        common[6 * v + 3 : 6 * v + 6, :3] = -skew(centres[v])
        common[6 * v + 3 : 6 * v + 6, 3:] = np.eye(3)
    pick = np.zeros((6, 6 * V))  # the mean rotation and the mean shift
    for v in range(V):
        pick[:3, 6 * v : 6 * v + 3] = pick[3:, 6 * v + 3 : 6 * v + 6] = np.eye(3) / V
    projected = (np.eye(6 * V) - common @ pick) @ world
    covariance = projected @ poses @ projected.T
    variances = np.maximum(np.diag(covariance).reshape(V, 6), 0)
    centre = np.einsum("vivj->vij", covariance.reshape(V, 6, V, 6)[:, 3:, :, 3:])
    return (
        np.sqrt(variances[:, ROTATION].sum(1)),
        np.sqrt(variances[:, TRANSLATION].sum(1)),
        (centre + np.swapaxes(centre, 1, 2)) / 2,
    )
