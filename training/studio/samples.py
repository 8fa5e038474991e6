"""Samples from the studio: endless, seeded crops of people with exact truth.

The truth is where a detector without error would put the joints (`Landmarks.locate_as_detected`),
mapped to the set's skeleton. People, plays and rooms come from `TRAIN_SEEDS` alone;
`training.studio.recordings` shows those that are held out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from calibration.geometry.arrays import U8
from calibration.skeleton import load_skeleton
from engine.studio.body.landmarks import SKELETON
from training.data.samples import STORED_PX, Samples, join
from training.data.topology import map_joints
from training.errors import TrainingError
from training.studio.cameras import CameraConfig
from training.studio.lighting import Scenery
from training.studio.people import Body, make_body
from training.studio.poses import DrawPoses, draw_poses
from training.studio.seeds import BODY_SEEDS, ROOM_SEEDS
from training.studio.shoot import Shoot, ShootConfig
from training.studio.textures import render_room_textures

MAX_PER_PERSON = 96
"""Samples of one person in a row."""

ROOM_COUNT = 6
"""Of the studio, in one portion."""


@dataclass(frozen=True, slots=True)
class StudioSampleConfig:
    """What is drawn.

    Parameters
    ----------
    seed
        The same seed draws the same samples everywhere; where processors round differently, pixels
        may differ by one.
    samples
        Of one portion.
    skeleton
        That `training.data.topology` can make of the studio's joints.
    stored_px
        Side of the crops.
    pair_share
        Share of the instants that two cameras see, 40 to 140 degrees apart.
    box_share
        Share of the samples whose square is around the joints; the others' is 2 m around the
        root.
    camera
        How cameras are drawn.

    Raises
    ------
    TrainingError
        If no sample can come of it.
    """

    seed: int = 0
    samples: int = 1024
    skeleton: str = "mpii_16"
    stored_px: int = STORED_PX
    pair_share: float = 0.5
    box_share: float = 0.5
    camera: CameraConfig = field(default_factory=CameraConfig)

    def __post_init__(self) -> None:
        """Refuse what gives no samples."""
        if self.samples < 1 or self.stored_px < 16 or self.seed < 0:
            raise TrainingError(
                f"The studio cannot draw {self.samples} samples of {self.stored_px} px from seed "
                f"{self.seed}. Ask for one or more, of 16 px or more, from a seed that is not "
                "negative."
            )


class StudioSampler:
    """Draws samples; bodies and rooms are cached (140 MB in all), and do not change the result.

    Parameters
    ----------
    draw_people
        Draws the poses of one person; those of `training.studio.poses` if not given.
    """

    def __init__(self, draw_people: DrawPoses = draw_poses) -> None:
        self._draw_people = draw_people
        self._bodies: dict[int, Body] = {}
        self._rooms: dict[int, U8] = {}

    def draw(self, config: StudioSampleConfig, portion: int = 0) -> Iterator[Samples]:
        """Draw a portion of the endless row, up to 96 samples of one person at a time.

        Parameters
        ----------
        config
        portion
            Which, from 0; none needs those before it.

        Yields
        ------
        samples
            `config.samples` in all. Framesets and times count on from one to the next.
        """
        rng = np.random.default_rng([config.seed, portion])
        scenery = Scenery(
            [self._get_room(_draw_seed(ROOM_SEEDS, rng)) for _ in range(ROOM_COUNT)], rng
        )
        joint_map = map_joints(SKELETON, load_skeleton(config.skeleton))
        shared = ShootConfig(
            config.stored_px,
            config.pair_share,
            config.box_share,
            config.camera,
            self._draw_people,
        )
        done = framesets = 0
        while done < config.samples:
            seed = _draw_seed(BODY_SEEDS, rng)
            own = np.random.default_rng([config.seed, portion, done])
            shoot = Shoot(self._get_body(seed), scenery, joint_map, shared, own)
            count = min(MAX_PER_PERSON, config.samples - done)
            clip = f"studio {config.seed}, {portion}, {done}"
            samples = shoot.samples(count, person=f"studio {seed}", clip=clip)
            yield replace(
                samples,
                frameset=samples.frameset + framesets,
                time_ns=samples.time_ns + framesets * 1_000_000_000,
            )
            framesets += int(samples.frameset[-1]) + 1
            done += count

    def _get_body(self, seed: int) -> Body:
        """Return a body, made now if need be."""
        if seed not in self._bodies:
            self._bodies[seed] = make_body(seed)
        return self._bodies[seed]

    def _get_room(self, seed: int) -> U8:
        """Return a room's sides, photographed now if need be."""
        if seed not in self._rooms:
            self._rooms[seed] = render_room_textures(seed)
        return self._rooms[seed]


def draw_samples(config: StudioSampleConfig, portion: int = 0) -> Samples:
    """Draw a portion of the endless row into memory.

    Parameters
    ----------
    config, portion
        As in `StudioSampler.draw`.
    """
    return join(list(StudioSampler().draw(config, portion)))


def _draw_seed(seeds: range, rng: np.random.Generator) -> int:
    """Draw a seed."""
    return int(rng.integers(seeds.start, seeds.stop))
