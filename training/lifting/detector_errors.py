"""Detector errors: how the real 2D model misplaces joints, put onto motion without pictures.

Errors are not drawn from a formula. Whole persons' errors that the model made in the studio, in
the image and in its own guess in depth, with the confidence that it claimed, are taken and put onto
poses like those in which they were made: then joints that fail together still do, a confidence
means what it means, and what is hard to see is wrong more often.
"""

from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F64, I64, Mask
from engine.monocular.joint_window import HIPS, NOW, find_middle, look_at, measure_unit
from training.lifting.bodies import MIRROR
from training.lifting.sightings import Sightings

_CANDIDATES = 24
"""Persons of whom the one in the most similar pose lends its errors: alike, and yet not always the
same."""
_LASTING = 0.85
"""Of an error that stays for the whole window: a model errs alike in neighbouring images."""
_JITTER = 0.35
"""Of an error that is new in each image, as a share of its size."""
_MIN_JITTER = 0.012
"""Of the person's extent: 3 px of a person 350 px tall."""
_GLIMPSE_SHARE = 0.12
"""Share of the joints of a moment that fail as in another picture."""
_SWAPPED_WINDOWS, _SWAPPED_ALWAYS, _LEGS_SWAPPED = 0.06, 0.01, 0.03
"""Share of the windows in which both sides are exchanged at half of the moments, at all, or of the
legs alone; 1 % of single pictures in the studio, a quarter of a view of a real person from behind.
"""
_LEG_MIRROR = np.where(np.arange(len(MIRROR)) < 6, np.arange(len(MIRROR)), MIRROR)
_MIN_DEPTH_M = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class ErrorTable:
    """The errors of N persons of the studio, and the poses in which they were made.

    Parameters
    ----------
    pose : (N, 12, 3), look
        In units of `measure_unit`, about the hips.
    image : (N, 12, 2)
        Of the joints in the image, in extents of the person.
    confidence : (N, 12), 0 to 1
    own : (N, 12, 3), look
        Of the 2D model's own guess, in units; NaN where it made none.
    """

    pose: F64
    image: F64
    confidence: F64
    own: F64

    def find_alike(self, pose: F64, rng: np.random.Generator) -> I64:
        """Find persons in poses like some others.

        Parameters
        ----------
        pose : (M, 12, 3), look
        rng

        Returns
        -------
        index : (M,)
        """
        drawn = rng.integers(len(self.pose), size=(len(pose), _CANDIDATES))
        away = ((self.pose[drawn] - pose[:, None]) ** 2).sum((2, 3))
        return drawn[np.arange(len(pose)), away.argmin(1)]


def build_error_table(sightings: Sightings) -> ErrorTable:
    """Compute the errors of people that the 2D model found, each also mirrored."""
    parts = [_measure_errors(sightings), _measure_errors(_mirror(sightings))]
    return ErrorTable(*(np.concatenate(columns) for columns in zip(*parts)))


def detect(xyz: F64, table: ErrorTable, rng: np.random.Generator) -> tuple[F64, F64, F64]:
    """See motion as the 2D model would.

    Parameters
    ----------
    xyz : (N, S, 12, 3), m, camera
    table
        Whose errors and confidences are used.
    rng

    Returns
    -------
    rays : (N, S, 12, 2), undistorted
    confidence : (N, S, 12), 0 to 1
    own_xyz : (N, 12, 3)
        The model's own guess now, in the axes of a camera that looks at the person.
    """
    true = xyz[..., :2] / np.maximum(xyz[..., 2:], _MIN_DEPTH_M)
    now = true[:, NOW]
    size = np.sqrt(((now - now.mean(1, keepdims=True)) ** 2).sum(-1).mean(-1))
    count, moments = true.shape[:2]
    pose = to_look_units(xyz[:, NOW], now)
    lasting = table.find_alike(pose, rng)
    other = rng.integers(len(table.pose), size=(count, moments))
    glimpse = rng.random((count, moments, true.shape[2])) < _GLIMPSE_SHARE
    error = np.where(
        glimpse[..., None], table.image[other], _LASTING * table.image[lasting][:, None]
    )
    confidence = np.where(glimpse, table.confidence[other], table.confidence[lasting][:, None])
    jitter = np.maximum(_JITTER * np.linalg.norm(error, axis=-1, keepdims=True), _MIN_JITTER)
    error = error + jitter * rng.standard_normal(error.shape) / np.sqrt(2)
    rays, confidence = _swap_some(true + size[:, None, None, None] * error, confidence, rng)
    return rays, confidence, pose + table.own[lasting]


def to_look_units(xyz: F64, rays: F64) -> F64:
    """Turn poses, (N, 12, 3), camera, into the axes and units of a lifter's poses."""
    camera_from_look = look_at(find_middle(rays, np.ones(rays.shape[:2], bool)))
    turned = np.einsum("nji,nkj->nki", camera_from_look, xyz)
    about = turned - turned[:, list(HIPS)].mean(1, keepdims=True)
    return about / measure_unit(about)[:, None, None]


def _measure_errors(sightings: Sightings) -> tuple[F64, F64, F64, F64]:
    """Return poses, errors in the image, confidences and errors of the own guess."""
    true = sightings.xyz.astype(np.float64)
    rays = true[..., :2] / np.maximum(true[..., 2:], _MIN_DEPTH_M)
    pose = to_look_units(true, rays)
    own = sightings.own_xyz.astype(np.float64)
    own = own - own[:, list(HIPS)].mean(1, keepdims=True)
    own = own / measure_unit(own)[:, None, None]
    confidence = sightings.confidence.astype(np.float64)
    return pose, sightings.compute_errors(), confidence, own - pose


def _mirror(sightings: Sightings) -> Sightings:
    """Mirror people, left and right exchanged."""
    flip = np.array([-1.0, 1.0, 1.0], np.float32)
    return Sightings(
        (sightings.rays * flip[:2])[:, MIRROR],
        sightings.confidence[:, MIRROR],
        (sightings.own_xyz * flip)[:, MIRROR],
        (sightings.xyz * flip)[:, MIRROR],
        sightings.up * flip,
    )


def _swap_some(rays: F64, confidence: F64, rng: np.random.Generator) -> tuple[F64, F64]:
    """Exchange sides in some windows, as the model does with people seen from behind."""
    count, moments = rays.shape[:2]
    often = (rng.random((count, 1)) < _SWAPPED_WINDOWS) & (rng.random((count, moments)) < 0.5)
    swapped = often | (rng.random((count, 1)) < _SWAPPED_ALWAYS)
    legs = (rng.random((count, 1)) < _LEGS_SWAPPED) & (rng.random((count, moments)) < 0.5)
    for exchanged, order in ((swapped, MIRROR), (legs, _LEG_MIRROR)):
        rays, confidence = _exchange(rays, confidence, exchanged, order)
    return rays, confidence


def _exchange(rays: F64, confidence: F64, where: Mask, order: np.ndarray) -> tuple[F64, F64]:
    """Reorder the joints of some moments."""
    return (
        np.where(where[..., None, None], rays[:, :, order], rays),
        np.where(where[..., None], confidence[:, :, order], confidence),
    )
