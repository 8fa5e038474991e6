"""Monocular poses without a model: made from a walker's truth, with given errors."""

from dataclasses import replace
from functools import partial

import numpy as np

from calibration.skeleton import load_skeleton
from calibration.synthetic.synthetic import (
    NoiseConfig,
    find_room_middle,
    list_frameset_times,
    observe,
)
from calibration.synthetic.walker import MOTIONS, Walker
from engine.inference.patch import Crop, camera_from_world, patch_from_camera
from engine.monocular.crop import square_around_person
from engine.monocular.crop_shape import CropErrors, ShapeFromCrop
from engine.monocular.estimator import LiftedCrop
from engine.poses import PoseSet2D, PoseSet3D
from engine.reconstruction.body_size import LIMBS

SKELETON, MODEL_SKELETON = load_skeleton("blazepose_33"), load_skeleton("mpii_16")
STATURE_M = 1.75
LIMB = SKELETON.indices(LIMBS)
HIPS = SKELETON.indices(["left_hip", "right_hip"])
EARS = SKELETON.indices(["left_ear", "right_ear"])
SHOULDERS = SKELETON.indices(["left_shoulder", "right_shoulder"])
SEEN_JOINTS = MODEL_SKELETON.indices(LIMBS)
EXACT = NoiseConfig()
USUAL = CropErrors()
WIDE = np.full((16, 3), 0.02)


def build_body_pairs(xyz):
    """Make those of the model's joints (..., 16, 3) that are used, from the truth (..., 33, 3)."""
    made = np.full((*xyz.shape[:-2], 16, 3), np.nan)
    made[..., SEEN_JOINTS, :] = xyz[..., LIMB, :]
    made[..., MODEL_SKELETON.index("pelvis"), :] = xyz[..., HIPS, :].mean(-2)
    made[..., MODEL_SKELETON.index("head_top"), :] = 1.6 * xyz[..., EARS, :].mean(-2) - 0.6 * xyz[
        ..., SHOULDERS, :
    ].mean(-2)
    return made


class Oracle:
    """A model that knows the truth, with given errors: m across and along the sight, and size."""

    def __init__(self, rig, xyz, errors=(0.0, 0.0), seed=0, claimed=USUAL):
        self.convert = ShapeFromCrop(SKELETON, "mpii_16", claimed)
        self.rig, self.xyz, self.errors = rig, xyz, errors
        self.random, self.queried_views, self.t = np.random.default_rng(seed), [], 0

    def __call__(self, view, seen):
        return self.convert(self.estimate_crop(view, seen), self.rig[view])

    def estimate_crop(self, view, seen):
        """What a picture model would estimate in the square around the person."""
        self.queried_views.append(view)
        region, camera = (
            square_around_person(seen, SKELETON, self.rig[view].size_wh),
            self.rig[view],
        )
        if region is None:
            raise ValueError("too few joints")
        body = camera_from_world(build_body_pairs(self.xyz[self.t]), camera)
        root = body[MODEL_SKELETON.index("pelvis")].copy()
        sight = root / np.linalg.norm(root)
        noise = self.random.normal(0, self.errors[0], body.shape)
        noise += (self.random.normal(0, self.errors[1], len(body)) - noise @ sight)[:, None] * sight
        noise[MODEL_SKELETON.index("pelvis")] = 0
        uvw = patch_from_camera(body + noise, Crop(region, 128, camera), root[2])
        return LiftedCrop(region, uvw, WIDE)


def film_walk(rig, seconds=2.0, noise=EXACT, fps=15, motion="room"):
    walker = Walker(STATURE_M, find_room_middle(rig), 1.0)
    return observe(
        rig, partial(MOTIONS[motion], walker), list_frameset_times(seconds, fps), noise, seed=3
    )


def keep_views(poses: PoseSet2D, *view_indices: int) -> PoseSet2D:
    return replace(
        poses,
        poses_by_view=tuple(
            people if v in view_indices else () for v, people in enumerate(poses.poses_by_view)
        ),
    )


def make_empty_set(poses: PoseSet2D) -> PoseSet3D:
    return PoseSet3D(poses.index, poses.timestamp_ns, ())
