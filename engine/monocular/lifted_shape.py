"""ShapeFromJoints: the shape of a person from what a lifter made of the joints in the image."""

import numpy as np

from calibration.geometry.arrays import F64
from calibration.geometry.projection import rays_from_pixels, undistort
from calibration.rig import Camera
from calibration.skeleton import Skeleton
from engine.monocular.head import EARS, TURNED_HEAD_SIGMA_M, place_ears
from engine.monocular.lifter import LiftedPoses
from engine.monocular.placing import MIN_JOINTS, compute_covariance_about_sight, solve_root
from engine.monocular.shape import BodyShape
from engine.poses import MIN_CONFIDENCE, Pose2D
from engine.reconstruction.body_size import LIMBS

UNIT_M = 0.33
"""Mean length of the eight bones of a lifter's unit, of a person of usual size; for the errors."""
_USUAL_SIGMA = 0.15  # of a joint, in units: what counts as no doubt
_MAX_DOUBT = 3.0
_EAR_ALONG_M = 0.06  # error of an ear along the line of sight


class ShapeFromJoints:
    """Converts lifted poses to shapes of a skeleton's joints.

    Parameters
    ----------
    skeleton
        Of the poses.
    """

    def __init__(self, skeleton: Skeleton) -> None:
        self._limbs = skeleton.indices(LIMBS)
        self._ears = skeleton.indices(EARS if set(EARS) <= set(skeleton.joints) else ())

    def __call__(
        self, lifted: LiftedPoses, seen: Pose2D, camera: Camera, position: int = 0
    ) -> BodyShape | None:
        """Convert one pose.

        Parameters
        ----------
        lifted
            N poses.
        seen
            The person in the image.
        camera
            That took it.
        position
            Which of the N.

        Returns
        -------
        shape
            None where too few joints were found to say where the person is.
        """
        body = lifted.xyz[position]
        rays = undistort_pixels_of(seen.xy[np.concatenate([self._limbs, self._ears])], camera)
        confidence = seen.confidence[self._limbs]
        good = (confidence >= MIN_CONFIDENCE) & np.isfinite(rays[: len(LIMBS)]).all(-1)
        if good.sum() < MIN_JOINTS or not np.isfinite(body).all():
            return None
        root, _ = solve_root(body[good], rays[: len(LIMBS)][good], confidence[good])
        if not root[2] > 0:
            return None
        limbs, root = (body + root) / root[2], root / root[2]
        ears = place_ears(limbs, rays[len(LIMBS) :])
        axes = lifted.camera_from_look[position]
        sigma_m = UNIT_M * lifted.sigma[position]
        covariance = np.einsum("ij,nj,kj->nik", axes, sigma_m**2, axes)
        ear_covariance = compute_covariance_about_sight(
            ears,
            np.full(len(ears), TURNED_HEAD_SIGMA_M),
            np.full(len(ears), np.hypot(TURNED_HEAD_SIGMA_M, _EAR_ALONG_M)),
        )
        spread = np.sqrt((lifted.sigma[position] ** 2).sum(-1)) / _USUAL_SIGMA
        doubt = np.clip(np.concatenate([spread, np.ones(len(ears))]), 1.0, _MAX_DOUBT)
        return BodyShape(
            np.concatenate([limbs, ears]), root, np.concatenate([covariance, ear_covariance]), doubt
        )


def undistort_pixels_of(xy: F64, camera: Camera) -> F64:
    """Convert pixels of a camera, (..., 2), to directions x/z and y/z, (..., 2); NaN stays."""
    flat = undistort(rays_from_pixels(xy.reshape(-1, 2), camera.matrix), camera.distortion)
    return flat.reshape(xy.shape)
