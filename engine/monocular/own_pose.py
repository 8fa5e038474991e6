"""OwnPose: the 2D model's own guess in depth, used where no lifter is installed, and to compare."""

from collections.abc import Mapping

import numpy as np

from calibration.geometry.arrays import F64
from engine.monocular.joint_window import (
    HIPS,
    MIN_CONFIDENCE,
    NOW,
    JointWindows,
    find_middle,
    look_at,
    measure_unit,
)
from engine.monocular.lifter import LiftedPoses
from engine.reconstruction.body_size import LIMBS

_SIGMA = {
    "shoulder": (0.10, 0.16, 0.29),
    "elbow": (0.16, 0.20, 0.39),
    "wrist": (0.17, 0.19, 0.60),
    "hip": (0.08, 0.05, 0.08),
    "knee": (0.15, 0.23, 0.33),
    "ankle": (0.16, 0.29, 0.45),
}
"""Errors of BlazePose's own pose about the hips, x, y and z of a camera that looks at the person.

In units of the mean length of eight bones; 68 % of 11 800 people of the studio, posed as real
people were, lie within.
"""


class OwnPose:
    """Stands where a lifter does, and passes on what the 2D model guesses itself."""

    name = "the 2D model's own pose"

    @property
    def metrics(self) -> Mapping[str, float]:
        """Nothing: it has no card."""
        return {}

    def lift(
        self, windows: JointWindows, up: F64 | None = None, own_xyz: F64 | None = None
    ) -> LiftedPoses:
        """Return the 2D model's own poses; see `engine.monocular.lifter.Lifter.lift`.

        Returns
        -------
        poses
            NaN where the 2D model makes no guess.
        """
        del up
        count = len(windows.rays)
        rays = windows.rays[:, NOW]
        seen = (windows.confidence[:, NOW] >= MIN_CONFIDENCE) & np.isfinite(rays).all(-1)
        camera_from_look = look_at(find_middle(rays, seen))
        own = np.full((count, len(LIMBS), 3), np.nan) if own_xyz is None else own_xyz
        about = own - own[:, list(HIPS)].mean(1, keepdims=True)
        with np.errstate(invalid="ignore"):
            joints = about / measure_unit(about)[:, None, None]
        sigma = np.array([_SIGMA[joint.split("_")[1]] for joint in LIMBS])
        return LiftedPoses(
            np.einsum("nij,nkj->nki", camera_from_look, joints),
            np.broadcast_to(sigma, joints.shape),
            camera_from_look,
            -camera_from_look[:, :, 1],
        )

    def close(self) -> None:
        """Do nothing: it holds no runtime."""
