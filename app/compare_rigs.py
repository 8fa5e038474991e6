"""How two rigs of the same cameras differ, in words for a person."""

import numpy as np

from calibration.geometry.alignment import align_similarity
from calibration.geometry.transforms import rotation_angle_rad
from calibration.rig import Rig

_SAME_DEG, _SAME_M, _SAME_PERCENT = 0.5, 0.03, 1.0


def compare_rigs(one: Rig, other: Rig) -> str:
    """Say how far the cameras of one rig stand from those of another.

    Parameters
    ----------
    one, other
        Of the same cameras, in the same order. Worlds are laid onto each other first, scale kept apart: what counts is
        how the cameras stand to one another.

    Returns
    -------
    sentence

    Examples
    --------
    The same rig: "The two rigs agree: directions within 0.0°, …".
    """
    rotation, centre_m, focal_percent, scale_percent = rig_differences(one, other)
    worst = one.names[int(np.argmax(rotation / _SAME_DEG + centre_m / _SAME_M))]
    figures = (
        f"directions within {rotation.max():.1f}°, places within {100 * centre_m.max():.1f} cm, "
        f"lenses within {focal_percent.max():.1f} %, scale {scale_percent:+.1f} %"
    )
    if rotation.max() < _SAME_DEG and centre_m.max() < _SAME_M and focal_percent.max() < _SAME_PERCENT:
        return f"The two rigs agree: {figures}."
    return f"The two rigs differ most in camera '{worst}': {figures}."


def rig_differences(one: Rig, other: Rig) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Measure how two rigs of the same cameras differ.

    Parameters
    ----------
    one, other

    Returns
    -------
    rotation_deg : (V,)
    centre_m : (V,)
        In the scale of `one`.
    focal_percent : (V,)
    scale_percent
        By how much `other` is larger.
    """
    turns = np.array([b.R.T @ a.R for a, b in zip(one, other)])  # other_from_one, as each camera says it
    u, _, vt = np.linalg.svd(turns.sum(0))
    mean = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
    rests_deg = np.degrees(rotation_angle_rad(np.swapaxes(turns, 1, 2) @ mean))
    places, others = (np.array([camera.centre for camera in rig]) for rig in (one, other))
    scale, moved = _laid_onto(others, places, mean)
    focal = np.array([abs(b.matrix[0, 0] / a.matrix[0, 0] - 1) * 100 for a, b in zip(one, other)])
    return rests_deg, np.linalg.norm(moved - places, axis=1), focal, (1 / scale - 1) * 100


def _laid_onto(others: np.ndarray, places: np.ndarray, other_from_one: np.ndarray) -> tuple[float, np.ndarray]:
    """Lay places onto others; two cameras alone do not fix the turn about their line, so directions do."""
    if len(places) > 2:
        scale, rotation, translation = align_similarity(others, places)
        return scale, scale * others @ rotation.T + translation
    a, b = others - others.mean(0), places - places.mean(0)
    scale = float(np.linalg.norm(b) / max(np.linalg.norm(a), 1e-9))
    return scale, scale * a @ other_from_one + places.mean(0)
