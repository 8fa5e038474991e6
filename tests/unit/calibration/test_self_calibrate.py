from dataclasses import replace

import numpy as np
import pytest

from calibration.errors import CalibrationError
from calibration.judge.report import ACCEPTED, REFUSED, USABLE
from calibration.self_calibrate import CalibrationOptions, self_calibrate
from calibration.synthetic.synthetic import NETWORK_NOISE, NoiseConfig, RigPlan
from tests.support.calibrations import (
    make_scene,
    measure_focal_errors_percent,
    measure_joint_scale,
    measure_offset_errors_ms,
    measure_pair_rotation_errors_deg,
)

SHARP = NoiseConfig(jitter_of_torso=0.01, missed=0.05, swapped=0.03, gross=0.01)
STATURE = CalibrationOptions(stature_m=1.75)
FOUR = RigPlan(cameras=4, offset_ms=15)


@pytest.fixture(scope="module")
def four():
    """Four unlike cameras of which nothing is known, a network's errors but for its bias."""
    take = make_scene(FOUR, "room", SHARP, seed=2, seconds=10)
    return take, self_calibrate(take.seen.observations, STATURE)


def worst_deg(calibration, take):
    return measure_pair_rotation_errors_deg(calibration.rig, take.rig).max()


def test_four_unknown_cameras_are_found_to_a_third_of_a_degree(four):
    take, calibration = four
    assert calibration.report.verdict in (ACCEPTED, USABLE)
    assert worst_deg(calibration, take) < 0.3


def test_their_lenses_and_clocks_are_found(four):
    take, calibration = four
    assert np.abs(measure_focal_errors_percent(calibration.rig, take.rig)).max() < 1.5
    assert (
        np.abs([a.distortion[0] - b.distortion[0] for a, b in zip(calibration.rig, take.rig)]).max()
        < 0.06
    )
    assert np.abs(measure_offset_errors_ms(calibration.rig, take.rig)).max() < 3


def test_the_stature_gives_their_metres(four):
    take, calibration = four
    seen = take.seen.observations.swap_sides(take.seen.swapped)
    assert measure_joint_scale(calibration.rig, seen, take.seen.xyz) == pytest.approx(1, abs=0.02)


def test_their_world_is_that_of_the_contract(four):
    take, calibration = four
    centres = np.array([camera.centre for camera in calibration.rig])
    true = np.array([camera.centre for camera in take.rig])
    np.testing.assert_allclose(centres[:, :2].mean(0), 0, atol=1e-6)
    assert centres[0, 1] == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(centres, true, atol=0.15)  # m, two per cent of stature among it


def test_exchanged_sides_are_repaired_and_remarked(four):
    take, calibration = four
    assert take.seen.swapped.any()
    assert (calibration.swapped != take.seen.swapped).mean() < 0.01
    assert any("Left and right were exchanged" in remark for remark in calibration.report.remarks)


def test_the_report_speaks_of_every_camera_in_its_order(four):
    take, calibration = four
    assert tuple(camera.name for camera in calibration.report.cameras) == take.rig.names
    assert tuple(calibration.rig.names) == take.rig.names
    assert calibration.rig.metadata["verdict"] == calibration.report.verdict
    assert set(calibration.report.time_offsets_ms) == set(take.rig.names)
    assert calibration.report.seconds_used == pytest.approx(10, abs=0.5)


def test_the_order_of_the_cameras_does_not_matter(four):
    take, calibration = four
    order = [2, 0, 3, 1]
    seen = take.seen.observations
    turned = replace(
        seen,
        view_names=tuple(seen.view_names[v] for v in order),
        sizes_wh=tuple(seen.sizes_wh[v] for v in order),
        xy=seen.xy[:, order],
        confidence=seen.confidence[:, order],
        view_time_ns=seen.view_time_ns[:, order],
    )
    again = self_calibrate(turned, STATURE)
    in_place = replace(calibration.rig, cameras=tuple(again.rig[name] for name in take.rig.names))
    assert (
        measure_pair_rotation_errors_deg(in_place, calibration.rig).max() < 0.15
    )  # the first camera's clock is the rig's
    assert again.report.verdict == calibration.report.verdict


@pytest.mark.parametrize("seed", [1, 4])
def test_clocks_that_differ_by_fifteen_milliseconds_are_no_misfit(seed):
    take = make_scene(FOUR, "room", SHARP, seed=seed, seconds=12)
    calibration = self_calibrate(take.seen.observations, STATURE)
    assert calibration.report.verdict in (ACCEPTED, USABLE), calibration.report.reasons
    assert worst_deg(calibration, take) < 0.3


def test_progress_is_told_and_may_cancel(four):
    steps = []

    def watch(step, share):
        steps.append((step, share))
        if share >= 0.1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        self_calibrate(four[0].seen.observations, STATURE, watch)
    assert [share for _, share in steps] == sorted(share for _, share in steps)
    assert all(step for step, _ in steps)


def test_known_lenses_are_kept_to_the_digit_and_the_rig_is_right():
    take = make_scene(replace(FOUR, cameras=3), "room", SHARP, seed=2, seconds=8)
    calibration = self_calibrate(
        take.seen.observations, replace(STATURE, intrinsics=take.rig.cameras)
    )
    assert worst_deg(calibration, take) < 0.3
    for found, given in zip(calibration.rig, take.rig):
        np.testing.assert_array_equal(found.matrix, given.matrix)
        np.testing.assert_array_equal(found.distortion, given.distortion)


def test_shared_lenses_come_out_equal_and_right():
    take = make_scene(replace(FOUR, identical_lenses=True), "room", SHARP, seed=0, seconds=12)
    calibration = self_calibrate(take.seen.observations, replace(STATURE, shared_intrinsics=True))
    assert worst_deg(calibration, take) < 0.3
    assert len({camera.focal_px for camera in calibration.rig}) == 1
    assert np.abs(measure_focal_errors_percent(calibration.rig, take.rig)).max() < 1


def test_three_cameras_are_enough():
    take = make_scene(replace(FOUR, cameras=3), "room", SHARP, seed=4, seconds=10)
    calibration = self_calibrate(take.seen.observations, STATURE)
    assert worst_deg(calibration, take) < 0.5


def test_eight_cameras_are_not_too_many():
    take = make_scene(RigPlan(cameras=8), "room", SHARP, seed=5, seconds=8)
    calibration = self_calibrate(take.seen.observations, STATURE)
    assert worst_deg(calibration, take) < 0.5


def test_two_unlike_cameras_are_right_or_refused():
    take = make_scene(RigPlan(cameras=2, offset_ms=15), "room", SHARP, seed=0, seconds=12)
    calibration = self_calibrate(take.seen.observations, STATURE)
    assert calibration.rig is None or worst_deg(calibration, take) < 1.5


def test_a_networks_bias_costs_half_a_degree_and_is_confessed():
    take = make_scene(FOUR, "room", NETWORK_NOISE, seed=6, seconds=10)
    calibration = self_calibrate(take.seen.observations, STATURE)
    assert worst_deg(calibration, take) < 0.9
    assert min(camera.rotation_sigma_deg for camera in calibration.report.cameras) > 0.05


def test_a_person_who_stands_still_is_refused_and_told_to_walk():
    take = make_scene(FOUR, "stand", SHARP, seed=0, seconds=8)
    calibration = self_calibrate(take.seen.observations, STATURE)
    assert calibration.rig is None
    assert calibration.report.verdict == REFUSED
    assert any("Walk" in reason for reason in calibration.report.reasons)


@pytest.fixture(scope="module")
def seated():
    return make_scene(replace(FOUR, offset_ms=0), "sit", SHARP, seed=0, seconds=10)


def test_four_unlike_lenses_cannot_be_known_from_a_seated_person(seated):
    calibration = self_calibrate(seated.seen.observations, STATURE)
    assert calibration.rig is None
    assert any("intrinsics" in reason or "Walk" in reason for reason in calibration.report.reasons)


def test_given_lenses_make_the_seated_person_enough(seated):
    calibration = self_calibrate(
        seated.seen.observations, replace(STATURE, intrinsics=seated.rig.cameras)
    )
    assert calibration.report.verdict in (ACCEPTED, USABLE)
    assert worst_deg(calibration, seated) < 1.5


def test_a_mirrored_video_is_refused_by_name():
    take = make_scene(FOUR, "room", replace(SHARP, mirrored=(2,)), seed=7, seconds=8)
    calibration = self_calibrate(take.seen.observations, STATURE)
    assert calibration.rig is None
    assert any("'cam_2'" in reason and "mirror" in reason for reason in calibration.report.reasons)


def test_views_of_different_times_are_refused_or_put_right():
    rig_late = make_scene(FOUR, "room", SHARP, seed=8, seconds=8)
    seen = rig_late.seen.observations
    late = seen.xy.copy(), seen.confidence.copy()
    late[0][:-15, 3], late[1][:-15, 3] = seen.xy[15:, 3], seen.confidence[15:, 3]
    late[0][-15:, 3], late[1][-15:, 3] = np.nan, 0  # as if its video had begun 1.5 s later
    calibration = self_calibrate(replace(seen, xy=late[0], confidence=late[1]), STATURE)
    if calibration.rig is None:
        assert any("'cam_3'" in reason for reason in calibration.report.reasons)
    else:
        assert worst_deg(calibration, rig_late) < 0.5


def test_nobody_in_view_is_refused_with_a_sentence():
    take = make_scene(FOUR, "room", SHARP, seed=0, seconds=3)
    seen = take.seen.observations
    nobody = replace(
        seen, xy=np.full_like(seen.xy, np.nan), confidence=np.zeros_like(seen.confidence)
    )
    calibration = self_calibrate(nobody, STATURE)
    assert calibration.report.verdict == REFUSED
    assert calibration.report.reasons[0].endswith(".")


def test_a_view_that_never_sees_the_person_is_named():
    take = make_scene(FOUR, "room", SHARP, seed=0, seconds=6)
    seen = take.seen.observations
    xy, confidence = seen.xy.copy(), seen.confidence.copy()
    xy[:, 1], confidence[:, 1] = np.nan, 0
    calibration = self_calibrate(replace(seen, xy=xy, confidence=confidence), STATURE)
    assert calibration.rig is None
    assert any("cam_1" in reason for reason in calibration.report.reasons)


def test_one_view_is_a_callers_mistake(four):
    seen = four[0].seen.observations
    alone = replace(
        seen,
        view_names=("a",),
        sizes_wh=((1280, 720),),
        xy=seen.xy[:, :1],
        confidence=seen.confidence[:, :1],
        view_time_ns=seen.view_time_ns[:, :1],
    )
    with pytest.raises(ValueError, match="two views or more"):
        self_calibrate(alone)


def test_intrinsics_for_another_size_are_an_error_and_no_refusal(four):
    take, _ = four
    wrong = tuple(replace(camera, size_wh=(640, 480)) for camera in take.rig)
    with pytest.raises(CalibrationError, match="640x480"):
        self_calibrate(take.seen.observations, replace(STATURE, intrinsics=wrong))


def test_without_a_stature_the_metres_are_those_of_people_and_it_is_said():
    take = make_scene(FOUR, "room", SHARP, seed=1, seconds=8)
    report = self_calibrate(take.seen.observations).report
    assert "none was given" in report.scale_source
    assert report.stature_m == pytest.approx(1.69)


def test_a_view_that_is_somewhat_late_is_brought_near_although_it_fits_nearly():
    taken = make_scene(RigPlan(3), "room", NETWORK_NOISE, seed=2, seconds=8)
    seen = taken.seen.observations
    late = seen.view_time_ns.copy()
    late[:, 1] += 130_000_000
    rig = self_calibrate(replace(seen, view_time_ns=late), CalibrationOptions(stature_m=1.75)).rig
    assert rig is not None
    assert rig.time_offset_ns["cam_1"] * 1e-6 == pytest.approx(-130, abs=35)
