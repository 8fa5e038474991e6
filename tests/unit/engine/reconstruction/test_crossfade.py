"""No jump where the room's own measurement and one camera's guess take turns."""

import numpy as np

from engine.poses import JointSource, Pose3D, PoseSet3D, derive_source
from engine.reconstruction.crossfade import FADE_NS, GuessCrossfade

STEP_NS = 33_000_000
GUESS_IS_OFF = np.array([0.0, 0.2, 0.0])


def pose(t, views, off=(0.0, 0.0, 0.0)):
    """Return a person of three joints who walks along x at 1 m/s."""
    xyz = np.array([[t * STEP_NS * 1e-9, 0, z] for z in (1, 2, 3)]) + np.asarray(off)
    covariance = np.tile(1e-4 * np.eye(3), (3, 1, 1))
    view_count = np.full(3, views)
    source = derive_source(view_count)
    person = Pose3D(0, xyz, np.full(3, 0.9), covariance, view_count, source)
    return PoseSet3D(t, t * STEP_NS, (person,))


def there_and_back():
    """Ten instants measured, thirty guessed 0.2 m beside, thirty measured."""
    return [pose(t, 1, GUESS_IS_OFF) if 10 <= t < 40 else pose(t, 3) for t in range(70)]


def test_nothing_jumps_when_a_guess_takes_over_and_when_it_ends():
    handover = GuessCrossfade()
    shown = np.array([handover(poses).people[0].xyz for poses in there_and_back()])
    steps = np.linalg.norm(np.diff(shown, axis=0), axis=-1)
    assert (
        steps.max() < 0.07
    )  # m; 0.033 walked and at most 0.034 of the 0.2 faded: without the fade 0.203
    assert steps.min() >= 0


def test_who_walks_on_does_not_stop_for_an_image_where_a_guess_takes_over():
    handover = GuessCrossfade()
    shown = np.array([handover(poses).people[0].xyz for poses in there_and_back()])
    along = np.diff(shown[..., 0], axis=0)
    np.testing.assert_allclose(
        along, STEP_NS * 1e-9, atol=1e-9
    )  # m; what is off beside the walk is faded beside it


def test_after_the_fade_everything_is_where_it_is():
    handover = GuessCrossfade()
    sets = there_and_back()
    shown = [handover(poses) for poses in sets]
    faded = FADE_NS // STEP_NS + 1
    for t in (*range(10), *range(10 + faded, 40), *range(40 + faded, 70)):
        assert shown[t] is sets[t]


def test_a_joint_that_is_faded_says_how_far_it_may_be_off():
    handover = GuessCrossfade()
    shown = [handover(poses).people[0] for poses in there_and_back()]
    beside = shown[11].xyz[0] - pose(11, 1, GUESS_IS_OFF).people[0].xyz[0]
    assert beside @ shown[11].covariance[0] @ beside >= (beside @ beside) ** 2
    assert np.trace(shown[30].covariance[0]) < 4e-4


def test_only_the_joints_that_change_are_faded():
    handover = GuessCrossfade()
    handover(pose(0, 3))
    mixed = pose(1, 3, GUESS_IS_OFF)
    mixed.people[0].source[1] = JointSource.GUESSED
    moved = handover(mixed).people[0].xyz - mixed.people[0].xyz
    assert np.abs(moved[[0, 2]]).max() == 0
    assert abs(moved[1, 1] + 0.2) < 1e-12


def test_who_was_away_for_long_appears_where_they_are():
    handover = GuessCrossfade()
    handover(pose(0, 3))
    late = pose(20, 1, GUESS_IS_OFF)
    assert handover(late) is late


def test_a_joint_that_was_shown_once_has_no_speed_to_go_on_with():
    handover = GuessCrossfade()
    handover(pose(0, 3))
    assert np.allclose(handover(pose(1, 1, GUESS_IS_OFF)).people[0].xyz, pose(0, 3).people[0].xyz)


def test_a_joint_that_is_missing_stays_missing():
    handover = GuessCrossfade()
    handover(pose(0, 3))
    poses = pose(1, 1, GUESS_IS_OFF)
    poses.people[0].xyz[2] = np.nan
    shown = handover(poses).people[0].xyz
    assert np.isnan(shown[2]).all()
    assert np.isfinite(shown[:2]).all()
