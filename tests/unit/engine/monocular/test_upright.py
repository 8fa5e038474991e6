"""Up before an uncalibrated camera: learned from people who stand upright, exactly or nearly."""

import numpy as np
import pytest

from engine.monocular.upright import (
    EVERY_NS,
    MAX_INSTANTS,
    MIN_INSTANTS,
    PLAUSIBLE_PITCH_DEG,
    PLAUSIBLE_ROLL_DEG,
    FloorEstimator,
    clip_to_plausible,
    pitch_roll_from_up,
    up_from_pitch_roll,
)
from engine.reconstruction.body_size import LIMBS

ANKLE_M, CAMERA_M = 0.07, 1.6
HEIGHTS_M = {
    "ankle": ANKLE_M,
    "knee": 0.49,
    "hip": 0.92,
    "shoulder": 1.43,
    "elbow": 1.14,
    "wrist": 0.88,
}
STANDING = np.array([[0.0, 0.15 if joint.startswith("left") else -0.15, 0.0] for joint in LIMBS])
STANDING[:, 2] = [
    HEIGHTS_M[joint.split("_")[1]] for joint in LIMBS
]  # m: forwards, to the left, above the floor
BY_NAME = {joint: LIMBS.index(joint) for joint in LIMBS}


def tilted(pitch_deg, roll_deg):
    return up_from_pitch_roll(np.radians(pitch_deg), np.radians(roll_deg))


def before_camera(body, place, up):
    """Place a body (12, 3) on the floor, m right of the camera and away from it."""
    away = np.array([0.0, 0.0, 1.0]) - up[2] * up
    away /= np.linalg.norm(away)
    right = np.cross(-up, away)
    floor = -CAMERA_M * up
    return floor + body @ np.stack([-away, right, up]) + place[0] * right + place[1] * away


def leaning(limbs, degrees):
    """Turn a body (12, 3) about its ankles, away from the camera, as a model's depth errs."""
    ankles = limbs[[BY_NAME["left_ankle"], BY_NAME["right_ankle"]]].mean(0)
    sight = ankles / np.linalg.norm(ankles)
    above = np.linalg.norm(limbs - ankles, axis=-1, keepdims=True)
    return limbs + np.tan(np.radians(degrees)) * above * sight


def places(count, seed=0):
    return np.random.default_rng(seed).uniform([-1.2, 2.5], [1.2, 4.5], (count, 2))


def shown(bodies):
    upright = FloorEstimator()
    for t, limbs in enumerate(bodies):
        upright.put(limbs, t * EVERY_NS)
    return upright


def floor_of(upright):
    floor = upright.estimate_floor(ANKLE_M)
    assert floor is not None
    return floor


def miss_deg(upright, up):
    return float(np.degrees(np.arccos(np.clip(floor_of(upright).up @ up, -1, 1))))


HELD = [(0, 0), (5.9, -0.1), (18.9, -0.9), (-12, 4), (30, -8)]


@pytest.mark.parametrize(("pitch_deg", "roll_deg"), HELD)
def test_people_who_stand_here_and_there_say_where_the_floor_is(pitch_deg, roll_deg):
    up = tilted(pitch_deg, roll_deg)
    upright = shown(before_camera(STANDING, place, up) for place in places(40))
    assert miss_deg(upright, up) < 0.8
    assert floor_of(upright).height_m == pytest.approx(CAMERA_M, abs=0.05)


@pytest.mark.parametrize(("pitch_deg", "roll_deg"), HELD)
def test_a_network_that_lets_everybody_lean_is_corrected_by_the_image_and_the_feet(
    pitch_deg, roll_deg
):
    up = tilted(pitch_deg, roll_deg)
    upright = shown(leaning(before_camera(STANDING, place, up), 8.0) for place in places(40))
    assert miss_deg(upright, up) < 2.5  # degrees; by the network alone 8


def test_a_person_who_stays_in_one_place_counts_as_much_as_the_depth_of_their_model():
    up = tilted(15, 2)
    upright = shown(before_camera(STANDING, (0.1, 3.0), up) for _ in range(20))
    assert miss_deg(upright, up) < 2.0
    assert (
        miss_deg(
            shown(leaning(before_camera(STANDING, (0.1, 3.0), up), 6.0) for _ in range(20)), up
        )
        < 7.5
    )


def test_some_instants_that_are_far_off_turn_nobody():
    up, random = tilted(15, 2), np.random.default_rng(5)
    bodies = [before_camera(STANDING, place, up) for place in places(40)]
    for t in range(0, 40, 5):
        askew = tilted(15 + 25 * random.choice([-1, 1]), 2 + 15 * random.choice([-1, 1]))
        bodies[t] = before_camera(STANDING, places(1, t)[0], askew)
    assert miss_deg(shown(bodies), up) < 1.5


def test_nothing_is_said_before_three_seconds_however_often_one_looks():
    body, upright = before_camera(STANDING, (0.0, 3.0), tilted(10, 0)), FloorEstimator()
    for t_ns in range(0, (MIN_INSTANTS - 1) * EVERY_NS, 33_000_000):
        upright.put(body, t_ns)
    assert upright.estimate_floor(ANKLE_M) is None
    upright.put(body, MIN_INSTANTS * EVERY_NS)
    assert upright.estimate_floor(ANKLE_M) is not None
    upright.reset()
    assert upright.estimate_floor(ANKLE_M) is None


def sitting(body):
    """Bend the knees to 90 degrees: hips are as high as the knees, and behind them."""
    body = body.copy()
    above_knees = [
        i for i, joint in enumerate(LIMBS) if joint.split("_")[1] not in ("knee", "ankle")
    ]
    body[above_knees] += [-0.43, 0.0, -0.43]
    return body


def lying(body):
    return body[:, [2, 1, 0]] + [0.0, 0.0, 0.1]


def across(body):
    """Lie from one side of the image to the other."""
    return body[:, [0, 2, 1]] + [0.0, 0.0, 0.2]


def bowing(body):
    body = body.copy()
    upper = [
        i for i, joint in enumerate(LIMBS) if joint.split("_")[1] not in ("hip", "knee", "ankle")
    ]
    body[upper] = body[upper, :][:, [2, 1, 0]] + [-0.92, 0.0, 0.92]
    return body


def without_feet(body):
    body = body.copy()
    body[[BY_NAME["left_ankle"], BY_NAME["right_ankle"]]] = np.nan
    return body


@pytest.mark.parametrize("posture", [sitting, lying, across, bowing, without_feet])
def test_who_does_not_stand_or_is_not_seen_whole_says_nothing(posture):
    upright = shown(before_camera(posture(STANDING), place, tilted(10, 0)) for place in places(20))
    assert upright.estimate_floor(ANKLE_M) is None


def test_a_camera_that_is_tilted_anew_is_followed_after_a_minute():
    first, second = tilted(5, 0), tilted(20, 0)
    upright = shown(
        before_camera(STANDING, place, first if t < 30 else second)
        for t, place in enumerate(places(30 + MAX_INSTANTS))
    )
    assert miss_deg(upright, second) < 0.8
    assert len(upright._instants) == MAX_INSTANTS


def test_no_camera_is_tilted_or_rolled_by_more_than_is_believable():
    upright = shown(before_camera(STANDING, place, tilted(46, 0)) for place in places(40))
    assert np.degrees(pitch_roll_from_up(floor_of(upright).up)[0]) == pytest.approx(
        PLAUSIBLE_PITCH_DEG
    )
    held = np.degrees(pitch_roll_from_up(clip_to_plausible(tilted(-60, 25))))
    assert held == pytest.approx([-PLAUSIBLE_PITCH_DEG, PLAUSIBLE_ROLL_DEG])


def test_pitch_and_roll_say_up_and_up_says_them():
    for pitch, roll in np.random.default_rng(1).uniform(-1.2, 1.2, (50, 2)).tolist():
        up = up_from_pitch_roll(pitch, roll)
        assert np.linalg.norm(up) == pytest.approx(1.0)
        assert pitch_roll_from_up(up) == pytest.approx((pitch, roll))
    assert pitch_roll_from_up(np.array([0.0, -1.0, 0.0])) == (0.0, 0.0)
