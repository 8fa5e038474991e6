"""What the window says of the live program, without widgets."""

from dataclasses import replace
from math import nan

import numpy as np
import pytest

from app.duration import format_whole_minutes
from app.presenters.camera_settings import format_mode
from app.presenters.coaching import present_coaching
from app.presenters.live import LiveContext, Trail, present_live
from app.presenters.live_status import present_status
from app.presenters.plots import PlotHistory, measure_reprojection_error_px, present_plots
from app.presenters.room import TRAIL_FRAMESETS
from app.presenters.severity import Severity
from app.presenters.window import Notice, RecordingPhase
from engine.capture.state import CameraPhase
from engine.frames import Frame, FrameSet, Jpeg
from engine.live.state import CalibrationPhase, CalibrationState, LiveState, MonocularState
from engine.monocular.guessed_room import guess_rig
from engine.poses import JointSource, PoseSet3D
from tests.support import live_scenes, scenes

DEVELOPER_WORDS = (
    "frameset",
    "skew",
    "mailbox",
    "queue",
    "nan",
    "None",
    "null",
    "estimate",
    "pose_",
)


def words_of(state) -> str:
    """Collect everything that would be written on the screen."""
    card, coaching = state.calibration, state.room.coaching
    parts = [
        state.title,
        card.headline,
        card.message,
        card.next_step,
        *(text for fact in card.facts for text in fact),
    ]
    parts += [text for item in state.status for text in (item.label, item.value, item.tip)]
    parts += [text for tile in state.cameras for text in (tile.detail, tile.message, tile.warning)]
    parts += [coaching.headline, coaching.instruction] if coaching else []
    return "\n".join(parts)


@pytest.mark.parametrize("phase", list(CalibrationPhase))
@pytest.mark.parametrize("camera_phase", list(CameraPhase))
def test_no_developer_word_reaches_the_screen(phase: CalibrationPhase, camera_phase: CameraPhase):
    camera = replace(live_scenes.make_camera_state("left", camera_phase), rate_fps=nan, age_ms=nan)
    state = live_scenes.make_live_state(
        CalibrationState(phase), cameras=(camera, live_scenes.make_camera_state("right"))
    )
    state = replace(state, recording=live_scenes.make_recording_state(3), pose_hz=nan, skew_ms=nan)
    shown = words_of(present_live(state, None, live_scenes.make_window_state()))
    assert not [word for word in DEVELOPER_WORDS if word in shown]


def test_before_any_camera_the_window_says_what_comes_first_and_starts_nothing():
    window = present_live(LiveState(), None, live_scenes.make_window_state(running=False))
    assert window.room.coaching is not None
    assert "Add two or more cameras" in window.room.coaching.instruction
    assert window.controls is not None
    assert not any(
        (window.controls.can_start, window.controls.can_record, window.controls.can_calibrate)
    )


def test_one_camera_is_told_why_there_is_no_room():
    state = live_scenes.make_live_state(
        CalibrationState(), cameras=live_scenes.make_camera_states(1)
    )
    window = present_live(
        state, live_scenes.make_result(None, count=1), live_scenes.make_window_state()
    )
    assert window.room.coaching is not None
    assert window.room.coaching.headline == "One camera cannot see depth"
    assert window.cameras[0].image_bgr is not None
    assert window.controls is not None
    assert not window.controls.can_calibrate


def test_a_lost_camera_keeps_its_last_image_says_why_and_can_be_tried_again():
    lost = live_scenes.make_camera_state(
        "cam_1", CameraPhase.LOST, "Camera 'cam_1' is gone. Plug it in again."
    )
    state = live_scenes.make_live_state(cameras=(live_scenes.make_camera_state("cam_0"), lost))
    tile = present_live(
        state, live_scenes.make_result(None), live_scenes.make_window_state()
    ).cameras[1]
    assert (tile.message, tile.severity, tile.can_retry, tile.keeps_image) == (
        lost.message,
        Severity.ERROR,
        True,
        True,
    )
    assert tile.image_bgr is None
    assert tile.people == ()


def test_a_camera_that_missed_one_instant_is_not_alarmed_about():
    result = live_scenes.make_result(None)
    frames = FrameSet(9, result.frames.timestamp_ns, (None, *result.frames.frames[1:]))
    tile = present_live(
        live_scenes.make_live_state(),
        replace(result, frames=frames),
        live_scenes.make_window_state(),
    ).cameras[0]
    assert (tile.message, tile.keeps_image, tile.severity) == ("", True, Severity.GOOD)


def test_a_damaged_image_leaves_the_last_one():
    result = live_scenes.make_result(None)
    torn = Jpeg(b"\xff\xd8 torn", (640, 480))
    broken = Frame("cam_0", 9, result.frames.timestamp_ns, torn)
    frames = FrameSet(9, result.frames.timestamp_ns, (broken, *result.frames.frames[1:]))
    tiles = present_live(
        live_scenes.make_live_state(),
        replace(result, frames=frames),
        live_scenes.make_window_state(),
    ).cameras
    assert tiles[0].image_bgr is None
    assert tiles[1].image_bgr is not None


def test_a_camera_added_later_gets_the_image_of_its_name():
    state = live_scenes.make_live_state(
        cameras=(live_scenes.make_camera_state("new"), *live_scenes.make_camera_states(4))
    )
    tiles = present_live(
        state, live_scenes.make_result(None), live_scenes.make_window_state()
    ).cameras
    assert tiles[0].image_bgr is None
    assert all(tile.image_bgr is not None for tile in tiles[1:])


def test_an_automatic_that_is_on_shows_at_the_camera():
    tile = present_live(
        live_scenes.make_live_state(),
        None,
        live_scenes.make_window_state(settings=(live_scenes.make_camera_settings(),)),
    ).cameras[0]
    assert "exposure by itself" in tile.warning
    assert tile.severity is Severity.WARNING


def test_people_of_another_rig_are_not_drawn_in_this_room():
    rig, older = scenes.make_square_rig(), scenes.make_square_rig(3)
    look = live_scenes.make_window_state()
    state = live_scenes.make_live_state(live_scenes.make_calibrated(rig))
    assert present_live(state, live_scenes.make_result(older), look).room.people == ()
    assert len(present_live(state, live_scenes.make_result(rig), look).room.people) == 1


def test_the_trail_is_bounded_and_begins_anew_with_a_new_rig():
    trail, rig = Trail(scenes.load_walker_skeleton()), scenes.make_square_rig()
    first = live_scenes.make_result(rig)
    for _ in range(TRAIL_FRAMESETS + 9):
        trail.put(first)
    assert trail.xy_m().shape == (TRAIL_FRAMESETS, 2)
    nobody = replace(first, poses_3d=PoseSet3D(1, 1, ()))
    trail.put(nobody)
    assert np.isnan(trail.xy_m()[-1]).all()
    trail.put(live_scenes.make_result(scenes.make_square_rig()))
    assert len(trail.xy_m()) == 1


def test_a_verdict_stays_while_more_motion_refines_it():
    rig = scenes.make_square_rig()
    refining = replace(
        live_scenes.make_watching_calibration(),
        report=scenes.make_report(rig, "usable"),
        rig=rig,
        rig_source="now",
    )
    card = present_live(
        live_scenes.make_live_state(refining), None, live_scenes.make_window_state()
    ).calibration
    assert card.headline == "Calibrated, limited accuracy"
    assert card.next_step == refining.instruction
    assert card.coaching is not None
    assert card.rig_source == "now"


def test_a_rig_from_a_file_is_calibrated_without_a_report():
    state = CalibrationState(
        CalibrationPhase.CALIBRATED, 1.0, rig=scenes.make_square_rig(), rig_source="studio.toml"
    )
    card = present_live(
        live_scenes.make_live_state(state), None, live_scenes.make_window_state()
    ).calibration
    assert (card.severity, card.rig_source) == (Severity.GOOD, "studio.toml")


def test_a_refusal_says_its_reason_and_what_to_do():
    report = scenes.make_report(scenes.make_square_rig(), "refused")
    refused = replace(
        live_scenes.make_watching_calibration(), phase=CalibrationPhase.REFUSED, report=report
    )
    window = present_live(
        live_scenes.make_live_state(refused), None, live_scenes.make_window_state()
    )
    assert window.calibration.message == report.reasons[0]
    assert window.calibration.next_step == refused.instruction
    assert window.calibration.rig_source == ""


def test_coaching_names_each_camera_and_each_two_of_them():
    card = present_coaching(live_scenes.make_watching_calibration(3), ("a", "b", "c"))
    assert card is not None
    assert [grid.name for grid in card.grids] == ["a", "b", "c"]
    assert [(pair.one, pair.other) for pair in card.pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert len(card.grids[0].cells) == 3
    assert present_coaching(CalibrationState(CalibrationPhase.CALIBRATED), ("a", "b")) is None


@pytest.mark.parametrize("progress", [nan, -1.0, 7.0])
def test_progress_stays_between_nothing_and_all(progress: float):
    card = present_coaching(
        replace(live_scenes.make_watching_calibration(), progress=progress), ("a", "b", "c", "d")
    )
    assert card is not None
    assert 0 <= card.progress <= 1


def test_the_countdown_and_the_recording_are_on_the_button():
    state = live_scenes.make_live_state()
    counting = present_live(state, None, live_scenes.make_window_state(countdown_s=2.2)).controls
    recording = present_live(
        replace(state, recording=live_scenes.make_recording_state(4)),
        None,
        live_scenes.make_window_state(),
    ).controls
    assert counting is not None
    assert recording is not None
    assert (counting.recording, counting.clock) == (RecordingPhase.COUNTING, "3")
    assert (recording.recording, recording.clock, recording.lossy) == (
        RecordingPhase.RECORDING,
        "1:12",
        True,
    )


def test_a_lossy_recording_is_said_in_red_and_the_disk_in_words():
    items = {
        item.label: item
        for item in present_status(
            live_scenes.make_live_state(recording=live_scenes.make_recording_state(12))
        )
    }
    assert (items["Recording"].value, items["Recording"].severity) == (
        "lost 12 images",
        Severity.ERROR,
    )
    assert items["Disk full in"].value == "2 h 13 min"
    assert format_whole_minutes(30) == "30 s"


def test_the_delay_names_each_step_when_asked():
    items = {item.label: item for item in present_status(live_scenes.make_live_state())}
    assert items["Latency"].value == "44 to 79 ms"
    assert "find the joints: 12 ms, 23 ms" in items["Latency"].tip


def test_the_programs_own_notice_comes_before_the_cameras():
    state = live_scenes.make_live_state(notices=("old", "newest"))
    assert present_live(state, None, live_scenes.make_window_state()).notice == Notice("newest")
    own = Notice("The disk is full.", Severity.ERROR)
    assert present_live(state, None, live_scenes.make_window_state(notice=own)).notice == own


def test_a_look_needs_no_more_than_a_skeleton_and_a_trail():
    skeleton = scenes.load_walker_skeleton()
    assert present_live(LiveState(), None, LiveContext(skeleton, Trail(skeleton))).title == ""


def test_the_history_keeps_a_minute_at_four_moments_a_second():
    history, state = PlotHistory(), live_scenes.make_live_state()
    taken = [history.put(index * 40_000_000, state, None) for index in range(2500)]
    assert 350 <= sum(taken) <= 400
    card = present_plots(history)
    at_s = card.plots[0].curves[0].at_s
    assert at_s[-1] == 0
    assert -61 <= at_s[0] < -59
    assert [curve.label for curve in card.plots[2].curves] == ["cam_0", "cam_1", "cam_2", "cam_3"]


def test_a_camera_that_came_later_has_a_gap_and_no_invented_values():
    history = PlotHistory()
    history.put(0, live_scenes.make_live_state(cameras=live_scenes.make_camera_states(1)), None)
    history.put(10**9, live_scenes.make_live_state(cameras=live_scenes.make_camera_states(2)), None)
    late = present_plots(history).plots[2].curves[1]
    assert np.isnan(late.value).tolist() == [True, False]


def test_no_history_has_no_curves():
    assert all(plot.curves == () for plot in present_plots(PlotHistory()).plots)


def test_the_error_of_a_true_rig_is_nothing_and_of_a_shifted_image_its_shift():
    rig = scenes.make_square_rig()
    result = live_scenes.make_result(rig)
    assert measure_reprojection_error_px(rig, result.poses_2d, result.poses_3d) == pytest.approx(
        0, abs=1e-6
    )
    views = tuple(
        tuple(replace(p, xy=p.xy + np.array([3, 4])) for p in people)
        for people in result.poses_2d.poses_by_view
    )
    shifted = replace(result.poses_2d, poses_by_view=views)
    assert measure_reprojection_error_px(rig, shifted, result.poses_3d) == pytest.approx(5)
    assert np.isnan(measure_reprojection_error_px(rig, shifted, PoseSet3D(1, 1, ())))


def test_a_mode_that_nobody_knows_stays_as_it_is():
    assert format_mode("1920x1080@59.94 h264") == "1920 × 1080, 59.94 fps, h264"
    assert format_mode("whatever") == "whatever"


def test_two_cameras_that_are_stopped_are_told_apart_from_two_that_are_not_there_yet():
    stopped = present_coaching(CalibrationState(), ("a", "b"), running=False)
    waiting = present_coaching(CalibrationState(), ("a", "b"))
    assert stopped is not None
    assert waiting is not None
    assert "Press Start" in stopped.instruction
    assert waiting.headline == "Waiting for the cameras"


def test_one_camera_with_a_network_shows_the_room_and_says_that_depth_is_a_guess():
    guess = guess_rig("cam_0", (640, 480))
    lift = MonocularState("compact (fake)", "cam_0")
    state = live_scenes.make_live_state(
        CalibrationState(), cameras=live_scenes.make_camera_states(1), monocular=lift
    )
    result = replace(live_scenes.make_result(scenes.make_square_rig(1), count=1), rig=guess)
    window = present_live(state, result, live_scenes.make_window_state())
    assert window.room.rig is guess
    assert window.room.people == result.poses_3d.people
    assert "depth is a guess from your height" in window.room.note
    assert (
        window.calibration.headline == "One camera: depth is a guess"
    )  # not that there is no room
    assert "Enter your height" not in window.calibration.message
    assert [item.value for item in window.status if item.label == "Depth"] == [
        "a guess, 'cam_0' only"
    ]
    assert window.controls is not None
    assert not window.controls.can_calibrate


def test_a_view_that_alone_sees_the_person_is_named_and_measured_poses_have_no_note():
    rig = scenes.make_square_rig()
    result = live_scenes.make_result(rig)
    states = [
        live_scenes.make_live_state(
            live_scenes.make_calibrated(rig), monocular=MonocularState("compact", view)
        )
        for view in ("cam_2", "")
    ]
    alone, all_see = (
        present_live(state, result, live_scenes.make_window_state()) for state in states
    )
    assert "'cam_2'" in alone.room.note
    assert all_see.room.note == ""
    assert "Depth" not in [item.label for item in all_see.status]


def guess_of(result, sigma_m: float):
    """The same result as one camera's guess, with a doubt along x."""
    person = result.poses_3d.people[0]
    count = len(person.xyz)
    covariance = np.tile(np.diag([sigma_m**2, 1e-5, 1e-5]), (count, 1, 1))
    guessed = replace(person, covariance=covariance, source=np.full(count, JointSource.GUESSED))
    return replace(result, poses_3d=replace(result.poses_3d, people=(guessed,)))


@pytest.mark.parametrize(
    ("sigma_m", "words"), [(0.07, "± 7 cm"), (0.16, "± 15 cm"), (0.9, "± 100 cm")]
)
def test_the_room_says_how_far_a_guess_may_be_off_why_and_what_to_do(sigma_m: float, words: str):
    rig = scenes.make_square_rig()
    lifted = guess_of(replace(live_scenes.make_result(rig), rig=rig), sigma_m)
    state = live_scenes.make_live_state(
        live_scenes.make_calibrated(rig), monocular=MonocularState("compact", "cam_2")
    )
    window = present_live(state, lifted, live_scenes.make_window_state())
    assert window.room.note == (
        f"Only 'cam_2' sees you: 3D from one camera, {words} in depth. Step to where a second "
        "camera sees you."
    )
    depth = next(item for item in window.status if item.label == "Depth")
    assert "'cam_2'" in depth.tip
    assert "second camera" in depth.tip


def test_alone_with_one_camera_the_room_says_how_far_the_guess_may_be_off_and_to_add_one():
    guess = guess_rig("cam_0", (640, 480))
    state = live_scenes.make_live_state(
        CalibrationState(),
        cameras=live_scenes.make_camera_states(1),
        monocular=MonocularState("compact", "cam_0"),
    )
    result = guess_of(
        replace(live_scenes.make_result(scenes.make_square_rig(1), count=1), rig=guess), 0.2
    )
    window = present_live(state, result, live_scenes.make_window_state())
    assert (
        window.room.note
        == "3D from one camera: ± 20 cm in depth. Add a second camera to measure it."
    )


def test_one_camera_that_guesses_asks_for_a_height_that_nobody_gave():
    result = replace(
        live_scenes.make_result(scenes.make_square_rig(1), count=1),
        rig=guess_rig("cam_0", (640, 480)),
    )
    state = LiveState(cameras=live_scenes.make_camera_states(1))
    assert (
        "Enter your height"
        in present_live(
            state, result, live_scenes.make_window_state(stature_m=None)
        ).calibration.message
    )


def test_a_missing_network_for_one_camera_is_said_in_the_status():
    state = live_scenes.make_live_state(
        monocular=MonocularState(message="There is no network here.")
    )
    item = next(
        item
        for item in present_live(state, None, live_scenes.make_window_state()).status
        if item.label == "Depth"
    )
    assert item.tip == "There is no network here."
