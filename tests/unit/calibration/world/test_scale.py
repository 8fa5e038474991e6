import numpy as np
import pytest

from calibration.errors import ScaleUnknownError
from calibration.evidence.evidence import select_calibration_joints
from calibration.geometry.transforms import invert_transform
from calibration.self_calibrate import CalibrationOptions, self_calibrate
from calibration.synthetic.body import SKELETON
from calibration.synthetic.synthetic import NETWORK_NOISE, RigPlan
from calibration.synthetic.walker import Walker, sit, walk_room
from calibration.world.scale import POPULATION_STATURE_M, estimate_scale, rescale_to_stature
from tests.support.calibrations import make_scene

JOINTS = select_calibration_joints(SKELETON)
ROWS = SKELETON.indices(JOINTS)
TIME_S = np.arange(100) / 10


@pytest.mark.parametrize("stature_m", [1.2, 1.5, 1.75, 2.05])
@pytest.mark.parametrize("motion", [walk_room, sit])
def test_the_stature_gives_the_metres_to_one_percent(stature_m, motion):
    xyz = motion(Walker(stature_m), TIME_S)[:, ROWS] * 0.37  # a scene in units of 2.7 m
    assert estimate_scale(xyz, JOINTS, stature_m).metres_per_unit * 0.37 == pytest.approx(
        1, abs=0.01
    )


def test_the_source_of_the_metres_is_said():
    scale = estimate_scale(walk_room(Walker(), TIME_S)[:, ROWS], JOINTS, 1.75)
    assert scale.source == "the person's stature (1.75 m)"
    assert 0.5 < scale.sigma_percent < 3


def test_without_a_stature_the_mean_of_people_is_taken_and_said():
    scale = estimate_scale(walk_room(Walker(), TIME_S)[:, ROWS], JOINTS, None)
    assert scale.stature_m == POPULATION_STATURE_M
    assert "none was given" in scale.source
    assert scale.sigma_percent >= 4


def test_some_wild_frames_do_not_change_the_metres():
    xyz = walk_room(Walker(), TIME_S)[:, ROWS]
    wild = xyz.copy()
    wild[:20] *= 3
    wild[30:35] = np.nan
    ratio = (
        estimate_scale(wild, JOINTS, 1.75).metres_per_unit
        / estimate_scale(xyz, JOINTS, 1.75).metres_per_unit
    )
    assert ratio == pytest.approx(1, abs=0.01)


def test_the_upper_body_gives_the_metres_less_surely():
    xyz = walk_room(Walker(), TIME_S)[:, ROWS]
    whole = estimate_scale(xyz, JOINTS, 1.75)
    legs = [i for i, j in enumerate(JOINTS) if j.endswith(("knee", "ankle", "heel", "foot_index"))]
    xyz[:, legs] = np.nan
    upper = estimate_scale(xyz, JOINTS, 1.75)
    assert upper.metres_per_unit == pytest.approx(whole.metres_per_unit, rel=0.04)
    assert upper.sigma_percent > whole.sigma_percent
    assert upper.source == "the person's stature (1.75 m), by the part of the body seen"


def test_joints_that_are_never_seen_together_still_give_the_metres():
    xyz = walk_room(Walker(), TIME_S)[:, ROWS]
    whole = estimate_scale(xyz, JOINTS, 1.75).metres_per_unit
    for step, part in enumerate(("ankle", "wrist", "elbow")):
        hidden = [i for i, joint in enumerate(JOINTS) if joint.endswith(part)]
        xyz[np.arange(len(xyz)) % 3 == step][:, hidden] = np.nan
    assert estimate_scale(xyz, JOINTS, 1.75).metres_per_unit == pytest.approx(whole, rel=0.01)


def test_a_body_of_which_little_is_seen_gives_no_metres():
    xyz = walk_room(Walker(), TIME_S)[:, ROWS]
    xyz[:, [i for i, joint in enumerate(JOINTS) if "shoulder" not in joint]] = np.nan
    with pytest.raises(ScaleUnknownError, match="Too little of the person"):
        estimate_scale(xyz, JOINTS, 1.75)


def test_another_stature_is_as_good_as_having_solved_with_it():
    seen = make_scene(RigPlan(3), "room", NETWORK_NOISE, seed=3, seconds=12).seen.observations
    solved, wanted = (
        self_calibrate(seen, CalibrationOptions(stature_m=metres)) for metres in (1.60, 1.84)
    )
    rig, report = rescale_to_stature(solved.rig, solved.report, 1.84)
    for camera, other in zip(rig, wanted.rig):
        from_first, wanted_from_first = (
            each.cam_from_world @ invert_transform(first.cam_from_world)
            for each, first in ((camera, rig[0]), (other, wanted.rig[0]))
        )
        assert from_first == pytest.approx(wanted_from_first, abs=1e-6)
        assert camera.centre == pytest.approx(
            other.centre, abs=0.02
        )  # the floor is searched with lengths of its own
    told, said = report.as_dict(), wanted.report.as_dict()
    for name in ("cameras", "bones", "scale", "stature_m", "verdict", "reasons"):
        assert told[name] == approximately(said[name])
    assert rig.metadata == wanted.rig.metadata
    drawn = np.array(list(told["details"]["camera_positions_m"].values()))
    assert np.allclose(drawn, [camera.centre for camera in rig], atol=2e-4)
    for camera in report.cameras:
        covariance = told["details"]["position_covariance_m2"][camera.name]
        assert np.sqrt(np.trace(covariance)) == pytest.approx(camera.position_sigma_m, rel=1e-3)
    assert told["details"]["expected_bones_m"]["left_hip-left_knee"] == pytest.approx(
        said["details"]["expected_bones_m"]["left_hip-left_knee"], abs=2e-4
    )


def test_a_stature_that_is_no_longer_known_gives_the_mean_of_people_and_says_so():
    seen = make_scene(RigPlan(3), "room", NETWORK_NOISE, seed=3, seconds=12).seen.observations
    solved = self_calibrate(seen, CalibrationOptions(stature_m=1.60))
    rig, report = rescale_to_stature(solved.rig, solved.report, None)
    assert rig[0].centre == pytest.approx(solved.rig[0].centre * POPULATION_STATURE_M / 1.60)
    assert "none was given" in report.scale_source


def approximately(value):
    """Compare numbers in tables to their last digits but one."""
    if isinstance(value, dict):
        return {key: approximately(each) for key, each in value.items()}
    if isinstance(value, list):
        return [approximately(each) for each in value]
    return pytest.approx(value, rel=1e-4, abs=2e-6) if isinstance(value, float) else value
