"""How two rigs of the same cameras differ, in words for a person."""

import numpy as np

from calibration.geometry.alignment import align_similarity
from calibration.geometry.transforms import rotation_angle_rad
from calibration.rig import Rig

_AGREEMENT_DEG = 0.5
_AGREEMENT_M = 0.03
_AGREEMENT_PERCENT = 1.0


def compare_rigs(one: Rig, other: Rig) -> str:
    """Describe how far the cameras of one rig are from those of another.

    Parameters
    ----------
    one, other
        Of the same cameras, in the same order. Worlds are laid onto each other first, scale kept
        apart: what counts is how the cameras stand to one another.

    Examples
    --------
    The same rig: "The two rigs agree: directions within 0.0°, …".
    """
    rotation, centre_m, focal_percent, scale_percent = measure_rig_differences(one, other)
    worst = one.names[int(np.argmax(rotation / _AGREEMENT_DEG + centre_m / _AGREEMENT_M))]
    figures = (
        f"directions within {rotation.max():.1f}°, positions within {100 * centre_m.max():.1f} cm, "
        f"lenses within {focal_percent.max():.1f} %, scale {scale_percent:+.1f} %"
    )
    if (
        rotation.max() < _AGREEMENT_DEG
        and centre_m.max() < _AGREEMENT_M
        and focal_percent.max() < _AGREEMENT_PERCENT
    ):
        return f"The two rigs agree: {figures}."
    return f"The two rigs differ most in camera '{worst}': {figures}."


def measure_rig_differences(
    one: Rig, other: Rig
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Measure how two rigs of the same cameras differ.

    Returns
    -------
    rotation_deg : (V,)
    centre_m : (V,)
        In the scale of `one`.
    focal_percent : (V,)
    scale_percent
        By how much `other` is larger.
    """
    # Each camera's own answer to other_from_one; their mean is the turn between the two worlds.
    rotations = np.array([b.R.T @ a.R for a, b in zip(one, other)])
    u, _, vt = np.linalg.svd(rotations.sum(0))
    mean = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
    residuals_deg = np.degrees(rotation_angle_rad(np.swapaxes(rotations, 1, 2) @ mean))
    centres, other_centres = (np.array([camera.centre for camera in rig]) for rig in (one, other))
    scale, aligned = _align_centres(other_centres, centres, mean)
    focal = np.array([abs(b.matrix[0, 0] / a.matrix[0, 0] - 1) * 100 for a, b in zip(one, other)])
    return residuals_deg, np.linalg.norm(aligned - centres, axis=1), focal, (1 / scale - 1) * 100


def _align_centres(
    other_centres: np.ndarray, centres: np.ndarray, other_from_one: np.ndarray
) -> tuple[float, np.ndarray]:
    """Align positions; with two cameras their directions fix the turn about their line."""
    if len(centres) > 2:
        scale, rotation, translation = align_similarity(other_centres, centres)
        return scale, scale * other_centres @ rotation.T + translation
    a = other_centres - other_centres.mean(0)
    b = centres - centres.mean(0)
    scale = float(np.linalg.norm(b) / max(np.linalg.norm(a), 1e-9))
    return scale, scale * a @ other_from_one + centres.mean(0)
