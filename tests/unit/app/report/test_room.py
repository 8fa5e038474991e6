"""The drawings of the rig: to scale, not mirrored, and what is uncertain as large as it is."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.report.labels import Box, Label, place_labels
from app.report.room import CameraDoubt, choose_enlargement, draw_from_above, draw_from_side
from calibration.geometry.arrays import F64
from calibration.rig import Rig
from tests.support import scenes

DRAWINGS = ((draw_from_above, [0, 1]), (draw_from_side, [0, 2]))


@pytest.fixture
def rig() -> Rig:
    return scenes.make_square_rig()


def find(svg: str, css_class: str) -> list[dict[str, str]]:
    """Find the elements of a class."""
    return [
        element.attrib
        for element in ElementTree.fromstring(svg).iter()
        if element.attrib.get("class") == css_class
    ]


def read_places(svg: str) -> F64:
    """Read where the cameras are drawn, (V, 2)."""
    return np.array([[float(mark["cx"]), float(mark["cy"])] for mark in find(svg, "camera")])


def read_points(polygon: dict[str, str]) -> F64:
    """Read the corners of a polygon, (N, 2)."""
    return np.array([pair.split(",") for pair in polygon["points"].split()], float)


def measure_px_per_m(svg: str, rig: Rig, axes: list[int]) -> float:
    """Measure the scale of a drawing by its cameras."""
    drawn, true = read_places(svg), np.array([camera.centre for camera in rig])[:, axes]
    return float(np.linalg.norm(drawn[2] - drawn[0]) / np.linalg.norm(true[2] - true[0]))


def doubt_everything(rig: Rig, covariance: F64, rotation_deg: float) -> dict[str, CameraDoubt]:
    """The same uncertainty for every camera."""
    return {camera.name: CameraDoubt(covariance, rotation_deg) for camera in rig}


def test_the_floor_plan_is_to_scale_and_not_mirrored(rig: Rig):
    drawn = read_places(draw_from_above(rig, None, {}))
    true = np.array([camera.centre[:2] for camera in rig]) * [1, -1]  # the page's y points down
    scale = np.linalg.norm(drawn[2] - drawn[0]) / np.linalg.norm(true[2] - true[0])
    np.testing.assert_allclose(drawn - drawn[0], (true - true[0]) * scale, atol=0.2)


def test_from_the_side_a_higher_camera_is_drawn_higher(rig: Rig):
    lifted = replace(rig[0], cam_from_world=rig[0].cam_from_world.copy())
    lifted.cam_from_world[:3, 3] -= lifted.R @ [0, 0, 0.5]
    drawn = read_places(draw_from_side(Rig((lifted, rig[2])), None, {}))
    assert drawn[0, 1] < drawn[1, 1]


def test_the_floor_is_below_the_cameras_by_their_height(rig: Rig):
    svg = draw_from_side(rig, None, {})
    floor = float(find(svg, "floor")[0]["y1"])
    height_px = 1.7 * measure_px_per_m(svg, rig, [0, 2])
    assert floor - read_places(svg)[0, 1] == pytest.approx(height_px, abs=0.3)


@pytest.mark.parametrize(("draw", "axes"), DRAWINGS)
def test_the_bar_of_one_metre_is_one_metre_long(rig: Rig, draw, axes):
    svg = draw(rig, None, {})
    bar = find(svg, "scale")[0]
    assert float(bar["x2"]) - float(bar["x1"]) == pytest.approx(
        measure_px_per_m(svg, rig, axes), abs=0.3
    )
    assert ">1 m<" in svg


def test_the_path_is_interrupted_where_it_is_unknown(rig: Rig):
    path = np.array([[0, 0, 1], [0.5, 0, 1], [np.nan] * 3, [1, 0, 1], [1, 0.5, 1]])
    assert draw_from_above(rig, path, {}).count("<polyline") == 2


def test_a_few_wild_points_do_not_shrink_the_room(rig: Rig):
    path = np.tile([[0.5, 0.5, 0.9]], (200, 1))
    usual = measure_px_per_m(draw_from_above(rig, path, {}), rig, [0, 1])
    path[3] = [300.0, -200.0, 40.0]
    assert measure_px_per_m(draw_from_above(rig, path, {}), rig, [0, 1]) == pytest.approx(usual)


@pytest.mark.parametrize(("draw", "axes"), DRAWINGS)
@pytest.mark.parametrize("angle_deg", [0.0, 25.0, 90.0, 140.0])
def test_the_ellipse_is_two_sigmas_long_and_lies_along_the_uncertain_direction(
    rig: Rig, draw, axes, angle_deg
):
    along, across = np.zeros(3), np.zeros(3)
    angle = np.radians(angle_deg)
    along[axes], across[axes] = (np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))
    covariance = 0.2**2 * np.outer(along, along) + 0.05**2 * np.outer(across, across)
    doubts = doubt_everything(rig, covariance, 0.5)
    svg = draw(rig, None, doubts)
    assert choose_enlargement(doubts) == 1
    px_per_m = measure_px_per_m(svg, rig, axes)
    for ellipse, place in zip(find(svg, "sigma"), read_places(svg), strict=True):
        assert float(ellipse["rx"]) == pytest.approx(2 * 0.2 * px_per_m, rel=0.01)
        assert float(ellipse["ry"]) == pytest.approx(2 * 0.05 * px_per_m, rel=0.01)
        assert [float(ellipse["cx"]), float(ellipse["cy"])] == list(place)
        turn = re.fullmatch(r"rotate\((\S+) \S+ \S+\)", ellipse["transform"])
        # upwards on the page is a negative angle; an ellipse is the same after half a turn
        assert turn
        off_deg = (float(turn[1]) + angle_deg + 90) % 180 - 90
        assert off_deg == pytest.approx(0, abs=0.05)


def test_a_small_ellipse_is_enlarged_and_one_that_stays_small_has_a_ring(rig: Rig):
    doubts = doubt_everything(rig, np.eye(3) * 0.01**2, 0.1)
    assert choose_enlargement(doubts) == 10
    tiny = doubt_everything(rig, np.eye(3) * 0.0001**2, 0.1)
    svg = draw_from_above(rig, None, tiny)
    assert len(find(svg, "ring")) == len(find(svg, "sigma")) == 4
    assert all(float(ellipse["ry"]) >= 1.5 for ellipse in find(svg, "sigma"))
    assert svg.count("± 0.0 cm, ± 0.2°") == 4


def test_an_unknown_uncertainty_draws_the_camera_alone(rig: Rig):
    svg = draw_from_above(rig, None, {})
    assert not find(svg, "sigma")
    assert not find(svg, "doubt")
    assert len(find(svg, "camera")) == 4


@pytest.mark.parametrize(("draw", "axes"), DRAWINGS)
def test_the_wedge_opens_by_two_sigmas_to_either_side_of_the_direction(rig: Rig, draw, axes):
    svg = draw(rig, None, doubt_everything(rig, np.eye(3) * 1e-4, 5.0))
    for camera, polygon in zip(rig, find(svg, "doubt"), strict=True):
        centre, left, right = read_points(polygon)
        middle, forward = (left + right) / 2 - centre, camera.R[2][axes] * [1, -1]
        reach = np.linalg.norm(forward)
        if reach < 0.2:  # it looks into the page
            continue
        cosine = middle @ forward / np.linalg.norm(middle) / reach
        assert cosine == pytest.approx(1, abs=1e-3)
        # foreshortened, the direction turns farther on the page than in the room
        half = np.linalg.norm(left - right) / 2 / (np.linalg.norm(middle) / reach)
        assert half == pytest.approx(np.tan(np.radians(10.0)), rel=0.02)


@pytest.mark.parametrize("count", [2, 3, 8])
@pytest.mark.parametrize("draw", [draw_from_above, draw_from_side])
def test_every_camera_is_named_within_the_drawing_and_no_name_covers_another(count, draw):
    rig = scenes.make_square_rig(count)
    svg = draw(rig, None, doubt_everything(rig, np.eye(3) * 0.02**2, 0.4))
    width, height = (float(value) for value in re.findall(r"[\d.]+", find_view_box(svg))[2:])
    names = [
        (float(e.attrib["x"]), float(e.attrib["y"]), 7.0 * len(e.text or ""))
        for e in ElementTree.fromstring(svg).iter()
        if e.attrib.get("class") == "name"
    ]
    assert sorted(re.findall(r">(cam_\d)<", svg)) == sorted(rig.names)
    boxes = [Box(x - w / 2, y - 11, x + w / 2, y + 2) for x, y, w in names]
    for i, box in enumerate(boxes):
        assert box.left >= 0
        assert box.right <= width
        assert box.top >= 0
        assert box.bottom <= height
        assert not any(box.measure_overlap(other) > 1 for other in boxes[:i])


def find_view_box(svg: str) -> str:
    """Find the size of a drawing."""
    return ElementTree.fromstring(svg).attrib["viewBox"]


@given(
    st.lists(st.tuples(st.floats(0, 500), st.floats(0, 400)), min_size=1, max_size=8),
    st.integers(1, 22),
)
@settings(max_examples=40, deadline=None)
def test_no_label_leaves_the_drawing(points, length):
    frame = Box(4, 4, 516, 400)
    labels = [
        Label(
            ("n" * length, "± 1.0 cm, ± 0.2°"), np.array(xy), np.array([0.0, 1.0]), np.ones(2) * 8
        )
        for xy in points
    ]
    for box in place_labels(labels, frame):
        assert box.left >= frame.left - 1e-9
        assert box.top >= frame.top - 1e-9
        assert box.right <= frame.right + 1e-9
        assert box.bottom <= frame.bottom + 1e-9


def test_a_refused_rig_is_stamped(rig: Rig):
    assert ">REFUSED<" in draw_from_above(rig, None, {}, "REFUSED")
    assert ">REFUSED<" not in draw_from_above(rig, None, {})
