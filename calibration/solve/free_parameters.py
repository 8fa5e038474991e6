"""FreeParameters: what of the cameras may move in a refinement, and what is believed of it."""

from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F64
from calibration.solve.residuals import (
    CAMERA_PARAMETERS,
    FOCAL,
    K1,
    K2,
    OFFSET,
    Estimate,
    cauchy,
)


@dataclass(frozen=True, slots=True, eq=False)
class FreeParameters:
    """Which parameters of the cameras may move, and their priors.

    Parameters
    ----------
    basis : (10 V, Q)
        Columns are the free directions; a shared focal length is one column with several ones.
    prior_sigma : (10 V,)
        One standard deviation of each parameter around `prior_mean`; infinite without a prior.
    prior_mean : (10 V,)
        In the parameters' own terms (log focal, k1, k2, s); unused for rotations and translations.
    prior_scale
        Cauchy scale of the priors, in sigmas: a parameter far from its mean is held less and less.
        Infinite for normal priors.
    """

    basis: F64
    prior_sigma: F64
    prior_mean: F64
    prior_scale: float = np.inf


def weigh_priors(estimate: Estimate, free_parameters: FreeParameters) -> tuple[F64, F64]:
    """Cost and weight of every camera parameter's prior.

    Parameters
    ----------
    estimate, free_parameters

    Returns
    -------
    cost : (10 V,)
        In squared sigmas; 0 without a prior.
    weight : (10 V,)
        Its derivative by the squared deviation.
    """
    squared = _compute_prior_residual(estimate, free_parameters) ** 2
    if np.isinf(free_parameters.prior_scale):
        return squared, np.ones(len(squared))
    return cauchy(squared, free_parameters.prior_scale)


def add_priors(
    shared: F64, gradient: F64, estimate: Estimate, free_parameters: FreeParameters
) -> None:
    """Add the priors to normal equations, in place.

    Parameters
    ----------
    shared : (Q, Q), gradient : (Q,)
        Over the free parameters of the cameras.
    estimate, free_parameters
    """
    prior = _compute_prior_residual(estimate, free_parameters)
    weight = weigh_priors(estimate, free_parameters)[1]
    rows = free_parameters.basis / free_parameters.prior_sigma[:, None]
    shared += rows.T @ (weight[:, None] * rows)
    gradient += rows.T @ (weight * prior)


def _compute_prior_residual(estimate: Estimate, free_parameters: FreeParameters) -> F64:
    """Deviation of every camera parameter from its prior, in sigmas, (10 V,)."""
    value = np.zeros((len(estimate.focal), CAMERA_PARAMETERS))
    value[:, FOCAL], value[:, OFFSET] = np.log(estimate.focal), estimate.offset_s
    value[:, K1], value[:, K2] = estimate.k1, estimate.k2
    has_prior = np.isfinite(free_parameters.prior_sigma)
    deviation = np.zeros(value.size)
    deviation[has_prior] = (value.ravel() - free_parameters.prior_mean)[
        has_prior
    ] / free_parameters.prior_sigma[has_prior]
    return deviation
