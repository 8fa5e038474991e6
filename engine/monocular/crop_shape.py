"""ShapeFromCrop: the shape of a person from what a picture model estimated in a crop."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F64
from calibration.geometry.projection import rays_from_pixels, undistort
from calibration.rig import Camera
from calibration.skeleton import Skeleton, load_skeleton
from engine.inference.patch import Crop, image_from_patch
from engine.monocular.estimator import LiftedCrop
from engine.monocular.head import CROWN, EARS, SHOULDERS, TURNED_HEAD_SIGMA_M, estimate_ears
from engine.monocular.placing import compute_covariance_about_sight
from engine.monocular.shape import BodyShape
from engine.reconstruction.body_size import LIMBS

ROOT = "pelvis"
_SHOULDERS = [LIMBS.index(joint) for joint in SHOULDERS]
_MAX_DOUBT = 3.0  # cap of a joint's doubt: the width of its heat map relative to the others'
_PLAUSIBLE_MM = (1.0, 500.0)  # range in which the errors on a model's card are used


@dataclass(frozen=True, slots=True)
class CropErrors:
    """How large the errors of a picture model are.

    Parameters
    ----------
    across_m, along_m
        Standard deviation of the model's joints, m per axis, across the line of sight and along
        it, without the error of the size.
    """

    across_m: float = 0.03
    along_m: float = 0.06

    @classmethod
    def from_metrics(cls, metrics: Mapping[str, float]) -> "CropErrors":
        """Read ``across_mm`` and ``along_mm`` from a card's metrics; defaults where missing."""
        usual, (low, high) = cls(), _PLAUSIBLE_MM
        across_mm, along_mm = (metrics.get(name, np.nan) for name in ("across_mm", "along_mm"))
        return cls(
            across_m=across_mm / 1000 if low <= across_mm <= high else usual.across_m,
            along_m=along_mm / 1000 if low <= along_mm <= high else usual.along_m,
        )


class ShapeFromCrop:
    """Converts what a picture model estimated to shapes of a skeleton's joints.

    Parameters
    ----------
    skeleton
        Of the poses.
    model_skeleton_name
        Of the joints in a `LiftedCrop`.
    errors
        Of the model.
    """

    def __init__(
        self, skeleton: Skeleton, model_skeleton_name: str, errors: CropErrors = CropErrors()
    ) -> None:
        model_skeleton = load_skeleton(model_skeleton_name)
        with_head = CROWN in model_skeleton.joints and set(EARS) <= set(skeleton.joints)
        self._ear_count = len(EARS) if set(EARS) <= set(skeleton.joints) else 0
        self._model_joints = model_skeleton.indices(
            (*LIMBS, ROOT, CROWN) if with_head else (*LIMBS, ROOT)
        )
        self._spread_joints = model_skeleton.indices((*LIMBS, CROWN, CROWN) if with_head else LIMBS)
        self._errors = errors

    def __call__(self, lifted_crop: LiftedCrop, camera: Camera) -> BodyShape:
        """Convert one estimate.

        Parameters
        ----------
        lifted_crop
        camera
            That took the image.

        Returns
        -------
        shape
            NaN where the model gave nothing.
        """
        crop = Crop(lifted_crop.region, 1, camera)  # any size will do: no pixels are read
        uvw = lifted_crop.uvw[self._model_joints]
        pixels = image_from_patch(uvw[:, :2], crop)
        rays = undistort(rays_from_pixels(pixels, camera.matrix), camera.distortion)
        # The pose as if its root were 1 m away, as in `engine.inference.patch.camera_from_patch`:
        # the model knows the shape up to its size, and bone lengths then give the distance.
        depth = 1.0 + uvw[:, 2:] * crop.field_at_1m
        whole = np.concatenate([rays * depth, depth], -1)
        limbs, root = whole[: len(LIMBS)], whole[len(LIMBS)]
        ears = [estimate_ears(crown, limbs[_SHOULDERS]) for crown in whole[len(LIMBS) + 1 :]]
        xyz = self._pad(np.concatenate([limbs, *ears]), np.nan)
        doubt = self._pad(self._measure_doubt(lifted_crop), 1.0)
        # A joint that the model is unsure of, and an ear, whose side of the head is not known, get
        # a larger error, so that they weigh less wherever poses are combined.
        turned = np.where(np.arange(len(doubt)) < len(LIMBS), 0.0, TURNED_HEAD_SIGMA_M)
        across_m, along_m = (
            np.hypot(sigma_m * doubt, turned)
            for sigma_m in (self._errors.across_m, self._errors.along_m)
        )
        return BodyShape(xyz, root, compute_covariance_about_sight(xyz, across_m, along_m), doubt)

    def _measure_doubt(self, lifted_crop: LiftedCrop) -> F64:
        """Return each heat map's width over the median, 1 to 3; the crown's for an ear."""
        wide = np.linalg.norm(lifted_crop.spread[self._spread_joints], axis=-1)
        middle = float(np.median(wide[np.isfinite(wide)])) if np.isfinite(wide).any() else 0.0
        if not middle > 0:
            return np.ones(len(wide))
        return np.clip(np.where(np.isfinite(wide), wide / middle, _MAX_DOUBT), 1.0, _MAX_DOUBT)

    def _pad(self, values: F64, missing: float) -> F64:
        """Add rows for ears that the model does not give."""
        rows = len(LIMBS) + self._ear_count - len(values)
        return np.concatenate([values, np.full((max(rows, 0), *values.shape[1:]), missing)])
