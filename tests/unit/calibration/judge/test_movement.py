from dataclasses import replace

import numpy as np
import pytest

from calibration.judge.movement import find_movement
from calibration.judge.report import REFUSED
from calibration.judge.verdict import judge
from calibration.solve.refine import RefinementSettings
from tests.support.estimates import make_evidence_and_truth
from tests.unit.calibration.judge.test_verdict import GOOD

SETTINGS = RefinementSettings()


def knock(evidence, view, row, shift_px):
    """Shift all that a view sees from a row on."""
    xy = evidence.xy.copy()
    xy[view, row:] += np.where(np.isfinite(evidence.sigma[view, row:])[..., None], shift_px, 0.0)
    return replace(evidence, xy=xy)


@pytest.fixture(scope="module", params=[3, 4])
def seen(request):
    return make_evidence_and_truth(cameras=request.param, framesets=60, noise_px=3.0, seed=2)


@pytest.mark.parametrize("view", [0, 2])
@pytest.mark.parametrize("row", [20, 40])
def test_a_knocked_camera_is_named_with_the_time(seen, view, row):
    evidence, estimate = seen
    movement = find_movement(knock(evidence, view, row, np.array([7.0, -4.0])), estimate, SETTINGS)
    assert movement.view == view
    span_ns = int(evidence.time_ns[-1] - evidence.time_ns[0])
    assert abs(movement.time_ns - int(evidence.time_ns[row])) < 0.12 * span_ns


def test_cameras_that_stand_still_are_not_blamed(seen):
    evidence, estimate = seen
    assert find_movement(evidence, estimate, SETTINGS) is None
    biased = replace(evidence, xy=evidence.xy + 6.0 * np.isfinite(evidence.sigma)[..., None])
    assert find_movement(biased, estimate, SETTINGS) is None  # off from the beginning


def test_of_two_views_neither_is_blamed():
    evidence, estimate = make_evidence_and_truth(cameras=2, framesets=60)
    knocked = knock(evidence, 1, 30, np.array([9.0, 9.0]))
    assert find_movement(knocked, estimate, SETTINGS) is None


def test_a_moved_camera_is_a_reason_to_refuse():
    verdict, reasons = judge(replace(GOOD, moved=("cam_1", 12.3)))
    assert verdict == REFUSED
    assert len(reasons) == 1
    assert reasons[0].startswith("The camera 'cam_1' moved at about 12 s: ")
    assert "Fasten it, and record again" in reasons[0]
