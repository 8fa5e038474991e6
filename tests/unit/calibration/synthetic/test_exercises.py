import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.synthetic.body import SKELETON, complete_body
from calibration.synthetic.exercises import EXERCISES, HIDDEN_BY_TABLE, sit_at_table
from calibration.synthetic.walker import Walker, walk_room
from calibration.synthetic.wander import wander

TIME_S = np.arange(0, 60, 0.05)
FEET = ("ankle", "heel", "foot_index")


def joints(xyz, *names):
    return xyz[:, SKELETON.indices(names)]


@pytest.mark.parametrize("name", EXERCISES)
@settings(max_examples=10, deadline=None)
@given(stature_m=st.floats(1.5, 2.0), phase_rad=st.floats(0, 6.3))
def test_feet_are_planted_exactly_and_bones_keep_their_lengths(name, stature_m, phase_rad):
    xyz = EXERCISES[name](Walker(stature_m, (0.4, -1.0), phase_rad=phase_rad), TIME_S)
    assert np.isfinite(xyz).all()
    feet = joints(xyz, *(f"{side}_{joint}" for side in ("left", "right") for joint in FEET))
    np.testing.assert_allclose(feet, np.broadcast_to(feet[0], feet.shape), atol=1e-12)
    for a, b in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist")):
        ends = joints(xyz, f"left_{a}", f"left_{b}")
        assert np.ptp(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=-1)) < 1e-9


@pytest.mark.parametrize(("name", "least_m"), [("squat", 0.25), ("lunge", 0.15)])
def test_the_hips_go_up_and_down(name, least_m):
    hips = joints(EXERCISES[name](Walker(), TIME_S), "left_hip", "right_hip")
    assert np.ptp(hips[..., 2].mean(1)) > least_m


def test_behind_a_table_hands_move_and_legs_are_hidden():
    xyz = sit_at_table(Walker(), TIME_S)
    assert np.ptp(joints(xyz, "left_wrist")[:, 0], axis=0).max() > 0.2
    assert {"left_knee", "right_ankle"} <= set(HIDDEN_BY_TABLE)
    assert "left_hip" not in HIDDEN_BY_TABLE


def measure_repetition_m(motion) -> float:
    """Least mean distance of the hips' path from itself, some seconds later and turned."""
    walk = joints(motion(Walker(), np.arange(0, 40, 0.1)), "left_hip", "right_hip").mean(1)
    path = walk[:, 0] + 1j * walk[:, 1]
    misfits = []
    for later in range(30, 200):
        early, late = path[:200], path[later : later + 200]
        turn = np.vdot(early, late)
        misfits.append(np.mean(np.abs(late - early * turn / abs(turn))))
    return min(misfits)


def test_a_wander_never_repeats_itself_turned_and_the_rosette_does():
    assert measure_repetition_m(walk_room) < 0.05
    assert measure_repetition_m(wander) > 0.2


@pytest.mark.parametrize("phase_rad", [0.0, 1.0, 2.0, 4.0])
def test_a_wanderer_walks_and_never_spins(phase_rad):
    xyz = wander(Walker(phase_rad=phase_rad), TIME_S)
    hips = joints(xyz, "left_hip", "right_hip")
    speed = np.linalg.norm(np.diff(hips.mean(1)[:, :2], axis=0), axis=-1) / 0.05
    assert 0.2 < speed.min() < speed.max() < 1.5
    across = hips[:, 0] - hips[:, 1]
    turned = np.diff(np.unwrap(np.arctan2(across[:, 1], across[:, 0])))
    assert np.degrees(np.abs(turned).max() / 0.05) < 180


def test_limbs_are_completed_to_a_body_like_that_of_a_walker():
    true = wander(Walker(1.75), TIME_S)
    limbs = joints(
        true,
        *(
            f"{side}_{joint}"
            for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
            for side in ("left", "right")
        ),
    )
    made = complete_body(limbs, 1.75)
    np.testing.assert_allclose(made[:, 11:17], true[:, 11:17])
    assert np.linalg.norm(made[:, 0] - true[:, 0], axis=-1).max() < 0.03
    assert np.linalg.norm(made[:, 31] - true[:, 31], axis=-1).max() < 0.12
