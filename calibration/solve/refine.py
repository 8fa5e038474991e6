"""Bundle adjustment: Levenberg-Marquardt that eliminates each frame's joints (Schur complement).

Bones couple the joints of one frame, so a frame's block is (3J x 3J). Eliminating the frames one by
one leaves a small system over the free parameters of the cameras and the bone lengths.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from calibration.errors import DidNotConvergeError
from calibration.evidence.evidence import Evidence
from calibration.geometry.arrays import F64
from calibration.geometry.transforms import rotation_from_rotvec
from calibration.solve.free_parameters import FreeParameters, add_priors, weigh_priors
from calibration.solve.residuals import (
    CAMERA_PARAMETERS,
    FOCAL,
    K1,
    K2,
    OFFSET,
    ROTATION,
    TRANSLATION,
    Estimate,
    Reprojection,
    cauchy,
    compute_bone_residuals,
    compute_reprojection,
    compute_reprojection_jacobians,
)


@dataclass(frozen=True, slots=True, eq=False)
class RefinementSettings:
    """Robust scales and when to stop.

    Parameters
    ----------
    robust_scale
        Cauchy scale of the reprojection, in sigmas.
    bone_scale
        Cauchy scale of the bones, in sigmas.
    iterations
        At most.
    tolerance
        Stop when the cost falls by a smaller share than this.
    """

    robust_scale: float = 2.0
    bone_scale: float = 2.0
    iterations: int = 50
    tolerance: float = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Refinement:
    """The outcome of a refinement."""

    estimate: Estimate
    cost: float
    iterations: int


@dataclass(frozen=True, slots=True, eq=False)
class NormalEquations:
    """The robust quadratic model around an estimate, frames not yet eliminated.

    Parameters
    ----------
    shared : (N, N), shared_gradient : (N,)
        Over the free camera parameters and the bone lengths.
    frame : (T, 3J, 3J), frame_gradient : (T, 3J)
    mixed : (T, N, 3J)
    """

    shared: F64
    shared_gradient: F64
    frame: F64
    frame_gradient: F64
    mixed: F64


def refine(
    evidence: Evidence,
    start: Estimate,
    free_parameters: FreeParameters,
    settings: RefinementSettings,
    on_iteration: Callable[[int, float], None] | None = None,
) -> Refinement:
    """Move the rig and the joints until they explain the evidence best.

    Parameters
    ----------
    evidence
    start
        Its missing joints stay missing.
    free_parameters
    settings
    on_iteration
        Called with the count and the cost; may raise to cancel.

    Raises
    ------
    DidNotConvergeError
        If the cost is not a number from the start.

    Notes
    -----
    Triggs et al. (2000), section 6; robust weights by iteratively reweighted least squares.
    """
    estimate = start
    cost = compute_total_cost(evidence, start, free_parameters, settings)
    damping = 1e-3
    if not np.isfinite(cost):
        raise DidNotConvergeError(
            "The first estimate of the rig fits nothing that was seen. Walk through the room and "
            "try again."
        )
    iteration = 0
    for iteration in range(1, settings.iterations + 1):
        equations = build_normal_equations(evidence, estimate, free_parameters, settings)
        # solving again with more damping costs little; building the equations is the expensive part
        for _ in range(8):
            candidate = _solve_step(estimate, free_parameters, equations, damping)
            candidate_cost = (
                compute_total_cost(evidence, candidate, free_parameters, settings)
                if candidate
                else np.inf
            )
            if candidate is not None and candidate_cost < cost:
                break
            damping *= 6
        else:
            break
        gain = (cost - candidate_cost) / cost
        estimate = candidate
        cost = candidate_cost
        damping = max(damping / 5, 1e-9)
        if on_iteration is not None:
            on_iteration(iteration, cost)
        if gain < settings.tolerance:
            break
    return Refinement(estimate, float(cost), iteration)


def compute_total_cost(
    evidence: Evidence,
    estimate: Estimate,
    free_parameters: FreeParameters,
    settings: RefinementSettings,
) -> float:
    """Sum the robust costs of reprojection, bones and priors.

    Parameters
    ----------
    evidence, estimate
    free_parameters
        For the priors.
    settings
        For the robust scales.

    Returns
    -------
    cost
        In squared sigmas; a joint behind a camera that saw it costs as much as a gross outlier.
    """
    images = compute_reprojection(evidence, estimate)
    behind = np.isfinite(evidence.sigma) & ~images.valid & np.isfinite(estimate.xyz).all(-1)
    each = cauchy((images.residual**2).sum(-1), settings.robust_scale)[0]
    each += behind * cauchy(np.array(1e4), settings.robust_scale)[0]
    cost = (each * evidence.joint_weight).sum()
    if len(evidence.bones):
        bone_residual = compute_bone_residuals(evidence, estimate)[0]
        by_bone = cauchy(bone_residual**2, settings.bone_scale)[0]
        deviation = estimate.log_length - evidence.log_proportion
        cost += (by_bone * evidence.bone_weight).sum()
        cost += deviation @ _build_proportion_prior(evidence) @ deviation
    return float(cost + weigh_priors(estimate, free_parameters)[0].sum())


def build_normal_equations(
    evidence: Evidence,
    estimate: Estimate,
    free_parameters: FreeParameters,
    settings: RefinementSettings,
) -> NormalEquations:
    """Build the robust quadratic model around an estimate.

    Parameters
    ----------
    evidence, estimate
    free_parameters
        Their Q columns come first in the N shared unknowns, the bone lengths after them.
    settings
        For the robust scales.

    Notes
    -----
    Gauss-Newton with the weights of the Cauchy cost at this estimate (Triggs et al. 2000).
    """
    V, T, J = evidence.sigma.shape
    Q = free_parameters.basis.shape[1]
    N = Q + evidence.length_count
    images = compute_reprojection(evidence, estimate)
    by_camera, by_point = compute_reprojection_jacobians(evidence, estimate, images)
    weight = compute_joint_weights(evidence, images, settings)
    weighted = weight[..., None, None] * by_camera
    raw = np.zeros((V * CAMERA_PARAMETERS, V * CAMERA_PARAMETERS))
    raw_gradient = np.zeros(V * CAMERA_PARAMETERS)
    mixed = np.zeros((T, N, J, 3))
    frame = np.zeros((T, J, 3, J, 3))
    weighted_point = weight[..., None, None] * by_point
    frame_gradient = np.einsum("v,vtjki,vtjk->tji", np.ones(V), weighted_point, images.residual)
    diagonal = np.einsum("vtjka,vtjkb->tjab", weighted_point, by_point, optimize=True)
    joints = np.arange(J, dtype=np.int64)
    frame[:, joints, :, joints, :] = np.moveaxis(diagonal, 1, 0)
    for v in range(V):
        rows = slice(v * CAMERA_PARAMETERS, (v + 1) * CAMERA_PARAMETERS)
        flat = by_camera[v].reshape(-1, CAMERA_PARAMETERS)
        flat_weighted = weighted[v].reshape(-1, CAMERA_PARAMETERS)
        raw[rows, rows] = flat_weighted.T @ flat
        raw_gradient[rows] = flat_weighted.T @ images.residual[v].ravel()
        used = np.flatnonzero(np.any(free_parameters.basis[rows], axis=0))
        reduced = (
            np.swapaxes(weighted[v] @ free_parameters.basis[rows][:, used], -1, -2) @ by_point[v]
        )
        mixed[:, used] += np.moveaxis(reduced, 2, 1)
    shared, shared_gradient = np.zeros((N, N)), np.zeros(N)
    shared[:Q, :Q] = free_parameters.basis.T @ raw @ free_parameters.basis
    shared_gradient[:Q] = free_parameters.basis.T @ raw_gradient
    add_priors(shared[:Q, :Q], shared_gradient[:Q], estimate, free_parameters)
    equations = NormalEquations(shared, shared_gradient, frame, frame_gradient, mixed)
    _add_bones(equations, evidence, estimate, settings)
    return replace(
        equations,
        frame=frame.reshape(T, 3 * J, 3 * J),
        frame_gradient=frame_gradient.reshape(T, 3 * J),
        mixed=mixed.reshape(T, N, 3 * J),
    )


def compute_joint_weights(
    evidence: Evidence, images: Reprojection, settings: RefinementSettings
) -> F64:
    """Weigh every observation of a joint by its novelty and by how well it fits.

    Returns
    -------
    weight : (V, T, J)
        0 where missing.
    """
    fit = cauchy((images.residual**2).sum(-1), settings.robust_scale)[1]
    return fit * evidence.joint_weight * images.valid


def compute_bone_weights(evidence: Evidence, residual: F64, settings: RefinementSettings) -> F64:
    """Weigh the bones of every frame likewise, (T, B); `residual` (T, B) in sigmas."""
    return cauchy(residual**2, settings.bone_scale)[1] * evidence.bone_weight


def _build_proportion_prior(evidence: Evidence) -> F64:
    """Information on the logarithms of the lengths, (lengths, lengths): none on their size."""
    information = 1 / evidence.proportion_sigma**2
    total = max(float(information.sum()), 1e-12)
    return np.diag(information) - np.outer(information, information) / total


def apply_step(estimate: Estimate, camera_step: F64, length_step: F64, point_step: F64) -> Estimate:
    """Apply a step to an estimate.

    Parameters
    ----------
    estimate
    camera_step : (V, 10)
    length_step : (lengths,)
    point_step : (T, J, 3)
    """
    return Estimate(
        rotation=rotation_from_rotvec(camera_step[:, ROTATION]) @ estimate.rotation,
        translation=estimate.translation + camera_step[:, TRANSLATION],
        focal=estimate.focal * np.exp(camera_step[:, FOCAL]),
        k1=estimate.k1 + camera_step[:, K1],
        k2=estimate.k2 + camera_step[:, K2],
        offset_s=estimate.offset_s + camera_step[:, OFFSET],
        log_length=estimate.log_length + length_step,
        xyz=estimate.xyz + point_step,
    )


def _solve_step(
    estimate: Estimate, free_parameters: FreeParameters, equations: NormalEquations, damping: float
) -> Estimate | None:
    """Solve the damped equations and apply the step; None where the step is absurd."""
    T, J = estimate.xyz.shape[:2]
    V, Q = len(estimate.focal), free_parameters.basis.shape[1]
    # Marquardt: damping in proportion to the diagonal is the same in metres and in units of the
    # scene; the constant keeps joints that no view sees from making a block singular
    diagonal = np.einsum("tii->ti", equations.frame)
    damped: F64 = equations.frame + np.einsum(
        "ti,ij->tij", damping * diagonal + 1e-9, np.eye(3 * J)
    )
    # one factorisation per frame serves both the elimination and the way back to its joints
    right: F64 = np.concatenate(
        [np.swapaxes(equations.mixed, 1, 2), equations.frame_gradient[..., None]], -1
    )
    solved = np.linalg.solve(damped, right)
    N = len(equations.shared)
    mixed_flat = np.moveaxis(equations.mixed, 1, 0).reshape(N, -1)
    eliminated = mixed_flat @ solved.reshape(-1, N + 1)
    shared = (
        equations.shared + np.diag(damping * np.diag(equations.shared) + 1e-9) - eliminated[:, :N]
    )
    gradient = equations.shared_gradient - eliminated[:, N]
    try:
        step = -np.asarray(np.linalg.solve(shared, gradient), np.float64)
    except np.linalg.LinAlgError:
        return None
    point_step = -(solved[..., N] + solved[..., :N] @ step).reshape(T, J, 3)
    camera_step = (free_parameters.basis @ step[:Q]).reshape(V, CAMERA_PARAMETERS)
    # beyond a radian, or e times the focal length, the linear model says nothing; a step as large
    # may land in another minimum even where its cost is lower
    turned = np.abs(camera_step[:, ROTATION]).max(initial=0)
    if turned > 1 or np.abs(camera_step[:, FOCAL]).max(initial=0) > 1:
        return None
    return apply_step(estimate, camera_step, step[Q:], point_step)


def _add_bones(
    equations: NormalEquations, evidence: Evidence, estimate: Estimate, settings: RefinementSettings
) -> None:
    """Add the bones to equations under construction (frame blocks still (T, J, 3, J, 3))."""
    if not len(evidence.bones):
        return
    residual, by_end = compute_bone_residuals(evidence, estimate)
    weight = compute_bone_weights(evidence, residual, settings) * (by_end != 0).any(-1)
    Q = len(equations.shared) - evidence.length_count
    for b, (first, second) in enumerate(evidence.bones):
        pull = weight[:, b, None] * by_end[:, b]
        block = pull[:, :, None] * by_end[:, b][:, None, :]
        equations.frame[:, first, :, first] += block
        equations.frame[:, second, :, second] += block
        equations.frame[:, first, :, second] -= block
        equations.frame[:, second, :, first] -= block
        equations.frame_gradient[:, first] += pull * residual[:, b, None]
        equations.frame_gradient[:, second] -= pull * residual[:, b, None]
        row = Q + evidence.length_index[b]
        by_length = -1 / evidence.bone_sigma[b]
        equations.shared[row, row] += weight[:, b].sum() * by_length**2
        equations.shared_gradient[row] += (weight[:, b] * residual[:, b]).sum() * by_length
        equations.mixed[:, row, first] += pull * by_length
        equations.mixed[:, row, second] -= pull * by_length
    prior = _build_proportion_prior(evidence)
    equations.shared[Q:, Q:] += prior
    equations.shared_gradient[Q:] += prior @ (estimate.log_length - evidence.log_proportion)
