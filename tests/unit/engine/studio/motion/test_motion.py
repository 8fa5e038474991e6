"""Motions of the person: planted feet, constant bones, no jumps, nothing below the floor."""

import numpy as np
import pytest

from engine.studio.body.anatomy import INDEX, JOINTS, build_anatomy
from engine.studio.body.landmarks import SKELETON, Landmarks
from engine.studio.body.posture import Bones, compute_bones
from engine.studio.motion.performance import MOTIONS, Performance, plan_performance
from engine.studio.motion.repertoire import IN_PLACE_MOTIONS
from engine.studio.motion.route import EXTENT_M, Route
from engine.studio.motion.stance import Draft, place_ankle

RATE = 120
ANATOMY = build_anatomy(1.78)
BONES = [
    ("shoulder", "elbow"),
    ("elbow", "wrist"),
    ("hip", "knee"),
    ("knee", "ankle"),
    ("ankle", "toe"),
]


def perform(motion: str, seconds: float, seed: int = 3) -> Performance:
    """Plan a take."""
    return plan_performance(
        motion, seconds, ANATOMY, Route(np.random.default_rng(seed)), np.random.default_rng(seed)
    )


def move(motion: str, seconds: float, seed: int = 3) -> Bones:
    """Perform a take at 120 per second."""
    return compute_bones(
        perform(motion, seconds, seed).posture(np.arange(0, seconds, 1 / RATE)), ANATOMY
    )


@pytest.fixture(scope="module", params=MOTIONS)
def bones(request: pytest.FixtureRequest) -> Bones:
    """Every motion, for 15 seconds."""
    return move(request.param, 15.0)


def test_every_bone_keeps_its_length(bones: Bones):
    for side in ("left", "right"):
        for start, end in BONES:
            a, b = INDEX[f"{side}_{start}"], INDEX[f"{side}_{end}"]
            length = np.linalg.norm(bones.xyz[:, a] - bones.xyz[:, b], axis=-1)
            rest = np.linalg.norm(ANATOMY.rest[a] - ANATOMY.rest[b])
            np.testing.assert_allclose(length, rest, atol=1e-9)


def test_every_bone_is_turned_by_a_rotation(bones: Bones):
    product = bones.rotation @ np.swapaxes(bones.rotation, -1, -2)
    np.testing.assert_allclose(product, np.broadcast_to(np.eye(3), product.shape), atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(bones.rotation), 1.0, atol=1e-9)


def test_no_joint_jumps(bones: Bones):
    speed = np.linalg.norm(np.diff(bones.xyz, axis=0), axis=-1) * RATE
    fastest = np.unravel_index(speed.argmax(), speed.shape)
    assert speed.max() < 12.0, (
        f"{JOINTS[fastest[1]]} at {fastest[0] / RATE:.2f} s: {speed.max():.1f} m/s"
    )


def test_no_landmark_is_below_the_floor(bones: Bones):
    xyz = Landmarks(ANATOMY).locate_anatomical(bones)
    lowest = xyz[..., 2].min(0)
    assert lowest.min() > -0.002, f"{SKELETON.joints[lowest.argmin()]} at {lowest.min():.3f} m"


def test_nothing_happens_outside_the_walking_area(bones: Bones):
    pelvis = bones.xyz[:, INDEX["pelvis"], :2]
    assert np.linalg.norm(pelvis, axis=1).max() < EXTENT_M + 0.5


def test_the_feet_reach_where_the_posture_puts_them():
    posture = perform("programme", 30.0).posture(np.arange(0, 30, 1 / 30))
    xyz = compute_bones(posture, ANATOMY).xyz[:, [INDEX["left_ankle"], INDEX["right_ankle"]]]
    np.testing.assert_allclose(xyz, posture.ankle_m, atol=1e-9)


@pytest.mark.parametrize("motion", ["walk", "walk_in_place", "turn"])
def test_a_planted_foot_does_not_slide(motion: str):
    posture = perform(motion, 15.0).posture(np.arange(0, 15, 1 / RATE))
    flat = np.abs(posture.ankle_m[:, :, 2] - ANATOMY.ankle_height_m) < 1e-9
    slide = np.linalg.norm(np.diff(posture.ankle_m, axis=0), axis=-1)[flat[1:] & flat[:-1]]
    assert flat.mean() > 0.24
    assert slide.max() < 1e-9


def test_a_foot_that_rolls_keeps_its_ball_in_place_and_its_sole_over_the_floor():
    pitch = np.linspace(-60, 0, 30)
    foot_deg = np.stack([pitch, np.full_like(pitch, 37.0)], -1)
    ankle = place_ankle(np.tile([0.3, -0.2, 0.0], (30, 1)), foot_deg, ANATOMY)
    heading, tilt = np.deg2rad(37.0), np.deg2rad(pitch)
    ball, height = 0.16 * ANATOMY.scale, ANATOMY.ankle_height_m
    ahead = ball * np.cos(tilt) + height * np.sin(tilt)
    forward = np.array([np.sin(heading), -np.cos(heading)])
    moved = ankle[:, :2] + ahead[:, None] * forward - ([0.3, -0.2] + ball * forward)
    np.testing.assert_allclose(moved, 0.0, atol=1e-12)
    toe_tip = ankle[:, 2] + 0.19 * ANATOMY.scale * np.sin(tilt) - height * np.cos(tilt)
    np.testing.assert_allclose(toe_tip, 0.0, atol=1e-12)


def test_a_walk_leads_through_the_whole_middle_of_the_room():
    pelvis = move("walk", 20.0).xyz[:, INDEX["pelvis"]]
    for axis in range(2):
        assert pelvis[:, axis].min() < -0.95
        assert pelvis[:, axis].max() > 0.95
    assert np.linalg.norm(pelvis[:, :2], axis=1).min() < 0.55


@pytest.mark.parametrize("seed", range(6))
def test_a_programme_walks_two_thirds_of_its_time(seed: int):
    pelvis = move("programme", 30.0, seed).xyz[:, INDEX["pelvis"], :2]
    speed = np.linalg.norm(pelvis[RATE:] - pelvis[:-RATE], axis=1)
    walking = (speed > 0.4).mean() * 30.0
    assert 15.0 < walking < 25.0


@pytest.mark.parametrize("name", IN_PLACE_MOTIONS)
def test_every_motion_begins_and_ends_in_the_relaxed_stance(name: str):
    ends = IN_PLACE_MOTIONS[name].write(np.array([0.0, 1.0])).posture(ANATOMY)
    stance = Draft(2).posture(ANATOMY)
    for field in (
        "pelvis_m",
        "pelvis_deg",
        "spine_deg",
        "neck_deg",
        "arm_deg",
        "elbow_deg",
        "ankle_m",
        "foot_deg",
    ):
        np.testing.assert_allclose(
            getattr(ends, field), getattr(stance, field), atol=1e-6, err_msg=field
        )


def test_standing_still_moves_by_millimetres_only():
    xyz = move("stand", 10.0).xyz
    assert np.ptp(xyz, axis=0).max() < 0.04


def test_there_are_at_least_sixteen_motions():
    assert len(MOTIONS) >= 16


def test_a_programme_is_the_same_for_the_same_seed_and_another_for_another():
    first, again, other = (move("programme", 6.0, seed).xyz for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


def test_a_posture_does_not_depend_on_the_order_in_which_times_are_asked_for():
    performance = perform("programme", 20.0)
    time = np.array([12.0, 3.0, 7.5, 0.0, 19.0])
    shuffled = performance.posture(time).ankle_m
    for i, instant in enumerate(time):
        np.testing.assert_allclose(
            performance.posture(np.array([instant])).ankle_m[0], shuffled[i], atol=1e-12
        )
