from dataclasses import replace

import numpy as np
import pytest

from calibration.judge import verdict as limits
from calibration.judge.report import ACCEPTED, REFUSED, USABLE
from calibration.judge.verdict import Findings, judge, measure_image_coverage
from calibration.synthetic.synthetic import NO_NOISE, RigPlan
from tests.support.calibrations import make_scene

GOOD = Findings(
    view_names=("left", "middle", "right"),
    rotation_sigma_deg=np.full(3, 0.1),
    position_sigma_m=np.full(3, 0.005),
    focal_sigma_percent=np.full(3, 0.3),
    holdout_px=np.full(3, 2.0),
    holdout_mrad=np.full(3, 2.0),
    coverage=np.full(3, 0.8),
    baseline_m=5.0,
    travel_m=3.0,
    posture_m=0.3,
    unlike_lenses=False,
)


def with_middle(field, value):
    """Give the middle view another value."""
    values = getattr(GOOD, field).copy()
    values[1] = value
    return replace(GOOD, **{field: values})


def test_a_good_rig_is_accepted_and_it_is_said():
    verdict, reasons = judge(GOOD)
    assert verdict == ACCEPTED
    assert len(reasons) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("rotation_sigma_deg", limits.ACCEPTED_ROTATION_DEG * 1.1),
        ("position_sigma_m", limits.ACCEPTED_POSITION_SHARE * 5.0 * 1.1),
        ("focal_sigma_percent", limits.ACCEPTED_FOCAL_PERCENT * 1.1),
    ],
)
def test_a_sigma_beyond_the_gate_makes_a_rig_usable_with_its_errors_said(field, value):
    verdict, reasons = judge(with_middle(field, value))
    assert verdict == USABLE
    assert "one sigma" in reasons[0]
    assert "Walk" in reasons[0]


def test_a_view_of_poor_coverage_makes_a_rig_usable_and_is_named():
    verdict, reasons = judge(with_middle("coverage", limits.ACCEPTED_COVERAGE * 0.9))
    assert verdict == USABLE
    assert "'middle'" in reasons[0]
    assert "'left'" not in reasons[0]


def test_a_blunt_view_makes_a_rig_usable_and_is_named():
    blunt = replace(
        with_middle("holdout_px", limits.ACCEPTED_HOLDOUT_PX * 1.1),
        holdout_mrad=np.array([2.0, limits.ACCEPTED_HOLDOUT_MRAD * 1.1, 2.0]),
    )
    verdict, reasons = judge(blunt)
    assert verdict == USABLE
    assert "'middle'" in reasons[0]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("holdout_px", limits.ACCEPTED_HOLDOUT_PX * 1.5),
        ("holdout_mrad", limits.ACCEPTED_HOLDOUT_MRAD * 1.5),
    ],
)
def test_sharpness_in_pixels_or_in_angle_is_enough(field, value):
    assert judge(with_middle(field, value))[0] == ACCEPTED


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        (
            "rotation_sigma_deg",
            limits.USABLE_ROTATION_DEG * 1.1,
            "The direction of camera 'middle'",
        ),
        ("rotation_sigma_deg", np.nan, "The direction of camera 'middle'"),
        (
            "focal_sigma_percent",
            limits.USABLE_FOCAL_PERCENT * 1.1,
            "The focal length of camera 'middle'",
        ),
        ("holdout_mrad", limits.MAX_HOLDOUT_MRAD * 1.1, "View 'middle' does not fit the others"),
        ("holdout_mrad", np.nan, "View 'middle' does not fit the others"),
    ],
)
def test_what_is_too_bad_is_refused_and_named(field, value, says):
    verdict, reasons = judge(with_middle(field, value))
    assert verdict == REFUSED
    assert says in reasons[0]
    assert len(reasons) == 1


def test_a_person_who_stands_still_is_refused_and_told_to_walk():
    still = replace(GOOD, travel_m=0.1, posture_m=limits.MIN_POSTURE_M * 0.9)
    verdict, reasons = judge(still)
    assert verdict == REFUSED
    assert "stood still (moved 10 cm)" in reasons[0]
    assert "Walk" in reasons[0]


def test_unsure_lenses_on_the_spot_are_refused_and_the_options_named():
    unsure = with_middle("focal_sigma_percent", limits.USABLE_FOCAL_PERCENT * 1.1)
    verdict, reasons = judge(
        replace(unsure, travel_m=limits.MIN_TRAVEL_M * 0.9, unlike_lenses=True)
    )
    assert verdict == REFUSED
    assert "--intrinsics" in reasons[0]
    assert "--shared-intrinsics" in reasons[0]


def test_moving_on_the_spot_is_no_reason_to_refuse_where_lenses_are_known():
    assert judge(replace(GOOD, travel_m=limits.MIN_TRAVEL_M * 0.9))[0] != REFUSED


def test_an_ambiguous_rig_is_refused():
    verdict, reasons = judge(replace(GOOD, ambiguous=True))
    assert verdict == REFUSED
    assert "Two different arrangements" in reasons[0]


def test_a_refusal_gives_every_reason_and_no_doubts():
    bad = replace(with_middle("rotation_sigma_deg", 9.0), ambiguous=True, coverage=np.full(3, 0.1))
    verdict, reasons = judge(bad)
    assert verdict == REFUSED
    assert len(reasons) == 2
    assert not any("covered only" in reason for reason in reasons)


def test_every_reason_is_a_sentence():
    bad = replace(
        GOOD,
        rotation_sigma_deg=np.full(3, 9.0),
        focal_sigma_percent=np.full(3, 9.0),
        holdout_mrad=np.full(3, 99.0),
        travel_m=0.1,
        posture_m=0.0,
        ambiguous=True,
    )
    doubtful = replace(
        GOOD,
        rotation_sigma_deg=np.full(3, 1.0),
        coverage=np.full(3, 0.1),
        holdout_px=np.full(3, 9.0),
    )
    for findings in (bad, replace(bad, posture_m=1.0, unlike_lenses=True), doubtful):
        for reason in judge(findings)[1]:
            assert reason[0].isupper()
            assert reason.endswith(".")
            assert "nan" not in reason
            assert "  " not in reason


def test_coverage_counts_the_cells_that_held_a_joint():
    observations = make_scene(
        RigPlan(cameras=2), "room", NO_NOISE, seed=0, seconds=1
    ).seen.observations
    xy = np.full_like(observations.xy, np.nan)
    xy[0, 0, 0] = [5, 5]
    xy[0, 0, 1] = [1275, 715]
    xy[0, 1, :] = np.stack([np.linspace(5, 1275, 33), np.full(33, 5)], 1)
    sparse = replace(observations, xy=xy)
    cells, coverage = measure_image_coverage(sparse, sparse.seen)
    assert cells.shape == (2, 6, 8)
    assert cells[0, 0, 0] == cells[0, 5, 7] == 1
    np.testing.assert_allclose(coverage, [2 / 48, 8 / 48])


def test_joints_that_do_not_count_cover_nothing():
    observations = make_scene(
        RigPlan(cameras=2), "room", NO_NOISE, seed=0, seconds=1
    ).seen.observations
    assert (
        measure_image_coverage(observations, np.zeros(observations.seen.shape, bool))[1].max() == 0
    )
