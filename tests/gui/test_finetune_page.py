"""The Fine-tune page: what can be ticked, what is requested, and what is shown of a run."""

import math
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QComboBox, QLabel, QListWidget, QMainWindow, QMenu, QPushButton, QSlider

from app.presenters.finetune import FinetuneState, ModelRow, present_finetune
from app.presenters.finetune_run import RunSnapshot
from app.requests import (
    CancelFinetune,
    OpenReport,
    PauseFinetune,
    ResumeFinetune,
    RollBackModel,
    StartFinetune,
    UseModel,
)
from app.views.finetune.page import FinetunePage
from app.views.theme import PALETTE
from engine.session.summary import SessionSummary
from tests.support.pixels import grab_pixels, measure_colour_share
from training.evaluation.intervals import Interval
from training.finetuning.finetune import Steps
from training.finetuning.request import FinetuneRequest
from training.finetuning.run import Phase, RunState
from training.finetuning.verdict import ActionRow, Verdict
from training.loop.history import Row

WALK = SessionSummary(
    Path("/takes/walk"), datetime(2026, 11, 21, tzinfo=UTC), 62.0, ("left", "right"), 3720,
    joints_found=0.97,
    model="blazepose", person="Anna", has_rig=True, verdict="accepted", thumbnail=b"",
)  # fmt: skip
SQUATS = replace(WALK, path=Path("/takes/squats"))
BENS = replace(WALK, path=Path("/takes/ben"), person="Ben")
NAMELESS = replace(WALK, path=Path("/takes/nameless"), person="")
RAW = replace(WALK, path=Path("/takes/raw"), has_rig=False)
NETWORKS = (
    ModelRow("anna-2", "Anna", "61 → 48 mm", True, True),
    ModelRow("anna-1", "Anna", "70 → 61 mm", False),
    ModelRow("compact-studio", "", "trained on synthetic people", True),
)
REQUEST = FinetuneRequest((WALK.path,), "Anna")
PICTURE = cv2.imencode(".jpg", np.full((80, 320, 3), (40, 160, 220), np.uint8))[1].tobytes()
VERDICT = Verdict(
    True,
    "Better.",
    61.2,
    48.4,
    Interval(9, 13, 17),
    480,
    12,
    0.04,
    0.03,
    (ActionRow("low", 72, 50, 9),),
)
ALL = tuple(Steps.__dataclass_fields__)


def row(number):
    judged = 60.0 - number if number % 5 == 0 else math.nan
    return Row(
        number, 32 * number, number / 40, 6.0 * number, 1e-3, 1 / (number + 1), judged, 100, 0.0
    )


def taught(phase=Phase.RUNNING, **state):
    look = RunSnapshot(Path("/runs/anna"), REQUEST, RunState(phase, "train", 0.43, 342.0, **state))
    return replace(look, history=tuple(row(number) for number in range(17)))


def done():
    results = {step: {} for step in ALL} | {
        "compare": {"verdict": asdict(VERDICT)},
        "report": {"page": "report.html"},
    }
    return replace(
        taught(Phase.KEPT, message="61 → 48 mm.", results=results), pictures=(("low", PICTURE),)
    )


@pytest.fixture
def page(qtbot, qapp):
    """The page in a window, with three sessions and three networks."""
    window = QMainWindow()
    page = FinetunePage()
    window.setCentralWidget(page)
    window.setMinimumSize(960, 540)
    qtbot.addWidget(window)
    window.resize(1280, 720)
    window.show()
    page.show_finetune(present_finetune([WALK, SQUATS, RAW], None, NETWORKS))
    qapp.processEvents()
    yield page
    window.close()


@pytest.fixture
def asked(page):
    requests = []
    page.requested.connect(requests.append)
    return requests


def button(page, text):
    return next(
        b for b in page.findChildren(QPushButton) if text == b.text().strip() and b.isVisible()
    )


def buttons(page):
    return {b.text().strip() for b in page.findChildren(QPushButton) if b.isVisible()}


def words(page):
    return " ".join(label.text() for label in page.findChildren(QLabel) if label.isVisible())


def tick(page, row):
    page.findChild(QListWidget).item(row).setCheckState(Qt.CheckState.Checked)


def test_sessions_person_and_minutes_are_asked_for_together(page, asked):
    tick(page, 0)
    tick(page, 1)
    page.findChild(QComboBox).setCurrentText(" Anna ")
    slider = page.findChild(QSlider)
    slider.setValue(slider.value() + 1)
    assert "15 minutes" in words(page)
    button(page, "Start").click()
    assert asked == [StartFinetune((WALK.path, SQUATS.path), "Anna", 15.0)]


def test_whoever_is_in_the_ticked_session_is_named_without_typing(page, asked):
    page.show_finetune(present_finetune([WALK, BENS], None, NETWORKS))
    tick(page, 1)
    button(page, "Start").click()
    assert asked[0].person == "Ben"


def test_a_session_that_names_nobody_is_of_whoever_is_usually_there(page, asked):
    page.show_finetune(present_finetune([NAMELESS], None, NETWORKS, person="Cleo"))
    tick(page, 0)
    button(page, "Start").click()
    assert asked[0].person == "Cleo"


def test_a_new_person_is_asked_for_by_name(page, asked):
    page.show_finetune(present_finetune([NAMELESS], None))
    tick(page, 0)
    assert not button(page, "Start").isEnabled()
    assert "Enter who the model is for" in words(page)
    page.findChild(QComboBox).setCurrentText("Dora")
    button(page, "Start").click()
    assert asked[0].person == "Dora"


def test_sessions_of_two_people_leave_the_choice_open_and_everybody_is_one(page, asked):
    page.show_finetune(present_finetune([WALK, BENS], None, NETWORKS))
    tick(page, 0)
    tick(page, 1)
    assert "show Anna and Ben" in words(page)
    page.findChild(QComboBox).setCurrentText("Everybody")
    button(page, "Start").click()
    assert asked[0].person == ""


def test_a_name_that_was_typed_is_not_replaced_by_what_is_ticked_later(page, asked):
    page.findChild(QComboBox).setCurrentText("Ben")
    tick(page, 0)
    button(page, "Start").click()
    assert asked[0].person == "Ben"


def test_a_session_chosen_elsewhere_brings_its_person(page, asked):
    page.show_finetune(present_finetune([WALK, BENS], None, NETWORKS))
    page.findChild(QComboBox).setCurrentText("Berta")
    page.choose(BENS.path)
    button(page, "Start").click()
    assert asked == [StartFinetune((BENS.path,), "Ben", 10.0)]


def test_a_click_beside_the_box_ticks_and_a_click_into_it_does_so_once(page, qtbot):
    rows = page.findChild(QListWidget)
    spot = rows.visualItemRect(rows.item(0))
    beside, box = spot.center(), spot.center()
    box.setX(spot.left() + 14)
    for place, ticked in ((beside, True), (beside, False), (box, True), (box, False)):
        qtbot.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=place)
        assert (rows.item(0).checkState() == Qt.CheckState.Checked) == ticked


def test_it_is_said_before_that_nothing_can_get_worse(page):
    tick(page, 0)
    assert "used for Anna only if it is clearly better" in words(page)
    assert "otherwise nothing changes" in words(page)


def test_nothing_starts_before_a_session_is_ticked(page):
    assert not button(page, "Start").isEnabled()
    assert "Tick a session first." in words(page)


def test_a_session_without_calibration_cannot_be_ticked_and_says_why(page):
    item = page.findChild(QListWidget).item(2)
    assert not item.flags() & Qt.ItemFlag.ItemIsEnabled
    assert "calibrate" in item.text()


def test_a_session_that_was_chosen_elsewhere_is_ticked_alone_once_it_is_listed(page, asked):
    tick(page, 0)
    late = replace(WALK, path=Path("/takes/late"))
    page.choose(late.path)
    page.show_finetune(present_finetune([late, WALK], None, NETWORKS))
    button(page, "Start").click()
    assert asked[0].sessions == (late.path,)


def test_what_is_ticked_and_typed_stays_when_the_list_is_new(page, asked):
    tick(page, 1)
    page.findChild(QComboBox).setCurrentText("Ben")
    page.show_finetune(present_finetune([RAW, SQUATS], None, NETWORKS[2:]))
    button(page, "Start").click()
    assert asked == [StartFinetune((SQUATS.path,), "Ben", 10.0)]


def test_a_run_under_way_shows_stages_time_and_curves_and_nothing_else_starts(page, asked, qapp):
    tick(page, 0)
    page.show_finetune(present_finetune([WALK], taught(message="It is 51 mm off."), NETWORKS))
    qapp.processEvents()
    said = words(page)
    assert "5 min 42 s left" in said
    assert "It is 51 mm off." in said
    assert not button(page, "Start").isEnabled()
    assert measure_colour_share(grab_pixels(page), PALETTE.accent, 10) > 0.0005
    button(page, "Pause").click()
    button(page, "Cancel").click()
    assert asked == [PauseFinetune(), CancelFinetune()]


def test_a_paused_run_is_resumed(page, asked):
    page.show_finetune(present_finetune([WALK], taught(Phase.PAUSED), NETWORKS))
    assert "Pause" not in buttons(page)
    button(page, "Resume").click()
    assert asked == [ResumeFinetune(10.0)]


def test_a_run_that_ran_out_of_time_is_resumed_with_the_minutes_chosen_since(page, asked):
    short = taught(Phase.FAILED, message="Give it 4 minutes or more.")
    short = replace(short, request=replace(REQUEST, minutes=3))
    page.show_finetune(present_finetune([WALK], short, NETWORKS))
    slider = page.findChild(QSlider)
    assert "3 minutes" in words(page)
    slider.setValue(slider.value() + 1)
    page.show_finetune(present_finetune([WALK], short, NETWORKS))
    button(page, "Resume").click()
    assert asked == [ResumeFinetune(5.0)]


def test_a_failure_says_why_and_offers_to_go_on(page):
    page.show_finetune(
        present_finetune([WALK], taught(Phase.FAILED, message="The disk is full."), NETWORKS)
    )
    assert "The disk is full." in words(page)
    assert "Resume" in buttons(page)


def test_a_result_shows_before_and_now_with_a_picture_and_its_report(page, asked, qapp):
    page.show_finetune(present_finetune([WALK], done(), NETWORKS))
    qapp.processEvents()
    said = words(page)
    assert "72 mm" in said
    assert "50 mm" in said
    assert measure_colour_share(grab_pixels(page), "#dca028", 16) > 0.01
    button(page, "Report").click()
    assert asked == [OpenReport(Path("/runs/anna/report.html"))]


def test_the_network_that_serves_is_marked_and_another_one_can_be_used(page, asked):
    assert words(page).count("in use") >= 2
    button(page, "Use").click()
    button(page, "Roll back").click()
    assert asked == [UseModel("anna-1", "Anna"), RollBackModel("Anna")]


def test_a_network_can_serve_somebody_it_was_not_taught_for(page, asked):
    menu = next(
        m for m in page.findChildren(QMenu) if "Use for Anna" in [a.text() for a in m.actions()]
    )
    next(a for a in menu.actions() if a.text() == "Use for Anna").trigger()
    assert asked == [UseModel("compact-studio", "Anna")]


def test_a_network_is_not_offered_to_whom_it_serves_or_was_taught_for(page):
    offers = [[a.text() for a in menu.actions()] for menu in page.findChildren(QMenu)]
    assert ["Use for everybody"] in offers
    assert all("Use for Anna" not in offer or offer == ["Use for Anna"] for offer in offers)


def test_networks_can_be_chosen_where_no_session_is_left(page):
    page.show_finetune(present_finetune([], None, NETWORKS))
    assert "Roll back" in buttons(page)
    assert "No sessions to train on yet" in words(page)


def test_an_empty_page_says_what_to_do_first(page):
    page.show_finetune(present_finetune([], None))
    assert "No sessions to train on yet" in words(page)
    assert "Record" in words(page)


def test_showing_the_same_again_makes_no_widgets(page, qapp):
    state = present_finetune([WALK], done(), NETWORKS)
    page.show_finetune(state)
    before = len(page.findChildren(QLabel))
    for _ in range(5):
        page.show_finetune(present_finetune([WALK], done(), NETWORKS))
    qapp.processEvents()
    assert len(page.findChildren(QLabel)) == before


def test_everything_has_room_at_4k_and_at_the_smallest_size(page, qapp):
    for size in ((3840, 2160), (960, 540)):
        page.window().resize(*size)
        page.show_finetune(present_finetune([WALK, SQUATS, RAW], done(), NETWORKS))
        qapp.processEvents()
        for part in page.findChildren(QPushButton):
            if part.isVisible() and part.window() is page.window():
                corner = part.mapTo(page, part.rect().bottomRight())
                assert corner.x() <= page.width(), part.text()


def test_a_state_without_anything_is_drawn(page):
    page.show_finetune(FinetuneState())
