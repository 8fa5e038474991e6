"""Footsteps: walking, and whatever else moves the feet over the floor, planned step by step.

The plan says where and when each foot stands. Between two steps a foot is exactly still; the pelvis
glides along the middle of the feet; the arms swing against the legs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator

from calibration.geometry.arrays import F64
from engine.studio.body.anatomy import SIGNS, Anatomy
from engine.studio.body.posture import Posture
from engine.studio.motion.motion import FLEXION, LEAN, LEFT, PITCH, RIGHT, TURN
from engine.studio.motion.route import Route
from engine.studio.motion.stance import (
    FOOT_APART_M,
    FOOT_BACK_M,
    FOOT_OUT_DEG,
    Draft,
    place_ankle,
    standing_height_m,
)

STEP_S, SWING_SHARE = 0.54, 0.78
STEP_LENGTH_OF_STATURE = 0.33
WALKING_APART_M = 0.055
_LEAD_S, _SETTLE_S = 0.3, 0.12
"""Before the first step, while the first heel rises, and after the last."""
_TOE_OFF_DEG, _HEEL_STRIKE_DEG = -46.0, 15.0


@dataclass(frozen=True, slots=True)
class Step:
    """One foot put somewhere.

    Parameters
    ----------
    side
        0 the left foot, 1 the right.
    xy_m : (2,), room
        The ankle's ground point.
    heading_deg
        Of the foot.
    effort
        0 to 1 of a full stride: how much the foot rolls and the arms swing.
    lift_m
        Clearance in the middle of the swing.
    """

    side: int
    xy_m: F64
    heading_deg: float
    effort: float = 1.0
    lift_m: float = 0.075


class Footsteps:
    """A person who takes steps, as a function of time.

    Parameters
    ----------
    anatomy
    start : (2,) m and deg
        Where the person stands, and faces, before the first step.
    steps
        In order; feet need not alternate.
    """

    def __init__(self, anatomy: Anatomy, start: tuple[F64, float], steps: Sequence[Step]) -> None:
        self._anatomy = anatomy
        self._step_s = STEP_S * float(np.sqrt(anatomy.scale))
        feet = [_Foot.from_stance(anatomy, start, side) for side in range(2)]
        pelvis = [(time, *_find_pelvis(feet, anatomy)) for time in (0.0, _LEAD_S / 2)]
        sway: list[tuple[float, float, float, float]] = [(0.0, 0.0, 0.0, 0.0)]
        for number, step in enumerate(steps):
            begin = _LEAD_S + number * self._step_s
            feet[step.side].add_step(step, begin, self._step_s)
            end = begin + self._step_s
            pelvis.append(
                (end - (1 - SWING_SHARE) * self._step_s / 2, *_find_pelvis(feet, anatomy))
            )
            last = number == len(steps) - 1
            lead = 0.0 if last else SIGNS[step.side] * step.effort
            sway.append((begin + SWING_SHARE * self._step_s / 2, -SIGNS[step.side], np.nan, 0.0))
            sway.append((pelvis[-1][0], 0.0, lead, 0.0 if last else -step.effort))
        self.seconds = _LEAD_S + len(steps) * self._step_s + _SETTLE_S
        pelvis.append((self.seconds, *pelvis[-1][1:]))
        sway.append((self.seconds, 0.0, 0.0, 0.0))
        self._feet = [foot.build_curves(self.seconds) for foot in feet]
        table = np.array(pelvis)
        self._pelvis = CubicSpline(table[:, 0], table[:, 1:], bc_type="clamped")
        keys = np.array(sway)
        swung = ~np.isnan(keys[:, 2])
        self._sway = PchipInterpolator(keys[:, 0], keys[:, [1, 3]])
        self._swing = PchipInterpolator(keys[swung, 0], keys[swung, 2])

    def posture(self, time_s: F64) -> Posture:
        """Return the postures at T times since the start, room frame."""
        time = np.clip(time_s, 0.0, self.seconds)
        scale, swing = self._anatomy.scale, self._swing(time)
        lateral, bob = self._sway(time).T
        pelvis = self._pelvis(time)
        body = Draft(len(time))
        body.pelvis_deg[:, PITCH] += 3 * np.abs(swing)
        body.pelvis_deg[:, LEAN] += 2.0 * lateral
        body.pelvis_deg[:, TURN] += pelvis[:, 2] - 5 * swing
        body.spine_deg[:, TURN] += 9 * swing
        body.spine_deg[:, PITCH] += 2 * np.abs(swing)
        body.neck_deg[:, TURN] -= 4 * swing
        for side in (LEFT, RIGHT):
            body.arm_deg[:, side, FLEXION] -= SIGNS[side] * 22 * swing
            body.elbow_deg[:, side] += 8 * np.abs(swing) - SIGNS[side] * 9 * swing
        heading = np.deg2rad(pelvis[:, 2])
        left = np.stack([np.cos(heading), np.sin(heading)], -1)
        pelvis_m = np.empty((len(time), 3))
        pelvis_m[:, :2] = pelvis[:, :2] + left * (0.022 * scale * lateral)[:, None]
        pelvis_m[:, 2] = standing_height_m(self._anatomy) + scale * 0.032 * bob
        foot = np.stack([curve(time) for curve in self._feet], 1)
        foot_deg = foot[:, :, 3:]
        ankle = place_ankle(foot[:, :, :3], foot_deg, self._anatomy)
        return replace(
            body.posture(self._anatomy), pelvis_m=pelvis_m, ankle_m=ankle, foot_deg=foot_deg
        )


def walk_along(
    route: Route, start_m: float, count: int, anatomy: Anatomy
) -> tuple[Footsteps, float]:
    """Walk a number of steps along a route, from standing to standing.

    Parameters
    ----------
    route
    start_m
        Where on the route the person stands.
    count
        Steps; the last one brings the feet together.
    anatomy

    Returns
    -------
    footsteps
    end_m
        Where on the route the person stands then.
    """
    length = STEP_LENGTH_OF_STATURE * anatomy.stature_m
    end = start_m + length * (count - 1.5)
    steps = []
    for number in range(count):
        side = number % 2
        if number >= count - 2:
            xy, heading = _find_foothold(route.place(end), side, FOOT_APART_M, anatomy)
            effort = 0.5 if number == count - 1 else 1.0
        else:
            place = route.place(start_m + length * (number + 0.5))
            xy, heading = _find_foothold(place, side, WALKING_APART_M, anatomy)
            effort = 0.6 if number == 0 else 1.0
        steps.append(Step(side, xy, heading, effort))
    return Footsteps(anatomy, route.place(start_m), steps), end


def walk_in_place(place: tuple[F64, float], count: int, anatomy: Anatomy) -> Footsteps:
    """Lift one knee after the other without going anywhere.

    Parameters
    ----------
    place : (2,) m and deg
    count
        Steps.
    anatomy
    """
    steps = []
    for number in range(count):
        xy, heading = _find_foothold(place, number % 2, FOOT_APART_M, anatomy)
        steps.append(Step(number % 2, xy, heading, 0.35, 0.20 * anatomy.scale))
    return Footsteps(anatomy, place, steps)


def turn_in_place(place: tuple[F64, float], count: int, anatomy: Anatomy) -> Footsteps:
    """Turn by 45 degrees with every other step.

    Parameters
    ----------
    place : (2,) m and deg
    count
        Steps, even.
    anatomy
    """
    steps = []
    for number in range(count):
        turned = (place[0], place[1] + 45.0 * (number // 2 + 1))
        xy, heading = _find_foothold(turned, number % 2, FOOT_APART_M, anatomy)
        steps.append(Step(number % 2, xy, heading, 0.3, 0.07))
    return Footsteps(anatomy, place, steps)


class _Foot:
    """The key positions of one foot: time, x, y, lift, pitch, heading."""

    def __init__(self, xy_m: F64, heading_deg: float) -> None:
        self.xy_m, self.heading_deg = xy_m, heading_deg
        self._place = [(0.0, *xy_m, heading_deg)]
        self._lift = [(-1.0, 0.0), (-0.5, 0.0)]
        self._pitch = [(-1.0, 0.0), (-0.5, 0.0)]

    @classmethod
    def from_stance(cls, anatomy: Anatomy, start: tuple[F64, float], side: int) -> "_Foot":
        """Begin in the relaxed stance."""
        return cls(*_find_foothold(start, side, FOOT_APART_M, anatomy))

    def add_step(self, step: Step, begin_s: float, step_s: float) -> None:
        """Add the keys of one step."""
        end_s = begin_s + SWING_SHARE * step_s
        if begin_s > self._place[-1][0]:
            self._place.append((begin_s, *self.xy_m, self.heading_deg))
        self.xy_m, self.heading_deg = step.xy_m, step.heading_deg
        self._place.append((end_s, *self.xy_m, self.heading_deg))
        self._lift += [
            (begin_s, 0.0),
            (begin_s + 0.45 * (end_s - begin_s), step.lift_m),
            (end_s, 0.0),
        ]
        toe_off = _TOE_OFF_DEG * step.effort
        strike = _HEEL_STRIKE_DEG * step.effort
        self._pitch += [
            (begin_s - min(0.5 * step_s, 0.45 * (begin_s - self._pitch[-1][0])), 0.0),
            (begin_s, toe_off),
            (begin_s + 0.8 * (end_s - begin_s), strike),
            (end_s, strike),
            (end_s + 0.22 * step_s, 0.0),
        ]

    def build_curves(self, seconds: float) -> "_FootCurves":
        """Join the keys; exactly flat where two keys are equal."""
        self._place.append((max(seconds, self._place[-1][0]) + 1.0, *self.xy_m, self.heading_deg))
        self._lift.append((self._lift[-1][0] + 1.0, 0.0))
        self._pitch.append((self._pitch[-1][0] + 1.0, 0.0))
        place, lift, pitch = (np.array(keys) for keys in (self._place, self._lift, self._pitch))
        return _FootCurves(
            PchipInterpolator(place[:, 0], place[:, 1:]),
            PchipInterpolator(lift[:, 0], lift[:, 1]),
            PchipInterpolator(pitch[:, 0], pitch[:, 1]),
        )


@dataclass(frozen=True, slots=True)
class _FootCurves:
    """One foot as a function of time."""

    place: PchipInterpolator
    lift: PchipInterpolator
    pitch: PchipInterpolator

    def __call__(self, time_s: F64) -> F64:
        """Return x, y, lift (m), pitch, heading (deg), (T, 5)."""
        place = self.place(time_s)
        return np.stack(
            [place[:, 0], place[:, 1], self.lift(time_s), self.pitch(time_s), place[:, 2]], -1
        )


def _find_foothold(
    place: tuple[F64, float], side: int, apart_m: float, anatomy: Anatomy
) -> tuple[F64, float]:
    """Find where a foot stands when the pelvis is at a place."""
    xy, heading_deg = place
    heading = np.deg2rad(heading_deg)
    left = np.array([np.cos(heading), np.sin(heading)])
    back = np.array([-np.sin(heading), np.cos(heading)])
    offset = SIGNS[side] * apart_m * left + FOOT_BACK_M * back
    return xy + anatomy.scale * offset, heading_deg + SIGNS[side] * FOOT_OUT_DEG


def _find_pelvis(feet: Sequence[_Foot], anatomy: Anatomy) -> tuple[float, float, float]:
    """Find where the pelvis belongs between two feet, and where it faces."""
    heading_deg = (feet[0].heading_deg + feet[1].heading_deg) / 2
    heading = np.deg2rad(heading_deg)
    back = np.array([-np.sin(heading), np.cos(heading)])
    x, y = (feet[0].xy_m + feet[1].xy_m) / 2 - anatomy.scale * FOOT_BACK_M * back
    return float(x), float(y), heading_deg
