"""The report page: complete, self-contained, and honest about what is missing."""

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from app.report.drawings import draw_coverage, draw_from_above, draw_from_side, draw_histogram
from app.report.page import write_report_page
from calibration.rig import Rig
from tests.support import scenes


@pytest.fixture
def rig() -> Rig:
    return scenes.make_square_rig()


@pytest.fixture
def page(tmp_path: Path, rig: Rig) -> str:
    """Write a page with everything in it."""
    details = {
        "path_m": [[0.0, 0.0, 0.9], None, [1.0, 0.5, 0.9], [1.1, 0.6, 0.9]],
        "residual_edges_px": [0, 1, 2, 4],
        "residual_counts": {camera.name: [5, 9, 1] for camera in rig},
        "coverage_cells": {camera.name: [[0] * 8] * 5 + [[3] * 8] for camera in rig},
    }
    report = replace(
        scenes.make_report(rig), details=details, remarks=("A bystander was ignored.",)
    )
    write_report_page(tmp_path / "report.html", report, rig, "left & right")
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_page_needs_no_network(page: str):
    assert not re.search(r"https?://|<script|<link|<img|@import|url\(", page)


def test_the_page_says_the_verdict_the_reasons_and_the_next_step(page: str):
    for words in (
        "Accepted",
        "All four cameras see",
        "A bystander was ignored.",
        "Leave the cameras",
    ):
        assert words in page


def test_every_camera_has_a_row_a_histogram_and_a_picture_of_its_image(page: str, rig: Rig):
    for camera in rig:
        assert page.count(camera.name) >= 5  # two drawings, table, histogram, coverage


def test_every_drawing_is_well_formed(page: str):
    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(drawings) == 2 + 4 + 4
    for drawing in drawings:
        ElementTree.fromstring(drawing)


def test_names_are_escaped(tmp_path: Path):
    rig = scenes.make_square_rig(2)
    report = replace(scenes.make_report(rig), reasons=("<b>bold</b>",))
    write_report_page(tmp_path / "report.html", report, rig, "a <take>")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<b>bold" not in text
    assert "a &lt;take&gt;" in text


def test_left_and_right_bones_stand_side_by_side(page: str):
    row = re.search(r"<tr><td>hip to knee</td><td>(\S+) cm</td><td>(\S+) cm</td>", page)
    assert row
    assert float(row[1]) != float(row[2])
    assert "right hip to right knee" not in page


def test_a_refusal_has_no_drawings_and_no_numbers_but_what_to_do(tmp_path: Path, rig: Rig):
    report = replace(
        scenes.make_report(rig, "refused"), reasons=("The person stood still.",), bones=()
    )
    write_report_page(tmp_path / "report.html", report, None, "a.mp4, b.mp4")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Refused" in text
    assert "The person stood still." in text
    assert "calibrate again" in text
    assert "<svg" not in text


def numbers(svg: str, pattern: str) -> np.ndarray:
    """Read the coordinates of all elements that match, (N, 2)."""
    return np.array([[float(a), float(b)] for a, b in re.findall(pattern, svg)])


def test_the_floor_plan_is_to_scale_and_not_mirrored(rig: Rig):
    drawn = numbers(draw_from_above(rig, None, {}), r'class="camera" cx="([\d.]+)" cy="([\d.]+)"')
    true = np.array([camera.centre[:2] for camera in rig]) * [1, -1]  # the page's y points down
    scale = np.linalg.norm(drawn[2] - drawn[0]) / np.linalg.norm(true[2] - true[0])
    np.testing.assert_allclose(drawn - drawn[0], (true - true[0]) * scale, atol=0.2)


def test_from_the_side_a_higher_camera_is_drawn_higher(rig: Rig):
    lifted = replace(rig[0], cam_from_world=rig[0].cam_from_world.copy())
    lifted.cam_from_world[:3, 3] -= lifted.R @ [0, 0, 0.5]
    drawn = numbers(
        draw_from_side(Rig((lifted, rig[2])), None, {}),
        r'class="camera" cx="([\d.]+)" cy="([\d.]+)"',
    )
    assert drawn[0, 1] < drawn[1, 1]


def test_the_path_is_interrupted_where_it_is_unknown(rig: Rig):
    path = np.array([[0, 0, 1], [0.5, 0, 1], [np.nan] * 3, [1, 0, 1], [1, 0.5, 1]])
    assert draw_from_above(rig, path, {}).count("<polyline") == 2


def test_the_circle_of_doubt_is_to_scale(rig: Rig):
    radii = re.findall(
        r'class="sigma".*?r="([\d.]+)"', draw_from_above(rig, None, {"cam_0": 0.01, "cam_1": 0.02})
    )
    assert float(radii[1]) == pytest.approx(2 * float(radii[0]), abs=0.2)
    assert float(radii[2]) == 0


def test_the_tallest_bar_is_the_most_frequent_error():
    heights = re.findall(
        r'class="bar".*?height="([\d.]+)"', draw_histogram([0, 1, 2, 3], [2, 8, 4], 1.5)
    )
    assert [float(height) for height in heights] == [27.5, 110.0, 55.0]


def test_cells_that_saw_nobody_are_empty():
    svg = draw_coverage([[0, 2], [1, 0], [0, 0]], 4 / 3)
    assert svg.count('class="cell empty"') == 4
