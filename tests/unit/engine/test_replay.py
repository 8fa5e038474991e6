"""Replay: stored 2D poses in place of a network."""

import pytest

from engine.errors import SessionError
from engine.frames import FrameSet
from engine.inference.replay import Replay, framesets_without_images
from tests.support.pose_sets import pose_sets_2d


def test_each_frameset_gets_the_poses_that_were_stored_for_it():
    stored = pose_sets_2d(5)
    replay = Replay(reversed(stored))
    assert [replay(frames) for frames in framesets_without_images(stored)] == stored


def test_framesets_without_images_carry_index_time_and_views():
    frames = next(framesets_without_images(pose_sets_2d(1, views=4)))
    assert frames.frames == (None,) * 4


@pytest.mark.parametrize("frames", [FrameSet(9, 0, ()), FrameSet(1, 5, ())])
def test_images_of_another_take_are_refused(frames):
    with pytest.raises(SessionError, match=f"frameset {frames.index}"):
        Replay(pose_sets_2d(3))(frames)
