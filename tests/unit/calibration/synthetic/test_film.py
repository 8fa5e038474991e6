from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from calibration.geometry.projection import project
from calibration.synthetic.body import SKELETON
from calibration.synthetic.exercises import HIDDEN_BY_TABLE, squat
from calibration.synthetic.faults import NO_FAULTS, Faults, delay_rows
from calibration.synthetic.film import Take, film
from calibration.synthetic.layouts import LayoutPlan, draw_arc
from calibration.synthetic.synthetic import NETWORK_NOISE, list_frameset_times
from calibration.synthetic.walker import Walker

SETUP = draw_arc(LayoutPlan(framed_m=2.2, offset_ms=50.0), 4)
RIG = SETUP.rig
MOTION = partial(squat, Walker(1.75, SETUP.middle_m))
TIME_NS = list_frameset_times(10, 15)
MIDDLE_S = (TIME_NS[0] + TIME_NS[-1]) / 2e9


def film_with(faults=NO_FAULTS, noise=None, seed=1):
    take = Take(MOTION, TIME_NS, faults=faults)
    return film(RIG, take if noise is None else replace(take, noise=noise), seed=seed)


def expect(view, time_s):
    """What a view should show, (T, 33, 2) px."""
    return project(MOTION(time_s), RIG[view])


def measure_misfit_px(seen, view, expected):
    return np.linalg.norm(seen.observations.xy[:, view] - expected, axis=-1)


def own_time_s(view):
    return (TIME_NS + RIG.time_offset_ns[RIG.names[view]]) / 1e9


def test_without_faults_a_view_shows_the_projection_at_its_own_time():
    seen = film_with()
    for view in (0, 1):
        assert np.nanmax(measure_misfit_px(seen, view, expect(view, own_time_s(view)))) < 1e-9
    np.testing.assert_array_equal(seen.xyz, MOTION(TIME_NS / 1e9))


def test_the_same_seed_gives_the_same_film_and_another_does_not():
    faults = Faults(
        joint_bias_m=0.04,
        pose_bias_m=0.01,
        blur_s=0.004,
        readout_ms=(0, 30),
        bumped=((1, 0.3),),
        bystander=((0, 0.1),),
        television=((1, 0.1),),
    )
    one, same, other = (film_with(faults, NETWORK_NOISE, seed).observations for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.xy, same.xy)
    np.testing.assert_array_equal(one.confidence, same.confidence)
    assert not np.array_equal(one.xy, other.xy, equal_nan=True)


def test_a_slow_clock_is_right_in_the_middle_and_wrong_at_both_ends():
    seen = film_with(Faults(clock_rate=((1, 0.03),)))
    true_s = own_time_s(1) + 0.03 * (TIME_NS / 1e9 - MIDDLE_S)
    assert np.nanmax(measure_misfit_px(seen, 1, expect(1, true_s))) < 1e-9
    assert np.nanmax(measure_misfit_px(seen, 0, expect(0, own_time_s(0)))) < 1e-9
    unaware = np.nanmax(measure_misfit_px(seen, 1, expect(1, own_time_s(1))), axis=1)
    assert unaware[len(unaware) // 2] < 1
    assert max(unaware[:40].max(), unaware[-40:].max()) > 10


def test_a_bumped_camera_turns_by_the_angle_and_only_after_its_time():
    seen = film_with(Faults(bumped=((1, 0.3),)))
    misfit = measure_misfit_px(seen, 1, expect(1, own_time_s(1)))
    before = TIME_NS / 1e9 < MIDDLE_S
    assert np.nanmax(misfit[before]) < 1e-9
    turned_px = RIG[1].focal_px * np.radians(0.3)
    assert np.nanmax(misfit[~before]) < 1.6 * turned_px
    assert np.nanmin(misfit[~before].max(1)) > 0.1 * turned_px
    assert np.nanmax(measure_misfit_px(seen, 0, expect(0, own_time_s(0)))) < 1e-9


def test_a_rolling_shutter_reads_each_row_at_its_time():
    xyz, velocity = np.zeros((1, 3, 3)), np.ones((1, 3, 3))
    moved = delay_rows(xyz, velocity, np.array([[0.0, 0.5, 1.0]]), 0.030)
    np.testing.assert_allclose(moved[0, :, 0], [-0.015, 0.0, 0.015])


def test_a_rolling_shutter_moves_what_moves_and_leaves_planted_feet():
    seen = film_with(Faults(readout_ms=(30.0, 30.0)))
    misfit = measure_misfit_px(seen, 0, expect(0, own_time_s(0)))
    assert np.nanmax(misfit[:, SKELETON.index("left_ankle")]) < 1e-6
    assert np.nanmax(misfit[:, SKELETON.index("left_wrist")]) > 0.5


def test_blur_grows_with_speed():
    seen = film_with(Faults(blur_s=0.005))
    misfit = measure_misfit_px(seen, 0, expect(0, own_time_s(0)))
    step = np.linalg.norm(np.diff(expect(0, own_time_s(0)), axis=0), axis=-1)
    wrist = SKELETON.index("left_wrist")
    fast = step[:, wrist] > np.median(step[:, wrist])
    assert np.nanmean(misfit[1:, wrist][fast]) > 2 * np.nanmean(misfit[1:, wrist][~fast])
    assert np.nanmax(misfit[:, SKELETON.index("left_ankle")]) < 1e-6


def test_a_joints_bias_is_bounded_and_stays_on_the_body():
    seen = film_with(Faults(joint_bias_m=0.04))
    misfit = measure_misfit_px(seen, 0, expect(0, own_time_s(0)))
    depth = (seen.xyz @ RIG[0].R.T + RIG[0].t)[..., 2]
    shift_m = misfit * depth / RIG[0].focal_px
    assert np.nanmax(shift_m) < 0.05
    assert np.nanmax(shift_m) > 0.015


@pytest.mark.parametrize(("fault", "least"), [("bystander", 0.3), ("television", 0.3)])
def test_somebody_else_is_followed_in_one_stretch_of_one_view(fault, least):
    seen = film_with(Faults(**{fault: ((1, 0.2),)}))
    misfit = measure_misfit_px(seen, 1, expect(1, own_time_s(1)))
    torso_px = 0.5 * RIG[1].focal_px / 3
    strange = np.nan_to_num(np.nanmedian(misfit, axis=1), nan=np.inf) > least * torso_px
    assert strange.sum() == round(0.2 * len(TIME_NS))
    assert np.abs(np.diff(strange.astype(int))).sum() <= 2
    assert np.nanmax(measure_misfit_px(seen, 0, expect(0, own_time_s(0)))) < 1e-9


def test_hidden_joints_are_never_seen():
    seen = film_with(Faults(hidden=HIDDEN_BY_TABLE)).observations
    hidden = SKELETON.indices(HIDDEN_BY_TABLE)
    assert not seen.seen[:, :, hidden].any()
    assert (seen.confidence[:, :, hidden] == 0).all()
    assert seen.seen[:, :, SKELETON.index("left_shoulder")].all()


def test_confidence_falls_with_the_error():
    seen = film_with(Faults(joint_bias_m=0.04), NETWORK_NOISE)
    whole = seen.observations.swap_sides(seen.swapped)
    error = np.linalg.norm(whole.xy[:, 0] - expect(0, own_time_s(0)), axis=-1)
    known = np.isfinite(error)
    confidence = np.log(whole.confidence[:, 0][known] / (1 - whole.confidence[:, 0][known]))
    rank = [np.argsort(np.argsort(values)) for values in (error[known], confidence)]
    assert -0.85 < np.corrcoef(rank)[0, 1] < -0.35
