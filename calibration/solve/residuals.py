"""What a rig must explain: reprojection and constant bones, with analytic Jacobians.

A camera has ten parameters in this order: rotation (3, left perturbation in the camera frame),
translation (3), log focal length, k1, k2, time offset (s). Points belong to frames; bones join the
points of one frame and have one length per pair of twins (left = right).
"""

from dataclasses import dataclass

import numpy as np

from calibration.evidence.evidence import Evidence
from calibration.geometry.arrays import F64, Mask
from calibration.geometry.transforms import skew

CAMERA_PARAMETERS = 10
ROTATION = slice(0, 3)
TRANSLATION = slice(3, 6)
FOCAL = 6
K1 = 7
K2 = 8
OFFSET = 9
MIN_DEPTH = 0.02  # in units of the scene; anything nearer counts as behind the camera


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """A rig and a person's motion in units of the scene.

    Parameters
    ----------
    rotation : (V, 3, 3), translation : (V, 3)
        ``x_cam = rotation @ x + translation``.
    focal : (V,), px
    k1, k2 : (V,)
        Radial distortion, as in OpenCV.
    offset_s : (V,), s
        What to add to a view's times.
    log_length : (lengths,)
    xyz : (T, J, 3)
        NaN where a joint was never seen by two views.
    """

    rotation: F64
    translation: F64
    focal: F64
    k1: F64
    k2: F64
    offset_s: F64
    log_length: F64
    xyz: F64


@dataclass(frozen=True, slots=True, eq=False)
class Reprojection:
    """Whitened reprojection residuals and what they depend on.

    Parameters
    ----------
    residual : (V, T, J, 2)
        In sigmas; 0 where missing.
    valid : (V, T, J)
        Seen, and in front of the camera.
    in_camera : (V, T, J, 3)
    """

    residual: F64
    valid: Mask
    in_camera: F64


def compute_reprojection(evidence: Evidence, estimate: Estimate) -> Reprojection:
    """Compare the images of the joints with what the views saw.

    Returns
    -------
    reprojection
        ``(pi(X) - (x - v * offset)) / sigma``: a view whose clock is late saw the joint earlier on
        its track.
    """
    xyz = np.nan_to_num(estimate.xyz)
    in_camera = (
        np.einsum("vij,tnj->vtni", estimate.rotation, xyz) + estimate.translation[:, None, None]
    )
    depth = in_camera[..., 2]
    valid = np.isfinite(evidence.sigma) & (depth > MIN_DEPTH) & np.isfinite(estimate.xyz).all(-1)
    image = in_camera[..., :2] / np.where(valid, depth, 1.0)[..., None]
    bent = _bend(estimate, (image**2).sum(-1))[0]
    predicted = (estimate.focal[:, None, None] * bent)[..., None] * image + evidence.principal[
        :, None, None
    ]
    measured = evidence.xy - evidence.velocity * estimate.offset_s[:, None, None, None]
    residual = (predicted - measured) / np.where(valid, evidence.sigma, 1.0)[..., None]
    return Reprojection(np.where(valid[..., None], residual, 0.0), valid, in_camera)


def compute_reprojection_jacobians(
    evidence: Evidence, estimate: Estimate, images: Reprojection
) -> tuple[F64, F64]:
    """Differentiate the whitened reprojection residuals.

    Parameters
    ----------
    evidence, estimate
    images
        The residuals of this estimate.

    Returns
    -------
    by_camera : (V, T, J, 2, 10)
    by_point : (V, T, J, 2, 3)
    """
    depth = np.where(images.valid, images.in_camera[..., 2], 1.0)
    x = images.in_camera[..., 0] / depth
    y = images.in_camera[..., 1] / depth
    r2 = x * x + y * y
    bent, slope = _bend(estimate, r2)
    scale = np.where(images.valid, 1 / np.where(images.valid, evidence.sigma, 1.0), 0.0)
    focal = estimate.focal[:, None, None] * scale
    by_image = np.empty((*x.shape, 2, 2))  # the lens: d(pixel)/d(x, y)
    by_image[..., 0, 0] = focal * (bent + 2 * x * x * slope)
    by_image[..., 1, 1] = focal * (bent + 2 * y * y * slope)
    by_image[..., 0, 1] = by_image[..., 1, 0] = focal * slope * 2 * x * y
    by_seen = np.empty((*x.shape, 2, 3))  # d(pixel)/d(point in the camera frame)
    by_seen[..., :2] = by_image / depth[..., None, None]
    by_seen[..., 2] = (
        -(by_image[..., 0] * x[..., None] + by_image[..., 1] * y[..., None]) / depth[..., None]
    )
    rotated = images.in_camera - estimate.translation[:, None, None]
    by_camera = np.empty((*x.shape, 2, CAMERA_PARAMETERS))
    by_camera[..., ROTATION] = -by_seen @ skew(rotated)
    by_camera[..., TRANSLATION] = by_seen
    image = np.stack([x, y], -1)
    by_camera[..., FOCAL] = (focal * bent)[..., None] * image
    by_camera[..., K1] = (focal * r2)[..., None] * image
    by_camera[..., K2] = (focal * r2 * r2)[..., None] * image
    by_camera[..., OFFSET] = evidence.velocity * scale[..., None]
    return by_camera, by_seen @ estimate.rotation[:, None, None]


def _bend(estimate: Estimate, r2: F64) -> tuple[F64, F64]:
    """Factor by which lenses move points at squared radii, (V, T, J), and its derivative by it."""
    k1 = estimate.k1[:, None, None]
    k2 = estimate.k2[:, None, None]
    return 1 + (k1 + k2 * r2) * r2, k1 + 2 * k2 * r2


def compute_bone_residuals(evidence: Evidence, estimate: Estimate) -> tuple[F64, F64]:
    """Compare the bones of every frame with their lengths.

    Returns
    -------
    residual : (T, B)
        ``log(|X_a - X_b| / L) / sigma``; 0 where an end is missing.
    by_end : (T, B, 3)
        Derivative by the bone's first joint; by its second the opposite, by log L ``-1 / sigma``.
    """
    ends = estimate.xyz[:, evidence.bones[:, 0]] - estimate.xyz[:, evidence.bones[:, 1]]
    length = np.linalg.norm(ends, axis=-1)
    valid = np.isfinite(length) & (length > 1e-9)
    safe = np.where(valid, length, 1.0)
    residual = (np.log(safe) - estimate.log_length[evidence.length_index]) / evidence.bone_sigma
    by_end = np.nan_to_num(ends) / (safe**2 * evidence.bone_sigma)[..., None]
    return np.where(valid, residual, 0.0), np.where(valid[..., None], by_end, 0.0)


def cauchy(squared: F64, scale: float) -> tuple[F64, F64]:
    """Weigh squared residuals with Cauchy's robust cost, so that outliers count less.

    Parameters
    ----------
    squared : (...)
        In squared sigmas.
    scale
        In sigmas; residuals beyond it count less and less.

    Returns
    -------
    cost : (...)
        ``scale^2 log(1 + squared / scale^2)``.
    weight : (...)
        Its derivative by `squared`.
    """
    relative = squared / scale**2
    return scale**2 * np.log1p(relative), 1 / (1 + relative)
