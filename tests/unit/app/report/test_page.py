"""The report page: complete, self-contained, and honest about what is missing."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from app.report.calibration_output import CalibrationPaths, write_calibration
from app.report.page import write_report_page
from calibration.judge.report import CalibrationReport
from calibration.rig import Rig
from tests.support import scenes


@pytest.fixture
def rig() -> Rig:
    return scenes.make_square_rig()


def make_details(rig: Rig) -> dict[str, Any]:
    """Make all that the page can draw."""
    return {
        "path_m": [[0.0, 0.0, 0.9], None, [1.0, 0.5, 0.9], [1.1, 0.6, 0.9]],
        "residual_edges_px": [0, 1, 2, 4],
        "residual_counts": {camera.name: [5, 9, 1] for camera in rig},
        "coverage_cells": {camera.name: [[0] * 8] * 5 + [[3] * 8] for camera in rig},
        "residual_cells_px": {camera.name: [[None] * 8] * 5 + [[[1, 2]] * 8] for camera in rig},
        "position_covariance_m2": {
            camera.name: [[1e-4, 0, 0], [0, 4e-4, 0], [0, 0, 1e-4]] for camera in rig
        },
        "expected_bones_m": {"left_hip-left_knee": [0.41, 0.02]},
        "time_offset_sigma_ms": {camera.name: 0.5 for camera in rig},
        "lenses": {
            camera.name: {
                "given": False,
                "field_of_view_deg": 61.5,
                "k1": -0.0001,
                "k2": 0.01,
                "strain": {"focal": 0.3, "k1": 0.1, "k2": 2.6, "clock": None},
            }
            for camera in rig
        },
        "vertical_sigma_deg": 0.4,
        "vertical_source": "the body's axis",
    }


def write_page(folder: Path, report: CalibrationReport, rig: Rig | None) -> str:
    """Write a page and read it."""
    write_report_page(folder / "report.html", report, rig, "left & right")
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture
def page(tmp_path: Path, rig: Rig) -> str:
    """Write a page with everything in it."""
    report = replace(
        scenes.make_report(rig), details=make_details(rig), remarks=("A bystander was ignored.",)
    )
    return write_page(tmp_path, report, rig)


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
        assert page.count(camera.name) >= 10  # drawings, tables, image, clock, four strains


def test_every_drawing_is_well_formed(page: str):
    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(drawings) == 2 + 3 * 4 + 1 + 1 + 4
    for drawing in drawings:
        ElementTree.fromstring(drawing)


def test_names_are_escaped(tmp_path: Path):
    rig = scenes.make_square_rig(2)
    report = replace(scenes.make_report(rig), reasons=("<b>bold</b>",))
    write_report_page(tmp_path / "report.html", report, rig, "a <take>")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<b>bold" not in text
    assert "a &lt;take&gt;" in text


def test_no_text_is_escaped_twice(page: str):
    assert "the body&#x27;s axis" in page
    assert "&amp;#" not in page


def test_left_and_right_bones_stand_side_by_side(page: str):
    row = re.search(r"<tr><td>thigh</td><td>(\S+) cm</td><td>(\S+) cm</td>", page)
    assert row
    assert float(row[1]) != float(row[2])
    assert "right hip to right knee" not in page


def test_the_sections_come_in_the_order_of_a_persons_questions(page: str):
    titles = re.findall(r"<h[12]>(.*?)</h[12]>", page)
    assert titles[1:] == [
        "The room",
        "Each camera's image".replace("'", "&#x27;"),
        "Bone lengths",
        "Time",
        "Lenses",
        "Scale",
    ]


def test_lenses_are_given_in_degrees_and_a_strained_one_is_highlighted(page: str):
    assert page.count("<td>61.5°</td>") == 4
    assert page.count('<td class="care">0.010</td>') == 4
    assert "-0.000" not in page


def test_what_the_verdict_means_is_given_in_figures(tmp_path: Path, rig: Rig):
    text = write_page(tmp_path, scenes.make_report(rig, "usable"), rig)
    # two sigmas of the last camera: 0.39 degrees, 2.4 cm; tan(0.78 deg) * 300 cm
    assert "direction ± 0.8° (± 4 cm at 3 m), position ± 4.8 cm" in text


def test_a_report_without_details_is_a_page_all_the_same(tmp_path: Path, rig: Rig):
    text = write_page(tmp_path, scenes.make_report(rig), rig)
    assert text.count('class="sigma"') == 8
    assert "Each camera" not in text


def test_a_refused_rig_is_drawn_and_marked_as_refused_everywhere(tmp_path: Path, rig: Rig):
    report = replace(
        scenes.make_report(rig, "refused"),
        reasons=("The person stood still.",),
        details=make_details(rig),
    )
    text = write_page(tmp_path, report, rig)
    assert "The person stood still." in text
    assert "No rig was saved" in text
    assert "calibrate again" in text
    assert text.count(">REFUSED<") == 2
    unfit = text[text.index('<div class="unfit">') :]
    assert unfit.count("<section>") == 6  # style marks each of their titles


def test_a_refused_rig_is_on_the_page_and_in_no_file(tmp_path: Path, rig: Rig):
    paths = CalibrationPaths(tmp_path / "rig.toml", tmp_path / "report.json")
    write_calibration(scenes.make_report(rig, "refused"), None, paths, "a take", rig)
    assert not paths.rig.exists()
    assert paths.report.exists()
    assert ">REFUSED<" in paths.page.read_text(encoding="utf-8")


@pytest.mark.parametrize("verdict", ["accepted", "usable"])
def test_a_rig_that_can_be_used_is_not_marked(tmp_path: Path, rig: Rig, verdict: str):
    text = write_page(tmp_path, scenes.make_report(rig, verdict), rig)
    assert ">REFUSED<" not in text
    assert 'class="unfit"' not in text


@pytest.mark.parametrize("count", [2, 8])
def test_two_and_eight_cameras_have_all_their_figures(tmp_path: Path, count: int):
    rig = scenes.make_square_rig(count)
    text = write_page(tmp_path, replace(scenes.make_report(rig), details=make_details(rig)), rig)
    assert len(re.findall("<svg", text)) == 2 + 3 * count + 1 + 1 + 4
    assert text.count('class="sigma"') == text.count('class="doubt"') == 2 * count


def test_a_refusal_without_a_rig_has_no_drawings_and_no_numbers_but_what_to_do(
    tmp_path: Path, rig: Rig
):
    report = replace(
        scenes.make_report(rig, "refused"), reasons=("The person stood still.",), bones=()
    )
    write_report_page(tmp_path / "report.html", report, None, "a.mp4, b.mp4")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Refused" in text
    assert "The person stood still." in text
    assert "calibrate again" in text
    assert "<svg" not in text
