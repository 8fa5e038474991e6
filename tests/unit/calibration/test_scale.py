import numpy as np
import pytest

from calibration.errors import ScaleUnknownError
from calibration.evidence import calibration_joints
from calibration.scale import POPULATION_STATURE_M, estimate_scale
from calibration.walker import SKELETON, Walker, sit, walk_room

JOINTS = calibration_joints(SKELETON)
ROWS = SKELETON.indices(JOINTS)
TIME_S = np.arange(100) / 10


@pytest.mark.parametrize("stature_m", [1.2, 1.5, 1.75, 2.05])
@pytest.mark.parametrize("motion", [walk_room, sit])
def test_the_stature_gives_the_metres_to_one_percent(stature_m, motion):
    xyz = motion(Walker(stature_m), TIME_S)[:, ROWS] * 0.37  # a scene in units of 2.7 m
    assert estimate_scale(xyz, JOINTS, stature_m).metres_per_unit * 0.37 == pytest.approx(1, abs=0.01)


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
    ratio = estimate_scale(wild, JOINTS, 1.75).metres_per_unit / estimate_scale(xyz, JOINTS, 1.75).metres_per_unit
    assert ratio == pytest.approx(1, abs=0.01)


def test_a_body_that_was_never_seen_whole_gives_no_metres():
    xyz = walk_room(Walker(), TIME_S)[:, ROWS]
    xyz[:, [JOINTS.index("left_ankle"), JOINTS.index("right_ankle")]] = np.nan
    with pytest.raises(ScaleUnknownError, match="never seen from shoulders to ankles"):
        estimate_scale(xyz, JOINTS, 1.75)
