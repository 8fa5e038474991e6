"""Geometry of one instant, compiled for the live stages: 33 joints in a few views take 0.1 ms.

The functions over whole recordings (`triangulation`, `projection`, `noise`) define what is
computed; see `fast_kernels`.
"""

from typing import NamedTuple

import numpy as np

from calibration.geometry import fast_kernels
from calibration.geometry.arrays import F64, I64, Mask
from calibration.geometry.fast_arrays import (
    CameraArrays,
    LikenessArrays,
    NoiseArrays,
    pack_cameras,
    pack_likeness,
    pack_noise,
)
from calibration.geometry.transforms import rigid_transform
from calibration.geometry.triangulation import (
    MIN_DEPTH_M,
    MIN_PARALLAX_RAD,
    REFINE_STEPS,
    TriangulatedPoints,
)
from calibration.rig import Camera
from calibration.skeleton import load_skeleton

RULES = (MIN_DEPTH_M, float(np.sin(MIN_PARALLAX_RAD)), REFINE_STEPS)


class SolvedPerson(NamedTuple):
    """One person of one instant in the room.

    `xyz` (J, 3) m and `covariance` (J, 3, 3) m^2, NaN where missing; `used` (J, V), the views that
    carry each joint; `confidence` (J,), 0 where missing.
    """

    xyz: F64
    covariance: F64
    used: Mask
    confidence: F64


def solve_person(
    xy: F64, confidence: F64, cameras: CameraArrays, noise: NoiseArrays
) -> SolvedPerson:
    """Reconstruct one person at one instant.

    Parameters
    ----------
    xy : (V, J, 2), px of the original images
        NaN where not seen.
    confidence : (V, J)
    cameras, noise

    Notes
    -----
    The same as `noise.estimate_sigma_px`, `noise.compute_gate_px` and `triangulate_robust`, one
    after the other.
    """
    return SolvedPerson(*fast_kernels.solve_person(xy, confidence, cameras, noise, RULES))


def triangulate_robust_compiled(
    xy: F64, sigma_px: F64, cameras: CameraArrays, gate_px: F64
) -> TriangulatedPoints:
    """Do the same as `triangulate_robust`, some fifty times faster.

    Parameters
    ----------
    xy : (V, N, 2), px of the original images
    sigma_px : (V, N), px
    cameras
    gate_px : (N,), px
    """
    xyz, covariance, used, error = fast_kernels.triangulate_all_robust(
        np.ascontiguousarray(xy),
        np.ascontiguousarray(sigma_px),
        np.ascontiguousarray(gate_px),
        cameras,
        RULES,
    )
    return TriangulatedPoints(
        xyz, covariance, np.ascontiguousarray(used.T), np.ascontiguousarray(error.T)
    )


def triangulate_compiled(xy: F64, weight: F64, cameras: CameraArrays) -> F64:
    """Do the same as `triangulate`.

    Parameters
    ----------
    xy : (V, N, 2), px of the original images
    weight : (V, N)
    cameras

    Returns
    -------
    xyz : (N, 3), m, world
    """
    return fast_kernels.triangulate_all(xy, weight, cameras)


def project_compiled(xyz: F64, cameras: CameraArrays) -> F64:
    """Do the same as `project`, for all cameras.

    Parameters
    ----------
    xyz : (N, 3), m, world
    cameras

    Returns
    -------
    xy : (V, N, 2), px of the original images
    """
    return fast_kernels.project_all(xyz, cameras)


def compare_people(
    xy: F64, confidence: F64, view: I64, image: F64, likeness: LikenessArrays
) -> F64:
    """Compare people with where a tracked person should be in their views.

    Parameters
    ----------
    xy : (C, J, 2), px
    confidence : (C, J)
    view : (C,)
        Whose image each person is in.
    image : (V, L, 2), px
        Where the limbs should be; NaN where that is not known.
    likeness

    Returns
    -------
    sigmas : (C, 2)
        Median distance of the limbs, as seen and with left and right exchanged; infinite where too
        few are known.
    """
    return fast_kernels.compare_people(xy, confidence, view, image, likeness)


def find_best_pair(
    people: tuple[F64, F64, I64], cameras: CameraArrays, likeness: LikenessArrays, gate: float
) -> F64 | None:
    """Find a person in the room whom several views agree on.

    Parameters
    ----------
    people
        Joints (C, J, 2) px, confidence (C, J) and view (C,).
    cameras, likeness
    gate : sigmas
        A person farther than this from the expected place is another one.

    Returns
    -------
    limbs : (L, 3), m, world
        From the two views whose person fits all views best; None where no two views agree.
    """
    xy, confidence, view = people
    found, limbs = fast_kernels.find_best_pair(xy, confidence, view, cameras, likeness, gate)
    return limbs if found else None


def load_compiler() -> None:
    """Load numba's compiler with the smallest kernel, in 0.2 s.

    No other thread runs for 70 ms of it, so call it before a window is shown; after it,
    `warm_up_kernels` does not freeze the window.
    """
    camera = Camera("", (2, 2), np.eye(3), cam_from_world=rigid_transform(np.eye(3), np.zeros(3)))
    project_compiled(np.ones((1, 3)), pack_cameras([camera]))


def warm_up_kernels() -> None:
    """Load the kernels from disk in 0.3 s, or compile them once in 20 s.

    Call it from another thread than the window's.
    """
    skeleton = load_skeleton("blazepose_33")
    apart = [rigid_transform(np.eye(3), np.array([x, 0.0, 0.0])) for x in (0, 1)]
    cameras = pack_cameras([Camera("", (2, 2), np.eye(3), cam_from_world=place) for place in apart])
    xy = np.zeros((2, len(skeleton.joints), 2))
    confidence = np.ones((2, len(skeleton.joints)))
    view = np.arange(2)
    likeness = pack_likeness(skeleton, min_confidence=0.3, sigma_of_height=0.01, min_joints=4)
    person = solve_person(xy, confidence, cameras, pack_noise(skeleton, 0.3))
    triangulate_robust_compiled(xy, confidence, cameras, confidence[0])
    triangulate_compiled(xy, confidence, cameras)
    image = project_compiled(person.xyz[likeness.joints], cameras)
    compare_people(xy, confidence, view, image, likeness)
    find_best_pair((xy, confidence, view), cameras, likeness, 6.0)
