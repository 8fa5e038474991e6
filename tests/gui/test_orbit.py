"""The viewpoint of the room and its projection."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.views.room.orbit import Orbit, clip_to_near_plane

SIZE_WH = (800, 600)
angles = st.floats(-6, 6)


@given(angles, st.floats(-0.1, 1.5), st.floats(1, 30))
def test_the_target_lies_in_the_middle_at_its_distance(
    azimuth: float, elevation: float, distance: float
):
    orbit = Orbit(np.array([1.0, -2, 0.5]), azimuth, elevation, distance)
    xy, depth = orbit.project(orbit.target, SIZE_WH)
    np.testing.assert_allclose(xy, [400, 300], atol=1e-6)
    assert depth == pytest.approx(distance)


@given(angles, st.floats(-0.1, 1.5))
def test_up_in_the_room_is_up_in_the_picture_and_never_mirrored(azimuth: float, elevation: float):
    orbit = Orbit(np.zeros(3), azimuth, elevation)
    xy, _ = orbit.project(np.array([[0, 0, 0.0], [0, 0, 0.1]]), SIZE_WH)
    assert xy[1, 1] < xy[0, 1]
    assert np.linalg.det(orbit.axes()) == pytest.approx(
        -1
    )  # right, up, forward: left-handed by their order


@given(st.lists(st.tuples(*[st.floats(-4, 4)] * 3), min_size=2, max_size=20, unique=True), angles)
def test_a_fitted_eye_sees_every_point(points: list[tuple[float, float, float]], azimuth: float):
    xyz = np.array(points)
    xy, depth = Orbit(np.zeros(3), azimuth).fit(xyz, SIZE_WH).project(xyz, SIZE_WH)
    assert (depth > 0).all()
    assert (xy >= -1).all()
    assert (xy <= np.array(SIZE_WH) + 1).all()


def test_the_eye_stops_short_of_the_poles_and_of_the_person():
    orbit = Orbit(np.zeros(3)).rotate(0, 9).zoom(1e-6)
    assert orbit.elevation_rad < np.pi / 2
    assert orbit.distance_m >= 0.5


def test_a_point_behind_the_eye_has_no_place():
    orbit = Orbit(np.zeros(3), 0, 0, 2)
    xy, _ = orbit.project(np.array([3.0, 0, 0]), SIZE_WH)
    assert np.isnan(xy).all()


def test_a_line_through_the_eye_is_cut_and_one_behind_it_dropped():
    orbit = Orbit(np.zeros(3), 0, 0, 2)
    cut = clip_to_near_plane(orbit, np.array([-5.0, 0, 0]), np.array([5.0, 0, 0]))
    assert cut is not None
    assert np.isfinite(orbit.project(np.array(cut), SIZE_WH)[0]).all()
    np.testing.assert_allclose(cut[0], [-5, 0, 0])
    assert clip_to_near_plane(orbit, np.array([3.0, 0, 0]), np.array([4.0, 1, 0])) is None
