"""How far a label may be from the truth: learned from exact truth, on studio recordings.

Independent errors would promise a third of the true ones: what a network misplaces it misplaces in
all views and for as long as the person stands that way. `features` measures what predicts it. For
the joints of ``blazepose_33`` a small network has learned what they mean (``assets/sigma``, made by
``training/tools/fit_sigma.py``); for other skeletons a sum of seven features is used.
"""

import numpy as np

from calibration.geometry.arrays import F64
from calibration.rig import Rig
from calibration.skeleton import Skeleton, strip_side
from training.labels.error_network import ErrorNetwork
from training.labels.evidence import LabelEvidence
from training.labels.features import (
    LIMBS,
    MAX_LENGTH_M,
    MIN_LENGTH_M,
    compute_basic_features,
    compute_body_features,
)

LABELLED_JOINTS = (*LIMBS, "foot_index", "nose", "eye", "eye_inner", "eye_outer", "ear")
"""Joints that can be labels.

The hands' landmarks are 50 to 90 mm, the mouth and the heels 37 mm from the studio's truth, always
to the same side: the views agree, on another point.
"""
SURFACE_JOINTS = ("foot_index", "nose", "eye", "eye_inner", "eye_outer", "ear")
"""Points of the skin, whose definition differs by centimetres between networks and truths."""
SPHERE_SHARE = 0.5  # of the covariance: what a network misplaces it misplaces in any direction
MIN_LOG_M, MAX_LOG_M = -10.0, 2.0

# For other skeletons: a constant, and the slopes of `compute_basic_features`. Least squares of the
# logarithm of the true error (plus 5 mm) over studio seeds 0 to 9, 450 framesets each, rig
# calibrated from the same recording; scaled so that 68 % of limbs' errors are within one sigma's
# ellipsoid.
BASIC_SLOPES = (
    "limb_rad",
    "triangulation",
    "moved",
    "moved_neighbours",
    "twin",
    "body_bones",
    "body_disagreement",
)
BASIC_COEFFICIENTS = {
    "nose": (-0.100, 0.000, 0.977, 0.042, 0.042, 0.000, -0.030, -0.108),
    "eye": (-1.665, 0.000, 0.211, 0.041, 0.041, 0.551, -0.019, -0.111),
    "ear": (-1.518, 0.000, 1.051, 0.007, 0.007, -1.181, 0.087, 0.039),
    "shoulder": (-2.669, 0.162, 0.148, 0.070, 0.050, -0.333, 0.098, 0.070),
    "elbow": (-2.261, 0.257, 0.276, 0.070, 0.050, -0.333, 0.098, 0.070),
    "wrist": (-2.343, 0.210, 0.252, 0.070, 0.050, -0.333, 0.098, 0.070),
    "hip": (-3.570, 0.366, -0.025, 0.070, 0.050, -0.333, 0.098, 0.070),
    "knee": (-1.690, 0.221, 0.422, 0.070, 0.050, -0.333, 0.098, 0.070),
    "ankle": (-0.935, 0.065, 0.575, 0.070, 0.050, -0.333, 0.098, 0.070),
    "heel": (-2.011, 0.000, 0.146, 0.070, 0.050, -0.333, 0.098, 0.070),
}
BASIC_DEFAULT_COEFFICIENTS = (-2.000, 0.200, 0.250, 0.070, 0.050, -0.333, 0.098, 0.070)


def predict_errors(
    evidence: LabelEvidence, rig: Rig, skeleton: Skeleton, time_s: F64, network: ErrorNetwork | None
) -> F64:
    """Predict the error of every joint.

    Parameters
    ----------
    evidence
    rig
        Its cameras in the order of the views.
    skeleton
    time_s : (T,)
    network
        Trained on this skeleton's joints; None sums up features of any skeleton.

    Returns
    -------
    sigma_m : (T, J), m
        Root mean square distance from the truth; infinite where the joint is missing.
    """
    if network is None:
        log_sigma = _predict_basic_log_sigma(evidence, skeleton)
    else:
        log_sigma = network.predict_log_sigma(
            compute_body_features(evidence, rig, skeleton, time_s), skeleton
        )
    known = np.isfinite(evidence.xyz).all(-1)
    return np.where(known, np.exp(np.clip(log_sigma, MIN_LOG_M, MAX_LOG_M)), np.inf)


def shape_covariance(evidence: LabelEvidence, sigma_m: F64, rig: Rig) -> F64:
    """Turn expected errors into covariances.

    Parameters
    ----------
    evidence
    sigma_m : (T, J)
    rig

    Returns
    -------
    covariance : (T, J, 3, 3), m^2, world
        Of trace sigma squared: half a sphere, half the shape that the rays give; NaN where missing.
    """
    views = evidence.views
    information = np.zeros((*sigma_m.shape, 3, 3))
    for v, camera in enumerate(rig.cameras):
        local = evidence.xyz @ camera.R.T + camera.t
        depth = np.where(local[..., 2] > MIN_LENGTH_M, local[..., 2], np.nan)
        slope = (camera.R[:2] - (local[..., :2] / depth[..., None])[..., None] * camera.R[2]) * (
            camera.focal_px / depth / views.sigma_px[v]
        )[..., None, None]
        information += np.einsum("tjka,tjkb->tjab", np.nan_to_num(slope), np.nan_to_num(slope))
    shape = np.linalg.inv(information + np.eye(3) / MAX_LENGTH_M**2)
    shape /= np.trace(shape, axis1=2, axis2=3)[..., None, None]
    mixed = SPHERE_SHARE / 3 * np.eye(3) + (1 - SPHERE_SHARE) * shape
    return np.where(np.isfinite(sigma_m), sigma_m, np.nan)[..., None, None] ** 2 * mixed


def _predict_basic_log_sigma(evidence: LabelEvidence, skeleton: Skeleton) -> F64:
    """Sum up seven features, (T, J)."""
    features = compute_basic_features(evidence, skeleton)
    kinds = np.array(
        [
            BASIC_COEFFICIENTS.get(strip_side(joint), BASIC_DEFAULT_COEFFICIENTS)
            for joint in skeleton.joints
        ]
    )
    return kinds[:, 0] + sum(
        slope * features[name] for slope, name in zip(kinds.T[1:], BASIC_SLOPES, strict=True)
    )
