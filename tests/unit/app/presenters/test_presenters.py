"""State for the views, computed from reality without widgets."""

from dataclasses import replace

import numpy as np
import pytest

from app.presenters.calibration import present_calibration
from app.presenters.cameras import present_cameras
from app.presenters.room import TRAIL_FRAMESETS, present_room
from app.presenters.severity import Severity
from engine.frames import FrameSet
from tests.support import scenes


def test_before_a_calibration_the_panel_says_what_to_do():
    card = present_calibration(None)
    assert card.headline == "Not calibrated yet"
    assert "Walk" in card.next_step


@pytest.mark.parametrize(
    ("verdict", "tone"),
    [("accepted", Severity.GOOD), ("usable", Severity.WARNING), ("refused", Severity.ERROR)],
)
def test_each_verdict_has_its_tone(verdict: str, tone: Severity):
    assert (
        present_calibration(scenes.make_report(scenes.make_square_rig(), verdict)).severity is tone
    )


def test_a_refused_rig_shows_no_numbers_that_could_be_believed():
    assert present_calibration(scenes.make_report(scenes.make_square_rig(), "refused")).rows == ()


def test_a_doubtful_camera_stands_out():
    report = scenes.make_report(scenes.make_square_rig())
    doubtful = replace(report.cameras[1], rotation_sigma_deg=1.4)
    card = present_calibration(replace(report, cameras=(report.cameras[0], doubtful)))
    assert [row.severity for row in card.rows] == [Severity.GOOD, Severity.WARNING]
    assert card.rows[1].direction == "± 1.40°"


def test_unknown_numbers_are_dashes_and_never_nan():
    card = present_calibration(
        replace(scenes.make_report(scenes.make_square_rig()), holdout_median_px=float("nan"))
    )
    assert card.facts[0] == ("Held-out error", "–")


def test_a_camera_without_image_says_so_and_shows_nobody():
    rig = scenes.make_square_rig(2)
    frames = scenes.make_frames(rig, 3)
    frames = FrameSet(frames.index, frames.timestamp_ns, (frames.frames[0], None))
    tiles = present_cameras(rig.names, frames, scenes.make_poses_2d(rig, 3), {"cam_0": "30.0 fps"})
    assert (tiles[0].severity, tiles[0].detail) == (Severity.GOOD, "30.0 fps")
    assert (tiles[1].image_bgr, tiles[1].people, tiles[1].message) == (
        None,
        (),
        "No image for this frame",
    )


def test_cameras_that_have_not_begun_are_waited_for():
    tiles = present_cameras(("left", "right"), None, None, {})
    assert [tile.message for tile in tiles] == ["Waiting for the first image"] * 2


def test_without_a_rig_the_room_says_what_to_do():
    scene = present_room(None, scenes.load_walker_skeleton(), [])
    assert scene.rig is None
    assert "walk" in scene.message


def test_the_trail_is_where_the_hips_were_and_has_an_end():
    recent = [scenes.make_poses_3d(index) for index in range(TRAIL_FRAMESETS + 40)]
    scene = present_room(scenes.make_square_rig(), scenes.load_walker_skeleton(), recent)
    hips = scenes.load_walker_skeleton().indices(("left_hip", "right_hip"))
    assert scene.trail_xy_m is not None
    assert scene.trail_xy_m.shape == (TRAIL_FRAMESETS, 2)
    np.testing.assert_allclose(scene.trail_xy_m[-1], recent[-1].people[0].xyz[hips, :2].mean(0))
    assert scene.people is recent[-1].people


def test_the_trail_has_a_gap_where_nobody_was_found():
    recent = [
        scenes.make_poses_3d(0),
        replace(scenes.make_poses_3d(1), people=()),
        scenes.make_poses_3d(2),
    ]
    trail = present_room(scenes.make_square_rig(), scenes.load_walker_skeleton(), recent).trail_xy_m
    assert trail is not None
    assert np.isnan(trail[:, 0]).tolist() == [False, True, False]
