"""Studio pictures: bodies of the studio in the poses of real people, before random cameras."""

from collections.abc import Iterator

import numpy as np

from calibration.geometry.arrays import F64
from engine.reconstruction.body_size import LIMBS
from engine.studio.body.anatomy import Anatomy
from engine.studio.body.posture import Bones
from engine.studio.body.retarget import retarget
from training.data.samples import Samples
from training.lifting.bodies import MIRROR, mix_bodies
from training.lifting.motion_bank import MotionBank, turn_about_vertical
from training.lifting.sightings import PICTURE_PX
from training.studio.cameras import CameraConfig
from training.studio.poses import PERFORMED
from training.studio.samples import StudioSampleConfig, StudioSampler

CAMERAS = CameraConfig(height_m=(0.4, 3.2), distance_m=(1.5, 7.0), roll_deg=25.0)
"""Rolled more, and steeper, than those for a picture model."""
_MIXED_SHARE = 0.35
_PLACEMENT_RANGE_M = 1.0
_SOLE_M = 0.03
"""From the lowest joint down to the floor."""


def draw_pictures(bank: MotionBank, count: int, seed: int) -> Iterator[Samples]:
    """Draw pictures of people in the poses of a bank.

    Parameters
    ----------
    bank
    count
    seed

    Yields
    ------
    samples
        Of one person each, with the joints of the 2D model's skeleton.
    """
    config = StudioSampleConfig(
        seed=seed,
        samples=count,
        skeleton="blazepose_33",
        stored_px=PICTURE_PX,
        pair_share=0.0,
        box_share=1.0,
        camera=CAMERAS,
    )

    def draw_people(
        number: int, anatomy: Anatomy, play: int, rng: np.random.Generator
    ) -> tuple[Bones, tuple[str, ...]]:
        """Pose a body as people of the bank."""
        del play
        bones = pose_as_captured(draw_poses(bank, number, rng), anatomy)
        return bones, (PERFORMED,) * number

    yield from StudioSampler(draw_people).draw(config)


def draw_poses(bank: MotionBank, count: int, rng: np.random.Generator) -> F64:
    """Draw poses, (count, 12, 3), m, z up: mixed, mirrored, facing anywhere."""
    one, other = bank.draw(count, rng)[0], bank.draw(count, rng)[0]
    mixed = rng.random(count) < _MIXED_SHARE
    poses = np.where(mixed[:, None, None, None], mix_bodies(one, other), one)
    poses = poses[:, poses.shape[1] // 2]
    mirrored = (poses * np.array([-1.0, 1.0, 1.0]))[:, MIRROR]
    poses = np.where(rng.random(count)[:, None, None] < 0.5, mirrored, poses)
    about = poses - poses.mean(1, keepdims=True)
    turned = turn_about_vertical(about, rng.uniform(0, 2 * np.pi, count))
    shift = rng.uniform(-_PLACEMENT_RANGE_M, _PLACEMENT_RANGE_M, (count, 1, 2))
    turned[..., :2] += shift
    return turned


def pose_as_captured(poses: F64, anatomy: Anatomy) -> Bones:
    """Pose a body as others were, its lowest joint just above the floor.

    Parameters
    ----------
    poses : (T, 12, 3), m, z up
        The limb joints (`LIMBS`).
    anatomy
    """
    bones = retarget({joint: poses[:, index] for index, joint in enumerate(LIMBS)}, anatomy)
    bones.xyz[..., 2] -= bones.xyz[..., 2].min(1, keepdims=True) - _SOLE_M
    return bones
