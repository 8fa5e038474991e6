"""Which camera of a rig file belongs to which video."""

from dataclasses import replace
from pathlib import Path

import pytest

from calibration.rig import Rig, RigFileError
from engine.offline.match_rig import match_lenses, match_rig
from tests.support import scenes

FILE = Path("rig.toml")
SIZE = (640, 480)


def test_cameras_are_found_by_name_whatever_the_order():
    rig = scenes.make_square_rig(3)
    found = match_rig(rig, ("cam_2", "cam_0"), [SIZE] * 2, FILE)
    assert found[0].focal_px == rig["cam_2"].focal_px
    assert found[1].focal_px == rig["cam_0"].focal_px


def test_cameras_of_other_names_are_taken_in_their_order_with_their_clocks():
    rig = replace(scenes.make_square_rig(2), time_offset_ns={"cam_1": 4_000_000})
    found = match_rig(rig, ("left", "right"), [SIZE] * 2, FILE)
    assert found.names == ("left", "right")
    assert found[1].focal_px == rig[1].focal_px
    assert found.time_offset_ns["right"] == 4_000_000


def test_a_rig_for_another_image_size_is_refused_with_both_sizes():
    with pytest.raises(RigFileError, match=r"640x480.*1280x720"):
        match_rig(scenes.make_square_rig(2), ("cam_0", "cam_1"), [SIZE, (1280, 720)], FILE)


@pytest.mark.parametrize("views", [("a", "b", "c"), ("cam_0", "stranger")])
def test_a_rig_that_does_not_fit_the_videos_is_refused_with_both_lists(views: tuple[str, ...]):
    with pytest.raises(RigFileError, match="cam_0, cam_1") as caught:
        match_rig(scenes.make_square_rig(2), views, [SIZE] * len(views), FILE)
    assert views[-1] in str(caught.value)


def test_a_view_that_is_not_among_known_lenses_has_an_unknown_one():
    rig = scenes.make_square_rig(2)
    lenses = match_lenses(rig, ("cam_1", "new"), FILE)
    assert lenses == (rig["cam_1"], None)


def test_lenses_of_other_names_are_taken_in_their_order():
    rig = scenes.make_square_rig(2)
    assert match_lenses(rig, ("left", "right"), FILE) == rig.cameras


def test_lenses_that_cannot_be_matched_are_refused():
    with pytest.raises(RigFileError, match="2 cameras"):
        match_lenses(Rig(scenes.make_square_rig(2).cameras), ("a", "b", "c"), FILE)
