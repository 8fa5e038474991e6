"""The drawings of a camera's image: arrows, coverage, errors."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from app.report.images import (
    choose_residual_scale,
    draw_coverage,
    draw_histogram,
    draw_residuals,
)


def list_arrows(svg: str) -> np.ndarray:
    """List the shafts of all arrows in the image, without the one of reference, (N, 4)."""
    lines = [
        [float(e.attrib[key]) for key in ("x1", "y1", "x2", "y2")]
        for e in ElementTree.fromstring(svg).iter()
        if e.attrib.get("class", "").startswith("arrow") and "x1" in e.attrib
    ]
    return np.array(lines)


@pytest.mark.parametrize("shift", [(4.0, 0.0), (0.0, 4.0), (-3.0, -2.0), (2.5, -4.0)])
def test_arrows_of_a_known_shift_point_along_it_and_are_to_scale(shift):
    svg = draw_residuals([[list(shift)] * 8] * 6, 16 / 9, 5.0)
    *arrows, reference = list_arrows(svg)
    px_per_px = (reference[2] - reference[0]) / 5.0
    assert len(arrows) == 48
    for x1, y1, x2, y2 in arrows:
        np.testing.assert_allclose([x2 - x1, y2 - y1], np.array(shift) * px_per_px, atol=0.15)
    assert ">5 px<" in svg


def test_an_arrow_starts_in_the_middle_of_its_cell():
    cells = [[None] * 8 for _ in range(6)]
    cells[1][2] = [3.0, 0.0]
    svg = draw_residuals(cells, 16 / 9, 3.0)
    x, y = list_arrows(svg)[0][:2]
    frame = re.search(r'class="image" x="(\S+)" y="(\S+)" width="(\S+)" height="(\S+)"', svg)
    assert frame
    left, top, width, height = (float(value) for value in frame.groups())
    assert x == pytest.approx(left + 2.5 * width / 8, abs=0.1)
    assert y == pytest.approx(top + 1.5 * height / 6, abs=0.1)
    assert svg.count('class="cell empty"') == 47


def test_no_cell_covers_an_arrow():
    cells = [[[9.0, 0.0], *[None] * 7], *[[None] * 8 for _ in range(5)]]
    svg = draw_residuals(cells, 16 / 9, 5.0)
    assert svg.rindex('class="cell empty"') < svg.index('class="arrow"')


def test_a_long_arrow_is_cut_and_marked_and_a_short_one_is_a_dot():
    svg = draw_residuals([[[100.0, 0.0], [0.01, 0.0]]], 2.0, 5.0)
    assert 'class="arrow long"' in svg
    assert svg.count('class="dot"') == 1
    longest = list_arrows(svg)[0]
    assert longest[2] - longest[0] < 60


def test_all_cameras_have_one_scale_which_most_arrows_do_not_exceed():
    cells = {"a": [[[1.0, 0.0]] * 9], "b": [[[0.0, 40.0], None]]}
    assert choose_residual_scale(cells) == 1.0
    assert choose_residual_scale({"a": [[[0.0, -3.1]] * 4]}) == 5.0
    assert choose_residual_scale({}) == 1.0


def test_the_tallest_bar_is_the_most_frequent_error():
    heights = re.findall(
        r'class="bar".*?height="([\d.]+)"', draw_histogram([0, 1, 2, 3], [2, 8, 4], 1.5)
    )
    assert [float(height) for height in heights] == [40.0, 160.0, 80.0]


def test_cells_in_which_the_person_was_never_seen_are_empty():
    svg = draw_coverage([[0, 2], [1, 0], [0, 0]], 4 / 3)
    assert svg.count('class="cell empty"') == 4


@pytest.mark.parametrize("aspect", [16 / 9, 4 / 3, 1.0, 9 / 16])
def test_an_image_keeps_its_shape_and_fits_the_drawing(aspect):
    svg = draw_residuals([[None] * 8] * 6, aspect, 1.0)
    frame = re.search(r'class="image" .*?width="(\S+)" height="(\S+)"', svg)
    box = re.search(r'viewBox="0 0 (\S+) (\S+)"', svg)
    assert frame
    assert box
    assert float(frame[1]) / float(frame[2]) == pytest.approx(aspect, rel=0.01)
    assert float(frame[1]) <= float(box[1])
    assert float(frame[2]) <= float(box[2])
