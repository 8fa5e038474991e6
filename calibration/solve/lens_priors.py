"""Lenses: what is known or assumed of them before the cameras are solved."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace

import numpy as np

from calibration.errors import CalibrationError
from calibration.evidence.observations import Observations
from calibration.geometry.arrays import F64, I64, Mask
from calibration.geometry.projection import pixels_from_rays, rays_from_pixels, undistort
from calibration.rig import Camera
from calibration.solve.free_parameters import FreeParameters
from calibration.solve.residuals import CAMERA_PARAMETERS, FOCAL, K1, K2, OFFSET

# Webcams, phones and action cameras in their linear modes: horizontal fields of view from 50 to 80
# degrees.
FOCAL_OF_LONG_SIDE, FOCAL_LOG_SIGMA = 0.80, 0.25
# Distortion: most phones and webcams lie within these, action cameras (k1 of -0.35, k2 of 0.1) and
# cheap lenses (k1 to 0.25) far outside. A prior as wide as all of them would leave the focal length
# of every ordinary camera unsure; one with long tails (Cauchy) releases the few.
K1_MEAN, K1_SIGMA = -0.03, 0.05
K2_SIGMA = 0.02
PRIOR_SCALE = 1.5
OFFSET_SIGMA_S = 0.05
SIZE_TOLERANCE = 0.02  # sizes that differ by less are the same kind of camera


@dataclass(frozen=True, slots=True, eq=False)
class LensPriors:
    """A prior on each view's lens.

    Parameters
    ----------
    known
        The camera whose matrix and distortion are given, or None, for each view.
    focal : (V,), px
        Given, or the mean of the prior.
    principal : (V, 2), px
    group : (V,)
        Views of one group share focal length, k1 and k2.
    """

    known: tuple[Camera | None, ...]
    focal: F64
    principal: F64
    group: I64

    @property
    def is_known(self) -> Mask:
        """Which lenses are given, (V,)."""
        return np.array([camera is not None for camera in self.known])


def build_lens_priors(
    observations: Observations, known: Sequence[Camera | None], *, shared: bool
) -> tuple[LensPriors, tuple[str, ...]]:
    """Build the priors of the lenses.

    Parameters
    ----------
    observations
    known : V of them
        Cameras whose size, matrix and distortion are given.
    shared
        All lenses without given intrinsics are of one kind, up to the size of their images.

    Returns
    -------
    lenses
    remarks
        Messages on sizes that were taken as alike.

    Raises
    ------
    CalibrationError
        If given intrinsics are for another image size.
    """
    remarks: list[str] = []
    for camera, view, size in zip(known, observations.view_names, observations.sizes_wh):
        if camera is not None and tuple(camera.size_wh) != tuple(size):
            raise CalibrationError(
                f"The intrinsics of '{camera.name}' are for "
                f"{camera.size_wh[0]}x{camera.size_wh[1]} images, but the view '{view}' is "
                f"{size[0]}x{size[1]}. Give intrinsics for this size, or leave them out."
            )
    group = np.arange(len(observations.view_names))
    if shared:
        group, remark = _group_by_size(observations)
        remarks += remark
    focal = np.array([FOCAL_OF_LONG_SIDE * max(size) for size in observations.sizes_wh], float)
    principal = np.array([[(w - 1) / 2, (h - 1) / 2] for w, h in observations.sizes_wh], float)
    for g in np.unique(group):
        focal[group == g] = focal[group == g].mean()
    for v, camera in enumerate(known):
        if camera is not None:
            focal[v], principal[v] = camera.focal_px, camera.principal_px
    return LensPriors(tuple(known), focal, principal, group), tuple(remarks)


def undistort_known_views(observations: Observations, lenses: LensPriors) -> Observations:
    """Undistort the joints of views with given intrinsics.

    Returns
    -------
    observations
        For the focal length and principal point of `lenses`, square pixels, no distortion, where
        known; unchanged elsewhere.
    """
    xy = observations.xy.copy()
    for v, camera in enumerate(lenses.known):
        if camera is not None:
            rays = undistort(rays_from_pixels(xy[:, v], camera.matrix), camera.distortion)
            ideal = np.diag([lenses.focal[v], lenses.focal[v], 1.0])
            ideal[:2, 2] = lenses.principal[v]
            xy[:, v] = pixels_from_rays(rays, ideal)
    return replace(observations, xy=xy)


def select_free_parameters(lenses: LensPriors, blocks: Set[int]) -> FreeParameters:
    """Select the parameters of the cameras that may move, with their priors.

    Parameters
    ----------
    lenses
        Given lenses never move.
    blocks
        What may move beside the poses: `FOCAL`, `K1` and `K2` of the unknown lenses, and `OFFSET`,
        the times of all but the first camera.

    Returns
    -------
    free_parameters
        The first camera's pose never moves: it is the gauge.
    """
    V = len(lenses.focal)
    columns = [_build_column(V, [v], p) for v in range(1, V) for p in range(6)]
    unknown = ~lenses.is_known
    for parameter in (FOCAL, K1, K2):
        if parameter in blocks:
            groups = [
                np.flatnonzero((lenses.group == g) & unknown)
                for g in np.unique(lenses.group[unknown])
            ]
            columns += [_build_column(V, views, parameter) for views in groups]
    if OFFSET in blocks:
        columns += [_build_column(V, [v], OFFSET) for v in range(1, V)]
    sigma = np.full((V, CAMERA_PARAMETERS), np.inf)
    mean = np.zeros((V, CAMERA_PARAMETERS))
    sigma[unknown, FOCAL], mean[:, FOCAL] = FOCAL_LOG_SIGMA, np.log(lenses.focal)
    sigma[unknown, K1], mean[:, K1] = K1_SIGMA, K1_MEAN
    sigma[unknown, K2] = K2_SIGMA
    sigma[:, OFFSET] = OFFSET_SIGMA_S
    return FreeParameters(np.stack(columns, 1), sigma.ravel(), mean.ravel(), PRIOR_SCALE)


def _build_column(view_count: int, chosen: Sequence[int] | I64, parameter: int) -> F64:
    """Build one free direction: the same parameter of one or several cameras."""
    column = np.zeros((view_count, CAMERA_PARAMETERS))
    column[chosen, parameter] = 1
    return column.ravel()


def _group_by_size(observations: Observations) -> tuple[I64, list[str]]:
    """Group the views whose images have long sides of about the same length."""
    group = np.zeros(len(observations.view_names), np.int64)
    kinds: list[tuple[int, int]] = []
    odd: list[str] = []
    for v, size in enumerate(observations.sizes_wh):
        alike = [
            g for g, other in enumerate(kinds) if abs(max(size) / max(other) - 1) <= SIZE_TOLERANCE
        ]
        if not alike:
            kinds.append(size)
        elif sorted(kinds[alike[0]]) != sorted(size):
            odd.append(f"'{observations.view_names[v]}' ({size[0]}x{size[1]})")
        group[v] = alike[0] if alike else len(kinds) - 1
    if not odd:
        return group, []
    kind = f"{kinds[0][0]}x{kinds[0][1]}"
    return group, [
        f"The images of {' and '.join(odd)} were taken as of the same kind of camera as {kind}."
    ]
