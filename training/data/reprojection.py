"""Reprojection: a pose found in one view, projected into another; in torch, for its gradients."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.inference.preprocess import image_from_crop
from training.data.crops import Crop

UNDISTORT_STEPS = 8
"""Fixed-point steps; each gains a factor of 3 or more with ordinary lenses: < 1e-3 px after 8."""

MIN_DEPTH_M = 0.1
"""A joint nearer to a camera, or behind it, has no image to compare with."""

MAX_RAY = 2.0
"""Nor has one further than 63° off the axis: beyond its image a lens model is a wild polynomial."""


@dataclass(frozen=True, slots=True, eq=False)
class ViewBatch:
    """The crops of a batch and their cameras, as tensors.

    Parameters
    ----------
    image_from_crop : (B, 2, 3), px
        Crops in units of their side.
    matrix : (B, 3, 3), px
    distortion : (B, 5)
    cam_from_world : (B, 4, 4)
    field_at_1m : (B,)
        Metres that each crop is wide, per metre of the root's depth.
    """

    image_from_crop: Tensor
    matrix: Tensor
    distortion: Tensor
    cam_from_world: Tensor
    field_at_1m: Tensor

    def to(self, device: torch.device | str) -> "ViewBatch":
        """Return the same on another device."""
        return ViewBatch(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))


@dataclass(frozen=True, slots=True, eq=False)
class OtherView:
    """What another camera saw at the same instant.

    Parameters
    ----------
    views
        Its crops, B of them.
    uv : (B, J, 2)
        The joints found in it, in its patch; NaN where none.
    weight : (B, J)
        Usually the root of the product of both views' confidences; 0 for joints that are wrong in
        the image itself.
    """

    views: ViewBatch
    uv: Tensor
    weight: Tensor


def batch_views(crops: Sequence[Crop]) -> ViewBatch:
    """Return the crops of a batch as tensors.

    Parameters
    ----------
    crops : B of them

    Returns
    -------
    views
        float32.
    """
    maps = np.stack([image_from_crop(crop.region, (1, 1)) for crop in crops])
    cameras = [crop.camera for crop in crops]
    arrays = (
        maps,
        np.stack([camera.matrix for camera in cameras]),
        np.stack([camera.distortion for camera in cameras]),
        np.stack([camera.cam_from_world for camera in cameras]),
        np.array([crop.field_at_1m for crop in crops]),
    )
    return ViewBatch(*(torch.from_numpy(np.asarray(array, np.float32)) for array in arrays))


def world_from_patch(uvw: Tensor, root_depth_m: Tensor, views: ViewBatch) -> Tensor:
    """Transform poses from the patch to the world.

    Parameters
    ----------
    uvw : (B, J, 3)
    root_depth_m : (B,)
        In each crop's camera.
    views
        Of the crops.

    Returns
    -------
    xyz : (B, J, 3), m, world
    """
    pixels = _transform(
        uvw[..., :2] + 0.5, views.image_from_crop[:, :, :2], views.image_from_crop[:, :, 2]
    )
    centred = pixels - views.matrix[:, None, :2, 2]
    rays = undistort(centred @ torch.linalg.inv(views.matrix[:, :2, :2]).mT, views.distortion)
    depth = root_depth_m[:, None, None] * (1.0 + uvw[..., 2:] * views.field_at_1m[:, None, None])
    xyz = torch.cat([rays * depth, depth], -1)
    return (xyz - views.cam_from_world[:, None, :3, 3]) @ views.cam_from_world[:, :3, :3]


def patch_from_world(xyz: Tensor, views: ViewBatch) -> tuple[Tensor, Tensor]:
    """Project points of the world into the patch.

    Parameters
    ----------
    xyz : (B, J, 3), m, world
    views
        Of the crops.

    Returns
    -------
    uv : (B, J, 2)
    visible : (B, J)
        False where a point is behind the camera or far beside its image, and `uv` means nothing.
    """
    seen = _transform(xyz, views.cam_from_world[:, :3, :3], views.cam_from_world[:, :3, 3])
    behind = seen[..., 2:] <= MIN_DEPTH_M
    rays = seen[..., :2] / torch.where(behind, torch.ones_like(seen[..., 2:]), seen[..., 2:])
    hidden = behind | (rays.abs().amax(-1, keepdim=True) > MAX_RAY)
    bent = distort(torch.where(hidden, torch.zeros_like(rays), rays), views.distortion)
    pixels = _transform(bent, views.matrix[:, :2, :2], views.matrix[:, :2, 2])
    crops = torch.linalg.inv(views.image_from_crop[:, :, :2])
    return (pixels - views.image_from_crop[:, None, :, 2]) @ crops.mT - 0.5, ~hidden[..., 0]


def distort(rays: Tensor, distortion: Tensor) -> Tensor:
    """Distort ideal rays, (B, J, 2), by each lens, (B, 5), as `calibration.geometry.projection`."""
    radial, shift = _compute_distortion(rays, distortion)
    return rays * radial + shift


def undistort(rays: Tensor, distortion: Tensor) -> Tensor:
    """Straighten rays, (B, J, 2), that each lens, (B, 5), has bent."""
    ideal = rays
    for _ in range(UNDISTORT_STEPS):
        radial, shift = _compute_distortion(ideal, distortion)
        ideal = (rays - shift) / radial
    return ideal


def _compute_distortion(rays: Tensor, distortion: Tensor) -> tuple[Tensor, Tensor]:
    """Return what a lens does to ideal rays: the factor, (B, J, 1), and the shift, (B, J, 2)."""
    k1, k2, p1, p2, k3 = (distortion[:, None, index] for index in range(5))
    x, y = rays[..., 0], rays[..., 1]
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    shift = (2 * p1 * x * y + p2 * (r2 + 2 * x * x), p1 * (r2 + 2 * y * y) + 2 * p2 * x * y)
    return radial[..., None], torch.stack(shift, -1)


def _transform(points: Tensor, matrix: Tensor, shift: Tensor) -> Tensor:
    """Apply each sample's matrix, (B, M, N), and shift, (B, M), to its points, (B, J, N)."""
    return points @ matrix.mT + shift[:, None]
