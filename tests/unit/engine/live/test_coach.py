from dataclasses import replace

import numpy as np
import pytest

from engine.live.coach import advise, advise_refinement, compute_view_overlap
from engine.live.motion_accumulator import Motion

GOOD = Motion(
    view_names=("left", "middle", "right"),
    seconds=10.0,
    coverage=np.ones((3, 3, 4)),
    shared_s=np.full((3, 3), 9.0),
    places=np.full(3, 12),
    depth=np.full(3, 2.0),
    sides=np.full(3, 3),
    arms=np.ones(3),
    visible=np.ones(3, bool),
    feet_visible=np.ones(3, bool),
    is_moving=True,
    crowded=np.zeros(3, bool),
)


def seen_by(*views: bool):
    return np.array(views)


def together(*pairs: tuple[int, int, float]):
    seconds = np.zeros((3, 3))
    for a, b, s in pairs:
        seconds[a, b] = seconds[b, a] = s
    np.fill_diagonal(seconds, seconds.max(1))
    return seconds


def test_enough_motion_seen_by_all_is_enough():
    advice = advise(GOOD, 6.0)
    assert advice.is_enough
    assert advice.progress == 1.0


@pytest.mark.parametrize(
    ("change", "headline", "instruction"),
    [
        ({"visible": seen_by(False, False, False)}, "Nobody in view", "Step into the room"),
        (
            {"crowded": seen_by(False, True, False)},
            "Two people in view",
            "in view of 'middle'. One person",
        ),
        ({"visible": seen_by(True, False, False)}, "Only 'left' sees you", "sees you too"),
        (
            {"feet_visible": seen_by(False, False, True)},
            "Your feet",
            "Step back, so that 'left' and 'middle'",
        ),
        ({"is_moving": False}, "You stand still", "Walk around"),
        ({"depth": np.array([2.0, 1.1, 2.0])}, "Walk", "Walk towards camera 'middle', and back."),
        ({"places": np.array([12, 12, 2])}, "Walk", "all sides"),
        ({"sides": np.ones(3)}, "Walk", "Turn around once."),
        ({"arms": np.full(3, 0.2)}, "Walk", "Raise both arms, and lower them."),
        ({}, "Walk", "Keep walking: 2 s more."),
    ],
)
def test_the_coach_names_what_is_missing(change, headline, instruction):
    advice = advise(replace(GOOD, **change), 12.0)
    assert advice.headline.startswith(headline)
    assert instruction in advice.instruction
    assert not advice.is_enough


def test_a_camera_that_saw_nobody_yet_is_named():
    advice = advise(replace(GOOD, shared_s=together((0, 1, 9.0))), 6.0)
    assert advice.instruction == "Camera 'right' has not seen you yet: walk to where it looks."
    assert not advice.is_enough
    assert advice.progress == pytest.approx(0.7 + 0.3 * 2 / 3)


def test_cameras_that_never_saw_the_person_at_once_are_not_enough():
    four = replace(
        GOOD,
        view_names=("a", "b", "c", "d"),
        shared_s=np.kron(np.eye(2), np.full((2, 2), 9.0)),
        visible=np.ones(4, bool),
        feet_visible=np.ones(4, bool),
        crowded=np.zeros(4, bool),
    )
    advice = advise(four, 6.0)
    assert not advice.is_enough
    assert "both see you" in advice.instruction


def test_the_person_is_sent_to_the_camera_that_needs_them_most():
    motion = replace(GOOD, visible=seen_by(True, False, False), shared_s=together((0, 1, 2.5)))
    assert advise(motion, 6.0).instruction == "Walk to where 'right' sees you too."


def test_another_person_in_view_comes_before_everything_but_an_empty_room():
    crowded = replace(
        GOOD,
        crowded=seen_by(True, True, True),
        is_moving=False,
        feet_visible=seen_by(False, False, False),
    )
    assert advise(crowded, 12.0).headline == "Two people in view"


def test_progress_grows_with_time_and_with_the_views_that_share_the_person():
    progress = [
        advise(replace(GOOD, seconds=s, shared_s=np.full((3, 3), s)), 6.0).progress
        for s in (0, 1, 2, 3, 4.5, 6)
    ]
    assert progress == sorted(progress)
    assert progress[0] == 0
    assert progress[-1] == 1


def test_what_two_views_share_is_a_share_of_what_is_enough():
    shared = compute_view_overlap(replace(GOOD, shared_s=together((0, 1, 1.5), (1, 2, 60.0))))
    assert shared[0, 1] == 0.5
    assert shared[1, 2] == 1
    assert shared[0, 2] == 0
    assert (np.diag(shared) == 1).all()


def test_the_image_with_most_room_left_is_named_once_a_rig_is_in_use():
    coverage = GOOD.coverage.copy()
    coverage[1, :, :3] = 0
    assert "'middle'" in advise_refinement(replace(GOOD, coverage=coverage))
    assert "whole room" in advise_refinement(GOOD)


def test_instructions_are_short_enough_to_be_read_across_a_room():
    for change in (
        {"visible": ~GOOD.visible},
        {"crowded": GOOD.visible},
        {"feet_visible": ~GOOD.feet_visible},
        {"is_moving": False},
        {},
    ):
        advice = advise(replace(GOOD, **change), 30.0)
        assert len(advice.instruction) <= 80
        assert len(advice.headline) <= 30
