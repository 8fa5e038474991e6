"""Strangers: drawn people never trained on, to see whether a new model has forgotten others."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from calibration.skeleton import load_skeleton
from engine.studio.body.landmarks import SKELETON
from training.data.samples import Samples, SampleWriter
from training.data.topology import map_joints
from training.finetuning.shared import open_shared_samples
from training.studio.cameras import CameraConfig
from training.studio.lighting import Scenery
from training.studio.people import make_body
from training.studio.seeds import HELD_OUT_SEEDS
from training.studio.shoot import Shoot, ShootConfig
from training.studio.textures import render_room_textures

PEOPLE, PICTURES = 32, 8
"""256 pictures. A body takes 0.7 s, a picture 10 ms; drawn once for all runs of a machine."""

FIRST_SEED = HELD_OUT_SEEDS.stop - 1000
ROOMS = 2


@dataclass(frozen=True, slots=True)
class StrangersConfig:
    """Which people are drawn, and how.

    Parameters
    ----------
    skeleton
        Name.
    stored_px
        Side of the crops.
    people, pictures
        How many, and of each.
    """

    skeleton: str
    stored_px: int
    people: int = PEOPLE
    pictures: int = PICTURES


def draw_strangers(
    folder: Path,
    scratch_folder: Path,
    config: StrangersConfig,
    on_progress: Callable[[float], None] = lambda _share: None,
) -> Samples:
    """Draw the strangers, or open those that were drawn before.

    Parameters
    ----------
    folder
        Theirs, which all runs share.
    scratch_folder
        Folder of the caller's own, in which they are drawn before they appear in theirs.
    config
    on_progress
        Called with the share done; may raise to end the work, which leaves none.

    Returns
    -------
    samples
        With exact truth, the squares around the joints.

    Raises
    ------
    TrainingError
        If the disk refuses.
    """
    return open_shared_samples(
        folder, scratch_folder, lambda unfinished: _draw_into(unfinished, config, on_progress)
    )


def _draw_into(folder: Path, config: StrangersConfig, on_progress: Callable[[float], None]) -> None:
    """Draw the strangers."""
    skeleton = load_skeleton(config.skeleton)
    joint_map = map_joints(SKELETON, skeleton)
    rng = np.random.default_rng(FIRST_SEED)
    scenery = Scenery([render_room_textures(FIRST_SEED + number) for number in range(ROOMS)], rng)
    shoot = ShootConfig(config.stored_px, pair_share=0.0, box_share=1.0, camera=CameraConfig())
    with SampleWriter(folder, skeleton, config.stored_px) as writer:
        for number in range(config.people):
            on_progress(number / config.people)
            seed = FIRST_SEED + number
            one = Shoot(make_body(seed), scenery, joint_map, shoot, np.random.default_rng(seed))
            samples = one.samples(config.pictures, person=f"studio {seed}", clip=f"studio {seed}")
            writer.append(replace(samples, frameset=samples.frameset + number * config.pictures))
        writer.finish()
