"""Cast: all people and things in the studio, as one figure on many bones."""

from dataclasses import dataclass, replace

import numpy as np

from calibration.geometry.arrays import F64
from calibration.geometry.transforms import rotation_from_rotvec
from calibration.rig import Rig
from engine.studio.address import StudioConfig
from engine.studio.body.anatomy import Anatomy, build_anatomy
from engine.studio.body.appearance import draw_appearance
from engine.studio.body.figure import Figure, build_box_figure, build_figure, merge_figures
from engine.studio.body.landmarks import Landmarks
from engine.studio.body.posture import Bones, compute_bones
from engine.studio.motion.performance import CHAIR_MOTION, InPlaceAct, Performance, plan_performance
from engine.studio.motion.repertoire import IN_PLACE_MOTIONS
from engine.studio.motion.route import Route
from engine.studio.raster import BonePose

STATURE_RANGE_M = (1.50, 1.95)
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
class Performer:
    """One person: a body, what it does, and the seed of what it wears."""

    anatomy: Anatomy
    performance: Performance
    appearance_seed: tuple[int, ...]

    def bones(self, time_s: F64) -> Bones:
        """Return the bones at T times, room frame."""
        return compute_bones(self.performance.posture(time_s), self.anatomy)


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
        anatomy = build_anatomy(stature_m)
        play = config.seed if config.play is None else config.play
        route = Route(np.random.default_rng([play, 10]))
        self._performers = []
        if config.people:
            rng = np.random.default_rng([play, 11])
            performance = plan_performance(config.motion, config.seconds, anatomy, route, rng)
            self._performers.append(Performer(anatomy, performance, (config.seed, 12, 0)))
        if config.people > 1:
            self._performers.append(_make_second_person(config, rig))
        if config.bystander:
            self._performers.append(_make_bystander(config, rig))
        self.landmarks = Landmarks(anatomy)
        figures = [
            build_figure(
                p.anatomy.stature_m, draw_appearance(np.random.default_rng(p.appearance_seed))
            )
            for p in self._performers
        ]
        self._fixed_bones = 0
        if config.motion == CHAIR_MOTION and config.people:
            figures.append(_make_chair(route, anatomy.scale))
            self._fixed_bones = 1
        self.figure: Figure | None = merge_figures(figures) if figures else None

    def leading_bones(self, time_s: F64) -> Bones:
        """Return the bones of the person whose motion it is, at T times."""
        return self._performers[0].bones(time_s)

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
        rotation = [np.empty((len(time_s), 0, 3, 3))]
        translation = [np.empty((len(time_s), 0, 3))]
        for player in self._performers:
            bones = player.bones(time_s)
            rotation.append(bones.rotation)
            translation.append(bones.translation(player.anatomy))
        if self._fixed_bones:
            rotation.append(np.broadcast_to(np.eye(3), (len(time_s), 1, 3, 3)))
            translation.append(np.zeros((len(time_s), 1, 3)))
        return BonePose(
            np.concatenate(rotation, 1).astype(np.float32),
            np.concatenate(translation, 1).astype(np.float32),
        )


def _make_second_person(config: StudioConfig, rig: Rig) -> Performer:
    """Let another person do other motions, on the spot, at the side of the room.

    One who did the same as the first would fit the cameras as well as the first, turned about the
    room's middle.
    """
    rng = np.random.default_rng([config.seed, 15])
    stance = _find_place_at_side(rig, _SECOND_RADIUS_M)
    anatomy = build_anatomy(rng.uniform(*STATURE_RANGE_M))
    known = [name for name in IN_PLACE_MOTIONS if name not in (CHAIR_MOTION, "stand", "wait")]
    acts: list[InPlaceAct] = []
    while sum(act.seconds for act in acts) < config.seconds + 1.0:
        motion = IN_PLACE_MOTIONS[str(rng.choice(known))]
        acts.append(InPlaceAct(motion, stance, anatomy, motion.seconds))
    return Performer(anatomy, Performance(acts), (config.seed, 12, 1))


def _make_bystander(config: StudioConfig, rig: Rig) -> Performer:
    """Let another person wait at the side of the room."""
    rng = np.random.default_rng([config.seed, 13])
    anatomy = build_anatomy(rng.uniform(*STATURE_RANGE_M))
    waiting = InPlaceAct(
        IN_PLACE_MOTIONS["wait"],
        _find_place_at_side(rig, _BYSTANDER_RADIUS_M),
        anatomy,
        config.seconds,
    )
    return Performer(anatomy, Performance([waiting]), (config.seed, 14))


def _find_place_at_side(rig: Rig, radius_m: float) -> tuple[F64, float]:
    """Find a place in the widest gap between cameras, and the heading to the middle, deg."""
    azimuth = np.sort([np.arctan2(camera.centre[1], camera.centre[0]) for camera in rig])
    gap = np.diff(np.append(azimuth, azimuth[0] + 2 * np.pi))
    widest = int(np.argmax(gap))
    angle = azimuth[widest] + gap[widest] / 2
    place = radius_m * np.array([np.cos(angle), np.sin(angle)])
    # heading 0 faces -y, 90 faces +x
    return place, float(np.rad2deg(np.arctan2(-place[0], place[1])))


def _make_chair(route: Route, scale: float) -> Figure:
    """Put a chair behind a person who stands in the middle."""
    _, heading_deg = route.middle
    chair = build_box_figure(_CHAIR_M * scale, _CHAIR_COLOUR)
    turn = rotation_from_rotvec(np.array([0.0, 0.0, np.deg2rad(heading_deg)])).astype(np.float32)
    mesh = chair.mesh._replace(
        vertices=chair.mesh.vertices @ turn.T, normals=chair.mesh.normals @ turn.T
    )
    return replace(chair, mesh=mesh)
