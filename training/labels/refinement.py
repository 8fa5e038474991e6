"""Joints of a recording refined together: all views, bones of constant length, smooth motion.

A joint alone is where its views put it; their errors last for some tenths of a second and are
shared by nothing else. What the whole recording adds is that a thigh keeps its length and that a
limb of some kilograms does not jump. On studio recordings it raises the share of limbs
within 30 mm from 90.5 to 93.9 % (14 seeds, rigid fit); side views of shoulders that count less,
the trunk's diagonals and its slower motion bring it from 94.0 to 94.8 % (seeds 0 to 9).
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solveh_banded

from calibration.geometry.arrays import F64, I64
from calibration.rig import Rig
from calibration.skeleton import Skeleton
from training.labels.body import (
    TRUNK_JOINTS,
    Body,
    Bones,
    add_trunk_diagonals,
    measure_bones,
    strip_side,
)

WINDOW_FRAMESETS, OVERLAP_FRAMESETS = 600, 30
MAX_STEP_PERIODS = 3.0  # times the usual period: motion says nothing across longer gaps
MIN_DEPTH_M = 0.1
REGULARISATION = 1e-3  # keeps a joint that nothing holds where it is, 1/m^2


@dataclass(frozen=True, slots=True)
class RefinementConfig:
    """How firmly a recording's joints are held together.

    Parameters
    ----------
    bone_share
        Of the relative deviation that calibration expects of a bone
        (`calibration.evidence.evidence`); it is the deviation of triangulated joints, and those of
        refined ones is less.
    acceleration_m_s2, trunk_acceleration_m_s2
        One standard deviation per axis of a joint's acceleration; of hips, shoulders and elbows.
    view_cauchy_sigmas, motion_cauchy_sigmas
        Beyond so many sigmas a view, a bone or a jerk begins to lose its say. Low for views, whose
        errors are not independent of one another.
    iterations
    """

    bone_share: float = 0.5
    acceleration_m_s2: float = 12.0
    trunk_acceleration_m_s2: float = 6.0
    view_cauchy_sigmas: float = 1.5
    motion_cauchy_sigmas: float = 3.0
    iterations: int = 6


@dataclass(frozen=True, slots=True, eq=False)
class Sightings:
    """What the views saw of a recording, as rays.

    Parameters
    ----------
    rays : (V, T, J, 2)
        Ideal ``x/z, y/z``; 0 where missing.
    per_sigma : (V, T, J), 1/px
        One over the expected error; 0 where missing.
    time_s : (T,)
    """

    rays: F64
    per_sigma: F64
    time_s: F64


def estimate_body(xyz: F64, skeleton: Skeleton, config: RefinementConfig) -> Body:
    """Estimate from a recording what holds the person together.

    Parameters
    ----------
    xyz : (T, J, 3), m
    skeleton, config
    """
    trunk = np.array([strip_side(joint) in TRUNK_JOINTS for joint in skeleton.joints])
    bones = add_trunk_diagonals(measure_bones(xyz, skeleton), xyz, skeleton)
    return Body(bones, np.where(trunk, config.trunk_acceleration_m_s2, config.acceleration_m_s2))


def refine_recording(
    xyz: F64, sightings: Sightings, rig: Rig, body: Body, config: RefinementConfig
) -> F64:
    """Refine all joints of a recording together.

    Parameters
    ----------
    xyz : (T, J, 3), m, world
        Triangulated; NaN where missing.
    sightings, rig, body, config

    Returns
    -------
    xyz : (T, J, 3), m, world
        Missing joints are carried through by motion and bones; NaN only for joints that were hardly
        ever found.

    Notes
    -----
    Gauss-Newton with Cauchy weights. Joints that bones connect are solved together, others alone;
    accelerations couple three framesets, so the normal equations are a band, solved in windows of
    600 framesets.
    """
    refined = np.full(xyz.shape, np.nan)
    for joints in _group_connected(xyz.shape[1], body.bones):
        known = joints[(np.isfinite(xyz[:, joints]).all(-1).sum(0) >= 2)]
        if len(known) == 0:
            continue
        start = _interpolate_missing(xyz[:, known])
        part = Sightings(
            sightings.rays[:, :, known], sightings.per_sigma[:, :, known], sightings.time_s
        )
        refined[:, known] = _refine_in_windows(
            start, part, rig, _select_joints(body, known), config
        )
    return refined


def _refine_in_windows(
    xyz: F64, sightings: Sightings, rig: Rig, body: Body, config: RefinementConfig
) -> F64:
    """Refine window by window; each hands on its middle."""
    refined = xyz.copy()
    for first in range(0, len(xyz), WINDOW_FRAMESETS):
        last = min(first + WINDOW_FRAMESETS, len(xyz))
        rows = slice(max(first - OVERLAP_FRAMESETS, 0), min(last + OVERLAP_FRAMESETS, len(xyz)))
        part = Sightings(
            sightings.rays[:, rows], sightings.per_sigma[:, rows], sightings.time_s[rows]
        )
        solved = _refine_window(xyz[rows], part, rig, body, config)
        refined[first:last] = solved[first - rows.start : last - rows.start]
    return refined


def _refine_window(
    xyz: F64, sightings: Sightings, rig: Rig, body: Body, config: RefinementConfig
) -> F64:
    """Refine one window of connected joints."""
    T, J = xyz.shape[:2]
    size = 3 * J
    second = _compute_second_differences(sightings.time_s)
    per_axis = np.repeat(body.acceleration_m_s2, 3)
    for _ in range(config.iterations):
        blocks, gradient = _sum_reprojection_equations(xyz, sightings, rig, config)
        _add_bone_equations(xyz, body.bones, config, (blocks, gradient))
        band = _to_band(blocks.transpose(0, 1, 3, 2, 4).reshape(T, size, size))
        flat = gradient.reshape(T, size)
        _add_motion_equations(
            xyz.reshape(T, size), second[..., None] / per_axis, config, (band, flat)
        )
        xyz = xyz - solveh_banded(band, flat.ravel(), lower=True, overwrite_ab=True).reshape(
            T, J, 3
        )
    return xyz


def _sum_reprojection_equations(
    xyz: F64, sightings: Sightings, rig: Rig, config: RefinementConfig
) -> tuple[F64, F64]:
    """Sum normal equations of the reprojection error: (T, J, J, 3, 3) and gradient (T, J, 3)."""
    T, J = xyz.shape[:2]
    blocks = np.zeros((T, J, J, 3, 3))
    gradient = np.zeros((T, J, 3))
    each = np.arange(J)
    for ray, per_sigma, camera in zip(sightings.rays, sightings.per_sigma, rig.cameras):
        seen = xyz @ camera.R.T + camera.t
        depth = np.maximum(seen[..., 2], MIN_DEPTH_M)
        image = seen[..., :2] / depth[..., None]
        scale = camera.focal_px * per_sigma
        residual = (image - ray) * scale[..., None]
        slope = (camera.R[:2] - image[..., None] * camera.R[2]) * (scale / depth)[..., None, None]
        weight = _weigh_cauchy((residual**2).sum(-1), config.view_cauchy_sigmas)
        blocks[:, each, each] += np.einsum("tj,tjka,tjkb->tjab", weight, slope, slope)
        gradient += np.einsum("tj,tjka,tjk->tja", weight, slope, residual)
    blocks[:, each, each] += REGULARISATION * np.eye(3)
    return blocks, gradient


def _add_bone_equations(
    xyz: F64, bones: Bones, config: RefinementConfig, equations: tuple[F64, F64]
) -> None:
    """Add the normal equations of the bones."""
    blocks, gradient = equations
    for (a, b), length, sigma in zip(bones.ends, bones.length_m, bones.sigma_m * config.bone_share):
        across = xyz[:, a] - xyz[:, b]
        measured = np.maximum(np.linalg.norm(across, axis=-1), 1e-6)
        along = across / measured[:, None]
        residual = (measured - length) / sigma
        weight = _weigh_cauchy(residual**2, config.motion_cauchy_sigmas)
        block = (weight / sigma**2)[:, None, None] * along[:, :, None] * along[:, None, :]
        pull = (weight * residual / sigma)[:, None] * along
        for one, other in ((a, b), (b, a)):
            blocks[:, one, one] += block
            blocks[:, one, other] -= block
        gradient[:, a] += pull
        gradient[:, b] -= pull


def _add_motion_equations(
    flat: F64, second: F64, config: RefinementConfig, equations: tuple[F64, F64]
) -> None:
    """Add the normal equations of the accelerations; `second` is (T - 2, 3, 3 J)."""
    band, gradient = equations
    T, size = flat.shape
    if T < 3:
        return
    before, here, after = np.moveaxis(second, 1, 0)
    residual = before * flat[:-2] + here * flat[1:-1] + after * flat[2:]
    weight = _weigh_cauchy(residual**2, config.motion_cauchy_sigmas)
    pull = weight * residual
    for row, coefficient in enumerate((before, here, after)):
        gradient[row : T - 2 + row] += coefficient * pull
    main, next_one, next_two = (band[k * size].reshape(T, size) for k in range(3))
    for row, coefficient in enumerate((before, here, after)):
        main[row : T - 2 + row] += weight * coefficient**2
    next_one[: T - 2] += weight * before * here
    next_one[1 : T - 1] += weight * here * after
    next_two[: T - 2] += weight * before * after


def _to_band(blocks: F64) -> F64:
    """Lay dense blocks (T, n, n) into the lower band of three coupled framesets, (2 n + 1, T n)."""
    T, size = blocks.shape[:2]
    band = np.zeros((2 * size + 1, T * size))
    for column in range(size):
        for below in range(size - column):
            band[below, column::size] = blocks[:, column + below, column]
    return band


def _compute_second_differences(time_s: F64) -> F64:
    """Compute the coefficients (T - 2, 3) of the acceleration; 0 across gaps."""
    if len(time_s) < 3:
        return np.zeros((0, 3))
    step = np.maximum(np.diff(time_s), 1e-6)
    one, two = step[:-1], step[1:]
    coefficients = np.stack(
        [2 / (one * (one + two)), -2 / (one * two), 2 / (two * (one + two))], -1
    )
    coefficients[np.maximum(one, two) > MAX_STEP_PERIODS * np.median(step)] = 0
    return coefficients


def _group_connected(joints: int, bones: Bones) -> list[I64]:
    """Group joints that bones connect."""
    group = np.arange(joints)
    for a, b in bones.ends[np.isfinite(bones.length_m)]:
        group[group == group[b]] = group[a]
    return [np.flatnonzero(group == number) for number in np.unique(group)]


def _select_joints(body: Body, joints: I64) -> Body:
    """Select some joints and the bones among them, renumbered by their positions in that list."""
    place = {int(joint): i for i, joint in enumerate(joints)}
    bones = body.bones
    usable = np.isfinite(bones.length_m) & (bones.length_m > 0)
    kept = [
        int(b) for b in np.flatnonzero(usable) if all(int(end) in place for end in bones.ends[b])
    ]
    ends = np.array([[place[int(end)] for end in bones.ends[b]] for b in kept], np.int64).reshape(
        -1, 2
    )
    return Body(
        Bones(ends, bones.length_m[kept], bones.sigma_m[kept]), body.acceleration_m_s2[joints]
    )


def _interpolate_missing(xyz: F64) -> F64:
    """Bridge what is missing by straight lines in time."""
    filled = xyz.copy()
    rows = np.arange(len(xyz))
    for joint in range(xyz.shape[1]):
        known = np.isfinite(xyz[:, joint]).all(-1)
        for axis in range(3):
            filled[:, joint, axis] = np.interp(rows, rows[known], xyz[known, joint, axis])
    return filled


def _weigh_cauchy(squared: F64, scale: float) -> F64:
    """Compute Cauchy's robust weights of squared residuals."""
    return 1 / (1 + squared / scale**2)
