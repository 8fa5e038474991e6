"""Patch: conversion between a monocular model's output and the camera's space; and its crop.

Patch coordinates ``u, v, w`` are the output of models: u and v are the place in the crop, relative
to its middle, in widths of the crop; w is the depth behind the root joint, in widths of the crop at
the root's depth. In a crop of 2 m, 0.5 is 1 m.
"""

from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F64, I64, U8
from calibration.geometry.projection import distort, pixels_from_rays, rays_from_pixels, undistort
from calibration.rig import Camera
from engine.inference.preprocess import BLACK, Region, crop_to_image, cut, image_from_crop

FIELD_M = 2.0
"""Side of the square around the root joint that a crop shows (EpipolarPose, Pose ResNet)."""

BOX_SCALE = 1.25
"""Margin around the box of a person's 2D joints where the depth is not known."""


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """What a model sees of one view.

    Parameters
    ----------
    region
        Square, in the original, distorted image.
    size_px
        Side of the model's input.
    camera
        Of the view; its place in the room is not used.
    """

    region: Region
    size_px: int
    camera: Camera

    @property
    def field_at_1m(self) -> float:
        """Width of the crop in metres, per metre of the root's depth."""
        return self.region.size_wh[0] / float(self.camera.matrix[0, 0])

    def cut_image(self, image_bgr: U8) -> U8:
        """Cut the crop out of the view's image, (size, size, 3); black beyond its edge."""
        return cut(image_bgr, self.region, (self.size_px, self.size_px), BLACK)


def square_around_root(root_xyz: F64, camera: Camera, field_m: float = FIELD_M) -> Region:
    """Return the square of the image that shows a square parallel to it at the root's depth.

    Parameters
    ----------
    root_xyz : (3,), m, camera
    camera
    field_m
        Side of the square of the room.

    Raises
    ------
    ValueError
        If the root is not before the camera.
    """
    if not root_xyz[2] > 0:
        raise ValueError(
            f"The root joint is not before camera '{camera.name}' (depth {root_xyz[2]:.2f} m)."
        )
    x, y = (float(value) for value in _image_from_camera(root_xyz, camera))
    side = field_m * float(camera.matrix[0, 0]) / float(root_xyz[2])
    return Region((x, y), (side, side))


def square_around_joints(xy: F64, scale: float = BOX_SCALE) -> Region:
    """Return the square around a person whose depth is not known.

    Parameters
    ----------
    xy : (J, 2), px
        NaN where a joint was not found.
    scale
        Margin.

    Raises
    ------
    ValueError
        If fewer than two joints were found.
    """
    found = xy[np.isfinite(xy).all(-1)]
    if len(found) < 2:
        raise ValueError(f"A person's square needs two joints in the image, not {len(found)}.")
    low, high = found.min(0), found.max(0)
    x, y = (float(value) for value in (low + high) / 2)
    side = max(float((high - low).max()), 1.0) * scale
    return Region((x, y), (side, side))


def patch_from_image(xy: F64, crop: Crop) -> F64:
    """Convert image points to the patch.

    Parameters
    ----------
    xy : (..., 2), px of the original image
    crop

    Returns
    -------
    uv : (..., 2)
        In widths of the crop, from its middle.
    """
    matrix = image_from_crop(crop.region, (crop.size_px, crop.size_px))
    return (xy - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T / crop.size_px - 0.5


def image_from_patch(uv: F64, crop: Crop) -> F64:
    """Convert points of the patch, (..., 2), to the image, (..., 2), px."""
    size_wh = (crop.size_px, crop.size_px)
    pixels = ((uv + 0.5) * crop.size_px).reshape(-1, 2)
    return crop_to_image(pixels, crop.region, size_wh).reshape(uv.shape)


def patch_from_camera(xyz: F64, crop: Crop, root_depth_m: float) -> F64:
    """Convert a pose from the camera's space to the patch: the target of training.

    Parameters
    ----------
    xyz : (..., 3), m, camera
    crop
    root_depth_m
        Depth of the root joint.

    Returns
    -------
    uvw : (..., 3)
        NaN behind the camera.
    """
    uv = patch_from_image(_image_from_camera(xyz, crop.camera), crop)
    w = (xyz[..., 2] - root_depth_m) / (crop.field_at_1m * root_depth_m)
    return np.concatenate([uv, w[..., None]], -1)


def camera_from_patch(uvw: F64, crop: Crop, root_depth_m: float) -> F64:
    """Convert a pose from the patch to the camera's space, with a known depth of the root.

    Parameters
    ----------
    uvw : (..., 3)
    crop
    root_depth_m
        From triangulation, or the truth. Results that use the truth must say so: a single camera
        cannot measure it.

    Returns
    -------
    xyz : (..., 3), m, camera
        NaN where the lens model gives no ray.
    """
    return root_depth_m * _camera_at_1m(uvw, crop)


def root_depth_from_bones(uvw: F64, crop: Crop, bones: I64, length_m: F64) -> float:
    """Find the root's depth from the person's bone lengths, with this view alone.

    Parameters
    ----------
    uvw : (J, 3)
        NaN where a joint is missing.
    crop
    bones : (B, 2)
        Positions of their joints.
    length_m : (B,)
        From calibration or stature; NaN where unknown.

    Returns
    -------
    root_depth_m
        NaN without a visible bone of known length.

    Notes
    -----
    A pose converted from the patch to the camera's space grows in proportion to the root's depth:
    a ratio of two sums gives it.
    """
    xyz = _camera_at_1m(uvw, crop)
    at_1m = np.linalg.norm(xyz[bones[:, 0]] - xyz[bones[:, 1]], axis=-1)
    known = np.isfinite(at_1m) & np.isfinite(length_m)
    total = float(at_1m[known].sum())
    return float(length_m[known].sum()) / total if total > 0 else float("nan")


def camera_from_world(xyz: F64, camera: Camera) -> F64:
    """Convert points of the room, (..., 3), m, to a camera's space, (..., 3), m."""
    return xyz @ camera.R.T + camera.t


def world_from_camera(xyz: F64, camera: Camera) -> F64:
    """Convert points of a camera's space, (..., 3), m, to the room, (..., 3), m."""
    return (xyz - camera.t) @ camera.R


def _image_from_camera(xyz: F64, camera: Camera) -> F64:
    """Project points of the camera's space, (..., 3), m, to (..., 2), px; NaN behind the camera."""
    depth = np.where(xyz[..., 2] > 1e-9, xyz[..., 2], np.nan)
    return pixels_from_rays(
        distort(xyz[..., :2] / depth[..., None], camera.distortion), camera.matrix
    )


def _camera_at_1m(uvw: F64, crop: Crop) -> F64:
    """Convert a pose of the patch to the camera's space, (..., 3), m, for a root at 1 m."""
    xy = image_from_patch(uvw[..., :2], crop)
    rays = undistort(rays_from_pixels(xy, crop.camera.matrix), crop.camera.distortion)
    depth = 1.0 + uvw[..., 2:] * crop.field_at_1m
    return np.concatenate([rays * depth, depth], -1)
