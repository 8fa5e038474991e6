"""Performance: what a person does from the first second of a recording to the last."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from calibration.geometry.arrays import F64
from engine.studio.body.anatomy import Anatomy
from engine.studio.body.posture import Posture, concatenate_postures, place_posture, select_instants
from engine.studio.motion.footsteps import turn_in_place, walk_along, walk_in_place
from engine.studio.motion.motion import Motion, perform
from engine.studio.motion.repertoire import IN_PLACE_MOTIONS
from engine.studio.motion.route import Route

STEPPING_MOTIONS = ("walk", "walk_in_place", "turn")
MOTIONS = ("programme", *STEPPING_MOTIONS, *IN_PLACE_MOTIONS)
"""All motions; 'programme' walks through the room and does the others in between."""
CHAIR_MOTION = "sit"

_STEPS_OF_A_WALK = (12, 15)
_BREATH_S, _SWAY_S = 3.7, 5.3


class Act(Protocol):
    """A part of a performance; begins and ends in the relaxed stance."""

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        ...

    def posture(self, time_s: F64) -> Posture:
        """Return the postures at T times since its beginning, room frame."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class InPlaceAct:
    """A motion at a place.

    Parameters
    ----------
    motion
    place : (2,) m and deg, room
    anatomy
    seconds
        Repeated so long.
    """

    motion: Motion
    place: tuple[F64, float]
    anatomy: Anatomy
    seconds: float

    def posture(self, time_s: F64) -> Posture:
        """Return the postures at T times since its beginning, room frame."""
        return place_posture(perform(self.motion, time_s, self.anatomy), *self.place)


class Performance:
    """Acts one after the other, with breath.

    Parameters
    ----------
    acts
        Each begins where the one before ends.
    """

    def __init__(self, acts: Sequence[Act]) -> None:
        self._acts = tuple(acts)
        self._begin_s = np.concatenate([[0.0], np.cumsum([act.seconds for act in acts])])

    @property
    def seconds(self) -> float:
        """How long it lasts; the last instant is held after that."""
        return float(self._begin_s[-1])

    def posture(self, time_s: F64) -> Posture:
        """Return the postures at T times, room frame.

        Parameters
        ----------
        time_s : (T,), s
            In any order; before the beginning the first instant, after the end the last.
        """
        time = np.clip(time_s, 0.0, self.seconds - 1e-6)
        act = np.searchsorted(self._begin_s, time, side="right") - 1
        order = np.argsort(act, kind="stable")
        parts = [self._acts[i].posture(time[act == i] - self._begin_s[i]) for i in np.unique(act)]
        return _add_breathing(
            select_instants(concatenate_postures(parts), np.argsort(order)), time_s
        )


def plan_performance(
    motion: str, seconds: float, anatomy: Anatomy, route: Route, rng: np.random.Generator
) -> Performance:
    """Plan a performance.

    Parameters
    ----------
    motion
        One of `MOTIONS`.
    seconds
        At least so long.
    anatomy
    route
        Where walks lead, and where single motions are done.
    rng
        Decides the order of a programme.
    """
    steps = 4 + 2 * int(np.ceil(seconds / 0.9))
    if motion == "programme":
        return _plan_programme(seconds, anatomy, route, rng)
    if motion == "walk":
        return Performance([walk_along(route, 0.0, steps, anatomy)[0]])
    if motion == "walk_in_place":
        return Performance([walk_in_place(route.middle, steps, anatomy)])
    if motion == "turn":
        return Performance([turn_in_place(route.middle, steps, anatomy)])
    return Performance([InPlaceAct(IN_PLACE_MOTIONS[motion], route.middle, anatomy, seconds)])


def _plan_programme(
    seconds: float, anatomy: Anatomy, route: Route, rng: np.random.Generator
) -> Performance:
    """Walk, do something, walk on, do something else: two thirds of the time on the way."""
    waiting = [name for name in IN_PLACE_MOTIONS if name not in (CHAIR_MOTION, "stand", "wait")]
    queue: list[str] = []
    acts: list[Act] = []
    along = 0.0
    while sum(act.seconds for act in acts) < seconds + 1.0:
        walk, along = walk_along(route, along, int(rng.integers(*_STEPS_OF_A_WALK)), anatomy)
        queue = queue or list(rng.permutation(waiting))
        motion = IN_PLACE_MOTIONS[queue.pop()]
        acts += [walk, InPlaceAct(motion, route.place(along), anatomy, motion.seconds)]
    return Performance(acts)


def _add_breathing(posture: Posture, time_s: F64) -> Posture:
    """Let the chest breathe and the body sway by millimetres, as a living body does."""
    breath = np.sin(2 * np.pi * time_s / _BREATH_S)
    sway = np.sin(2 * np.pi * time_s / _SWAY_S)
    lean = np.stack([0.5 * breath, 0.35 * sway, 0.4 * np.sin(2 * np.pi * time_s / 7.9)], -1)
    shift = np.stack(
        [0.004 * sway, 0.003 * np.sin(2 * np.pi * time_s / 4.1), np.zeros_like(sway)], -1
    )
    return Posture(
        pelvis_m=posture.pelvis_m + shift,
        pelvis_deg=posture.pelvis_deg,
        spine_deg=posture.spine_deg + lean,
        neck_deg=posture.neck_deg - lean,
        arm_deg=posture.arm_deg,
        elbow_deg=posture.elbow_deg + 1.5 * breath[:, None],
        ankle_m=posture.ankle_m,
        foot_deg=posture.foot_deg,
        knee_out_deg=posture.knee_out_deg,
    )
