from dataclasses import replace

import numpy as np
import pytest

from calibration.judge.report import ACCEPTED, REFUSED, USABLE
from calibration.self_calibrate import CalibrationOptions, self_calibrate
from calibration.solve.blame import diagnose
from calibration.synthetic.synthetic import NoiseConfig, RigPlan
from tests.support.calibrations import make_scene, measure_pair_rotation_errors_deg

SHARP = NoiseConfig(jitter_of_torso=0.01, missed=0.05)
OPTIONS = CalibrationOptions(stature_m=1.75)


@pytest.fixture(scope="module")
def walk():
    return make_scene(RigPlan(cameras=3), "room", SHARP, seed=4, seconds=14)


def late(observations, v, offset_ns):
    """Say that a view's clock is wrong by so much."""
    times = observations.view_time_ns.copy()
    times[:, v] -= offset_ns
    return replace(observations, view_time_ns=times)


def test_a_camera_that_started_late_is_found_within_a_frame(walk):
    offsets = diagnose(late(walk.seen.observations, 1, 1_400_000_000)).clocks.offset_ns
    assert offsets[0] == 0
    assert offsets[1] == pytest.approx(1_400_000_000, abs=70_000_000)
    assert offsets[2] == 0


def test_a_rig_with_a_camera_that_started_late_is_solved(walk):
    calibration = self_calibrate(late(walk.seen.observations, 1, 1_400_000_000), OPTIONS)
    assert calibration.report.verdict in (ACCEPTED, USABLE)
    assert measure_pair_rotation_errors_deg(calibration.rig, walk.rig).max() < 0.5
    assert calibration.rig.time_offset_ns["cam_1"] == pytest.approx(1_400_000_000, abs=5_000_000)


def test_a_mirrored_video_is_refused_by_its_name(walk):
    calibration = self_calibrate(walk.seen.observations.flip_views((2,)), OPTIONS)
    assert calibration.report.verdict == REFUSED
    assert "'cam_2' is a mirror image" in calibration.report.reasons[0]


def test_mirroring_twice_changes_nothing(walk):
    observations = walk.seen.observations
    twice = observations.flip_views((0,)).flip_views((0,))
    assert np.allclose(twice.xy, observations.xy, equal_nan=True)


def test_a_view_of_somebody_else_is_refused_by_its_name(walk):
    other = make_scene(RigPlan(cameras=3), "line", SHARP, seed=9, seconds=14).seen.observations
    xy = walk.seen.observations.xy.copy()
    xy[:, 1] = other.xy[::-1, 1]
    calibration = self_calibrate(replace(walk.seen.observations, xy=xy), OPTIONS)
    assert calibration.report.verdict == REFUSED
    assert calibration.rig is None
    assert any("cam_" in reason or "cameras" in reason for reason in calibration.report.reasons)


def test_a_clock_three_percent_fast_is_corrected_and_said(walk):
    observations = walk.seen.observations
    times = observations.view_time_ns.copy()
    times[:, 2] = np.rint(times[:, 2] * 1.03)
    calibration = self_calibrate(replace(observations, view_time_ns=times), OPTIONS)
    assert calibration.report.verdict in (ACCEPTED, USABLE)
    assert measure_pair_rotation_errors_deg(calibration.rig, walk.rig).max() < 0.5
    assert any("The clock of 'cam_2' runs 3." in remark for remark in calibration.report.remarks)


def test_good_clocks_are_not_spoken_of(walk):
    calibration = self_calibrate(walk.seen.observations, OPTIONS)
    assert not any("clock" in remark for remark in calibration.report.remarks)
