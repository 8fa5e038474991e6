"""Cast: everybody and everything that moves or stands in the studio, as one figure on many bones."""

from dataclasses import dataclass, replace

import numpy as np

from calibration.geometry.arrays import F64
from calibration.geometry.transforms import rotation_from_rotvec
from calibration.rig import Rig
from engine.studio.address import StudioConfig
from engine.studio.anatomy import Anatomy, anatomy_of
from engine.studio.figure import Figure, box_figure, figure_of, together
from engine.studio.landmarks import Landmarks
from engine.studio.looks import look_of
from engine.studio.performance import CHAIR_MOTION, OnTheSpot, Performance, performance_of
from engine.studio.posture import Bones, bones_of
from engine.studio.raster import BonePose
from engine.studio.repertoire import ON_THE_SPOT
from engine.studio.route import Route

STATURE_M = (1.50, 1.95)
_BYSTANDER_RADIUS_M, _SECOND_RADIUS_M = 2.45, 1.85
_CHAIR_COLOUR = (128.0, 98.0, 66.0)
_CHAIR_M = np.array(
    [
        [[-0.22, 0.17, 0.395], [0.22, 0.60, 0.430]],
        [[-0.22, 0.60, 0.430], [0.22, 0.64, 0.88]],
        *[[[x, y, 0.0], [x + 0.04, y + 0.04, 0.395]] for x in (-0.22, 0.18) for y in (0.17, 0.60)],
    ]
)
"""Boxes of a chair behind a person of 1.75 m who stands at the origin and faces -y."""


@dataclass(frozen=True, slots=True, eq=False)
class Player:
    """One person.

    Parameters
    ----------
    anatomy, performance
    look_seed
    """

    anatomy: Anatomy
    performance: Performance
    look_seed: tuple[int, ...]

    def bones(self, time_s: F64) -> Bones:
        """Return the bones at T times, room frame."""
        return bones_of(self.performance.posture(time_s), self.anatomy)


class Cast:
    """All that the cameras see but the room.

    Parameters
    ----------
    config
    stature_m
        Of the person whose motion it is.
    rig
        In the room's frame; a bystander keeps out of its cameras' way.
    """

    def __init__(self, config: StudioConfig, stature_m: float, rig: Rig) -> None:
        anatomy = anatomy_of(stature_m)
        play = config.seed if config.play is None else config.play
        route = Route(np.random.default_rng([play, 10]))
        self._players = []
        if config.people:
            rng = np.random.default_rng([play, 11])
            performance = performance_of(config.motion, config.seconds, anatomy, route, rng)
            self._players.append(Player(anatomy, performance, (config.seed, 12, 0)))
        if config.people > 1:
            self._players.append(_second(config, rig))
        if config.bystander:
            self._players.append(_bystander(config, rig))
        self.landmarks = Landmarks(anatomy)
        figures = [figure_of(p.anatomy.stature_m, look_of(np.random.default_rng(p.look_seed))) for p in self._players]
        self._fixed_bones = 0
        if config.motion == CHAIR_MOTION and config.people:
            figures.append(_chair(route, anatomy.scale))
            self._fixed_bones = 1
        self.figure: Figure | None = together(figures) if figures else None

    def leading_bones(self, time_s: F64) -> Bones:
        """Return the bones of the person whose motion it is, at T times."""
        return self._players[0].bones(time_s)

    def pose(self, time_s: F64) -> BonePose:
        """Return what carries the figure's rest vertices to T times.

        Parameters
        ----------
        time_s : (T,), s

        Returns
        -------
        pose
            (T, B, 3, 3) and (T, B, 3), m, room.
        """
        rotation, translation = [np.empty((len(time_s), 0, 3, 3))], [np.empty((len(time_s), 0, 3))]
        for player in self._players:
            bones = player.bones(time_s)
            rotation.append(bones.rotation)
            translation.append(bones.translation(player.anatomy))
        if self._fixed_bones:
            rotation.append(np.broadcast_to(np.eye(3), (len(time_s), 1, 3, 3)))
            translation.append(np.zeros((len(time_s), 1, 3)))
        return BonePose(
            np.concatenate(rotation, 1).astype(np.float32), np.concatenate(translation, 1).astype(np.float32)
        )


def _second(config: StudioConfig, rig: Rig) -> Player:
    """Let somebody else do something else at the side of the room: one motion after the other on the spot.

    Somebody who did the same as the first would fit the cameras as well as the first, turned about the room's middle.
    """
    rng = np.random.default_rng([config.seed, 15])
    stance = _at_the_side(rig, _SECOND_RADIUS_M)
    anatomy = anatomy_of(rng.uniform(*STATURE_M))
    known = [name for name in ON_THE_SPOT if name not in (CHAIR_MOTION, "stand", "wait")]
    acts: list[OnTheSpot] = []
    while sum(act.seconds for act in acts) < config.seconds + 1.0:
        motion = ON_THE_SPOT[str(rng.choice(known))]
        acts.append(OnTheSpot(motion, stance, anatomy, motion.seconds))
    return Player(anatomy, Performance(acts), (config.seed, 12, 1))


def _bystander(config: StudioConfig, rig: Rig) -> Player:
    """Let somebody wait at the side of the room."""
    rng = np.random.default_rng([config.seed, 13])
    anatomy = anatomy_of(rng.uniform(*STATURE_M))
    waiting = OnTheSpot(ON_THE_SPOT["wait"], _at_the_side(rig, _BYSTANDER_RADIUS_M), anatomy, config.seconds)
    return Player(anatomy, Performance([waiting]), (config.seed, 14))


def _at_the_side(rig: Rig, radius_m: float) -> tuple[F64, float]:
    """Find a place in the widest gap between two cameras, and the heading towards the middle, deg."""
    azimuth = np.sort([np.arctan2(camera.centre[1], camera.centre[0]) for camera in rig])
    gap = np.diff(np.append(azimuth, azimuth[0] + 2 * np.pi))
    widest = int(np.argmax(gap))
    angle = azimuth[widest] + gap[widest] / 2
    place = radius_m * np.array([np.cos(angle), np.sin(angle)])
    # heading 0 faces -y, 90 faces +x
    return place, float(np.rad2deg(np.arctan2(-place[0], place[1])))


def _chair(route: Route, scale: float) -> Figure:
    """Put a chair behind a person who stands in the middle."""
    _, heading_deg = route.middle
    chair = box_figure(_CHAIR_M * scale, _CHAIR_COLOUR)
    turn = rotation_from_rotvec(np.array([0.0, 0.0, np.deg2rad(heading_deg)])).astype(np.float32)
    mesh = chair.mesh._replace(vertices=chair.mesh.vertices @ turn.T, normals=chair.mesh.normals @ turn.T)
    return replace(chair, mesh=mesh)
