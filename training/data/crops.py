"""Crops: the square of an image that a network sees, and the input that every network here expects.

The transforms between a crop and the camera frame are the engine's (`engine.inference.patch`),
which needs them live; training imports all of them from here.
"""

from engine.inference.patch import (
    BOX_SCALE,
    FIELD_M,
    Crop,
    camera_from_patch,
    camera_from_world,
    image_from_patch,
    patch_from_camera,
    patch_from_image,
    root_depth_from_bones,
    square_around_joints,
    square_around_root,
    world_from_camera,
)
from engine.models.card import ModelInput

__all__ = [
    "BOX_SCALE",
    "FIELD_M",
    "Crop",
    "camera_from_patch",
    "camera_from_world",
    "image_from_patch",
    "network_input",
    "patch_from_camera",
    "patch_from_image",
    "root_depth_from_bones",
    "square_around_joints",
    "square_around_root",
    "world_from_camera",
]


def network_input(size_px: int) -> ModelInput:
    """Return the input that every network here expects: RGB, normalised as ImageNet's."""
    return ModelInput(
        (size_px, size_px), "nchw", (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
    )
