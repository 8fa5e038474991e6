from dataclasses import replace

import numpy as np
import pytest

from calibration.errors import CalibrationError
from calibration.geometry.projection import project
from calibration.solve.lens_priors import (
    FOCAL_OF_LONG_SIDE,
    build_lens_priors,
    select_free_parameters,
    undistort_known_views,
)
from calibration.solve.residuals import CAMERA_PARAMETERS, FOCAL, K1, OFFSET
from calibration.synthetic.synthetic import NO_NOISE, RigPlan
from tests.support.calibrations import make_scene

UNKNOWN = (None,) * 3


@pytest.fixture(scope="module")
def take():
    return make_scene(RigPlan(cameras=3), "room", NO_NOISE, seed=0, seconds=2)


def sized(take, *sizes):
    return replace(take.seen.observations, sizes_wh=sizes)


def columns_of(free, parameter):
    """Which cameras each free direction of a parameter moves, as sorted tuples."""
    chosen = free.basis.reshape(-1, CAMERA_PARAMETERS, free.basis.shape[1])[:, parameter]
    return sorted(tuple(np.flatnonzero(column)) for column in chosen.T if column.any())


def test_nothing_known_is_believed_to_be_an_ordinary_lens(take):
    lenses, remarks = build_lens_priors(take.seen.observations, UNKNOWN, shared=False)
    np.testing.assert_allclose(lenses.focal, FOCAL_OF_LONG_SIDE * 1280)
    np.testing.assert_allclose(lenses.principal, [[639.5, 359.5]] * 3)
    assert not lenses.is_known.any()
    assert remarks == ()


def test_intrinsics_for_another_size_are_refused_with_both_sizes(take):
    given = replace(take.rig[1], name="studio cam", size_wh=(1920, 1080))
    with pytest.raises(
        CalibrationError, match=r"'studio cam' are for 1920x1080 images.*'cam_1' is 1280x720"
    ):
        build_lens_priors(take.seen.observations, (None, given, None), shared=False)


def test_shared_lenses_move_together_and_unlike_ones_alone(take):
    together, _ = build_lens_priors(take.seen.observations, UNKNOWN, shared=True)
    assert columns_of(select_free_parameters(together, {FOCAL, K1, OFFSET}), FOCAL) == [(0, 1, 2)]
    assert columns_of(select_free_parameters(together, {FOCAL, K1, OFFSET}), K1) == [(0, 1, 2)]
    apart, _ = build_lens_priors(take.seen.observations, UNKNOWN, shared=False)
    # one group for all the views would be a shared lens in disguise
    assert columns_of(select_free_parameters(apart, {FOCAL}), FOCAL) == [
        (0,),
        (1,),
        (2,),
    ]


def test_known_lenses_never_move(take):
    lenses, _ = build_lens_priors(take.seen.observations, (None, take.rig[1], None), shared=True)
    free = select_free_parameters(lenses, {FOCAL, K1, OFFSET})
    assert columns_of(free, FOCAL) == [(0, 2)]
    assert columns_of(free, K1) == [(0, 2)]
    assert np.isinf(free.prior_sigma.reshape(3, CAMERA_PARAMETERS)[1, [FOCAL, K1]]).all()


def test_the_first_camera_is_the_gauge(take):
    lenses, _ = build_lens_priors(take.seen.observations, UNKNOWN, shared=False)
    free = select_free_parameters(lenses, {FOCAL, K1, OFFSET})
    assert not free.basis.reshape(3, CAMERA_PARAMETERS, -1)[0, :6].any()
    assert columns_of(free, OFFSET) == [(1,), (2,)]


@pytest.mark.parametrize("parameter", [FOCAL, K1, OFFSET])
def test_what_is_not_asked_for_does_not_move(take, parameter):
    lenses, _ = build_lens_priors(take.seen.observations, UNKNOWN, shared=False)
    free = select_free_parameters(lenses, {FOCAL, K1, OFFSET} - {parameter})
    assert columns_of(free, parameter) == []


def test_sizes_that_differ_by_two_percent_are_alike_and_it_is_said(take):
    lenses, remarks = build_lens_priors(
        sized(take, (1080, 1920), (1088, 1920), (1100, 1950)), UNKNOWN, shared=True
    )
    assert set(lenses.group) == {0}
    assert len(remarks) == 1
    assert "'cam_1' (1088x1920) and 'cam_2' (1100x1950)" in remarks[0]
    assert "1080x1920" in remarks[0]


def test_sizes_that_differ_by_more_are_two_kinds(take):
    lenses, remarks = build_lens_priors(
        sized(take, (1280, 720), (1280, 720), (1920, 1080)), UNKNOWN, shared=True
    )
    assert lenses.group[0] == lenses.group[1] != lenses.group[2]
    assert remarks == ()
    assert lenses.focal[2] > lenses.focal[0]


def test_a_turned_camera_is_of_the_same_kind(take):
    lenses, remarks = build_lens_priors(
        sized(take, (1280, 720), (720, 1280), (1280, 720)), UNKNOWN, shared=True
    )
    assert set(lenses.group) == {0}
    assert remarks == ()


def test_a_given_lens_keeps_its_own_focal_length_among_shared_ones(take):
    lenses, _ = build_lens_priors(take.seen.observations, (None, take.rig[1], None), shared=True)
    assert lenses.focal[1] == pytest.approx(take.rig[1].focal_px)
    np.testing.assert_allclose(lenses.focal[[0, 2]], FOCAL_OF_LONG_SIDE * 1280)


def test_joints_are_seen_as_through_an_ideal_lens_where_it_is_known(take):
    uneven = take.rig[1].matrix.copy()
    uneven[1, 1] *= 1.01
    given = replace(take.rig[1], matrix=uneven)
    lenses, _ = build_lens_priors(take.seen.observations, (None, given, None), shared=False)
    observations = replace(
        take.seen.observations,
        xy=np.stack([project(take.seen.xyz, c) for c in (take.rig[0], given, take.rig[2])], 1),
    )
    ideal_matrix = np.diag([given.focal_px, given.focal_px, 1.0])
    ideal_matrix[:2, 2] = given.principal_px
    ideal = replace(given, matrix=ideal_matrix, distortion=np.zeros(5))
    straight = undistort_known_views(observations, lenses)
    np.testing.assert_allclose(straight.xy[:, 1], project(take.seen.xyz, ideal), atol=1e-6)
    np.testing.assert_array_equal(straight.xy[:, 0], observations.xy[:, 0])
