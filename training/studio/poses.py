"""Poses for training: moments of the studio's motions, disturbed, and arbitrary poses.

A walk programme has the arms down and the trunk upright nearly all the time; a network that saw
nothing else finds that pose in everybody. Here the joints go through their whole anatomical
range.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from calibration.geometry.arrays import F64, Mask
from calibration.geometry.transforms import rotation_from_rotvec
from engine.studio.body.anatomy import INDEX, SIGNS, Anatomy
from engine.studio.body.posture import (
    Bones,
    Posture,
    compute_bones,
    concatenate_postures,
    select_instants,
)
from engine.studio.motion.performance import MOTIONS, plan_performance
from engine.studio.motion.route import Route
from engine.studio.motion.stance import FOOT_APART_M, standing_height_m

PERFORMED = "performed"
SEATED = "seated"
LYING = "lying"
UPRIGHT, LOW, BENT = "upright", "low", "bent"
POSES = (PERFORMED, UPRIGHT, LOW, BENT, SEATED, LYING)
SHARES = (0.42, 0.24, 0.12, 0.08, 0.09, 0.05)
"""How often each kind is drawn."""


@dataclass(frozen=True, slots=True)
class _Stance:
    """How people stand: the pelvis' height as shares, feet so far apart, one often in the air."""

    height: tuple[float, float]
    stride_m: float
    raised_share: float


_STANCES = {
    UPRIGHT: _Stance((0.90, 1.0), 0.35, 0.35),
    LOW: _Stance((0.42, 0.85), 0.50, 0.15),
    BENT: _Stance((0.75, 1.0), 0.25, 0.05),
    SEATED: _Stance((0.45, 0.60), 0.10, 0.15),
}

DrawPoses: TypeAlias = Callable[
    [int, Anatomy, int, np.random.Generator], tuple[Bones, tuple[str, ...]]
]
"""As `draw_poses`: how many, of whom, the seed of the play, and what decides."""
PERFORMANCE_S = 20.0
PLACEMENT_RANGE_M = 1.2
"""How far from the room's middle people are, in x and in y."""
_ARM_RANGE = np.array([[-15.0, 175.0], [-55.0, 185.0], [-75.0, 75.0]])
"""Abduction, flexion, twist, deg."""
_ELBOW_DEG = (0.0, 145.0)
_SPINE_DEG = (-25.0, 70.0)
_NECK_DEG = (-40.0, 45.0)
_TRUNK_RADIUS_M, _FLOOR_M = 0.11, 0.02
_MAX_TRIES = 4


def draw_poses(
    count: int, anatomy: Anatomy, play_seed: int, rng: np.random.Generator
) -> tuple[Bones, tuple[str, ...]]:
    """Draw poses of one person, anywhere near the room's middle and facing anywhere.

    Parameters
    ----------
    count
    anatomy
    play_seed
        Whose route and programme the performed ones are moments of.
    rng

    Returns
    -------
    bones
        Of `count` instants that have nothing to do with each other.
    kinds
        One of `POSES` each.
    """
    kinds = rng.choice(len(POSES), count, p=SHARES)
    kept: list[Posture] = []
    order: list[np.ndarray] = []
    for number, kind in enumerate(POSES):
        rows = np.flatnonzero(kinds == number)
        if len(rows):
            kept.append(_draw_possible(kind, len(rows), anatomy, play_seed, rng))
            order.append(rows)
    posture = select_instants(concatenate_postures(kept), np.argsort(np.concatenate(order)))
    return compute_bones(posture, anatomy), tuple(POSES[kind] for kind in kinds)


def _draw_possible(
    kind: str, count: int, anatomy: Anatomy, play_seed: int, rng: np.random.Generator
) -> Posture:
    """Draw poses of a kind until no hand is in the trunk or the floor, else performed ones."""
    good: list[Posture] = []
    for _ in range(_MAX_TRIES):
        missing = count - sum(map(len, good))
        if not missing:
            break
        drawn = _draw_kind(kind, 2 * missing + 4, anatomy, play_seed, rng)
        possible = np.flatnonzero(is_possible(compute_bones(drawn, anatomy), anatomy))[:missing]
        if len(possible):
            good.append(select_instants(drawn, possible))
    missing = count - sum(map(len, good))
    if missing:
        good.append(_sample_performance(missing, anatomy, play_seed, rng))
    return concatenate_postures(good)


def is_possible(bones: Bones, anatomy: Anatomy) -> Mask:
    """Return which poses are possible, (T,): hands out of the trunk and over the floor."""
    xyz, scale = bones.xyz, anatomy.scale
    bottom, top = xyz[:, INDEX["pelvis"]], xyz[:, INDEX["neck"]]
    axis = top - bottom
    possible = np.ones(len(xyz), bool)
    for name in (
        "left_elbow",
        "right_elbow",
        "left_wrist",
        "right_wrist",
        "left_knee",
        "right_knee",
    ):
        away = xyz[:, INDEX[name]] - bottom
        share = np.clip((away * axis).sum(-1) / (axis * axis).sum(-1), 0, 1)
        distance = np.linalg.norm(away - share[:, None] * axis, axis=-1)
        possible &= distance > _TRUNK_RADIUS_M * scale
        possible &= xyz[:, INDEX[name], 2] > _FLOOR_M
    head = xyz[:, INDEX["head"], 2] > 0.1 * scale
    apart = (
        np.linalg.norm(xyz[:, INDEX["left_wrist"]] - xyz[:, INDEX["right_wrist"]], axis=-1)
        > 0.06 * scale
    )
    return possible & head & apart


def _draw_kind(
    kind: str, count: int, anatomy: Anatomy, play_seed: int, rng: np.random.Generator
) -> Posture:
    """Draw poses of a kind, possible or not."""
    if kind == PERFORMED:
        return _disturb(_sample_performance(count, anatomy, play_seed, rng), rng)
    if kind == LYING:
        return _place_randomly(_draw_lying(count, anatomy, rng), rng)
    posture = _draw_standing(count, anatomy, _STANCES[kind], rng)
    if kind == SEATED:
        forward = anatomy.scale * rng.uniform(0.15, 0.55, (count, 1)) + rng.normal(
            0, 0.05, (count, 2)
        )
        ankle = posture.ankle_m.copy()
        ankle[:, :, 1] = posture.pelvis_m[:, None, 1] - forward
        posture = replace(posture, ankle_m=ankle, pelvis_deg=posture.pelvis_deg * 0.5)
    if kind == BENT:
        pitch = rng.uniform(30, 85, count)
        bent = np.stack([pitch, rng.normal(0, 6, count), np.zeros(count)], -1)
        behind = anatomy.scale * 0.16 * np.sin(np.deg2rad(pitch))
        pelvis = posture.pelvis_m + np.stack([0 * pitch, behind, 0 * pitch], -1)
        posture = replace(posture, pelvis_deg=bent, pelvis_m=pelvis)
    return _place_randomly(posture, rng)


def _sample_performance(
    count: int, anatomy: Anatomy, play_seed: int, rng: np.random.Generator
) -> Posture:
    """Draw random moments of a performance that the studio plans for this seed."""
    motion = "programme" if rng.random() < 0.5 else str(rng.choice(MOTIONS))
    route = Route(np.random.default_rng([play_seed, 10]))
    play = plan_performance(
        motion, PERFORMANCE_S, anatomy, route, np.random.default_rng([play_seed, 11])
    )
    return play.posture(rng.uniform(0, play.seconds, count))


def _disturb(posture: Posture, rng: np.random.Generator) -> Posture:
    """Turn the joints of moments away from the plan, each moment by an amount of its own."""
    count = len(posture)
    amount = rng.uniform(0, 1, count)[:, None]
    arm = posture.arm_deg + amount[..., None] * rng.normal(0, [22, 25, 18], (count, 2, 3))
    elbow = posture.elbow_deg + amount * rng.normal(0, 30, (count, 2))
    return replace(
        posture,
        spine_deg=posture.spine_deg + amount * rng.normal(0, [9, 7, 12], (count, 3)),
        neck_deg=posture.neck_deg + amount * rng.normal(0, [12, 8, 22], (count, 3)),
        pelvis_deg=posture.pelvis_deg + amount * rng.normal(0, [4, 3, 4], (count, 3)),
        arm_deg=np.clip(arm, _ARM_RANGE[:, 0], _ARM_RANGE[:, 1]),
        elbow_deg=np.clip(elbow, *_ELBOW_DEG),
        knee_out_deg=np.clip(posture.knee_out_deg + amount * rng.normal(0, 8, (count, 2)), -15, 45),
    )


def _draw_standing(
    count: int, anatomy: Anatomy, stance: _Stance, rng: np.random.Generator
) -> Posture:
    """Place the pelvis at a share of its standing height over feet anywhere, or one in the air."""
    scale = anatomy.scale
    pelvis = np.zeros((count, 3))
    pelvis[:, 2] = standing_height_m(anatomy) * rng.uniform(*stance.height, count)
    ankle = np.zeros((count, 2, 3))
    ankle[:, :, 0] = (
        scale * SIGNS * (FOOT_APART_M + rng.exponential(0.10, (count, 2)).clip(0, 0.40))
    )
    ankle[:, :, 1] = scale * stance.stride_m * rng.uniform(-1, 1, (count, 2))
    ankle[:, :, 2] = anatomy.ankle_height_m
    foot = np.stack([np.zeros((count, 2)), SIGNS * rng.uniform(-8, 35, (count, 2))], -1)
    raised = rng.random(count) < stance.raised_share
    side = rng.integers(0, 2, count)
    rows = np.flatnonzero(raised)
    ankle[rows, side[rows], 2] += scale * rng.uniform(0.1, 0.75, len(rows))
    ankle[rows, side[rows], 1] = scale * rng.uniform(-0.65, 0.45, len(rows))
    foot[rows, side[rows], 0] = rng.uniform(-45, 25, len(rows))
    pelvis_deg = rng.normal(0, [8, 5, 10], (count, 3))
    return Posture(
        pelvis_m=pelvis,
        pelvis_deg=pelvis_deg,
        ankle_m=ankle,
        foot_deg=foot,
        knee_out_deg=rng.uniform(-8, 35, (count, 2)),
        **_draw_upper_body(count, rng),
    )


def _draw_lying(count: int, anatomy: Anatomy, rng: np.random.Generator) -> Posture:
    """Lie on the back or on the front, legs more or less drawn up."""
    scale = anatomy.scale
    front = rng.random(count) < 0.3
    toward = np.where(front, 1.0, -1.0)
    pelvis = np.zeros((count, 3))
    pelvis[:, 2] = scale * rng.uniform(0.11, 0.20, count)
    leg = anatomy.thigh_m + anatomy.shank_m
    ankle = np.zeros((count, 2, 3))
    ankle[:, :, 0] = scale * SIGNS * rng.uniform(0.06, 0.35, (count, 2))
    stretched = np.where(
        front[:, None], rng.uniform(0.93, 0.98, (count, 2)), rng.uniform(0.45, 0.98, (count, 2))
    )
    ankle[:, :, 1] = toward[:, None] * leg * stretched
    ankle[:, :, 2] = scale * rng.uniform(0.07, 0.16, (count, 2))
    pitch = np.where(front, 88.0, -88.0) + rng.normal(0, 6, count)
    upper = _draw_upper_body(count, rng)
    upper["spine_deg"] = upper["spine_deg"] * 0.3
    foot_pitch = np.where(front[:, None], -70.0, 30.0) + rng.normal(0, 12, (count, 2))
    return Posture(
        pelvis_m=pelvis,
        pelvis_deg=np.stack([pitch, rng.normal(0, 4, count), np.zeros(count)], -1),
        ankle_m=ankle,
        foot_deg=np.stack([foot_pitch, SIGNS * rng.uniform(0, 30, (count, 2))], -1),
        knee_out_deg=rng.uniform(-5, 25, (count, 2)),
        **upper,
    )


def _draw_upper_body(count: int, rng: np.random.Generator) -> dict[str, F64]:
    """Draw trunk, head and arms: half of the arms point anywhere, others near the trunk's plane."""
    spine = np.stack(
        [rng.normal(12, 18, count), rng.normal(0, 11, count), rng.normal(0, 18, count)], -1
    )
    neck = np.stack(
        [rng.normal(2, 15, count), rng.normal(0, 10, count), rng.normal(0, 28, count)], -1
    )
    spine[:, 0], neck[:, 0] = spine[:, 0].clip(*_SPINE_DEG), neck[:, 0].clip(*_NECK_DEG)
    anywhere = _draw_arms(count, rng)
    easy = np.stack(
        [
            rng.normal(25, 25, (count, 2)),
            rng.normal(20, 30, (count, 2)),
            rng.normal(0, 25, (count, 2)),
        ],
        -1,
    )
    arm = np.where(rng.random((count, 2, 1)) < 0.6, anywhere, easy)
    together = rng.random(count) < 0.3  # both arms often do the same
    arm[together, 1] = arm[together, 0] + rng.normal(0, 8, (int(together.sum()), 3))
    return {
        "spine_deg": spine,
        "neck_deg": neck.clip(-65, 65),
        "arm_deg": arm.clip(_ARM_RANGE[:, 0], _ARM_RANGE[:, 1]),
        "elbow_deg": np.where(
            rng.random((count, 2)) < 0.3,
            rng.uniform(0, 20, (count, 2)),
            rng.uniform(*_ELBOW_DEG, (count, 2)),
        ),
    }


def _draw_arms(count: int, rng: np.random.Generator) -> F64:
    """Draw upper arms evenly over all directions of a shoulder: abduction, flexion, twist, deg."""
    direction = rng.normal(0, 1, (count, 2, 3))
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    outwards, forward, down = np.moveaxis(direction, -1, 0)
    forward = np.where(forward < -0.6, -forward, forward)  # no shoulder goes far behind the back
    outwards = np.where(outwards < -0.35, -outwards, outwards)  # nor far across the chest
    abduction = np.rad2deg(np.arcsin(np.clip(outwards, -1, 1)))
    flexion = np.rad2deg(np.arctan2(forward, down))
    flexion = np.where(flexion < -60, flexion + 360, flexion).clip(-60, 185)
    return np.stack([abduction, flexion, rng.uniform(-75, 75, (count, 2))], -1)


def _place_randomly(posture: Posture, rng: np.random.Generator) -> Posture:
    """Move every pose to a place of its own, facing anywhere."""
    count = len(posture)
    heading = rng.uniform(-180, 180, count)
    place = np.concatenate(
        [rng.uniform(-PLACEMENT_RANGE_M, PLACEMENT_RANGE_M, (count, 2)), np.zeros((count, 1))], 1
    )
    turn = np.swapaxes(
        rotation_from_rotvec(np.deg2rad(heading)[:, None] * np.array([0.0, 0.0, 1.0])), 1, 2
    )
    none = np.zeros(count)
    return replace(
        posture,
        pelvis_m=np.einsum("ta,tab->tb", posture.pelvis_m, turn) + place,
        pelvis_deg=posture.pelvis_deg + np.stack([none, none, heading], -1),
        ankle_m=posture.ankle_m @ turn + place[:, None],
        foot_deg=posture.foot_deg + np.stack([none, heading], -1)[:, None],
    )
