"""Strangers: drawn people that no network was ever taught, to see whether a new one has forgotten everybody else."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from calibration.skeleton import load_skeleton
from engine.studio.landmarks import SKELETON
from training.data.samples import Samples, SampleWriter
from training.data.topology import map_joints
from training.finetuning.shared import shared_samples
from training.studio.cameras import CameraConfig
from training.studio.looks import Scenery
from training.studio.people import body_of
from training.studio.seeds import HELD_OUT_SEEDS
from training.studio.shoot import Shoot, ShootConfig
from training.studio.textures import room_textures

PEOPLE, PICTURES = 32, 8
"""256 pictures. A body takes 0.7 s to make, a picture 10 ms; they are drawn once for all runs of a machine."""

FIRST_SEED = HELD_OUT_SEEDS.stop - 1000
ROOMS = 2


@dataclass(frozen=True, slots=True)
class Strangers:
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


def drawn_strangers(
    folder: Path, apart: Path, config: Strangers, watch: Callable[[float], None] = lambda _share: None
) -> Samples:
    """Draw the strangers, or open those that were drawn before.

    Parameters
    ----------
    folder
        Theirs, which all runs share.
    apart
        Folder of the caller's own, in which they are drawn before they appear in theirs.
    config
    watch
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
    return shared_samples(folder, apart, lambda unfinished: _draw(unfinished, config, watch))


def _draw(folder: Path, config: Strangers, watch: Callable[[float], None]) -> None:
    """Draw the strangers."""
    skeleton = load_skeleton(config.skeleton)
    joint_map = map_joints(SKELETON, skeleton)
    rng = np.random.default_rng(FIRST_SEED)
    scenery = Scenery([room_textures(FIRST_SEED + number) for number in range(ROOMS)], rng)
    shoot = ShootConfig(config.stored_px, pair_share=0.0, box_share=1.0, camera=CameraConfig())
    with SampleWriter(folder, skeleton, config.stored_px) as writer:
        for number in range(config.people):
            watch(number / config.people)
            seed = FIRST_SEED + number
            one = Shoot(body_of(seed), scenery, joint_map, shoot, np.random.default_rng(seed))
            samples = one.samples(config.pictures, person=f"studio {seed}", clip=f"studio {seed}")
            writer.append(replace(samples, frameset=samples.frameset + number * config.pictures))
        writer.finish()
